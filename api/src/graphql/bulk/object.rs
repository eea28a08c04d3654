//! A bulk job as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputType as _, Name, Object, Result, Value};
use waterclock_core::bulk::{self, BulkAction, BulkJob as Record, BulkRefusal as Refusal};
use waterclock_core::command::cancel_run::Force;
use waterclock_core::command::steer_task_run::Steer;
use waterclock_core::store::bulk_jobs::RefusalPage;
use waterclock_core::store::runs;

use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::UserErrorCode;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{PageOf, load};
use crate::graphql::loader;
use crate::graphql::run::{Run, RunState};
use crate::graphql::scalar::DateTime;
use crate::graphql::workflow::Workflow;

/// What a bulk job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "bulk::BulkJobState")]
pub(crate) enum BulkJobState {
    /// It waits for its first turn.
    Queued,
    /// It has begun.
    Running,
    /// Every run was looked at. Some of them may have refused.
    Succeeded,
    /// The service could not go on with it.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// What is done to each run of a bulk job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum BulkActionKind {
    /// What `cancelRun` does.
    Cancel,
    /// What `terminateRun` does.
    Terminate,
    /// What `pauseRun` does.
    Pause,
    /// What `resumeRun` does.
    Resume,
    /// What `rerun` does.
    Rerun,
    /// What `retryTaskRun` does.
    RetryTaskRun,
    /// What `skipTaskRun` does.
    SkipTaskRun,
    /// What `markTaskRunSucceeded` does.
    MarkTaskRunSucceeded,
}

impl From<&BulkAction> for BulkActionKind {
    fn from(action: &BulkAction) -> Self {
        match action {
            BulkAction::Stop {
                force: Force::Cancel, ..
            } => Self::Cancel,
            BulkAction::Stop {
                force: Force::Terminate,
                ..
            } => Self::Terminate,
            BulkAction::Pause => Self::Pause,
            BulkAction::Resume => Self::Resume,
            BulkAction::Rerun { .. } => Self::Rerun,
            BulkAction::Steer { steer, .. } => match steer {
                Steer::Retry => Self::RetryTaskRun,
                Steer::Skip { .. } => Self::SkipTaskRun,
                Steer::MarkSucceeded { .. } => Self::MarkTaskRunSucceeded,
            },
        }
    }
}

/// Something that is done to many runs.
pub(crate) struct BulkJob(pub(crate) Arc<Record>);

/// Something that is done to many runs.
#[Object]
impl BulkJob {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::BulkJob, self.0.id)
    }

    /// What is done to each run.
    async fn action(&self) -> BulkActionKind {
        (&self.0.action).into()
    }

    /// The key of the task node whose task runs are steered, where these are.
    async fn node(&self) -> Option<&str> {
        match &self.0.action {
            BulkAction::Steer { node, .. } => Some(node),
            _ => None,
        }
    }

    /// Why, in the words of whoever asked for it.
    async fn reason(&self) -> Option<&str> {
        match &self.0.action {
            BulkAction::Stop { reason, .. }
            | BulkAction::Steer {
                steer: Steer::Skip { reason } | Steer::MarkSucceeded { reason, .. },
                ..
            } => reason.as_deref(),
            _ => None,
        }
    }

    /// Which runs are meant, of those that were there when it was made.
    async fn runs(&self) -> BulkSelection {
        BulkSelection(Arc::clone(&self.0))
    }

    /// What it is.
    async fn state(&self) -> BulkJobState {
        self.0.state.into()
    }

    /// Why it failed, in a sentence.
    async fn state_reason(&self) -> Option<&str> {
        self.0.state_reason.as_deref()
    }

    /// How many runs matched when it was made, as far as was counted: of 10,000 runs at most.
    async fn matched(&self) -> i32 {
        self.0.matched.count
    }

    /// Whether there were runs that were not counted.
    async fn matches_more(&self) -> bool {
        self.0.matched.more
    }

    /// How many of the runs it has come to: those to which it was done, and those that refused.
    async fn done(&self) -> i32 {
        self.0.succeeded + self.0.refused
    }

    /// To how many runs it was done.
    async fn succeeded(&self) -> i32 {
        self.0.succeeded
    }

    /// How many runs refused it.
    async fn refused(&self) -> i32 {
        self.0.refused
    }

    /// The runs that refused it, the eldest first; the first 10,000 of them.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn refusals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<BulkRefusal>> {
        let page = Page::of(first, after.as_deref())?;
        let wanted = RefusalPage {
            after: page.after_as()?,
            limit: page.limit(),
        };
        let of = PageOf {
            of: self.0.id,
            page: wanted,
        };
        let rows = load(context, of).await?.unwrap_or_default();
        Ok(page.connection(rows, |refusal| refusal.run_id.to_string(), BulkRefusal))
    }

    /// The subject of the token that asked for it; it stands in each run as whoever did it.
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// The subject of the token that cancelled it.
    async fn cancelled_by(&self) -> Option<&str> {
        self.0.cancelled_by.as_deref()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it had its first turn.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(Into::into)
    }
}

/// Which runs a bulk job means; what is given must all hold.
pub(crate) struct BulkSelection(Arc<Record>);

/// Which runs a bulk job means; what is given must all hold.
#[Object]
impl BulkSelection {
    /// Whether every run of the tenant is meant.
    async fn all(&self) -> bool {
        self.0.filter == runs::RunFilter::default()
    }

    /// The workflow whose runs are meant; absent when it is any, or the workflow was deleted.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        match self.0.filter.workflow {
            Some(id) => Ok(loader::load(context, id).await?.map(Workflow)),
            None => Ok(None),
        }
    }

    /// The states of which a run must have one when its turn comes; any when empty.
    async fn states(&self) -> Vec<RunState> {
        self.0.filter.states.iter().map(|state| (*state).into()).collect()
    }

    /// The subject that must have started a run.
    async fn started_by(&self) -> Option<&str> {
        self.0.filter.started_by.as_deref()
    }

    /// When a run must have been created, or later.
    async fn created_after(&self) -> Option<DateTime> {
        self.0.filter.created_from.map(Into::into)
    }

    /// Before when a run must have been created.
    async fn created_before(&self) -> Option<DateTime> {
        self.0.filter.created_before.map(Into::into)
    }
}

/// A run that refused what a bulk job was to do to it.
pub(crate) struct BulkRefusal(Arc<Refusal>);

/// A run that refused what a bulk job was to do to it.
#[Object]
impl BulkRefusal {
    /// The run.
    async fn run(&self) -> Run {
        Run::new(self.0.run_id)
    }

    /// What was wrong, for programs; absent when a later release said it.
    async fn code(&self) -> Option<UserErrorCode> {
        UserErrorCode::parse(Some(Value::Enum(Name::new(&self.0.code)))).ok()
    }

    /// What was wrong and what to do about it, in a sentence.
    async fn message(&self) -> &str {
        &self.0.message
    }
}
