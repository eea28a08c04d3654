//! A single task run in the hands of a person.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{dispatch, task_runs};
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{TaskRunId, TenantId};
use crate::run::TaskRunState;

/// Keeps the dispatch row of a task run still until the transaction ends. Its run is held. Whoever is starting an attempt of it at
/// this moment is waited for; whoever would start one later finds what this transaction made of the row.
pub(crate) async fn lock_live_task_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_run: TaskRunId,
) -> Result<(), StoreError> {
    let _: Option<Uuid> = dispatch::table
        .filter(
            dispatch::tenant_id
                .eq(tenant.0)
                .and(dispatch::task_run_id.eq(task_run.0)),
        )
        .select(dispatch::task_run_id)
        .for_update()
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(())
}

/// A task run that is not live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestingTaskRun {
    pub(crate) node: i32,
    pub(crate) is_share: bool,
    pub(crate) state: TaskRunState,
}

/// A task run that is not live: it waits for those before it, or has ended.
pub(crate) async fn read_resting_task_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_run: TaskRunId,
) -> Result<RestingTaskRun, StoreError> {
    let (node, item, state): (i32, Option<i32>, String) = task_runs::table
        .filter(
            task_runs::tenant_id
                .eq(tenant.0)
                .and(task_runs::id.eq(task_run.0)),
        )
        .select((task_runs::node, task_runs::item, task_runs::state))
        .first(&mut **transaction)
        .await?;
    let state = state.parse().map_err(|unknown| {
        StoreError::Unreadable(format!("the state of the task run {task_run}: {unknown}"))
    })?;
    Ok(RestingTaskRun {
        node,
        is_share: item.is_some(),
        state,
    })
}

/// Makes a task run ready that was to be tried again later, because `subject` does not want to wait.
pub(crate) async fn retry_now(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_run: TaskRunId,
    subject: &str,
) -> Result<(), StoreError> {
    Fixed(
        statement!("retry_now")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(task_run.0)
            .bind::<Text, _>(subject),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
