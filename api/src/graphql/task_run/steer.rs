//! Hurrying, skipping and answering for single task runs.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde_json::{Map, Value};
use waterclock_core::command::steer_task_run::{Steer, steer_task_run};
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::id::TaskRunId;
use waterclock_core::signal::Signals;
use waterclock_core::store::{Database, Versions};

use super::TaskRun;
use crate::graphql::error::payload;
use crate::graphql::guard::{OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::scalar::Json;

/// A task run whose next attempt is due now.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RetryTaskRunInput {
    /// The task run.
    id: ID,
}

/// A task run that is passed over.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct SkipTaskRunInput {
    /// The task run.
    id: ID,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

/// A task run that counts as done.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct MarkTaskRunSucceededInput {
    /// The task run.
    id: ID,
    /// What it is to have given, an object; nothing when absent.
    outputs: Option<Json>,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

payload! {
    /// What became of `retryTaskRun`.
    RetryTaskRunPayload {
        /// The task run, if its next attempt is due now.
        task_run: TaskRun
    }
}

payload! {
    /// What became of `skipTaskRun`.
    SkipTaskRunPayload {
        /// The task run, if it was skipped.
        task_run: TaskRun
    }
}

payload! {
    /// What became of `markTaskRunSucceeded`.
    MarkTaskRunSucceededPayload {
        /// The task run, if it counts as done.
        task_run: TaskRun
    }
}

/// Hurrying, skipping and answering for single task runs.
#[derive(Default)]
pub(crate) struct TaskRunSteering;

#[Object]
impl TaskRunSteering {
    /// Brings the next attempt of a task run forward to now, which waits for its instant. A task run that has ended stays ended;
    /// once its run has ended, `rerun` does its task node again. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn retry_task_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The task run.")] input: RetryTaskRunInput,
    ) -> Result<RetryTaskRunPayload> {
        RetryTaskRunPayload::of(steer(context, &input.id, Steer::Retry).await?, TaskRun::new)
    }

    /// Passes over a task run that no executor has: when this has answered, no attempt of it starts any more, and the task nodes
    /// that wait for it find it skipped. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn skip_task_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The task run.")] input: SkipTaskRunInput,
    ) -> Result<SkipTaskRunPayload> {
        let wanted = Steer::Skip { reason: input.reason };
        SkipTaskRunPayload::of(steer(context, &input.id, wanted).await?, TaskRun::new)
    }

    /// Lets a task run that no executor has count as done, with these outputs: when this has answered, no attempt of it starts any
    /// more, and what waits for it goes on. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn mark_task_run_succeeded(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The task run.")] input: MarkTaskRunSucceededInput,
    ) -> Result<MarkTaskRunSucceededPayload> {
        let outputs = match input.outputs {
            Some(Json(Value::Object(outputs))) => outputs,
            None | Some(Json(Value::Null)) => Map::new(),
            Some(_) => {
                let fault = Refusal::invalid(["outputs"], "the outputs are an object: {\"name\": value}");
                return MarkTaskRunSucceededPayload::of(Err(CommandError::refused(fault)), TaskRun::new);
            }
        };
        let wanted = Steer::MarkSucceeded {
            outputs,
            reason: input.reason,
        };
        MarkTaskRunSucceededPayload::of(steer(context, &input.id, wanted).await?, TaskRun::new)
    }
}

async fn steer(
    context: &Context<'_>,
    id: &ID,
    wanted: Steer,
) -> Result<std::result::Result<TaskRunId, CommandError>> {
    let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
    let (versions, author) = (context.data::<Versions>()?, author(context)?);
    let task_run: TaskRunId = of_kind(Kind::TaskRun, id);
    let told = steer_task_run(database, signals, versions, &author, task_run, &wanted).await;
    Ok(told.map(|()| task_run))
}
