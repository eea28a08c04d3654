//! A task run as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use tokio::sync::OnceCell;
use waterclock_core::id::TaskRunId;
use waterclock_core::run;
use waterclock_core::store::attempts::AttemptPage;
use waterclock_core::store::task_runs::{ItemPage, Progress as ProgressRecord, TaskRun as Record};

use crate::graphql::attempt::Attempt;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::executor::Executor;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{PageOf, load};
use crate::graphql::loader::{self, DefinitionOf};
use crate::graphql::log::{LogLine, log};
use crate::graphql::run::Run;
use crate::graphql::scalar::{DateTime, Json};
use crate::graphql::wait::{self, ChildRunOf, QuestionOf, WaitReason};
use crate::graphql::workflow::VersionNode;
use crate::transport::ErrorCode;

use super::question::Question;

/// What a task run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "run::TaskRunState")]
pub(crate) enum TaskRunState {
    /// It waits for the task runs before it.
    Blocked,
    /// It waits for an executor.
    Ready,
    /// An executor has been chosen and has not started it yet.
    Assigned,
    /// An executor is at it.
    Running,
    /// It waits for the instant of its next attempt.
    RetryWait,
    /// Its last attempt succeeded.
    Succeeded,
    /// Its attempts, or its faults, are spent.
    Failed,
    /// Its run was stopped before it had ended.
    Cancelled,
    /// A rule passed it over.
    Skipped,
    /// A task run before it failed, so it never started.
    UpstreamFailed,
}

/// What a task run waits for in the service's own hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "run::Hold")]
pub(crate) enum Hold {
    /// Its items, shards or executors.
    Items,
    /// The run that it is.
    Run,
    /// An answer: `answerApproval`.
    Approval,
    /// A time, an instant or an event.
    Wait,
    /// Its endpoint, which is to call back.
    Callback,
}

/// How far a task run said that it is.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Progress {
    /// How much of its work is done, 0 to 100.
    percent: Option<f64>,
    /// What it is at.
    message: Option<String>,
    /// When it said so.
    at: DateTime,
}

impl From<ProgressRecord> for Progress {
    fn from(said: ProgressRecord) -> Self {
        Self {
            percent: said.percent,
            message: said.message,
            at: said.at.into(),
        }
    }
}

/// One task node's share of a run. It is read when more than its id is asked for.
#[derive(Clone, Debug)]
pub(crate) struct TaskRun {
    id: TaskRunId,
    record: OnceCell<Arc<Record>>,
}

impl TaskRun {
    /// The task run of this id, which is the caller's.
    #[must_use]
    pub(crate) fn new(id: TaskRunId) -> Self {
        Self {
            id,
            record: OnceCell::new(),
        }
    }

    /// A task run that was read.
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
            found.ok_or_else(|| ErrorCode::NotFound.error("The task run was deleted meanwhile."))
        };
        Ok(self.record.get_or_try_init(read).await?)
    }
}

/// One task node's share of a run.
#[Object]
impl TaskRun {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::TaskRun, self.id)
    }

    /// The key of its node.
    async fn key(&self, context: &Context<'_>) -> Result<&str> {
        Ok(&self.record(context).await?.key)
    }

    /// Its run.
    async fn run(&self, context: &Context<'_>) -> Result<Run> {
        Ok(Run::new(self.record(context).await?.run_id))
    }

    /// Its node, as the run's version pinned it.
    async fn node(&self, context: &Context<'_>) -> Result<VersionNode> {
        let record = self.record(context).await?;
        let gone = || ErrorCode::NotFound.error("The task run's version was deleted meanwhile.");
        let run = load(context, record.run_id).await?.ok_or_else(gone)?;
        let definition = loader::load(context, DefinitionOf(run.version_id))
            .await?
            .ok_or_else(gone)?;
        let place = usize::try_from(record.node)
            .ok()
            .filter(|place| *place < definition.nodes.len());
        Ok(VersionNode {
            definition,
            place: place.ok_or_else(gone)?,
        })
    }

    /// What it is.
    async fn state(&self, context: &Context<'_>) -> Result<TaskRunState> {
        Ok(self.record(context).await?.state.into())
    }

    /// Why it is not plainly successful, in a sentence.
    async fn state_reason(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.record(context).await?.state_reason.as_deref())
    }

    /// How many attempts it has had, the one under way included.
    async fn attempt_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.record(context).await?.attempts)
    }

    /// Who has the attempt under way.
    async fn executor(&self, context: &Context<'_>) -> Result<Option<Executor>> {
        match self.record(context).await?.executor_id {
            Some(id) => Ok(load(context, id).await?.map(Executor)),
            None => Ok(None),
        }
    }

    /// When it is tried again, while it waits for that.
    async fn retry_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.record(context).await?.retry_at.map(Into::into))
    }

    /// What its successful attempt gave.
    async fn output(&self, context: &Context<'_>) -> Result<Option<Json>> {
        Ok(self.record(context).await?.output.clone().map(Json))
    }

    /// When its first attempt was started.
    async fn started_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.record(context).await?.started_at.map(Into::into))
    }

    /// When it ended.
    async fn finished_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.record(context).await?.finished_at.map(Into::into))
    }

    /// What it waits for, while it is in the service's own hands.
    async fn waits_for(&self, context: &Context<'_>) -> Result<Option<Hold>> {
        Ok(self.record(context).await?.hold.map(Into::into))
    }

    /// What it waits for, true at the moment of asking; nothing when it waits for nothing.
    #[graphql(complexity = "2 + child_complexity")]
    async fn wait_reasons(&self, context: &Context<'_>) -> Result<Vec<WaitReason>> {
        wait::reasons(context, self.id).await
    }

    /// The run within the run that it is: its node runs another workflow.
    async fn child_run(&self, context: &Context<'_>) -> Result<Option<Run>> {
        let of = ChildRunOf {
            run: self.record(context).await?.run_id,
            task_run: self.id,
        };
        Ok(wait::load(context, of).await?.map(Run::new))
    }

    /// What it asks, or asked; absent when its node asks nothing.
    async fn approval(&self, context: &Context<'_>) -> Result<Option<Question>> {
        let Some(question) = wait::load(context, QuestionOf(self.id)).await? else {
            return Ok(None);
        };
        Ok(Some(Question::of(&question, self.record(context).await?)))
    }

    /// How far its latest attempt to say so is.
    async fn progress(&self, context: &Context<'_>) -> Result<Option<Progress>> {
        Ok(self.record(context).await?.progress.clone().map(Into::into))
    }

    /// Its place among the items, shards or executors of its node, from 0; absent for the task run of the node itself.
    async fn item(&self, context: &Context<'_>) -> Result<Option<i32>> {
        Ok(self.record(context).await?.item)
    }

    /// What it is for: the item, or the shard.
    async fn item_value(&self, context: &Context<'_>) -> Result<Option<Json>> {
        Ok(self.record(context).await?.item_value.clone().map(Json))
    }

    /// The task run of its node, when it is a share of that.
    async fn parent(&self, context: &Context<'_>) -> Result<Option<TaskRun>> {
        Ok(self.record(context).await?.parent_id.map(Self::new))
    }

    /// The task runs of its items, shards or executors, in order.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn items(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Those in one of these states; all when absent.")] states: Option<Vec<TaskRunState>>,
    ) -> Result<Connection<TaskRun>> {
        let page = Page::of(first, after.as_deref())?;
        let wanted = ItemPage {
            states: states.unwrap_or_default().into_iter().map(Into::into).collect(),
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
        Ok(page.connection(rows, |item| item.item.to_string(), |item| Self::new(item.id)))
    }

    /// Its attempts, the first one first. The one under way is among them and has no outcome yet.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn attempts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<Attempt>> {
        let page = Page::of(first, after.as_deref())?;
        let wanted = AttemptPage {
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
        Ok(page.connection(rows, |attempt| attempt.number.to_string(), Attempt))
    }

    /// What its attempts printed, line by line.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many lines, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the line after which the page begins.")] after: Option<String>,
        #[graphql(desc = "The number of the attempt whose lines are wanted; all attempts' when absent.")]
        attempt: Option<i32>,
    ) -> Result<Connection<LogLine>> {
        log(context, self.id, Page::of(first, after.as_deref())?, attempt).await
    }
}
