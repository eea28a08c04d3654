//! How long an attempt may take, and what becomes of one that takes longer.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use waterclock_core::run::Outcome;
use waterclock_core::work::Assignment;
use waterclock_core::workflow::Overdue;

use super::Finding;
use crate::log::AttemptLog;

/// When an attempt must end, and how much time it has to do so.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    overdue: Overdue,
    pub(super) grace: Duration,
}

impl Bounds {
    /// The bounds of an attempt that begins now.
    pub(super) fn of(assignment: &Assignment) -> Self {
        let timeout = assignment.node.timeout_ms.map(milliseconds);
        Self {
            timeout,
            deadline: timeout.map(|timeout| Instant::now() + timeout),
            overdue: assignment.node.on_timeout,
            grace: milliseconds(assignment.node.grace_ms),
        }
    }

    /// Waits until the attempt's time is over; for ever where it may then go on.
    pub(super) async fn passed(self) {
        self.over(Overdue::Fail).await;
    }

    /// Tells in the log when the time is over of an attempt that may go on.
    pub(super) async fn warn(self, log: &AttemptLog) -> std::convert::Infallible {
        self.over(Overdue::Warn).await;
        let timeout = self.timeout.unwrap_or_default();
        log.remark(format!(
            "takes longer than its timeout of {timeout:?}, and goes on"
        ))
        .await;
        std::future::pending().await
    }

    /// What becomes of an attempt that is stopped for its time is over.
    pub(super) fn timed_out(self) -> Finding {
        let timeout = self.timeout.unwrap_or_default();
        Finding::ended(
            Outcome::TimedOut,
            format!("took longer than its timeout of {timeout:?} and was stopped"),
        )
    }

    async fn over(self, overdue: Overdue) {
        match self.deadline {
            Some(deadline) if self.overdue == overdue => sleep_until(deadline).await,
            _ => std::future::pending().await,
        }
    }
}

/// A duration of the service's, which knows none below zero.
pub(super) fn milliseconds(count: i64) -> Duration {
    Duration::from_millis(count.try_into().unwrap_or(0))
}
