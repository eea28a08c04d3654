//! What the questions of task runs refer to, read for many at once.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::runs;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TenantId, WorkflowVersionId};

/// The versions that the runs are pinned to.
pub(crate) async fn list_run_versions(
    transaction: &mut Transaction,
    tenant: TenantId,
    wanted: &[RunId],
) -> Result<Vec<(RunId, WorkflowVersionId)>, StoreError> {
    let rows: Vec<(Uuid, Uuid)> = runs::table
        .filter(runs::tenant_id.eq(tenant.0))
        .filter(runs::id.eq_any(wanted.iter().map(|run| run.0)))
        .select((runs::id, runs::version_id))
        .load(&mut **transaction)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(run, version)| (run.into(), version.into()))
        .collect())
}

/// What the runs were given.
pub(crate) async fn list_inputs(
    transaction: &mut Transaction,
    tenant: TenantId,
    wanted: &[RunId],
) -> Result<HashMap<RunId, Value>, StoreError> {
    let rows: Vec<(Uuid, Value)> = runs::table
        .filter(runs::tenant_id.eq(tenant.0))
        .filter(runs::id.eq_any(wanted.iter().map(|run| run.0)))
        .select((runs::id, runs::inputs))
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(|(id, inputs)| (id.into(), inputs)).collect())
}

/// What a node gave.
#[derive(Debug, QueryableByName)]
pub(crate) struct NodeOutput {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) run_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) key: String,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(crate) output: Option<Value>,
}

/// What the nodes, each of a run by its place, gave.
pub(crate) async fn list_node_outputs(
    transaction: &mut Transaction,
    tenant: TenantId,
    nodes: &[(RunId, i32)],
) -> Result<Vec<NodeOutput>, StoreError> {
    Ok(Fixed(
        statement!("list_node_outputs")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(nodes.iter().map(|(run, _)| run.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(nodes.iter().map(|(_, node)| *node).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?)
}
