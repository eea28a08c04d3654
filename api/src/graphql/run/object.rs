//! A run as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use tokio::sync::OnceCell;
use waterclock_core::id::RunId;
use waterclock_core::run;
use waterclock_core::store::runs::Run as Record;
use waterclock_core::store::task_runs::TaskRunPage;

use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{FiringOf, OccurrenceOf, PageOf, ScheduleOf, load};
use crate::graphql::loader;
use crate::graphql::scalar::{DateTime, Json};
use crate::graphql::schedule::{Occurrence, Schedule};
use crate::graphql::task_run::{TaskRun, TaskRunState};
use crate::graphql::trigger::Firing;
use crate::graphql::wait::{self, WaitReason};
use crate::graphql::workflow::{Workflow, WorkflowVersion};
use crate::transport::ErrorCode;

/// What a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "run::RunState")]
pub(crate) enum RunState {
    /// Nothing of it has started.
    Queued,
    /// At least one attempt has started.
    Running,
    /// It starts nothing until it is resumed.
    Paused,
    /// Every task run succeeded.
    Succeeded,
    /// A task run failed for good.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// It took longer than it may.
    TimedOut,
}

/// What caused a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "run::Trigger")]
pub(crate) enum RunTrigger {
    /// Somebody started it.
    Caller,
    /// A task run of another run is it.
    Workflow,
    /// An occurrence of a schedule was due.
    Schedule,
    /// Somebody had occurrences of the past run.
    Backfill,
    /// Somebody ran another run again.
    Rerun,
    /// A run of another workflow had ended, for which a trigger waited.
    RunEnded,
    /// An event was published, for which a trigger waited.
    Event,
    /// A trigger's webhook was called.
    Webhook,
}

/// Narrows the task runs of a run.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct TaskRunFilter {
    /// Those in one of these states.
    states: Option<Vec<TaskRunState>>,
}

/// One execution of a workflow version. It is read when more than its id is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    id: RunId,
    record: OnceCell<Arc<Record>>,
}

impl Run {
    /// The run of this id, which is the caller's.
    #[must_use]
    pub(crate) fn new(id: RunId) -> Self {
        Self {
            id,
            record: OnceCell::new(),
        }
    }

    /// A run that was read.
    #[must_use]
    pub(crate) fn known(record: Arc<Record>) -> Self {
        Self {
            id: record.id,
            record: OnceCell::new_with(Some(record)),
        }
    }

    async fn record(&self, context: &Context<'_>) -> Result<&Record> {
        let read = async || {
            let found = load(context, self.id).await?;
            found.ok_or_else(|| ErrorCode::NotFound.error("The run was deleted meanwhile."))
        };
        Ok(self.record.get_or_try_init(read).await?)
    }
}

/// One execution of a workflow version.
#[Object]
impl Run {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Run, self.id)
    }

    /// What it is.
    async fn state(&self, context: &Context<'_>) -> Result<RunState> {
        Ok(self.record(context).await?.state.into())
    }

    /// Why it is not plainly successful, in a sentence.
    async fn state_reason(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.record(context).await?.state_reason.as_deref())
    }

    /// Its workflow; absent once that was deleted.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        let id = self.record(context).await?.workflow_id;
        Ok(loader::load(context, id).await?.map(Workflow))
    }

    /// The version that it is pinned to.
    async fn version(&self, context: &Context<'_>) -> Result<WorkflowVersion> {
        let id = self.record(context).await?.version_id;
        let found = loader::load(context, id).await?;
        found
            .map(WorkflowVersion)
            .ok_or_else(|| ErrorCode::NotFound.error("The run's version was deleted meanwhile."))
    }

    /// What it was given: an object.
    async fn inputs(&self, context: &Context<'_>) -> Result<Json> {
        Ok(Json(self.record(context).await?.inputs.clone()))
    }

    /// 0 (last) to 9 (first).
    async fn priority(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.record(context).await?.priority.into())
    }

    /// What caused it.
    async fn trigger(&self, context: &Context<'_>) -> Result<RunTrigger> {
        Ok(self.record(context).await?.trigger.into())
    }

    /// The subject of the token that started it.
    async fn started_by(&self, context: &Context<'_>) -> Result<&str> {
        Ok(&self.record(context).await?.started_by)
    }

    /// When it was accepted.
    async fn created_at(&self, context: &Context<'_>) -> Result<DateTime> {
        Ok(self.record(context).await?.created_at.into())
    }

    /// When its first attempt started.
    async fn started_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.record(context).await?.started_at.map(Into::into))
    }

    /// When its last task run ended.
    async fn finished_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.record(context).await?.finished_at.map(Into::into))
    }

    /// When it was told to stop; nothing of it starts from then on.
    async fn cancel_requested_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.record(context).await?.stop_requested_at.map(Into::into))
    }

    /// The subject of the token that told it so.
    async fn cancelled_by(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.record(context).await?.stop_requested_by.as_deref())
    }

    /// What it ends as because it was told to stop, or because its own rules end it.
    async fn stop_as(&self, context: &Context<'_>) -> Result<Option<RunState>> {
        Ok(self.record(context).await?.stop_as.map(Into::into))
    }

    /// Since when it starts nothing; absent when it is not paused.
    async fn paused_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.record(context).await?.paused_at.map(Into::into))
    }

    /// The subject of the token that paused it.
    async fn paused_by(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.record(context).await?.paused_by.as_deref())
    }

    /// What it returned, by the outputs that its workflow names: an object.
    async fn output(&self, context: &Context<'_>) -> Result<Option<Json>> {
        Ok(self.record(context).await?.output.clone().map(Json))
    }

    /// The run that it runs within.
    async fn parent_run(&self, context: &Context<'_>) -> Result<Option<Run>> {
        Ok(self.record(context).await?.within.map(|(run, _)| Self::new(run)))
    }

    /// The task run that it is, of the run that it runs within.
    async fn parent_task_run(&self, context: &Context<'_>) -> Result<Option<TaskRun>> {
        let within = self.record(context).await?.within;
        Ok(within.map(|(_, task_run)| TaskRun::new(task_run)))
    }

    /// What it waits for, true at the moment of asking: that it is paused or being stopped, or what its task runs wait for outside of
    /// it, those with the same reason together. Task runs that wait only for others of the run are told of by these. Nothing when
    /// nothing of it waits.
    #[graphql(complexity = "2 + child_complexity")]
    async fn wait_reasons(&self, context: &Context<'_>) -> Result<Vec<WaitReason>> {
        wait::reasons(context, self.id).await
    }

    /// The schedule that started it; absent when none did, or when that was deleted.
    async fn schedule(&self, context: &Context<'_>) -> Result<Option<Schedule>> {
        match load(context, ScheduleOf(self.id)).await? {
            Some(schedule) => Ok(loader::load(context, schedule).await?.map(Schedule)),
            None => Ok(None),
        }
    }

    /// The occurrence that it is the run of; absent when it is of none, or when that was run again since.
    async fn occurrence(&self, context: &Context<'_>) -> Result<Option<Occurrence>> {
        Ok(load(context, OccurrenceOf(self.id)).await?.map(Occurrence))
    }

    /// The firing that started it; absent when no trigger did.
    async fn firing(&self, context: &Context<'_>) -> Result<Option<Firing>> {
        Ok(load(context, FiringOf(self.id)).await?.map(Firing))
    }

    /// The run that it was made from.
    async fn rerun_of(&self, context: &Context<'_>) -> Result<Option<Run>> {
        Ok(self.record(context).await?.rerun_of.map(Self::new))
    }

    /// How many task runs it has.
    async fn task_run_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.record(context).await?.task_runs)
    }

    /// How many of them have not ended.
    async fn open_task_run_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.record(context).await?.open_task_runs)
    }

    /// How many of them failed.
    async fn failed_task_run_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.record(context).await?.failed_task_runs)
    }

    /// The task runs of its nodes, in the order of the version; the shares of one are its `items`.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn task_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<TaskRunFilter>,
    ) -> Result<Connection<TaskRun>> {
        let page = Page::of(first, after.as_deref())?;
        let states = filter.and_then(|filter| filter.states).unwrap_or_default();
        let wanted = TaskRunPage {
            states: states.into_iter().map(Into::into).collect(),
            after: page.after_as()?,
            limit: page.limit(),
        };
        let rows = load(
            context,
            PageOf {
                of: self.id,
                page: wanted,
            },
        )
        .await?
        .unwrap_or_default();
        Ok(page.connection(rows, |task_run| task_run.node.to_string(), TaskRun::known))
    }
}
