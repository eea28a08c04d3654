//! New runs.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::workflows;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{TenantId, WorkflowVersionId};

/// The published versions of the workflows that `keys` name; a workflow that is not published has none.
pub(crate) async fn find_published(
    transaction: &mut Transaction,
    tenant: TenantId,
    keys: &[&str],
) -> Result<Vec<(String, Option<WorkflowVersionId>)>, StoreError> {
    let rows: Vec<(String, Option<Uuid>)> = workflows::table
        .filter(workflows::tenant_id.eq(tenant.0).and(workflows::key.eq_any(keys)))
        .filter(workflows::deleted_at.is_null())
        .select((workflows::key, workflows::published_version_id))
        .load(&mut **transaction)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, version)| (key, version.map(Into::into)))
        .collect())
}

/// The same, and how many runs the tenant may have; as many as it likes when absent.
pub(crate) async fn find_published_and_quota(
    transaction: &mut Transaction,
    tenant: TenantId,
    keys: &[&str],
) -> Result<(Vec<(String, Option<WorkflowVersionId>)>, Option<u32>), StoreError> {
    use super::schema::tenants;

    let most = tenants::table.find(tenant.0).select(tenants::most_live_runs);
    let rows: Vec<(String, Option<Uuid>, Option<i32>)> = workflows::table
        .filter(workflows::tenant_id.eq(tenant.0).and(workflows::key.eq_any(keys)))
        .filter(workflows::deleted_at.is_null())
        .select((
            workflows::key,
            workflows::published_version_id,
            most.single_value(),
        ))
        .load(&mut **transaction)
        .await?;
    let quota = rows
        .as_slice()
        .first()
        .and_then(|(.., most)| u32::try_from((*most)?).ok());
    let published = rows
        .into_iter()
        .map(|(key, version, _)| (key, version.map(Into::into)));
    Ok((published.collect(), quota))
}

/// New runs, a column each, as `insert_runs` takes them.
#[derive(Debug, Default)]
pub(crate) struct NewRuns {
    pub(crate) tenant_ids: Vec<Uuid>,
    pub(crate) partitions: Vec<i16>,
    pub(crate) ids: Vec<Uuid>,
    pub(crate) workflow_ids: Vec<Uuid>,
    pub(crate) version_ids: Vec<Uuid>,
    pub(crate) priorities: Vec<i16>,
    pub(crate) inputs: Vec<Value>,
    pub(crate) task_run_counts: Vec<i32>,
    pub(crate) triggers: Vec<&'static str>,
    pub(crate) started_by: Vec<Arc<str>>,
    pub(crate) parent_run_ids: Vec<Option<Uuid>>,
    pub(crate) parent_task_run_ids: Vec<Option<Uuid>>,
    pub(crate) depths: Vec<i16>,
    pub(crate) reruns_of: Vec<Option<Uuid>>,
    pub(crate) paused: Vec<bool>,
    pub(crate) schedule_ids: Vec<Option<Uuid>>,
    pub(crate) occurrences: Vec<Option<Value>>,
    pub(crate) overlap_keys: Vec<Option<String>>,
    pub(crate) backfill_ids: Vec<Option<Uuid>>,
    pub(crate) task_runs: NewTaskRuns,
    pub(crate) dispatch: NewDispatch,
}

/// Their task runs.
#[derive(Debug, Default)]
pub(crate) struct NewTaskRuns {
    pub(crate) tenant_ids: Vec<Uuid>,
    pub(crate) ids: Vec<Uuid>,
    pub(crate) run_ids: Vec<Uuid>,
    pub(crate) nodes: Vec<i32>,
    pub(crate) keys: Vec<String>,
    pub(crate) parents: Vec<i32>,
    pub(crate) live: Vec<bool>,
}

/// Those of them that can begin at once.
#[derive(Debug, Default)]
pub(crate) struct NewDispatch {
    pub(crate) tenant_ids: Vec<Uuid>,
    pub(crate) partitions: Vec<i16>,
    pub(crate) task_run_ids: Vec<Uuid>,
    pub(crate) run_ids: Vec<Uuid>,
    pub(crate) version_ids: Vec<Uuid>,
    pub(crate) nodes: Vec<i32>,
    pub(crate) priorities: Vec<i16>,
    pub(crate) costs: Vec<i16>,
    pub(crate) labels: Vec<String>,
    pub(crate) paused: Vec<bool>,
}

/// Records runs.
pub(crate) async fn insert_runs(transaction: &Transaction, runs: NewRuns) -> Result<(), StoreError> {
    let started_by: Vec<&str> = runs.started_by.iter().map(AsRef::as_ref).collect();
    Fixed(
        statement!("insert_runs")
            .bind::<Array<SqlUuid>, _>(runs.tenant_ids)
            .bind::<Array<SmallInt>, _>(runs.partitions)
            .bind::<Array<SqlUuid>, _>(runs.ids)
            .bind::<Array<SqlUuid>, _>(runs.workflow_ids)
            .bind::<Array<SqlUuid>, _>(runs.version_ids)
            .bind::<Array<SmallInt>, _>(runs.priorities)
            .bind::<Array<Jsonb>, _>(runs.inputs)
            .bind::<Array<Integer>, _>(runs.task_run_counts)
            .bind::<Array<Text>, _>(runs.triggers)
            .bind::<Array<Text>, _>(started_by)
            .bind::<Array<Nullable<SqlUuid>>, _>(runs.parent_run_ids)
            .bind::<Array<Nullable<SqlUuid>>, _>(runs.parent_task_run_ids)
            .bind::<Array<SmallInt>, _>(runs.depths)
            .bind::<Array<Nullable<SqlUuid>>, _>(runs.reruns_of)
            .bind::<Array<Bool>, _>(runs.paused)
            .bind::<Array<Nullable<SqlUuid>>, _>(runs.schedule_ids)
            .bind::<Array<Nullable<Jsonb>>, _>(runs.occurrences)
            .bind::<Array<Nullable<Text>>, _>(runs.overlap_keys)
            .bind::<Array<SqlUuid>, _>(runs.task_runs.tenant_ids)
            .bind::<Array<SqlUuid>, _>(runs.task_runs.ids)
            .bind::<Array<SqlUuid>, _>(runs.task_runs.run_ids)
            .bind::<Array<Integer>, _>(runs.task_runs.nodes)
            .bind::<Array<Text>, _>(runs.task_runs.keys)
            .bind::<Array<Integer>, _>(runs.task_runs.parents)
            .bind::<Array<Bool>, _>(runs.task_runs.live)
            .bind::<Array<SqlUuid>, _>(runs.dispatch.tenant_ids)
            .bind::<Array<SmallInt>, _>(runs.dispatch.partitions)
            .bind::<Array<SqlUuid>, _>(runs.dispatch.task_run_ids)
            .bind::<Array<SqlUuid>, _>(runs.dispatch.run_ids)
            .bind::<Array<SqlUuid>, _>(runs.dispatch.version_ids)
            .bind::<Array<Integer>, _>(runs.dispatch.nodes)
            .bind::<Array<SmallInt>, _>(runs.dispatch.priorities)
            .bind::<Array<SmallInt>, _>(runs.dispatch.costs)
            .bind::<Array<Text>, _>(runs.dispatch.labels)
            .bind::<Array<Bool>, _>(runs.dispatch.paused)
            .bind::<Array<Nullable<SqlUuid>>, _>(runs.backfill_ids),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// A call that was named before, or now.
#[derive(Debug)]
pub(crate) struct NamedCall {
    pub(crate) key: String,
    pub(crate) request: [u8; 32],
    pub(crate) object_id: Uuid,
}

/// Names the calls, as far as their keys are free, and gives for each key what holds it now: the call itself, or an earlier one.
///
/// A key that another transaction is naming at this moment is waited for.
pub(crate) async fn claim_keys(
    transaction: &mut Transaction,
    tenant: TenantId,
    mutation: &str,
    calls: &[NamedCall],
) -> Result<Vec<NamedCall>, StoreError> {
    use super::schema::idempotency_keys;
    use diesel::sql_types::Bytea;

    Fixed(
        statement!("claim_keys")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Text, _>(mutation)
            .bind::<Array<Text>, _>(calls.iter().map(|call| call.key.as_str()).collect::<Vec<_>>())
            .bind::<Array<Bytea>, _>(
                calls
                    .iter()
                    .map(|call| call.request.as_slice())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<SqlUuid>, _>(calls.iter().map(|call| call.object_id).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    let rows: Vec<(String, Vec<u8>, Uuid)> = idempotency_keys::table
        .filter(
            idempotency_keys::tenant_id
                .eq(tenant.0)
                .and(idempotency_keys::mutation.eq(mutation))
                .and(idempotency_keys::key.eq_any(calls.iter().map(|call| call.key.as_str()))),
        )
        .select((
            idempotency_keys::key,
            idempotency_keys::request,
            idempotency_keys::object_id,
        ))
        .load(&mut **transaction)
        .await?;
    rows.into_iter()
        .map(|(key, request, object_id)| {
            let request = request
                .try_into()
                .map_err(|_| StoreError::Unreadable(format!("the request of the idempotency key {key:?}")))?;
            Ok(NamedCall {
                key,
                request,
                object_id,
            })
        })
        .collect()
}
