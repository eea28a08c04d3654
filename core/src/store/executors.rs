//! The lives of executors and schedulers.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Float, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{ExecutorId, SchedulerId, TenantId};
use crate::work::{Heartbeat, Registration};

/// Begins the life of an executor, with a lease of `lease_ms`.
pub(crate) async fn register_executor(
    transaction: &mut Transaction,
    tenant: TenantId,
    registration: &Registration,
    lease_ms: i64,
) -> Result<(), StoreError> {
    let mut labels = registration.labels.clone();
    labels.sort_unstable();
    labels.dedup();
    Fixed(
        statement!("register_executor")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(registration.executor_id.0)
            .bind::<Text, _>(&registration.key)
            .bind::<Text, _>(&registration.hostname)
            .bind::<Text, _>(&registration.containment)
            .bind::<Array<Text>, _>(labels)
            .bind::<Integer, _>(i32::try_from(registration.slots).unwrap_or(i32::MAX))
            .bind::<BigInt, _>(lease_ms),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A lease that was prolonged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renewed {
    pub(crate) tenant_id: TenantId,
    pub(crate) drain_requested: bool,
    /// Whether people would want to hear of it.
    pub(crate) changed: bool,
}

/// Prolongs the lease of an executor; `None` when it had ended.
pub(crate) async fn renew_executor(
    transaction: &mut Transaction,
    heartbeat: &Heartbeat,
    lease_ms: i64,
) -> Result<Option<Renewed>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = Bool)]
        drain_requested: bool,
        #[diesel(sql_type = Bool)]
        changed: bool,
    }
    let rows: Vec<Row> = Fixed(
        statement!("renew_executor")
            .bind::<SqlUuid, _>(heartbeat.executor_id.0)
            .bind::<BigInt, _>(lease_ms)
            .bind::<Float, _>(heartbeat.cpu)
            .bind::<Float, _>(heartbeat.memory)
            .bind::<Integer, _>(i32::try_from(heartbeat.running).unwrap_or(i32::MAX))
            .bind::<Bool, _>(heartbeat.overloaded)
            .bind::<Bool, _>(heartbeat.draining),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().next().map(|row| Renewed {
        tenant_id: row.tenant_id.into(),
        drain_requested: row.drain_requested,
        changed: row.changed,
    }))
}

#[derive(QueryableByName)]
struct TenantRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
}

/// Ends the life of an executor that owns nothing any more; gives its tenant, or `None` when it had ended before.
pub(crate) async fn leave_executor(
    transaction: &mut Transaction,
    executor: ExecutorId,
) -> Result<Option<TenantId>, StoreError> {
    let rows: Vec<TenantRow> = Fixed(statement!("leave_executor").bind::<SqlUuid, _>(executor.0))
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().next().map(|row| row.tenant_id.into()))
}

/// An executor whose lease has ended.
#[derive(Clone, Debug)]
pub(crate) struct LostExecutor {
    pub(crate) tenant_id: TenantId,
    pub(crate) executor_id: ExecutorId,
    pub(crate) key: String,
}

/// Ends the lives of executors whose lease has ended and from which everything was taken back.
pub(crate) async fn end_executors(transaction: &mut Transaction) -> Result<Vec<LostExecutor>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        key: String,
    }
    let rows: Vec<Row> = Fixed(statement!("end_executors"))
        .load(&mut **transaction)
        .await?;
    let lost = |row: Row| LostExecutor {
        tenant_id: row.tenant_id.into(),
        executor_id: row.id.into(),
        key: row.key,
    };
    Ok(rows.into_iter().map(lost).collect())
}

/// Prolongs the life of a scheduler, beginning it if need be, and names all that live, this one among them.
pub(crate) async fn renew_scheduler(
    transaction: &mut Transaction,
    scheduler: SchedulerId,
    hostname: &str,
    lease_ms: i64,
) -> Result<Vec<SchedulerId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("renew_scheduler")
            .bind::<SqlUuid, _>(scheduler.0)
            .bind::<Text, _>(hostname)
            .bind::<BigInt, _>(lease_ms),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(|row| row.id.into()).collect())
}

/// Ends the life of a scheduler.
pub(crate) async fn leave_scheduler(
    transaction: &mut Transaction,
    scheduler: SchedulerId,
) -> Result<(), StoreError> {
    use super::schema::schedulers;
    use diesel::ExpressionMethods;
    use diesel::QueryDsl;

    diesel::delete(schedulers::table.filter(schedulers::id.eq(scheduler.0)))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
