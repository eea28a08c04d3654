//! When a task run is tried again.

use async_graphql::{Enum, InputObject, SimpleObject};
use waterclock_core::retry;

use crate::graphql::attempt::Outcome;
use crate::graphql::endpoint::{StatusSpan, StatusSpanInput};
use crate::graphql::scalar::Duration;

/// What is done about an attempt that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "retry::Remedy")]
pub(crate) enum Remedy {
    /// Another attempt is made, if one is left.
    Retry,
    /// The task run fails, whatever attempts are left.
    Fail,
    /// The task run is skipped.
    Skip,
}

/// What is done about attempts that ended in a certain way. What is empty or absent fits anything.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RetryRule {
    /// The program ended with one of these.
    exit_codes: Vec<i32>,
    /// The endpoint answered with one of these.
    http_statuses: Vec<StatusSpan>,
    /// The attempt ended so.
    outcomes: Vec<Outcome>,
    /// Its message contains this.
    message: Option<String>,
    /// What is done.
    then: Remedy,
}

impl From<&retry::RetryRule> for RetryRule {
    fn from(rule: &retry::RetryRule) -> Self {
        Self {
            exit_codes: rule.exit_codes.clone(),
            http_statuses: rule.http_statuses.iter().map(Into::into).collect(),
            outcomes: rule.outcomes.iter().copied().map(Into::into).collect(),
            message: rule.message.clone(),
            then: rule.then.into(),
        }
    }
}

/// When a task run is tried again.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RetryPolicy {
    /// Attempts in all, faults not counted.
    max_attempts: i32,
    /// How long to wait before the second attempt.
    delay: Duration,
    /// What the wait is multiplied by before each further attempt.
    factor: f64,
    /// The longest wait.
    max_delay: Duration,
    /// The share of each wait, 0 to 1, that chance may take away.
    jitter: f64,
    /// How long after its first failure a task run may begin another attempt; unbounded when absent.
    max_duration: Option<Duration>,
    /// Faults in all before the task run fails for good.
    max_faults: i32,
    /// What decides before all of these: the first that fits.
    rules: Vec<RetryRule>,
}

impl From<&retry::RetryPolicy> for RetryPolicy {
    fn from(retry: &retry::RetryPolicy) -> Self {
        Self {
            max_attempts: retry.max_attempts,
            delay: Duration(retry.delay_ms),
            factor: retry.factor,
            max_delay: Duration(retry.max_delay_ms),
            jitter: retry.jitter,
            max_duration: retry.max_duration_ms.map(Duration),
            max_faults: retry.max_faults,
            rules: retry.rules.iter().map(Into::into).collect(),
        }
    }
}

/// What is done about attempts that ended in a certain way. All that is given must fit; a rule that gives nothing fits every
/// attempt, and stands last.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RetryRuleInput {
    /// The program ended with one of these, 1 to 255.
    exit_codes: Option<Vec<i32>>,
    /// The endpoint answered with one of these.
    http_statuses: Option<Vec<StatusSpanInput>>,
    /// The attempt ended so: `FAILED`, `FAULT` or `TIMED_OUT`.
    outcomes: Option<Vec<Outcome>>,
    /// Its message contains this.
    message: Option<String>,
    /// What is done.
    then: Remedy,
}

impl From<RetryRuleInput> for retry::RetryRule {
    fn from(input: RetryRuleInput) -> Self {
        let statuses = input.http_statuses.unwrap_or_default();
        let outcomes = input.outcomes.unwrap_or_default();
        Self {
            exit_codes: input.exit_codes.unwrap_or_default(),
            http_statuses: statuses.into_iter().map(Into::into).collect(),
            outcomes: outcomes.into_iter().map(Into::into).collect(),
            message: input.message,
            then: input.then.into(),
        }
    }
}

/// When a task run is tried again. A failure (the work said no) spends one of the attempts; a fault (the executor was lost or
/// could not start the work) spends none, and has a bound of its own.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RetryPolicyInput {
    /// Attempts in all, 1 to 100, faults not counted; 1 when absent.
    max_attempts: Option<i32>,
    /// How long to wait before the second attempt; nothing when absent.
    delay: Option<Duration>,
    /// What the wait is multiplied by before each further attempt, 1 to 100; 1 when absent.
    factor: Option<f64>,
    /// The longest wait; an hour when absent.
    max_delay: Option<Duration>,
    /// The share of each wait, 0 to 1, that chance may take away, so that many failures are not tried again at one instant.
    #[graphql(default)]
    jitter: f64,
    /// How long after its first failure a task run may begin another attempt, at most 30 days; unbounded when absent.
    max_duration: Option<Duration>,
    /// Faults in all before the task run fails for good, 1 to 100; 5 when absent.
    max_faults: Option<i32>,
    /// What decides before all of these, by how an attempt ended: the first that fits.
    rules: Option<Vec<RetryRuleInput>>,
}

impl From<RetryPolicyInput> for retry::RetryPolicy {
    fn from(input: RetryPolicyInput) -> Self {
        let default = Self::default();
        Self {
            max_attempts: input.max_attempts.unwrap_or(default.max_attempts),
            delay_ms: input.delay.map_or(default.delay_ms, |delay| delay.0),
            factor: input.factor.unwrap_or(default.factor),
            max_delay_ms: input.max_delay.map_or(default.max_delay_ms, |delay| delay.0),
            jitter: input.jitter,
            max_duration_ms: input.max_duration.map(|duration| duration.0),
            max_faults: input.max_faults.unwrap_or(default.max_faults),
            rules: input
                .rules
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
        }
    }
}
