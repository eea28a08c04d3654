//! What task nodes, and the nodes of workflows, say beyond what they run or call.

use async_graphql::{InputObject, Object};
use waterclock_core::task_node::{self, SettingsProposal};

use super::deadline::{Deadline, DeadlineInput, Overdue};
use super::retry::{RetryPolicy, RetryPolicyInput};
use crate::graphql::named::{NamedValue, NamedValueInput, named, named_values};
use crate::graphql::scalar::Duration;

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
    /// What becomes of an attempt that takes longer; it fails when absent.
    on_timeout: Option<Overdue>,
    /// How long it may wait for its first attempt to start; unbounded when absent.
    start_deadline: Option<DeadlineInput>,
    /// Whether its failure counts as success: for the nodes that wait for it, and for its run.
    allow_failure: Option<bool>,
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
            on_timeout: fields.on_timeout.map(Into::into),
            start_deadline: fields.start_deadline.map(Into::into),
            allow_failure: fields.allow_failure,
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

    /// What becomes of an attempt that takes longer.
    async fn on_timeout(&self) -> Option<Overdue> {
        self.0.on_timeout.map(Into::into)
    }

    /// How long it may wait for its first attempt to start.
    async fn start_deadline(&self) -> Option<Deadline> {
        self.0.start_deadline.map(Into::into)
    }

    /// Whether its failure counts as success: for the nodes that wait for it, and for its run.
    async fn allow_failure(&self) -> Option<bool> {
        self.0.allow_failure
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
