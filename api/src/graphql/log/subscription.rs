//! Following the log of a task run.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use waterclock_core::id::TaskRunId;
use waterclock_core::watch::Watch;

use super::object::LogLine;
use crate::graphql::event::{decode, flow, watch_error};
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;
use crate::transport::ErrorCode;

/// Following the log of a task run.
#[derive(Default)]
pub(crate) struct LogSubscription;

#[Subscription]
impl LogSubscription {
    /// What the attempts of a task run print: every line once, in order. Completes when the task run has ended and all its
    /// lines were sent. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn task_run_log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The task run.")] task_run_id: ID,
        #[graphql(desc = "The cursor of the last line that the client has; all lines when absent.")]
        after: Option<String>,
    ) -> Result<BoxStream<'static, Result<LogLine>>> {
        let place = after
            .map(|after| decode(&after, "taskRunLog"))
            .transpose()?
            .unwrap_or_default();
        let task_run: TaskRunId = of_kind(Kind::TaskRun, &task_run_id);
        if load(context, task_run).await?.is_none() {
            return Err(ErrorCode::NotFound.error("There is no task run with this id."));
        }
        let follower = context
            .data::<Watch>()?
            .follow_log(caller(context)?.tenant_id, task_run, place);
        let batches = stream::unfold(follower, async |mut follower| {
            let lines = follower.next().await?;
            Some((lines, follower))
        });
        let show = |lines: Vec<_>| lines.into_iter().map(|line| LogLine(Arc::new(line))).collect();
        Ok(flow(
            batches.map(move |lines| lines.map(show).map_err(watch_error)),
        ))
    }
}
