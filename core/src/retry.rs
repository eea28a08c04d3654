//! When a task run is tried again.
//!
//! A failure (the work said no) spends one of the attempts that the user allowed. A fault (the executor could not do it)
//! spends none of them, and has a bound of its own, so that work which kills executors stops doing so.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often, and after how long, a failed task run is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Faults in all before the task run fails for good.
    #[serde(default = "five")]
    pub max_faults: i32,
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
            max_faults: five(),
        }
    }
}

impl RetryPolicy {
    /// How long to wait after the `failures`-th failure; `None` when the attempts are spent.
    #[must_use]
    pub fn after_failure(&self, failures: i32) -> Option<Duration> {
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
        Some(Duration::from_secs_f64(bounded / 1000.0))
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
