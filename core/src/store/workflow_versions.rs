//! Workflow versions, as callers read them. What runs need of a version is read by [`super::versions`] and kept.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{workflow_versions, workflows};
use super::{StoreError, Transaction};
use crate::id::{TenantId, WorkflowId, WorkflowVersionId};
use crate::workflow::{Definition, Workflow, WorkflowVersion};

#[derive(Queryable, Selectable)]
#[diesel(table_name = workflow_versions)]
struct Row {
    id: Uuid,
    workflow_id: Uuid,
    number: i32,
    priority: i16,
    published_by: String,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl Row {
    fn read((row, workflow_key): (Self, String)) -> WorkflowVersion {
        WorkflowVersion {
            id: row.id.into(),
            workflow_id: row.workflow_id.into(),
            workflow_key,
            number: row.number,
            priority: row.priority,
            published_by: row.published_by,
            created_at: row.created_at,
        }
    }
}

/// The tenant's versions with the keys of their workflows; a macro because a function would have to name diesel's types.
macro_rules! versions_of {
    ($tenant:expr) => {
        workflow_versions::table
            .inner_join(
                workflows::table.on(workflows::tenant_id
                    .eq(workflow_versions::tenant_id)
                    .and(workflows::id.eq(workflow_versions::workflow_id))),
            )
            .filter(workflow_versions::tenant_id.eq($tenant.0))
            .select((Row::as_select(), workflows::key))
    };
}

/// The versions that `ids` name, in no order.
pub(crate) async fn find_versions(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[WorkflowVersionId],
) -> Result<Vec<WorkflowVersion>, StoreError> {
    let ids = ids.iter().map(|id| id.0);
    let rows: Vec<(Row, String)> = versions_of!(tenant)
        .filter(workflow_versions::id.eq_any(ids))
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// The versions that runs of `workflows` start from, in no order; a workflow that is not published has none.
pub(crate) async fn find_published_versions(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflows: &[WorkflowId],
) -> Result<Vec<WorkflowVersion>, StoreError> {
    let ids = workflows.iter().map(|id| id.0);
    let rows: Vec<(Row, String)> = versions_of!(tenant)
        .filter(workflows::id.eq_any(ids))
        .filter(workflows::published_version_id.eq(workflow_versions::id.nullable()))
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// The edition `number` of a workflow.
pub(crate) async fn find_version(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: WorkflowId,
    number: i32,
) -> Result<Option<WorkflowVersion>, StoreError> {
    let row: Option<(Row, String)> = versions_of!(tenant)
        .filter(
            workflow_versions::workflow_id
                .eq(workflow.0)
                .and(workflow_versions::number.eq(number)),
        )
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(row.map(Row::read))
}

/// Editions of a workflow below `before`, the latest first, at most `limit`.
pub(crate) async fn list_versions(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: WorkflowId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<WorkflowVersion>, StoreError> {
    let rows: Vec<(Row, String)> = versions_of!(tenant)
        .filter(workflow_versions::workflow_id.eq(workflow.0))
        .filter(workflow_versions::number.lt(before.unwrap_or(i32::MAX)))
        .order(workflow_versions::number.desc())
        .limit(limit)
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// What the versions that `ids` name hold.
pub(crate) async fn find_definitions(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[WorkflowVersionId],
) -> Result<Vec<(WorkflowVersionId, Definition)>, StoreError> {
    let ids = ids.iter().map(|id| id.0);
    let rows: Vec<(Uuid, Value)> = workflow_versions::table
        .filter(
            workflow_versions::tenant_id
                .eq(tenant.0)
                .and(workflow_versions::id.eq_any(ids)),
        )
        .select((workflow_versions::id, workflow_versions::definition))
        .load(&mut **transaction)
        .await?;
    rows.into_iter()
        .map(|(id, definition)| {
            let definition = serde_json::from_value(definition)
                .map_err(|error| StoreError::Unreadable(format!("the workflow version {id}: {error}")))?;
            Ok((id.into(), definition))
        })
        .collect()
}

/// A version that is about to be recorded.
pub(crate) struct NewVersion<'a> {
    pub(crate) workflow: &'a Workflow,
    pub(crate) number: i32,
    pub(crate) definition: Value,
    pub(crate) priority: i16,
    pub(crate) published_by: &'a str,
}

/// Records a version.
pub(crate) async fn insert_version(
    transaction: &mut Transaction,
    tenant: TenantId,
    new: NewVersion<'_>,
) -> Result<WorkflowVersion, StoreError> {
    let row: Row = diesel::insert_into(workflow_versions::table)
        .values((
            workflow_versions::tenant_id.eq(tenant.0),
            workflow_versions::id.eq(WorkflowVersionId::generate().0),
            workflow_versions::workflow_id.eq(new.workflow.id.0),
            workflow_versions::number.eq(new.number),
            workflow_versions::definition.eq(new.definition),
            workflow_versions::priority.eq(new.priority),
            workflow_versions::published_by.eq(new.published_by),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **transaction)
        .await?;
    Ok(Row::read((row, new.workflow.key.clone())))
}
