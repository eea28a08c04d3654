//! What callers want to have run of a schedule's past.

use async_graphql::{Enum, ID, InputObject, OneofObject};
use waterclock_core::command::backfill_schedule::BackfillSchedule;
use waterclock_core::command::cancel_run::Force;
use waterclock_core::error::CommandError;
use waterclock_core::schedule::backfill::{self, BackfillRequest, BackfillScope};

use super::object::{BackfillState, BackfillStepState};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::scalar::{DateTime, Json};
use crate::graphql::schedule::object;

/// In which order a backfill runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "backfill::BackfillOrder")]
pub(crate) enum BackfillOrder {
    /// The oldest occurrence first.
    OldestFirst,
    /// The newest occurrence first.
    NewestFirst,
}

/// Which occurrences that ran already run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "backfill::Reprocess")]
pub(crate) enum BackfillReprocess {
    /// None: only what never ran does.
    None,
    /// Those whose runs ended without success.
    Failed,
    /// All whose runs have ended, however they did.
    Completed,
}

/// What becomes of the runs of a backfill that are under way when it is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum BackfillRuns {
    /// They go on.
    Keep,
    /// They are cancelled, as `cancelRun` does it.
    Cancel,
    /// They are terminated, as `terminateRun` does it.
    Terminate,
}

impl BackfillRuns {
    /// How they are stopped, if they are.
    pub(super) fn force(self) -> Option<Force> {
        match self {
            Self::Keep => None,
            Self::Cancel => Some(Force::Cancel),
            Self::Terminate => Some(Force::Terminate),
        }
    }
}

/// A stretch of time.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BackfillRangeInput {
    /// From this instant on.
    from: DateTime,
    /// Until just before this one.
    until: DateTime,
}

/// Which occurrences are meant, by the instants that the rule names.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum BackfillScopeInput {
    /// Those of a stretch of time.
    Range(BackfillRangeInput),
    /// These, each of which the rule must name.
    Instants(Vec<DateTime>),
}

impl From<BackfillScopeInput> for BackfillScope {
    fn from(scope: BackfillScopeInput) -> Self {
        match scope {
            BackfillScopeInput::Range(range) => Self::Range {
                from: range.from.0,
                until: range.until.0,
            },
            BackfillScopeInput::Instants(instants) => Self::List {
                instants: instants.into_iter().map(|instant| instant.0).collect(),
            },
        }
    }
}

/// A backfill that is to be foreseen.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PreviewBackfillInput {
    /// The schedule.
    pub(super) id: ID,
    /// Which of its occurrences; all must have been due.
    scope: BackfillScopeInput,
    /// In which order.
    #[graphql(default_with = "BackfillOrder::OldestFirst")]
    order: BackfillOrder,
    /// Which of those that ran already run again.
    #[graphql(default_with = "BackfillReprocess::None")]
    reprocess: BackfillReprocess,
}

/// A backfill that is to be.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BackfillScheduleInput {
    /// The schedule, whatever state it is in.
    id: ID,
    /// Which of its occurrences; all must have been due, and there are at most 10,000.
    scope: BackfillScopeInput,
    /// In which order.
    #[graphql(default_with = "BackfillOrder::OldestFirst")]
    order: BackfillOrder,
    /// Which of those that ran already run again.
    #[graphql(default_with = "BackfillReprocess::None")]
    reprocess: BackfillReprocess,
    /// How many of its runs may be under way together, 1 to 1,000.
    #[graphql(default = 1)]
    most_running: i32,
    /// What every run is given over what the schedule gives: an object.
    inputs: Option<Json>,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
    /// The caller's name for this call, at most 255 bytes: made again under the same name within seven days, it answers the same
    /// backfill.
    idempotency_key: Option<String>,
}

/// A backfill that is to end.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CancelBackfillInput {
    /// The backfill.
    pub(super) id: ID,
    /// What becomes of its runs that are under way.
    #[graphql(default_with = "BackfillRuns::Keep")]
    pub(super) runs: BackfillRuns,
}

/// Narrows a list of backfills.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct BackfillFilter {
    /// Those in one of these states.
    pub(crate) states: Option<Vec<BackfillState>>,
}

/// Narrows a list of steps.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct BackfillStepFilter {
    /// Those in one of these states.
    pub(super) states: Option<Vec<BackfillStepState>>,
}

impl PreviewBackfillInput {
    /// What the core is asked for.
    pub(super) fn request(self) -> BackfillRequest {
        BackfillRequest {
            scope: self.scope.into(),
            order: self.order.into(),
            reprocess: self.reprocess.into(),
        }
    }
}

impl BackfillScheduleInput {
    /// What the core is asked for.
    pub(super) fn request(self) -> Result<BackfillSchedule, CommandError> {
        Ok(BackfillSchedule {
            schedule: of_kind(Kind::Schedule, &self.id),
            wanted: BackfillRequest {
                scope: self.scope.into(),
                order: self.order.into(),
                reprocess: self.reprocess.into(),
            },
            most_running: self.most_running,
            inputs: object(self.inputs)?,
            reason: self.reason,
            idempotency_key: self.idempotency_key,
        })
    }
}
