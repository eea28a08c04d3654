//! What a rule may speak of.

use serde::{Deserialize, Serialize};

use crate::check::{Faults, check_range};
use crate::run::named;

named! {
    /// Of what a rule speaks.
    AlertKind {
        /// A run failed for good, or its time was over.
        RunFailed = "RUN_FAILED",
        /// A run succeeded, and the one before it had failed.
        RunRecovered = "RUN_RECOVERED",
        /// So many runs failed within a window.
        RunsFailing = "RUNS_FAILING",
        /// A workflow was refused, because its nodes wait for each other.
        WorkflowRefused = "WORKFLOW_REFUSED",
        /// A task run waits too long for an executor.
        TaskWaits = "TASK_WAITS",
        /// A run is late, or takes longer than expected.
        RunLate = "RUN_LATE",
        /// The lease of an executor ended.
        ExecutorLost = "EXECUTOR_LOST",
    }
}

named! {
    /// How bad it is.
    Severity {
        /// Good to know.
        Info = "INFO",
        /// To be looked at.
        Warning = "WARNING",
        /// To be looked at now.
        Critical = "CRITICAL",
    }
}

/// What must be the case for a rule to speak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Condition {
    /// A run failed for good, or its time was over.
    RunFailed,
    /// A run succeeded, and the one before it had failed.
    RunRecovered,
    /// So many runs failed within a window.
    RunsFailing {
        /// How many.
        failures: i32,
        /// The length of the window, in milliseconds.
        within_ms: i64,
    },
    /// A workflow was refused, because its nodes wait for each other.
    WorkflowRefused,
    /// A task run waits too long for an executor.
    TaskWaits {
        /// How long is too long, in milliseconds. Without it only what the node's own start deadline says counts.
        longer_than_ms: Option<i64>,
    },
    /// A run is late, or takes longer than expected.
    RunLate {
        /// How long is too long, in milliseconds.
        longer_than_ms: Option<i64>,
        /// How long is too long, by what the workflow's runs took before. With neither, only what the workflow's own
        /// deadlines say counts.
        usual: Option<Usual>,
    },
    /// The lease of an executor ended.
    ExecutorLost,
}

/// A time that is told by what came before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// This many times the median
    pub times: f64,
    /// of so many runs that succeeded last.
    pub of_last: i32,
}

/// The most failures that a rule may wait for.
pub const MOST_FAILURES: i32 = 1_000;

/// The longest window or time that a rule may name, in milliseconds: thirty days.
const LONGEST: i64 = 30 * 86_400_000;

impl Condition {
    /// Of what it speaks.
    #[must_use]
    pub fn kind(&self) -> AlertKind {
        match self {
            Self::RunFailed => AlertKind::RunFailed,
            Self::RunRecovered => AlertKind::RunRecovered,
            Self::RunsFailing { .. } => AlertKind::RunsFailing,
            Self::WorkflowRefused => AlertKind::WorkflowRefused,
            Self::TaskWaits { .. } => AlertKind::TaskWaits,
            Self::RunLate { .. } => AlertKind::RunLate,
            Self::ExecutorLost => AlertKind::ExecutorLost,
        }
    }

    /// Checks its bounds.
    pub fn check(&self, faults: &mut Faults) {
        let length = |faults: &mut Faults, name: &str, length: i64| {
            faults.within(name, |faults| {
                check_range(faults, "the time in milliseconds", length, 1..=LONGEST);
            });
        };
        match self {
            Self::RunsFailing { failures, within_ms } => faults.within("runsFailing", |faults| {
                faults.within("failures", |faults| {
                    check_range(
                        faults,
                        "the number of failures",
                        i64::from(*failures),
                        1..=i64::from(MOST_FAILURES),
                    );
                });
                length(faults, "within", *within_ms);
            }),
            Self::TaskWaits {
                longer_than_ms: Some(time),
            } => faults.within("taskWaits", |faults| length(faults, "longerThan", *time)),
            Self::RunLate {
                longer_than_ms,
                usual,
            } => faults.within("runLate", |faults| {
                if let Some(time) = longer_than_ms {
                    length(faults, "longerThan", *time);
                }
                if let Some(usual) = usual {
                    usual.check(faults);
                }
            }),
            _ => {}
        }
    }
}

impl Usual {
    fn check(self, faults: &mut Faults) {
        faults.within("timesUsual", |faults| {
            if !(1.0..=1_000.0).contains(&self.times) {
                faults.invalid(format!(
                    "a run is late after 1 to 1000 times the usual, not {}",
                    self.times
                ));
            }
        });
        faults.within("ofLastRuns", |faults| {
            check_range(faults, "the number of runs", i64::from(self.of_last), 3..=200);
        });
    }
}
