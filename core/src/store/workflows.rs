//! Workflows.
//!
//! A deleted workflow stays as a row that callers do not see, because its runs, whose history is kept, lead to it through
//! their version. Its key is free at once.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::registry::{json_column, registry, sql::present};
use super::schema::{runs, workflows};
use super::{StoreError, Transaction};
use crate::id::{TenantId, WorkflowVersionId};
use crate::workflow::{Draft, Workflow};

json_column!(workflows.draft holds Draft);

registry! {
    workflows holds Draft as Stored,
    present: workflows::deleted_at.is_null(),
    remove: |target| diesel::update(target).set((
        workflows::deleted_at.eq(present().nullable()),
        workflows::published_version_id.eq(None::<Uuid>),
    )),
    users: live_runs_of,
}

async fn live_runs_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: Uuid,
) -> Result<Vec<String>, StoreError> {
    let ids = runs::table
        .filter(runs::tenant_id.eq(tenant.0).and(runs::workflow_id.eq(workflow)))
        .filter(runs::state.eq_any(["QUEUED", "RUNNING", "PAUSED"]))
        .order(runs::id)
        .limit(super::registry::USERS_NAMED)
        .select(runs::id);
    let ids: Vec<Uuid> = ids.load(&mut **transaction).await?;
    Ok(ids.into_iter().map(|id| id.to_string()).collect())
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
