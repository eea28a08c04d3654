//! How many runs tenants may have, and how many they have.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::tenants;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::TenantId;

/// Class of the advisory locks under which the live runs of a tenant with a quota are counted and added to.
const QUOTA_LOCK: i32 = 7_340_042;

/// The quotas of those of the tenants that have one.
pub(crate) async fn list_quotas(
    transaction: &mut Transaction,
    wanted: &[TenantId],
) -> Result<Vec<(TenantId, u32)>, StoreError> {
    let rows: Vec<(Uuid, Option<i32>)> = tenants::table
        .filter(tenants::id.eq_any(wanted.iter().map(|tenant| tenant.0)))
        .filter(tenants::most_live_runs.is_not_null())
        .select((tenants::id, tenants::most_live_runs))
        .load(&mut **transaction)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(tenant, most)| Some((tenant.into(), u32::try_from(most?).ok()?)))
        .collect())
}

/// Takes the locks of the tenants' quotas until the transaction ends, each once nobody has it.
pub(crate) async fn lock_quotas(
    transaction: &mut Transaction,
    tenants: &[TenantId],
) -> Result<(), StoreError> {
    Fixed(
        statement!("lock_quotas")
            .bind::<Integer, _>(QUOTA_LOCK)
            .bind::<Array<SqlUuid>, _>(tenants.iter().map(|tenant| tenant.0).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// How many live runs each of the tenants has, counted no further than to its quota.
pub(crate) async fn count_live_runs(
    transaction: &mut Transaction,
    quotas: &[(TenantId, u32)],
) -> Result<Vec<(TenantId, u32)>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = Integer)]
        live: i32,
    }
    let most = quotas
        .iter()
        .map(|(_, most)| i32::try_from(*most).unwrap_or(i32::MAX));
    let rows: Vec<Row> = Fixed(
        statement!("count_live_runs")
            .bind::<Array<SqlUuid>, _>(quotas.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(most.collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id.into(), row.live.unsigned_abs()))
        .collect())
}
