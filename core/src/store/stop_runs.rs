//! Runs that are told to stop.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::runs;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{ExecutorId, RunId, TaskRunId, TenantId};
use crate::run::RunState;

/// How a run is told to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopping<'a> {
    /// Who told it so; nobody when its own rules did.
    pub(crate) by: Option<&'a str>,
    /// Why its task runs end.
    pub(crate) reason: &'a str,
    /// Why it ends itself, unless that is known already.
    pub(crate) run_reason: Option<&'a str>,
    /// What it ends as.
    pub(crate) ends_as: RunState,
    /// What runs is told to stop.
    pub(crate) stops_running: bool,
    /// What runs has no grace.
    pub(crate) at_once: bool,
}

/// What became of a run that was told to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopped {
    /// The executors that are to stop something.
    pub(crate) executors: BTreeSet<ExecutorId>,
    /// Nothing of it was open any more, so it has ended.
    pub(crate) finished: bool,
    /// The task run of another run that it is.
    pub(crate) within: Option<(RunId, TaskRunId)>,
    /// A schedule or a trigger waits for its end, which has come.
    pub(crate) watched: bool,
}

#[derive(QueryableByName)]
struct Dropped {
    #[diesel(sql_type = SqlUuid)]
    task_run_id: Uuid,
    #[diesel(sql_type = Integer)]
    fence: i32,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    executor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    assigned_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
}

/// Ends what has not started of a run that is held, and marks what has.
pub(crate) async fn stop_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    stopping: &Stopping<'_>,
) -> Result<Stopped, StoreError> {
    let dropped = drop_waiting(transaction, tenant, run, !stopping.stops_running).await?;
    cancel_waiting(transaction, tenant, run, stopping, &dropped).await
}

async fn drop_waiting(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    lets_finish: bool,
) -> Result<Vec<Dropped>, StoreError> {
    Ok(Fixed(
        statement!("drop_waiting")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<Bool, _>(lets_finish),
    )
    .load(&mut **transaction)
    .await?)
}

async fn cancel_waiting(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    stopping: &Stopping<'_>,
    dropped: &[Dropped],
) -> Result<Stopped, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        executor_id: Option<Uuid>,
        #[diesel(sql_type = Bool)]
        finished: bool,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        parent_run_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        parent_task_run_id: Option<Uuid>,
        #[diesel(sql_type = Bool)]
        watched: bool,
    }
    let rows: Vec<Row> = Fixed(
        statement!("cancel_waiting")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<Array<SqlUuid>, _>(dropped.iter().map(|row| row.task_run_id).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(dropped.iter().map(|row| row.fence).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(
                dropped.iter().map(|row| row.executor_id).collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Timestamptz>>, _>(
                dropped.iter().map(|row| row.assigned_at).collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Timestamptz>>, _>(
                dropped.iter().map(|row| row.started_at).collect::<Vec<_>>(),
            )
            .bind::<Nullable<Text>, _>(stopping.by)
            .bind::<Text, _>(stopping.reason)
            .bind::<Text, _>(stopping.ends_as.as_str())
            .bind::<Nullable<Text>, _>(stopping.run_reason)
            .bind::<Bool, _>(stopping.stops_running)
            .bind::<Bool, _>(stopping.at_once),
    )
    .load(&mut **transaction)
    .await?;
    let Some(first) = rows.as_slice().first() else {
        return Ok(Stopped::default());
    };
    Ok(Stopped {
        finished: first.finished,
        watched: first.watched,
        within: first
            .parent_run_id
            .zip(first.parent_task_run_id)
            .map(|(run, task_run)| (run.into(), task_run.into())),
        executors: rows
            .iter()
            .filter_map(|row| row.executor_id.map(Into::into))
            .collect(),
    })
}

/// The live runs that lie directly within a run, the earliest first.
pub(crate) async fn list_runs_within(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<Vec<RunId>, StoreError> {
    let ids: Vec<Uuid> = runs::table
        .filter(runs::tenant_id.eq(tenant.0).and(runs::parent_run_id.eq(run.0)))
        .filter(runs::finished_at.is_null())
        .order(runs::id)
        .select(runs::id)
        .load(&mut **transaction)
        .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}
