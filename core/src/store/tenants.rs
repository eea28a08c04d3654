//! Tenants by key.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::tenants;
use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::tenant::Tenant;

#[derive(Queryable)]
struct Row {
    id: uuid::Uuid,
    key: String,
    partition: i16,
    most_live_runs: Option<i32>,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl From<Row> for Tenant {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            key: row.key,
            partition: row.partition,
            most_live_runs: row.most_live_runs.and_then(|most| u32::try_from(most).ok()),
            created_at: row.created_at,
        }
    }
}

/// The tenant that `key` names.
pub async fn find_tenant(transaction: &mut Transaction, key: &str) -> Result<Option<Tenant>, StoreError> {
    let row = tenants::table
        .filter(tenants::key.eq(key))
        .first::<Row>(&mut **transaction)
        .await
        .optional()?;
    Ok(row.map(Into::into))
}

/// The tenants that `ids` name.
pub async fn list_tenants_by_id(
    transaction: &mut Transaction,
    ids: &[TenantId],
) -> Result<Vec<Tenant>, StoreError> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = tenants::table
        .filter(tenants::id.eq_any(ids))
        .load::<Row>(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Tenants after `after` by key, at most `limit`.
pub async fn list_tenants(
    transaction: &mut Transaction,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Tenant>, StoreError> {
    let rows = tenants::table
        .filter(
            tenants::key
                .gt(after.unwrap_or(""))
                .and(tenants::id.ne(TenantId::PLATFORM.0)),
        )
        .order(tenants::key)
        .limit(limit)
        .load::<Row>(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Creates the tenant `key` unless it exists.
pub async fn insert_tenant(transaction: &mut Transaction, id: TenantId, key: &str) -> Result<(), StoreError> {
    diesel::insert_into(tenants::table)
        .values((
            tenants::id.eq(id.0),
            tenants::key.eq(key),
            tenants::partition.eq(id.partition()),
        ))
        .on_conflict(tenants::key)
        .do_nothing()
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Sets how many runs the tenant `key` may have under way, and gives the tenant; `None` when there is none.
pub(crate) async fn set_most_live_runs(
    transaction: &mut Transaction,
    key: &str,
    most: Option<i32>,
) -> Result<Option<Tenant>, StoreError> {
    let row =
        diesel::update(tenants::table.filter(tenants::key.eq(key).and(tenants::id.ne(TenantId::PLATFORM.0))))
            .set(tenants::most_live_runs.eq(most))
            .get_result::<Row>(&mut **transaction)
            .await
            .optional()?;
    Ok(row.map(Into::into))
}
