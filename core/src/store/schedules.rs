//! Schedules, as people wrote them.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::registry::{registry, unreadable};
use super::schema::{calendars, schedules};
use super::{StoreError, Transaction};
use crate::id::{ScheduleId, TenantId};
use crate::schedule::calendar::CalendarDefinition;
use crate::schedule::spec::{Schedule, ScheduleSpec};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schedules)]
struct Stored {
    workflow_id: Uuid,
    calendars: Vec<String>,
    spec: Value,
}

impl Stored {
    fn of(spec: &ScheduleSpec) -> Self {
        Self {
            workflow_id: spec.workflow.0,
            calendars: spec.calendars(),
            spec: serde_json::to_value(spec).expect("a schedule is JSON"),
        }
    }

    fn read(self, key: &str) -> Result<ScheduleSpec, StoreError> {
        let spec: ScheduleSpec =
            serde_json::from_value(self.spec).map_err(|error| unreadable::<ScheduleSpec>(key, &error))?;
        Ok(ScheduleSpec {
            workflow: self.workflow_id.into(),
            ..spec
        })
    }
}

registry! {
    schedules holds ScheduleSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: nothing_uses,
}

/// Runs and occurrences outlive their schedule.
async fn nothing_uses(_: &mut Transaction, _: TenantId, _: Uuid) -> Result<Vec<String>, StoreError> {
    Ok(Vec::new())
}

/// The keys of the first schedules that start runs of the workflow.
pub(crate) async fn schedules_of_workflow(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: Uuid,
) -> Result<Vec<String>, StoreError> {
    let keys = schedules::table
        .filter(
            schedules::tenant_id
                .eq(tenant.0)
                .and(schedules::workflow_id.eq(workflow)),
        )
        .order(schedules::key)
        .limit(super::registry::USERS_NAMED)
        .select(schedules::key);
    Ok(keys.load(&mut **transaction).await?)
}

/// The schedules that are wanted, whichever tenants they are of. One that does not read is left out: it is for the release that
/// wrote it.
pub(crate) async fn list_schedules_of_all(
    transaction: &mut Transaction,
    wanted: &[(TenantId, ScheduleId)],
) -> Result<Vec<(TenantId, Schedule)>, StoreError> {
    let tenants: Vec<Uuid> = wanted.iter().map(|(tenant, _)| tenant.0).collect();
    let ids: Vec<Uuid> = wanted.iter().map(|(_, id)| id.0).collect();
    let rows: Vec<(Uuid, Row)> = schedules::table
        .filter(
            schedules::tenant_id
                .eq_any(tenants)
                .and(schedules::id.eq_any(ids)),
        )
        .select((schedules::tenant_id, Row::as_select()))
        .load(&mut **transaction)
        .await?;
    let read = |(tenant, row): (Uuid, Row)| match row.read() {
        Ok(schedule) => Some((TenantId::from(tenant), schedule)),
        Err(error) => {
            tracing::warn!(tenant.id = %tenant, error = &error as &dyn std::error::Error, "a schedule is passed over");
            None
        }
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Calendars by tenant and key.
pub(crate) type Calendars = HashMap<(TenantId, String), Arc<CalendarDefinition>>;

/// The calendars that are wanted, as far as they exist.
pub(crate) async fn list_calendars_of_all(
    transaction: &mut Transaction,
    wanted: &[(TenantId, String)],
) -> Result<Calendars, StoreError> {
    let tenants: Vec<Uuid> = wanted.iter().map(|(tenant, _)| tenant.0).collect();
    let keys: Vec<&str> = wanted.iter().map(|(_, key)| key.as_str()).collect();
    let rows: Vec<(Uuid, String, Value)> = calendars::table
        .filter(
            calendars::tenant_id
                .eq_any(tenants)
                .and(calendars::key.eq_any(keys)),
        )
        .select((calendars::tenant_id, calendars::key, calendars::spec))
        .load(&mut **transaction)
        .await?;
    rows.into_iter()
        .map(|(tenant, key, spec)| {
            let definition = serde_json::from_value(spec)
                .map_err(|error| unreadable::<CalendarDefinition>(&key, &error))?;
            Ok(((tenant.into(), key), Arc::new(definition)))
        })
        .collect()
}
