//! How far attempts say that they are.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::TenantId;
use crate::work::Progress;

/// Writes down how far the attempts are that are under way; gives the tenants that have news.
pub(crate) async fn write_progress(
    transaction: &mut Transaction,
    progress: &[Progress],
) -> Result<Vec<TenantId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("write_progress")
            .bind::<Array<SqlUuid>, _>(progress.iter().map(|p| p.lease.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(progress.iter().map(|p| p.lease.task_run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(progress.iter().map(|p| p.lease.fence).collect::<Vec<_>>())
            .bind::<Array<Nullable<Double>>, _>(progress.iter().map(|p| p.percent).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(
                progress.iter().map(|p| p.message.as_deref()).collect::<Vec<_>>(),
            ),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(|row| row.tenant_id.into()).collect())
}
