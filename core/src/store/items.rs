//! The task runs of items, shards and executors: the shares that one node is spread over.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{ExecutorId, RunId, TaskRunId, TenantId};

/// A share that waits for its turn.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) task_run_id: TaskRunId,
    /// Its place, from 0.
    pub(crate) item: i32,
    /// What it is.
    pub(crate) value: Value,
}

/// Records the shares of a task run, which wait.
pub(crate) async fn insert_items(
    transaction: &Transaction,
    tenant: TenantId,
    run: RunId,
    parent: TaskRunId,
    shares: &[Share],
) -> Result<(), StoreError> {
    Fixed(
        statement!("insert_items")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<SqlUuid, _>(parent.0)
            .bind::<Array<Integer>, _>(shares.iter().map(|share| share.item).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(shares.iter().map(|share| share.task_run_id.0).collect::<Vec<_>>())
            .bind::<Array<Jsonb>, _>(shares.iter().map(|share| share.value.clone()).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// A task run of which shares have ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spreading {
    pub(crate) run_id: RunId,
    pub(crate) node: i32,
    pub(crate) task_run_id: TaskRunId,
    /// How many shares have not ended.
    pub(crate) open: i32,
    /// How many failed.
    pub(crate) failed: i32,
    /// How many have ended since the last time.
    pub(crate) ended: i32,
}

/// Counts shares that have ended, each with whether it failed, at the task runs that they are shares of. One that has ended
/// itself is left out.
pub(crate) async fn count_items(
    transaction: &mut Transaction,
    ended: &[(TenantId, TaskRunId, bool)],
) -> Result<Vec<Spreading>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = Integer)]
        node: i32,
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Integer)]
        open_items: i32,
        #[diesel(sql_type = Integer)]
        failed_items: i32,
        #[diesel(sql_type = Integer)]
        ended: i32,
    }
    let rows: Vec<Row> = Fixed(
        statement!("count_items")
            .bind::<Array<SqlUuid>, _>(ended.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ended.iter().map(|(_, id, _)| id.0).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(ended.iter().map(|(.., failed)| *failed).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let spreading = |row: Row| Spreading {
        run_id: row.run_id.into(),
        node: row.node,
        task_run_id: row.id.into(),
        open: row.open_items,
        failed: row.failed_items,
        ended: row.ended,
    };
    Ok(rows.into_iter().map(spreading).collect())
}

/// The first `limit` shares that wait for their turn, in their order.
pub(crate) async fn list_waiting_items(
    transaction: &mut Transaction,
    tenant: TenantId,
    parent: TaskRunId,
    limit: i64,
) -> Result<Vec<Share>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Integer)]
        item: i32,
        #[diesel(sql_type = Nullable<Jsonb>)]
        item_value: Option<Value>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_waiting_items")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(parent.0)
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    let share = |row: Row| Share {
        task_run_id: row.id.into(),
        item: row.item,
        value: row.item_value.unwrap_or_default(),
    };
    Ok(rows.into_iter().map(share).collect())
}

/// Keeps the shares that have not started from starting, and gives them: they are to be ended in this transaction.
pub(crate) async fn drop_items(
    transaction: &mut Transaction,
    tenant: TenantId,
    parent: TaskRunId,
) -> Result<Vec<TaskRunId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        task_run_id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("drop_items")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(parent.0),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.iter().map(|row| row.task_run_id.into()).collect())
}

/// Tells what runs of the shares to stop, after [`drop_items`]. Gives the executors that are to hear of it.
pub(crate) async fn stop_items(
    transaction: &mut Transaction,
    tenant: TenantId,
    parent: TaskRunId,
) -> Result<Vec<ExecutorId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        executor_id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("stop_items")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(parent.0),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.iter().map(|row| row.executor_id.into()).collect())
}

/// What the shares of a task run gave, in their order.
pub(crate) async fn list_item_outputs(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    parent: TaskRunId,
) -> Result<Vec<Option<Value>>, StoreError> {
    use super::schema::task_runs;
    use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};

    Ok(task_runs::table
        .filter(task_runs::tenant_id.eq(tenant.0).and(task_runs::run_id.eq(run.0)))
        .filter(task_runs::parent_id.eq(parent.0))
        .order(task_runs::item)
        .select(task_runs::output)
        .load(&mut **transaction)
        .await?)
}

/// What the shares with these task runs are.
pub(crate) async fn find_item_values(
    transaction: &mut Transaction,
    task_runs: &[(TenantId, TaskRunId)],
) -> Result<Vec<ShareOf>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Integer)]
        item: i32,
        #[diesel(sql_type = Nullable<Jsonb>)]
        item_value: Option<Value>,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let rows: Vec<Row> = Fixed(
        statement!("find_item_values")
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|(_, id)| id.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let share = |row: Row| ShareOf {
        task_run_id: row.id.into(),
        item: row.item,
        value: row.item_value.unwrap_or_default(),
        count: row.count,
    };
    Ok(rows.into_iter().map(share).collect())
}

/// A share, and of how many.
#[derive(Clone, Debug)]
pub(crate) struct ShareOf {
    pub(crate) task_run_id: TaskRunId,
    pub(crate) item: i32,
    pub(crate) value: Value,
    pub(crate) count: i64,
}

/// An executor that shares may be dealt to.
#[derive(Clone, Debug)]
pub(crate) struct Eligible {
    pub(crate) key: String,
}

/// The executors that live now and may run a tenant's work that asks for `labels`, in the order of their keys.
pub(crate) async fn list_eligible_executors(
    transaction: &mut Transaction,
    tenant: TenantId,
    labels: &[String],
) -> Result<Vec<Eligible>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        key: String,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_eligible_executors")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<Text>, _>(labels),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(|row| Eligible { key: row.key }).collect())
}

/// Sets timers for up to 500 shares that wait for an executor which is gone; gives their partitions.
pub(crate) async fn note_orphans(transaction: &mut Transaction) -> Result<Vec<i16>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SmallInt)]
        partition: i16,
    }
    let rows: Vec<Row> = Fixed(statement!("note_orphans")).load(&mut **transaction).await?;
    Ok(rows.into_iter().map(|row| row.partition).collect())
}

/// Lets any executor have a share.
pub(crate) async fn unpin_shares(
    transaction: &mut Transaction,
    task_runs: &[(TenantId, TaskRunId)],
) -> Result<(), StoreError> {
    Fixed(
        statement!("unpin_shares")
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|(_, id)| id.0).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
