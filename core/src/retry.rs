//! When a task run is tried again.
//!
//! A failure (the work said no) spends one of the attempts that the user allowed. A fault (the executor could not do it)
//! spends none of them, and has a bound of its own, so that work which kills executors stops doing so.
//!
//! Rules may decide otherwise for what an attempt says: an exit code that no second try will change, a status that is to be
//! tried again whatever it costs. They are looked at in order, and the first that fits decides.

mod check;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::run::{Outcome, named};
use crate::workflow::StatusRange;

/// How often, and after how long, a failed task run is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all, faults not counted; at least 1.
    #[serde(default = "one")]
    pub max_attempts: i32,
    /// How long to wait before the second attempt, in milliseconds.
    #[serde(default)]
    pub delay_ms: i64,
    /// What the wait is multiplied by before each further attempt.
    #[serde(default = "unit")]
    pub factor: f64,
    /// The longest wait, in milliseconds.
    #[serde(default = "one_hour")]
    pub max_delay_ms: i64,
    /// The share of each wait, 0 to 1, that chance may take away, so that many failures are not tried again at one instant.
    #[serde(default)]
    pub jitter: f64,
    /// How long after its first failure a task run may begin another attempt, in milliseconds; unbounded when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_ms: Option<i64>,
    /// Faults in all before the task run fails for good.
    #[serde(default = "five")]
    pub max_faults: i32,
    /// What decides before all of these, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RetryRule>,
}

/// What is done about attempts that ended in a certain way. What is absent or empty fits anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RetryRule {
    /// The program ended with one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_codes: Vec<i32>,
    /// The endpoint answered with one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http_statuses: Vec<StatusRange>,
    /// The attempt ended so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
    /// Its message contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What is done.
    pub then: Remedy,
}

named! {
    /// What is done about an attempt that did not succeed.
    #[derive(Default)]
    Remedy {
        /// Another attempt is made, if one is left.
        #[default]
        Retry = "RETRY",
        /// The task run fails, whatever attempts are left.
        Fail = "FAIL",
        /// The task run is skipped.
        Skip = "SKIP",
    }
}

/// What an attempt that did not succeed said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Symptoms<'a> {
    /// The program's exit code.
    pub exit_code: Option<i32>,
    /// The status of the endpoint's answer.
    pub http_status: Option<u16>,
    /// Its message.
    pub message: Option<&'a str>,
}

impl RetryRule {
    /// Whether the rule speaks of such an attempt.
    #[must_use]
    pub fn fits(&self, outcome: Outcome, symptoms: Symptoms<'_>) -> bool {
        let exit_code = self.exit_codes.is_empty()
            || symptoms
                .exit_code
                .is_some_and(|code| self.exit_codes.contains(&code));
        let status = self.http_statuses.is_empty()
            || symptoms.http_status.is_some_and(|status| {
                self.http_statuses
                    .iter()
                    .any(|range| (range.from..=range.to).contains(&status))
            });
        let message = self
            .message
            .as_deref()
            .is_none_or(|part| symptoms.message.unwrap_or_default().contains(part));
        exit_code && status && message && (self.outcomes.is_empty() || self.outcomes.contains(&outcome))
    }
}

fn one() -> i32 {
    1
}
fn unit() -> f64 {
    1.0
}
fn one_hour() -> i64 {
    3_600_000
}
fn five() -> i32 {
    5
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: one(),
            delay_ms: 0,
            factor: unit(),
            max_delay_ms: one_hour(),
            jitter: 0.0,
            max_duration_ms: None,
            max_faults: five(),
            rules: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// What the rules say of such an attempt; `None` when none speaks of it.
    #[must_use]
    pub fn remedy(&self, outcome: Outcome, symptoms: Symptoms<'_>) -> Option<Remedy> {
        self.rules
            .iter()
            .find(|rule| rule.fits(outcome, symptoms))
            .map(|rule| rule.then)
    }

    /// How long to wait after the `failures`-th failure; `None` when the attempts are spent. `chance`, 0 to 1, is the part of
    /// the jitter that is taken away.
    #[must_use]
    pub fn after_failure(&self, failures: i32, chance: f64) -> Option<Duration> {
        if failures >= self.max_attempts {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a wait of 2^53 ms is cut to max_delay_ms anyway"
        )]
        let wait = self.delay_ms as f64 * self.factor.powi(failures.saturating_sub(1));
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        let bounded = wait.clamp(0.0, self.max_delay_ms.max(0) as f64);
        let jittered = bounded * (1.0 - self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0));
        Some(Duration::from_secs_f64(jittered / 1000.0))
    }

    /// How long to wait after the `faults`-th fault; `None` when the bound is reached.
    ///
    /// The first fault is answered at once, since another executor is likely to manage; further ones wait up to 30 s.
    #[must_use]
    pub fn after_fault(&self, faults: i32) -> Option<Duration> {
        if faults >= self.max_faults {
            return None;
        }
        let seconds = 1_u64 << faults.saturating_sub(1).clamp(0, 5);
        Some(if faults <= 1 {
            Duration::ZERO
        } else {
            Duration::from_secs(seconds.min(30))
        })
    }
}
