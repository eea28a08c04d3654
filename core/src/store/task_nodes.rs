//! Task nodes.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::registry::{USERS_NAMED, registry, unreadable};
use super::schema::{task_nodes, workflows};
use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::task_node::{TaskNodeSpec, TaskWork};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = task_nodes)]
#[diesel(treat_none_as_null = true)]
struct Stored {
    program_id: Option<Uuid>,
    endpoint_id: Option<Uuid>,
    spec: Value,
}

impl Stored {
    fn of(spec: &TaskNodeSpec) -> Self {
        let (program_id, endpoint_id) = match spec.work {
            TaskWork::NoOp => (None, None),
            TaskWork::Program(id) => (Some(id.0), None),
            TaskWork::Endpoint(id) => (None, Some(id.0)),
        };
        let spec = serde_json::to_value(&spec.settings).expect("a task node's settings are JSON");
        Self {
            program_id,
            endpoint_id,
            spec,
        }
    }

    fn read(self, key: &str) -> Result<TaskNodeSpec, StoreError> {
        let work = match (self.program_id, self.endpoint_id) {
            (Some(id), _) => TaskWork::Program(id.into()),
            (None, Some(id)) => TaskWork::Endpoint(id.into()),
            (None, None) => TaskWork::NoOp,
        };
        let settings =
            serde_json::from_value(self.spec).map_err(|error| unreadable::<TaskNodeSpec>(key, &error))?;
        Ok(TaskNodeSpec { work, settings })
    }
}

registry! {
    task_nodes holds TaskNodeSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: workflows_of,
}

/// Drafts name task nodes inside JSON, so this looks through the tenant's drafts.
async fn workflows_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_node: Uuid,
) -> Result<Vec<String>, StoreError> {
    let named = json!({ "nodes": [{ "work": { "taskNode": task_node } }] });
    let keys = workflows::table
        .filter(
            workflows::tenant_id
                .eq(tenant.0)
                .and(workflows::deleted_at.is_null()),
        )
        .filter(workflows::draft.contains(named))
        .order(workflows::key)
        .limit(USERS_NAMED)
        .select(workflows::key);
    Ok(keys.load(&mut **transaction).await?)
}

/// The task nodes that run or call what `id` names, be it a program or an endpoint.
pub(super) async fn task_nodes_using(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: Uuid,
) -> Result<Vec<String>, StoreError> {
    let keys = task_nodes::table
        .filter(task_nodes::tenant_id.eq(tenant.0))
        .filter(task_nodes::program_id.eq(id).or(task_nodes::endpoint_id.eq(id)))
        .order(task_nodes::key)
        .limit(USERS_NAMED)
        .select(task_nodes::key);
    Ok(keys.load(&mut **transaction).await?)
}
