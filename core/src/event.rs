//! What happened, as the event log tells it.
//!
//! Events are facts in the past tense: written in the transaction that made them true, numbered in an order in which a
//! cause comes before its effects, and never changed. The event that ends a run is the last one about it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::id::{RunId, TaskRunId, TenantId};
use crate::run::{RunState, named};

named! {
    /// What happened.
    EventKind {
        /// A run was accepted.
        RunQueued = "RUN_QUEUED",
        /// The first attempt of a run started.
        RunStarted = "RUN_STARTED",
        /// The last task run of a run ended, and none had failed.
        RunSucceeded = "RUN_SUCCEEDED",
        /// The last task run of a run ended, and one had failed.
        RunFailed = "RUN_FAILED",
        /// Somebody paused a run: it finishes what it has begun and begins nothing.
        RunPaused = "RUN_PAUSED",
        /// Somebody let a paused run go on.
        RunResumed = "RUN_RESUMED",
        /// Somebody asked that a run stop.
        RunCancelRequested = "RUN_CANCEL_REQUESTED",
        /// A run was stopped and nothing of it runs any more.
        RunCancelled = "RUN_CANCELLED",
        /// A run takes longer than it should.
        RunLate = "RUN_LATE",
        /// The time of a run was over and nothing of it runs any more.
        RunTimedOut = "RUN_TIMED_OUT",
        /// A task run waits for an executor.
        TaskRunReady = "TASK_RUN_READY",
        /// An executor started an attempt.
        TaskRunStarted = "TASK_RUN_STARTED",
        /// An attempt did not succeed; another is due later.
        TaskRunRetryWait = "TASK_RUN_RETRY_WAIT",
        /// A task run succeeded.
        TaskRunSucceeded = "TASK_RUN_SUCCEEDED",
        /// The attempts, or the faults, of a task run are spent.
        TaskRunFailed = "TASK_RUN_FAILED",
        /// A task run was stopped with its run.
        TaskRunCancelled = "TASK_RUN_CANCELLED",
        /// A task run will never start, because one before it failed.
        TaskRunUpstreamFailed = "TASK_RUN_UPSTREAM_FAILED",
        /// A task run has waited longer than it should.
        TaskRunWaitsLong = "TASK_RUN_WAITS_LONG",
        /// An attempt takes longer than it should.
        TaskRunLate = "TASK_RUN_LATE",
        /// An attempt said how far it is.
        TaskRunProgress = "TASK_RUN_PROGRESS",
        /// A rule passed a task run over.
        TaskRunSkipped = "TASK_RUN_SKIPPED",
        /// An executor began its life.
        ExecutorRegistered = "EXECUTOR_REGISTERED",
        /// An executor takes nothing more and will stop.
        ExecutorDraining = "EXECUTOR_DRAINING",
        /// An executor passed a load threshold and takes nothing until it falls well below.
        ExecutorOverloaded = "EXECUTOR_OVERLOADED",
        /// An executor takes work again.
        ExecutorRecovered = "EXECUTOR_RECOVERED",
        /// The lease of an executor ended.
        ExecutorLost = "EXECUTOR_LOST",
        /// An executor ended its life.
        ExecutorLeft = "EXECUTOR_LEFT",
        /// A workflow was refused, because its nodes wait for each other.
        WorkflowRefused = "WORKFLOW_REFUSED",
        /// A schedule was started, or resumed.
        ScheduleStarted = "SCHEDULE_STARTED",
        /// A schedule was paused, by somebody or by its own rule.
        SchedulePaused = "SCHEDULE_PAUSED",
        /// A schedule was stopped.
        ScheduleStopped = "SCHEDULE_STOPPED",
        /// It was decided what becomes of an occurrence.
        OccurrenceRecorded = "OCCURRENCE_RECORDED",
        /// Steps of a backfill started or ended.
        BackfillAdvanced = "BACKFILL_ADVANCED",
        /// A backfill ended.
        BackfillEnded = "BACKFILL_ENDED",
        /// It was decided what becomes of a firing.
        FiringDecided = "FIRING_DECIDED",
        /// A rule had something to say.
        AlertRaised = "ALERT_RAISED",
        /// What an alert is about was well again.
        AlertResolved = "ALERT_RESOLVED",
        /// A bulk job had a turn.
        BulkJobAdvanced = "BULK_JOB_ADVANCED",
        /// A bulk job ended.
        BulkJobEnded = "BULK_JOB_ENDED",
    }
}

impl EventKind {
    /// The state that the run of this event is in from then on, when the event tells one.
    #[must_use]
    pub fn run_state(self) -> Option<RunState> {
        match self {
            Self::RunQueued => Some(RunState::Queued),
            Self::RunStarted | Self::RunResumed => Some(RunState::Running),
            Self::RunPaused => Some(RunState::Paused),
            Self::RunSucceeded => Some(RunState::Succeeded),
            Self::RunFailed => Some(RunState::Failed),
            Self::RunCancelled => Some(RunState::Cancelled),
            Self::RunTimedOut => Some(RunState::TimedOut),
            _ => None,
        }
    }

    /// The topic of an event that is about no run; none for what nobody follows.
    #[must_use]
    pub fn topic(self) -> Option<Topic> {
        match self {
            Self::AlertRaised | Self::AlertResolved => Some(Topic::Alerts),
            Self::BulkJobAdvanced | Self::BulkJobEnded => Some(Topic::BulkJobs),
            Self::OccurrenceRecorded => Some(Topic::Occurrences),
            Self::BackfillAdvanced | Self::BackfillEnded => Some(Topic::Backfills),
            Self::FiringDecided => Some(Topic::Firings),
            kind if kind.as_str().starts_with("EXECUTOR_") => Some(Topic::Executors),
            _ => None,
        }
    }

    /// Whether this is the last event of its run.
    #[must_use]
    pub fn ends_run(self) -> bool {
        self.run_state().is_some_and(RunState::is_terminal)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the order of all events.
    pub seq: i64,
    /// The run it is about.
    pub run_id: Option<RunId>,
    /// The task run it is about.
    pub task_run_id: Option<TaskRunId>,
    /// What happened.
    pub kind: EventKind,
    /// What only this kind has.
    pub data: Option<Value>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Which events somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Those of one run and its task runs, until it has ended.
    Run(RunId),
    /// Those of all runs of the tenant; not those of task runs.
    Runs,
    /// Those of the executors that the tenant may see: its own, and shared ones.
    Executors,
    /// Those of the tenant's alerts.
    Alerts,
    /// Those of the tenant's bulk jobs.
    BulkJobs,
    /// Those of the occurrences of the tenant's schedules.
    Occurrences,
    /// Those of the tenant's backfills.
    Backfills,
    /// Those of the firings of the tenant's triggers.
    Firings,
}

/// Where the log begins: before its first event.
pub const BEGINNING: i64 = 0;

/// A part of a tenant's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The tenant.
    pub tenant: TenantId,
    /// Events with higher numbers than this,
    pub after: i64,
    /// up to this one.
    pub upto: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_one_event_for_each_terminal_state() {
        let ends: Vec<_> = EventKind::ALL
            .iter()
            .filter(|kind| kind.ends_run())
            .filter_map(|kind| kind.run_state())
            .collect();
        let terminal: Vec<_> = RunState::ALL
            .iter()
            .copied()
            .filter(|state| state.is_terminal())
            .collect();
        assert_eq!(ends, terminal);
    }

    #[test]
    fn the_name_of_a_state_is_in_the_name_of_its_event() {
        for kind in EventKind::ALL {
            match kind.run_state() {
                Some(RunState::Running) | None => {}
                Some(state) => assert_eq!(kind.as_str(), format!("RUN_{state}")),
            }
        }
    }
}
