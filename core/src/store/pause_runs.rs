//! Runs that are paused, and go on.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TenantId};

/// Keeps what has not started of runs that are held from starting.
pub(crate) async fn pause_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
    by: &str,
) -> Result<(), StoreError> {
    Fixed(
        statement!("pause_runs")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.0).collect::<Vec<_>>())
            .bind::<Text, _>(by),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Lets runs that are held go on; gives those that were paused.
pub(crate) async fn resume_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
    by: &str,
) -> Result<Vec<RunId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("resume_runs")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.0).collect::<Vec<_>>())
            .bind::<Text, _>(by),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(|row| row.id.into()).collect())
}
