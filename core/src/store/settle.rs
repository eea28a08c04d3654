//! The ends of attempts, and what follows from them for task runs and runs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TenantId, WorkflowVersionId};

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
            .bind::<Array<Integer>, _>(endings.faults),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// A node whose parents have succeeded, `parents` of them since the last time.
#[derive(Clone, Debug)]
pub(crate) struct Released {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) version_id: WorkflowVersionId,
    pub(crate) partition: i16,
    pub(crate) node: i32,
    pub(crate) parents: i32,
    pub(crate) priority: i16,
    pub(crate) cost: i16,
    pub(crate) labels: String,
}

/// Counts the parents, and makes ready the nodes that wait for no more of them.
pub(crate) async fn release_task_runs(
    transaction: &Transaction,
    released: &[Released],
) -> Result<usize, StoreError> {
    if released.is_empty() {
        return Ok(0);
    }
    Ok(Fixed(
        statement!("release_task_runs")
            .bind::<Array<SqlUuid>, _>(released.iter().map(|r| r.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(released.iter().map(|r| r.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(released.iter().map(|r| r.node).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(released.iter().map(|r| r.parents).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(released.iter().map(|r| r.partition).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(released.iter().map(|r| r.version_id.0).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(released.iter().map(|r| r.priority).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(released.iter().map(|r| r.cost).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(released.iter().map(|r| r.labels.as_str()).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?)
}

/// A node that can never start, and why.
#[derive(Clone, Debug)]
pub(crate) struct Doomed {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) node: i32,
    pub(crate) reason: String,
}

/// Ends the nodes that can never start; returns how many of each run.
pub(crate) async fn fail_descendants(
    transaction: &mut Transaction,
    doomed: &[Doomed],
) -> Result<HashMap<RunId, i32>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = Integer)]
        ended: i32,
    }
    let rows: Vec<Row> = Fixed(
        statement!("fail_descendants")
            .bind::<Array<SqlUuid>, _>(doomed.iter().map(|d| d.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(doomed.iter().map(|d| d.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(doomed.iter().map(|d| d.node).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(doomed.iter().map(|d| d.reason.as_str()).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.run_id.into(), row.ended))
        .collect())
}

/// What has ended of a run since the last time.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) ended: i32,
    pub(crate) failed: i32,
    pub(crate) reason: Option<String>,
}

/// Counts what has ended, and ends the runs of which nothing is open.
pub(crate) async fn finish_runs(transaction: &Transaction, progress: &[Progress]) -> Result<(), StoreError> {
    Fixed(
        statement!("finish_runs")
            .bind::<Array<SqlUuid>, _>(progress.iter().map(|p| p.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(progress.iter().map(|p| p.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(progress.iter().map(|p| p.ended).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(progress.iter().map(|p| p.failed).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(
                progress.iter().map(|p| p.reason.as_deref()).collect::<Vec<_>>(),
            ),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}
