//! Calendars.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::registry::{USERS_NAMED, json_column, registry};
use super::schema::{calendars, schedules};
use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::schedule::calendar::CalendarDefinition;

json_column!(calendars.spec holds CalendarDefinition);

registry! {
    calendars holds CalendarDefinition as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: schedules_of,
}

/// Schedules name calendars by their keys.
async fn schedules_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    calendar: Uuid,
) -> Result<Vec<String>, StoreError> {
    let key: String = calendars::table
        .find((tenant.0, calendar))
        .select(calendars::key)
        .first(&mut **transaction)
        .await?;
    let keys = schedules::table
        .filter(schedules::tenant_id.eq(tenant.0))
        .filter(schedules::calendars.contains(vec![key]))
        .order(schedules::key)
        .limit(USERS_NAMED)
        .select(schedules::key);
    Ok(keys.load(&mut **transaction).await?)
}
