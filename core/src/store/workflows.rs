//! Workflows.
//!
//! A deleted workflow stays as a row that callers do not see, because its runs, whose history is kept, lead to it through
//! their version. Its key is free at once.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::registry::{json_column, registry, sql::present, unreadable};
use super::schedules::schedules_of_workflow;
use super::schema::{runs, workflow_versions, workflows};
use super::triggers::triggers_of_workflow;
use super::{StoreError, Transaction};
use crate::id::{TenantId, WorkflowVersionId};
use crate::workflow::{Draft, SubWorkflows, Workflow};

json_column!(workflows.draft holds Draft);

registry! {
    workflows holds Draft as Stored,
    present: workflows::deleted_at.is_null(),
    remove: |target| diesel::update(target).set((
        workflows::deleted_at.eq(present().nullable()),
        workflows::published_version_id.eq(None::<Uuid>),
    )),
    users: users_of,
}

/// The schedules and triggers that start it, the triggers that watch it, or else the runs of it that have not ended.
async fn users_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: Uuid,
) -> Result<Vec<String>, StoreError> {
    let mut users = schedules_of_workflow(transaction, tenant, workflow).await?;
    users.extend(triggers_of_workflow(transaction, tenant, workflow).await?);
    if !users.is_empty() {
        return Ok(users);
    }
    let ids = runs::table
        .filter(runs::tenant_id.eq(tenant.0).and(runs::workflow_id.eq(workflow)))
        .filter(runs::state.eq_any(["QUEUED", "RUNNING", "PAUSED"]))
        .order(runs::id)
        .limit(super::registry::USERS_NAMED)
        .select(runs::id);
    let ids: Vec<Uuid> = ids.load(&mut **transaction).await?;
    Ok(ids.into_iter().map(|id| id.to_string()).collect())
}

/// What the workflows that `keys` name may be given, by key: what the version declares that their runs would start from, and what
/// the draft declares where there is none yet. Of either, only the declaration is read.
pub(crate) async fn find_declared_inputs(
    transaction: &mut Transaction,
    tenant: TenantId,
    keys: &[&str],
) -> Result<SubWorkflows, StoreError> {
    let rows: Vec<(String, Option<Value>)> = workflows::table
        .left_join(
            workflow_versions::table.on(workflow_versions::tenant_id.eq(workflows::tenant_id).and(
                workflow_versions::id
                    .nullable()
                    .eq(workflows::published_version_id),
            )),
        )
        .filter(
            workflows::tenant_id
                .eq(tenant.0)
                .and(workflows::deleted_at.is_null())
                .and(workflows::key.eq_any(keys)),
        )
        .select((
            workflows::key,
            sql::<Nullable<Jsonb>>("coalesce(workflow_versions.definition, workflows.draft) -> 'inputs'"),
        ))
        .load(&mut **transaction)
        .await?;
    rows.into_iter()
        .map(|(key, inputs)| {
            let inputs = inputs.map_or_else(|| Ok(BTreeMap::new()), serde_json::from_value);
            let inputs = inputs.map_err(|error| unreadable::<Draft>(&key, &error))?;
            Ok((key, inputs))
        })
        .collect()
}

/// Makes `version`, the edition `number`, the one that runs start from, and raises the workflow's revision.
pub(crate) async fn set_published_version(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: &Workflow,
    version: WorkflowVersionId,
    number: i32,
) -> Result<Workflow, StoreError> {
    let row: Row = diesel::update(workflows::table.find((tenant.0, workflow.id.0)))
        .set((
            workflows::revision.eq(workflows::revision + 1),
            workflows::updated_at.eq(present()),
            workflows::latest_version.eq(number),
            workflows::published_version_id.eq(version.0),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **transaction)
        .await?;
    row.read()
}
