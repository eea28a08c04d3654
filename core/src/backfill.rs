//! What somebody has run of a schedule's past.
//!
//! A backfill is a list of steps, one for each occurrence that was asked for, written whole when it is made. A scheduler starts them in
//! their order and hears of the ends of their runs, so the list and its counters are all there is to know of how far it is.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::catalogue::read;
use crate::id::{BackfillId, RunId, ScheduleId, TenantId};
use crate::journal::Journal;
use crate::run::{RunState, named};
use crate::schedule::backfill::{BackfillOrder, Reprocess};
use crate::schedule::timing::Note;
use crate::store::backfills::{
    BackfillFilter, BackfillsPage, StepPage, list_backfill_steps, list_backfills, list_backfills_by_id,
    list_backfills_of_schedules,
};
use crate::store::{Actor, StoreError};

named! {
    /// What a backfill is.
    BackfillState {
        /// None of its steps has started.
        Queued = "QUEUED",
        /// It has begun.
        Running = "RUNNING",
        /// Every step has come to its end, and none failed or could not start.
        Succeeded = "SUCCEEDED",
        /// Every step has come to its end, and one failed or could not start.
        Failed = "FAILED",
        /// Somebody cancelled it.
        Cancelled = "CANCELLED",
    }
}

impl BackfillState {
    /// Whether nothing more is started by it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

named! {
    /// What a step of a backfill is.
    StepState {
        /// It is to start.
        Pending = "PENDING",
        /// Its run is under way.
        Running = "RUNNING",
        /// Its run succeeded.
        Succeeded = "SUCCEEDED",
        /// Its run failed.
        Failed = "FAILED",
        /// It was called off, or its run was cancelled.
        Cancelled = "CANCELLED",
        /// Its run could not be made.
        Rejected = "REJECTED",
        /// It is not to start.
        PassedOver = "PASSED_OVER",
    }
}

impl From<RunState> for StepState {
    /// What a step is whose run is in this state.
    fn from(state: RunState) -> Self {
        match state {
            RunState::Queued | RunState::Running | RunState::Paused => Self::Running,
            RunState::Succeeded => Self::Succeeded,
            RunState::Failed | RunState::TimedOut => Self::Failed,
            RunState::Cancelled => Self::Cancelled,
        }
    }
}

/// How many steps of a backfill are in each state; or by how many these numbers move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// Those that are to start.
    pub pending: i32,
    /// Those whose runs are under way.
    pub running: i32,
    /// Those whose runs succeeded.
    pub succeeded: i32,
    /// Those whose runs failed.
    pub failed: i32,
    /// Those that were called off, or whose runs were cancelled.
    pub cancelled: i32,
    /// Those whose runs could not be made.
    pub rejected: i32,
    /// Those that are not to start.
    pub passed_over: i32,
}

impl StepCounts {
    /// One step goes from one state to another.
    pub(crate) fn step(&mut self, from: StepState, to: StepState) {
        *self.of(from) -= 1;
        *self.of(to) += 1;
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> i32 {
        let Self {
            pending,
            running,
            succeeded,
            failed,
            cancelled,
            rejected,
            passed_over,
        } = *self;
        pending + running + succeeded + failed + cancelled + rejected + passed_over
    }

    fn of(&mut self, state: StepState) -> &mut i32 {
        match state {
            StepState::Pending => &mut self.pending,
            StepState::Running => &mut self.running,
            StepState::Succeeded => &mut self.succeeded,
            StepState::Failed => &mut self.failed,
            StepState::Cancelled => &mut self.cancelled,
            StepState::Rejected => &mut self.rejected,
            StepState::PassedOver => &mut self.passed_over,
        }
    }
}

/// What somebody has run of a schedule's past.
#[derive(Clone, Debug, PartialEq)]
pub struct Backfill {
    /// Names it; sorts by creation.
    pub id: BackfillId,
    /// The schedule, which may be deleted since.
    pub schedule_id: ScheduleId,
    /// In which order its steps start.
    pub order: BackfillOrder,
    /// Which occurrences that ran already run again.
    pub reprocess: Reprocess,
    /// How many of its runs may be under way together.
    pub most_running: i32,
    /// What every run is given over what the schedule gives.
    pub inputs: Value,
    /// Why, in the words of whoever asked for it.
    pub reason: Option<String>,
    /// What it is.
    pub state: BackfillState,
    /// Why it ended so, or what it waits for, in a sentence.
    pub state_reason: Option<String>,
    /// How far it is.
    pub steps: StepCounts,
    /// Who asked for it.
    pub created_by: String,
    /// Who cancelled it.
    pub cancelled_by: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its first step started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// One occurrence of a backfill.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The backfill.
    pub backfill_id: BackfillId,
    /// Its place in the order.
    pub place: i32,
    /// The instant that the rule names.
    pub nominal: DateTime<Utc>,
    /// When the occurrence was due, after calendars and jitter.
    pub due: DateTime<Utc>,
    /// What was done to it on the way. Notes that only a later release knows are left out.
    pub notes: Vec<Note>,
    /// What it is.
    pub state: StepState,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// Its run.
    pub run_id: Option<RunId>,
}

impl Journal {
    /// The newest `limit` of the wanted backfills that are older than `before`.
    pub async fn backfills(
        &self,
        tenant: TenantId,
        filter: &BackfillFilter,
        before: Option<BackfillId>,
        limit: i64,
    ) -> Result<Vec<Backfill>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_backfills(
            transaction,
            tenant,
            filter,
            before,
            limit
        ))
    }

    /// The backfills that `ids` name, in no order.
    pub async fn backfills_by_id(
        &self,
        tenant: TenantId,
        ids: &[BackfillId],
    ) -> Result<Vec<Backfill>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_backfills_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The same page of the backfills of each of `schedules`, the newest first.
    pub async fn backfills_of_schedules(
        &self,
        tenant: TenantId,
        schedules: &[ScheduleId],
        page: &BackfillsPage,
    ) -> Result<Vec<Backfill>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| {
            list_backfills_of_schedules(transaction, tenant, schedules, page)
        })
    }

    /// The same page of the steps of each of `backfills`, in their order.
    pub async fn backfill_steps(
        &self,
        tenant: TenantId,
        backfills: &[BackfillId],
        page: &StepPage,
    ) -> Result<Vec<Step>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_backfill_steps(
            transaction,
            tenant,
            backfills,
            page
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_moves_on_leaves_as_many_as_there_were() {
        let mut counts = StepCounts {
            pending: 2,
            passed_over: 1,
            ..StepCounts::default()
        };
        counts.step(StepState::Pending, StepState::Running);
        counts.step(StepState::Running, RunState::TimedOut.into());
        counts.step(StepState::Pending, StepState::Rejected);
        assert_eq!(
            counts,
            StepCounts {
                failed: 1,
                rejected: 1,
                passed_over: 1,
                ..StepCounts::default()
            }
        );
        assert_eq!(counts.total(), 3);
    }
}
