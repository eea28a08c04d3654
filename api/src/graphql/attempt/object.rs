//! An attempt as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result};
use waterclock_core::run;
use waterclock_core::store::attempts::Attempt as Record;

use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::executor::Executor;
use crate::graphql::journal::load;
use crate::graphql::log::{LogLine, log};
use crate::graphql::scalar::{DateTime, Json};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "run::Outcome")]
pub(crate) enum Outcome {
    /// The work was done.
    Succeeded,
    /// The work itself said no.
    Failed,
    /// The executor was lost, or could not start the work.
    Fault,
    /// It was stopped because its run was.
    Cancelled,
    /// It took longer than it may.
    TimedOut,
}

/// One numbered try of a task run.
pub(crate) struct Attempt(pub(crate) Arc<Record>);

/// One numbered try of a task run.
#[Object]
impl Attempt {
    /// Its number, from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// Who has or had it; absent once that executor's life is forgotten.
    async fn executor(&self, context: &Context<'_>) -> Result<Option<Executor>> {
        Ok(load(context, self.0.executor_id).await?.map(Executor))
    }

    /// How it ended; absent while it is under way.
    async fn outcome(&self) -> Option<Outcome> {
        self.0.outcome.map(Into::into)
    }

    /// The program's exit code; 128 + n when signal n ended it.
    async fn exit_code(&self) -> Option<i32> {
        self.0.exit_code
    }

    /// The status of the endpoint's answer.
    async fn http_status(&self) -> Option<i32> {
        self.0.http_status
    }

    /// Why, in a sentence, when there is something to say.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// What it gave.
    async fn output(&self) -> Option<Json> {
        self.0.output.clone().map(Json)
    }

    /// When its executor was chosen.
    async fn assigned_at(&self) -> DateTime {
        self.0.assigned_at.into()
    }

    /// When its executor started it, if it did.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When its end was recorded; absent while it is under way.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(Into::into)
    }

    /// What it printed, line by line.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many lines, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the line after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<LogLine>> {
        log(
            context,
            self.0.task_run_id,
            Page::of(first, after.as_deref())?,
            Some(self.0.number),
        )
        .await
    }
}
