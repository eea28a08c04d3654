//! The ends of attempts, and what follows from them for task runs and runs.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TaskRunId, TenantId};
use crate::run::RunState;

/// The ends of attempts, a column each, as `finish_attempts` takes them.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    pub(crate) tenant_ids: Vec<Uuid>,
    pub(crate) run_ids: Vec<Uuid>,
    pub(crate) task_run_ids: Vec<Uuid>,
    pub(crate) fences: Vec<i32>,
    pub(crate) executor_ids: Vec<Uuid>,
    pub(crate) outcomes: Vec<&'static str>,
    pub(crate) states: Vec<&'static str>,
    /// Their runs are paused.
    pub(crate) paused: Vec<bool>,
    pub(crate) reasons: Vec<Option<String>>,
    pub(crate) exit_codes: Vec<Option<i32>>,
    pub(crate) http_statuses: Vec<Option<i32>>,
    pub(crate) messages: Vec<Option<String>>,
    pub(crate) outputs: Vec<Option<Value>>,
    pub(crate) assigned_at: Vec<DateTime<Utc>>,
    pub(crate) started_at: Vec<Option<DateTime<Utc>>>,
    pub(crate) delays_ms: Vec<i64>,
    pub(crate) failures: Vec<i32>,
    pub(crate) faults: Vec<i32>,
}

/// Records the ends of attempts that this transaction holds.
pub(crate) async fn finish_attempts(transaction: &Transaction, endings: Endings) -> Result<(), StoreError> {
    if endings.task_run_ids.is_empty() {
        return Ok(());
    }
    Fixed(
        statement!("finish_attempts")
            .bind::<Array<SqlUuid>, _>(endings.tenant_ids)
            .bind::<Array<SqlUuid>, _>(endings.run_ids)
            .bind::<Array<SqlUuid>, _>(endings.task_run_ids)
            .bind::<Array<Integer>, _>(endings.fences)
            .bind::<Array<SqlUuid>, _>(endings.executor_ids)
            .bind::<Array<Text>, _>(endings.outcomes)
            .bind::<Array<Text>, _>(endings.states)
            .bind::<Array<Nullable<Text>>, _>(endings.reasons)
            .bind::<Array<Nullable<Integer>>, _>(endings.exit_codes)
            .bind::<Array<Nullable<Integer>>, _>(endings.http_statuses)
            .bind::<Array<Nullable<Text>>, _>(endings.messages)
            .bind::<Array<Nullable<Jsonb>>, _>(endings.outputs)
            .bind::<Array<Timestamptz>, _>(endings.assigned_at)
            .bind::<Array<Nullable<Timestamptz>>, _>(endings.started_at)
            .bind::<Array<BigInt>, _>(endings.delays_ms)
            .bind::<Array<Integer>, _>(endings.failures)
            .bind::<Array<Integer>, _>(endings.faults)
            .bind::<Array<Bool>, _>(endings.paused),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// What has ended of a run since the last time.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) ended: i32,
    pub(crate) failed: i32,
    pub(crate) reason: Option<String>,
    /// What the run comes to is judged, not counted.
    pub(crate) judged: bool,
}

/// A run of which nothing is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedRun {
    pub(crate) id: RunId,
    /// It has ended; else it is to be judged.
    pub(crate) finished: bool,
    /// How many of its nodes failed.
    pub(crate) failed: i32,
    /// The task run of another run that it is.
    pub(crate) within: Option<(RunId, TaskRunId)>,
    /// A schedule or a trigger waits for its end.
    pub(crate) watched: bool,
}

/// Counts what has ended, and ends the runs of which nothing is open. Gives these, and those that are to be judged.
pub(crate) async fn finish_runs(
    transaction: &mut Transaction,
    progress: &[Progress],
) -> Result<Vec<ClosedRun>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Bool)]
        finished: bool,
        #[diesel(sql_type = Integer)]
        failed_task_runs: i32,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        parent_run_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        parent_task_run_id: Option<Uuid>,
        #[diesel(sql_type = Bool)]
        watched: bool,
    }
    let rows: Vec<Row> = Fixed(
        statement!("finish_runs")
            .bind::<Array<SqlUuid>, _>(progress.iter().map(|p| p.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(progress.iter().map(|p| p.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(progress.iter().map(|p| p.ended).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(progress.iter().map(|p| p.failed).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(
                progress.iter().map(|p| p.reason.as_deref()).collect::<Vec<_>>(),
            )
            .bind::<Array<Bool>, _>(progress.iter().map(|p| p.judged).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let closed = |row: Row| ClosedRun {
        id: row.id.into(),
        finished: row.finished,
        failed: row.failed_task_runs,
        within: row
            .parent_run_id
            .zip(row.parent_task_run_id)
            .map(|(run, task_run)| (run.into(), task_run.into())),
        watched: row.watched,
    };
    Ok(rows.into_iter().map(closed).collect())
}

/// Ends a run of which nothing is open. Whether a schedule or a trigger waits for that.
pub(crate) async fn end_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    state: RunState,
    reason: Option<&str>,
    output: Option<Value>,
) -> Result<bool, StoreError> {
    let watched = Fixed(
        statement!("end_run")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<Text, _>(state.as_str())
            .bind::<Nullable<Text>, _>(reason)
            .bind::<Nullable<Jsonb>, _>(output),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(watched > 0)
}
