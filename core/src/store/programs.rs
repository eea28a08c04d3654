//! Programs.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::registry::{USERS_NAMED, registry, unreadable};
use super::schema::{programs, task_nodes};
use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::workflow::ProgramSpec;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = programs)]
struct Stored {
    spec: Value,
}

impl Stored {
    fn of(spec: &ProgramSpec) -> Self {
        Self {
            spec: serde_json::to_value(spec).expect("a program's specification is JSON"),
        }
    }

    fn read(self, key: &str) -> Result<ProgramSpec, StoreError> {
        serde_json::from_value(self.spec).map_err(|error| unreadable("program", key, &error))
    }
}

registry! {
    programs holds ProgramSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: task_nodes_of,
}

async fn task_nodes_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    program: Uuid,
) -> Result<Vec<String>, StoreError> {
    let keys = task_nodes::table
        .filter(
            task_nodes::tenant_id
                .eq(tenant.0)
                .and(task_nodes::program_id.eq(program)),
        )
        .order(task_nodes::key)
        .limit(USERS_NAMED)
        .select(task_nodes::key);
    Ok(keys.load(&mut **transaction).await?)
}
