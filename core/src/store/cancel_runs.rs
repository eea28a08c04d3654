//! Runs that are told to stop.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::runs;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{ExecutorId, RunId, TenantId};

/// A run that this transaction holds still.
#[derive(Clone, Debug)]
pub(crate) struct HeldRun {
    pub(crate) state: String,
    pub(crate) stop_requested: bool,
}

/// Reads the run and keeps it still until the transaction ends.
pub(crate) async fn lock_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<Option<HeldRun>, StoreError> {
    let row: Option<(String, Option<DateTime<Utc>>)> = runs::table
        .filter(runs::tenant_id.eq(tenant.0).and(runs::id.eq(run.0)))
        .select((runs::state, runs::stop_requested_at))
        .for_no_key_update()
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(row.map(|(state, requested_at)| HeldRun {
        state,
        stop_requested: requested_at.is_some(),
    }))
}

#[derive(QueryableByName)]
struct Dropped {
    #[diesel(sql_type = SqlUuid)]
    task_run_id: Uuid,
    #[diesel(sql_type = Integer)]
    fence: i32,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    executor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    assigned_at: Option<DateTime<Utc>>,
}

/// Ends what has not started of a run that is held, and marks what has. Gives the executors that are to stop something.
pub(crate) async fn stop_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    subject: &str,
    reason: &str,
) -> Result<Vec<ExecutorId>, StoreError> {
    #[derive(QueryableByName)]
    struct Told {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        executor_id: Option<Uuid>,
    }
    let dropped: Vec<Dropped> = Fixed(
        statement!("drop_waiting")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0),
    )
    .load(&mut **transaction)
    .await?;
    let told: Vec<Told> = Fixed(
        statement!("cancel_waiting")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<Array<SqlUuid>, _>(dropped.iter().map(|row| row.task_run_id).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(dropped.iter().map(|row| row.fence).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(
                dropped.iter().map(|row| row.executor_id).collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Timestamptz>>, _>(
                dropped.iter().map(|row| row.assigned_at).collect::<Vec<_>>(),
            )
            .bind::<Text, _>(subject)
            .bind::<Text, _>(reason),
    )
    .load(&mut **transaction)
    .await?;
    Ok(told
        .into_iter()
        .filter_map(|row| row.executor_id.map(Into::into))
        .collect())
}
