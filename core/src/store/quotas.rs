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

/// The quota of the tenant, if it has one.
pub(crate) async fn find_quota(
    transaction: &Transaction,
    tenant: TenantId,
) -> Result<Option<u32>, StoreError> {
    let most: Option<Option<i32>> = tenants::table
        .find(tenant.0)
        .select(tenants::most_live_runs)
        .first(&mut &**transaction)
        .await
        .optional()?;
    Ok(most.flatten().and_then(|most| u32::try_from(most).ok()))
}

/// Takes the locks of the tenants' quotas until the transaction ends, each once nobody has it.
pub(crate) async fn lock_quotas(transaction: &Transaction, tenants: &[TenantId]) -> Result<(), StoreError> {
    Fixed(
        statement!("lock_quotas")
            .bind::<Integer, _>(QUOTA_LOCK)
            .bind::<Array<SqlUuid>, _>(tenants.iter().map(|tenant| tenant.0).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// How many live runs each of the tenants has, counted no further than to its quota.
pub(crate) async fn count_live_runs(
    transaction: &Transaction,
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
    .load(&mut &**transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id.into(), row.live.unsigned_abs()))
        .collect())
}
