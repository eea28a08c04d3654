//! Events of runs as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result};
use chrono::Utc;
use serde_json::Value;
use waterclock_core::event;
use waterclock_core::id::{ExecutorId, RunId, TaskRunId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::runs::{Run as RunRecord, RunFilter};
use waterclock_core::store::task_runs::TaskRun as TaskRunRecord;

use super::cursor::{EventCursor, encode};
use crate::graphql::attempt::Outcome;
use crate::graphql::executor::Executor;
use crate::graphql::journal::load;
use crate::graphql::run::Run;
use crate::graphql::scalar::DateTime;
use crate::graphql::task_run::TaskRun;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "event::EventKind")]
pub(crate) enum EventKind {
    /// A run was accepted.
    RunQueued,
    /// The first attempt of a run started.
    RunStarted,
    /// The last task run of a run ended, and none had failed. The last event of its run.
    RunSucceeded,
    /// The last task run of a run ended, and one had failed. The last event of its run.
    RunFailed,
    /// Somebody paused a run: it finishes what it has begun and begins nothing.
    RunPaused,
    /// Somebody let a paused run go on; it is queued if nothing of it had started.
    RunResumed,
    /// Somebody asked that a run stop.
    RunCancelRequested,
    /// A run was stopped and nothing of it runs any more. The last event of its run.
    RunCancelled,
    /// A run takes longer than it should.
    RunLate,
    /// The time of a run was over and nothing of it runs any more. The last event of its run.
    RunTimedOut,
    /// A task run has waited longer than it should.
    TaskRunWaitsLong,
    /// An attempt takes longer than it should.
    TaskRunLate,
    /// An attempt said how far it is.
    TaskRunProgress,
    /// A task run waits for an executor: those before it succeeded, or its executor was lost.
    TaskRunReady,
    /// An executor started an attempt.
    TaskRunStarted,
    /// An attempt did not succeed; another is due later.
    TaskRunRetryWait,
    /// A task run succeeded.
    TaskRunSucceeded,
    /// The attempts, or the faults, of a task run are spent.
    TaskRunFailed,
    /// A task run was stopped with its run.
    TaskRunCancelled,
    /// A task run will never start, because one before it failed.
    TaskRunUpstreamFailed,
    /// A rule passed a task run over.
    TaskRunSkipped,
    /// An executor began its life.
    ExecutorRegistered,
    /// An executor takes nothing more and will stop.
    ExecutorDraining,
    /// An executor passed a load threshold and takes nothing until it falls well below.
    ExecutorOverloaded,
    /// An executor takes work again.
    ExecutorRecovered,
    /// The lease of an executor ended; its work goes to others.
    ExecutorLost,
    /// An executor ended its life.
    ExecutorLeft,
    /// A workflow was refused, because its nodes wait for each other.
    WorkflowRefused,
    /// A schedule was started, or resumed.
    ScheduleStarted,
    /// A schedule was paused, by somebody or by its own rule.
    SchedulePaused,
    /// A schedule was stopped.
    ScheduleStopped,
    /// It was decided what becomes of an occurrence.
    OccurrenceRecorded,
    /// Steps of a backfill started or ended.
    BackfillAdvanced,
    /// A backfill ended.
    BackfillEnded,
    /// It was decided what becomes of a firing.
    FiringDecided,
    /// A rule had something to say.
    AlertRaised,
    /// What an alert is about was well again.
    AlertResolved,
    /// A bulk job had a turn.
    BulkJobAdvanced,
    /// A bulk job ended.
    BulkJobEnded,
}

/// Something that happened to a run or to one of its task runs.
pub(crate) struct RunEvent {
    event: Arc<event::Event>,
    run_id: RunId,
    run: Option<Arc<RunRecord>>,
    task_run: Option<Arc<TaskRunRecord>>,
}

impl RunEvent {
    fn datum(&self, name: &str) -> Option<&Value> {
        self.event.data.as_ref()?.get(name)
    }

    /// Whether a client wants it that wants the runs of `filter`, in the states that events lead to.
    pub(crate) fn is_wanted(&self, filter: &RunFilter) -> bool {
        let Some(run) = &self.run else { return false };
        match self.event.kind.run_state() {
            Some(state) => filter.wants(run, state),
            None => filter.states.is_empty() && filter.wants(run, run.state),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.datum(name)?.as_str()
    }
}

/// Something that happened to a run or to one of its task runs.
#[Object]
impl RunEvent {
    /// The place of this event; given as `after`, a subscription goes on behind it.
    async fn cursor(&self) -> String {
        encode(EventCursor(self.event.seq))
    }

    /// What happened.
    async fn kind(&self) -> EventKind {
        self.event.kind.into()
    }

    /// When.
    async fn at(&self) -> DateTime {
        self.event.at.into()
    }

    /// The run, as it is now.
    async fn run(&self) -> Run {
        self.run.clone().map_or_else(|| Run::new(self.run_id), Run::known)
    }

    /// The task run, as it is now, if it is about one.
    async fn task_run(&self) -> Option<TaskRun> {
        let id = self.event.task_run_id?;
        Some(
            self.task_run
                .clone()
                .map_or_else(|| TaskRun::new(id), TaskRun::known),
        )
    }

    /// The number of the attempt, if it is about one.
    async fn attempt(&self) -> Option<i32> {
        self.datum("attempt")?.as_i64()?.try_into().ok()
    }

    /// Who started the attempt, for `TASK_RUN_STARTED`, while it is remembered.
    async fn executor(&self, context: &Context<'_>) -> Result<Option<Executor>> {
        let id: Option<ExecutorId> = self.text("executor").and_then(|id| id.parse().ok());
        match id {
            Some(id) => Ok(load(context, id).await?.map(Executor)),
            None => Ok(None),
        }
    }

    /// How the attempt ended, where one did.
    async fn outcome(&self) -> Option<Outcome> {
        Some(
            self.text("outcome")?
                .parse::<waterclock_core::run::Outcome>()
                .ok()?
                .into(),
        )
    }

    /// Why, in a sentence, where there is something to say.
    async fn message(&self) -> Option<&str> {
        self.text("message").or_else(|| self.text("reason"))
    }

    /// The subject of the token that asked for it, for `RUN_CANCEL_REQUESTED`.
    async fn requested_by(&self) -> Option<&str> {
        self.text("by")
    }

    /// When the next attempt is due, for `TASK_RUN_RETRY_WAIT`.
    async fn not_before(&self) -> Option<DateTime> {
        let instant = chrono::DateTime::parse_from_rfc3339(self.text("notBefore")?).ok()?;
        Some(instant.with_timezone(&Utc).into())
    }
}

/// What a client wants to see of what events are about. It is read for a batch of events at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// More of the runs than their ids.
    pub(crate) runs: bool,
    /// More of the task runs than their ids.
    pub(crate) task_runs: bool,
}

impl Shown {
    /// What the selection below the field says.
    pub(crate) fn selected(context: &Context<'_>) -> Self {
        let beyond_id = |name: &str| {
            let selected = context.look_ahead().field(name).selection_fields();
            selected
                .iter()
                .flat_map(async_graphql::SelectionField::selection_set)
                .any(|field| field.name() != "id")
        };
        Self {
            runs: beyond_id("run"),
            task_runs: beyond_id("taskRun"),
        }
    }
}

/// Events with what is to be shown of what they are about.
pub(crate) async fn show_run_events(
    journal: &Journal,
    tenant: TenantId,
    shown: Shown,
    events: Vec<Arc<event::Event>>,
) -> Result<Vec<RunEvent>, StoreError> {
    let mut runs: Vec<RunId> = events
        .iter()
        .filter(|_| shown.runs)
        .filter_map(|event| event.run_id)
        .collect();
    runs.sort_unstable();
    runs.dedup();
    let mut task_runs: Vec<TaskRunId> = events
        .iter()
        .filter(|_| shown.task_runs)
        .filter_map(|event| event.task_run_id)
        .collect();
    task_runs.sort_unstable();
    task_runs.dedup();
    let runs = if runs.is_empty() {
        Vec::new()
    } else {
        journal.runs_by_id(tenant, &runs).await?
    };
    let task_runs = if task_runs.is_empty() {
        Vec::new()
    } else {
        journal.task_runs_by_id(tenant, &task_runs).await?
    };
    let runs: HashMap<RunId, Arc<RunRecord>> = runs.into_iter().map(|run| (run.id, Arc::new(run))).collect();
    let task_runs: HashMap<TaskRunId, Arc<TaskRunRecord>> = task_runs
        .into_iter()
        .map(|task_run| (task_run.id, Arc::new(task_run)))
        .collect();
    let show = |event: Arc<event::Event>| {
        let run_id = event.run_id?;
        let task_run = event.task_run_id.and_then(|id| task_runs.get(&id).cloned());
        Some(RunEvent {
            run: runs.get(&run_id).cloned(),
            task_run,
            run_id,
            event,
        })
    };
    Ok(events.into_iter().filter_map(show).collect())
}
