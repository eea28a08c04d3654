//! How long something may take, and what becomes of it then.

use async_graphql::{Enum, InputObject, SimpleObject};
use waterclock_core::workflow;

use crate::graphql::scalar::Duration;

/// What becomes of what takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::Overdue")]
pub(crate) enum Overdue {
    /// It ends: a task run fails, a run times out.
    Fail,
    /// It goes on, and an event tells of it.
    Warn,
}

/// How long something may take, and what becomes of it then.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Deadline {
    /// How long.
    after: Duration,
    /// What becomes of it.
    overdue: Overdue,
}

impl From<workflow::Deadline> for Deadline {
    fn from(deadline: workflow::Deadline) -> Self {
        Self {
            after: Duration(deadline.after_ms),
            overdue: deadline.overdue.into(),
        }
    }
}

/// How long something may take, and what becomes of it then.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct DeadlineInput {
    /// How long, at most 365 days.
    after: Duration,
    /// What becomes of it.
    #[graphql(default_with = "Overdue::Fail")]
    overdue: Overdue,
}

impl From<DeadlineInput> for workflow::Deadline {
    fn from(input: DeadlineInput) -> Self {
        Self {
            after_ms: input.after.0,
            overdue: input.overdue.into(),
        }
    }
}
