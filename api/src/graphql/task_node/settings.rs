//! What task nodes, and the nodes of workflows, say beyond what they run or call.

use async_graphql::{InputObject, Object, SimpleObject};
use waterclock_core::task_node::SettingsProposal;
use waterclock_core::{retry, task_node};

use crate::graphql::named::{NamedValue, NamedValueInput, named, named_values};
use crate::graphql::scalar::Duration;

/// When a task run is tried again.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct RetryPolicy {
    /// Attempts in all, faults not counted.
    max_attempts: i32,
    /// How long to wait before the second attempt.
    delay: Duration,
    /// What the wait is multiplied by before each further attempt.
    factor: f64,
    /// The longest wait.
    max_delay: Duration,
    /// Faults in all before the task run fails for good.
    max_faults: i32,
}

impl From<&retry::RetryPolicy> for RetryPolicy {
    fn from(retry: &retry::RetryPolicy) -> Self {
        Self {
            max_attempts: retry.max_attempts,
            delay: Duration(retry.delay_ms),
            factor: retry.factor,
            max_delay: Duration(retry.max_delay_ms),
            max_faults: retry.max_faults,
        }
    }
}

/// When a task run is tried again. A failure (the work said no) spends one of the attempts; a fault (the executor was lost or
/// could not start the work) spends none, and has a bound of its own.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct RetryPolicyInput {
    /// Attempts in all, 1 to 100, faults not counted; 1 when absent.
    max_attempts: Option<i32>,
    /// How long to wait before the second attempt; nothing when absent.
    delay: Option<Duration>,
    /// What the wait is multiplied by before each further attempt, 1 to 100; 1 when absent.
    factor: Option<f64>,
    /// The longest wait; an hour when absent.
    max_delay: Option<Duration>,
    /// Faults in all before the task run fails for good, 1 to 100; 5 when absent.
    max_faults: Option<i32>,
}

impl From<RetryPolicyInput> for retry::RetryPolicy {
    fn from(input: RetryPolicyInput) -> Self {
        let default = Self::default();
        Self {
            max_attempts: input.max_attempts.unwrap_or(default.max_attempts),
            delay_ms: input.delay.map_or(default.delay_ms, |delay| delay.0),
            factor: input.factor.unwrap_or(default.factor),
            max_delay_ms: input.max_delay.map_or(default.max_delay_ms, |delay| delay.0),
            max_faults: input.max_faults.unwrap_or(default.max_faults),
            ..default
        }
    }
}

/// What a node says beyond what it runs or calls.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct NodeSettingsFields {
    /// Templates that take the place of the program's arguments; its own are used when absent.
    arguments: Option<Vec<String>>,
    /// Templates, by variable, added to the program's or replacing them.
    environment: Option<Vec<NamedValueInput>>,
    /// What an executor must offer to be given it: words, or `name=value`.
    required_labels: Option<Vec<String>>,
    /// 0 (last) to 9 (first); the run's own priority when absent.
    priority: Option<i32>,
    /// How many slots of an executor it takes while it runs, 1 to 1,000; 1 when absent.
    cost: Option<i32>,
    /// How long an attempt may take; unbounded when absent.
    timeout: Option<Duration>,
    /// How long a program has between TERM and KILL; 10 seconds when absent.
    grace: Option<Duration>,
    /// When a task run is tried again; never after a failure when absent.
    retry: Option<RetryPolicyInput>,
}

impl From<NodeSettingsFields> for SettingsProposal {
    fn from(fields: NodeSettingsFields) -> Self {
        Self {
            arguments: fields.arguments,
            environment: named(fields.environment),
            required_labels: fields.required_labels,
            priority: fields.priority,
            cost: fields.cost,
            timeout_ms: fields.timeout.map(|timeout| timeout.0),
            grace_ms: fields.grace.map(|grace| grace.0),
            retry: fields.retry.map(Into::into),
        }
    }
}

/// What a node says beyond what it runs or calls.
pub(crate) struct NodeSettings<'a>(pub &'a task_node::NodeSettings);

/// What a node says beyond what it runs or calls. Whatever is absent is left to what lies below it.
#[Object]
impl NodeSettings<'_> {
    /// Templates that take the place of the program's arguments.
    async fn arguments(&self) -> Option<&[String]> {
        self.0.arguments.as_deref()
    }

    /// Templates, by variable, added to the program's or replacing them.
    async fn environment(&self) -> Vec<NamedValue> {
        named_values(&self.0.environment)
    }

    /// What an executor must offer to be given it.
    async fn required_labels(&self) -> Option<&[String]> {
        self.0.required_labels.as_deref()
    }

    /// 0 (last) to 9 (first).
    async fn priority(&self) -> Option<i32> {
        self.0.priority.map(i32::from)
    }

    /// How many slots of an executor it takes while it runs.
    async fn cost(&self) -> Option<i32> {
        self.0.cost.map(i32::from)
    }

    /// How long an attempt may take.
    async fn timeout(&self) -> Option<Duration> {
        self.0.timeout_ms.map(Duration)
    }

    /// How long a program has between TERM and KILL.
    async fn grace(&self) -> Option<Duration> {
        self.0.grace_ms.map(Duration)
    }

    /// When a task run is tried again.
    async fn retry(&self) -> Option<RetryPolicy> {
        self.0.retry.as_ref().map(Into::into)
    }
}
