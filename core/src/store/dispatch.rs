//! The live task runs in brief: listed, assigned, started, taken back.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::assign::{Candidate, Choice, Head};
use crate::id::{ExecutorId, RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::work::{Cancellation, Lease};

/// Class of the advisory locks that partitions are scheduled under.
const PARTITION_LOCK: i32 = 7_340_034;

/// Takes the partition's lock until the transaction ends; `false` when somebody else has it.
pub(crate) async fn try_lock_partition(
    transaction: &mut Transaction,
    partition: i16,
) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }
    let row: Row = Fixed(
        statement!("try_lock_partition")
            .bind::<Integer, _>(PARTITION_LOCK)
            .bind::<Integer, _>(i32::from(partition)),
    )
    .get_result(&mut **transaction)
    .await?;
    Ok(row.locked)
}

/// The partitions that have ready task runs, in order.
pub(crate) async fn list_ready_partitions(transaction: &Transaction) -> Result<Vec<i16>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SmallInt)]
        partition: i16,
    }
    let rows: Vec<Row> = Fixed(statement!("list_ready_partitions"))
        .load(&mut &**transaction)
        .await?;
    Ok(rows.into_iter().map(|row| row.partition).collect())
}

/// A partition and how long, in milliseconds, until something in it is to be tried again.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct DuePartition {
    #[diesel(sql_type = SmallInt)]
    pub(crate) partition: i16,
    #[diesel(sql_type = BigInt)]
    pub(crate) due_ms: i64,
}

/// When each partition next has something to be tried again.
pub(crate) async fn list_due_partitions(
    transaction: &mut Transaction,
) -> Result<Vec<DuePartition>, StoreError> {
    Ok(Fixed(statement!("list_due_partitions"))
        .load(&mut **transaction)
        .await?)
}

/// What a partition waits for.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct NextDue {
    /// How many milliseconds until then.
    #[diesel(sql_type = BigInt)]
    pub(crate) due_ms: i64,
    /// It is a timer, and not a retry.
    #[diesel(sql_type = Bool)]
    pub(crate) is_timer: bool,
}

/// The first retry and the first timer of the partition, the earlier one first.
pub(crate) async fn next_due(
    transaction: &mut Transaction,
    partition: i16,
) -> Result<Vec<NextDue>, StoreError> {
    Ok(Fixed(statement!("next_due").bind::<SmallInt, _>(partition))
        .load(&mut **transaction)
        .await?)
}

/// Makes ready what was to be tried again by now; returns how many.
pub(crate) async fn promote_retries(
    transaction: &mut Transaction,
    partition: i16,
) -> Result<usize, StoreError> {
    Ok(
        Fixed(statement!("promote_retries").bind::<SmallInt, _>(partition))
            .execute(&mut **transaction)
            .await?,
    )
}

/// The first `limit` ready task runs of each queue of the partition.
pub(crate) async fn list_heads(
    transaction: &mut Transaction,
    partition: i16,
    limit: u32,
) -> Result<Vec<Head>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        task_run_id: Uuid,
        #[diesel(sql_type = SmallInt)]
        priority: i16,
        #[diesel(sql_type = SmallInt)]
        cost: i16,
        #[diesel(sql_type = Array<Text>)]
        labels: Vec<String>,
        #[diesel(sql_type = Timestamptz)]
        ready_at: DateTime<Utc>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_heads")
            .bind::<SmallInt, _>(partition)
            .bind::<BigInt, _>(i64::from(limit)),
    )
    .load(&mut **transaction)
    .await?;
    let head = |row: Row| Head {
        tenant_id: row.tenant_id.into(),
        task_run_id: row.task_run_id.into(),
        priority: row.priority,
        cost: u32::from(row.cost.unsigned_abs()),
        labels: row.labels,
        ready_at: row.ready_at,
    };
    Ok(rows.into_iter().map(head).collect())
}

/// How many slots each of the tenants holds now.
pub(crate) async fn count_running(
    transaction: &mut Transaction,
    tenants: &[TenantId],
) -> Result<HashMap<TenantId, i64>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = BigInt)]
        cost: i64,
    }
    let tenants: Vec<Uuid> = tenants.iter().map(|tenant| tenant.0).collect();
    let rows: Vec<Row> = Fixed(statement!("count_running").bind::<Array<SqlUuid>, _>(tenants))
        .load(&mut **transaction)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id.into(), row.cost))
        .collect())
}

/// What [`lock_executors`] found.
#[derive(Debug, Default)]
pub(crate) struct LockedExecutors {
    /// Executors that only this transaction may give work to.
    pub(crate) candidates: Vec<Candidate>,
    /// Somebody else is giving work to at least one more.
    pub(crate) contended: bool,
}

#[derive(QueryableByName)]
struct CandidateRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    labels: Vec<String>,
    #[diesel(sql_type = Integer)]
    slots: i32,
    #[diesel(sql_type = Integer)]
    used: i32,
    #[diesel(sql_type = Bool)]
    locked: bool,
}

impl LockedExecutors {
    fn of(rows: Vec<CandidateRow>) -> Self {
        let contended = rows.iter().any(|row| !row.locked);
        let candidate = |row: CandidateRow| Candidate {
            executor_id: row.id.into(),
            tenant_id: Some(TenantId::from(row.tenant_id)).filter(|&tenant| tenant != TenantId::PLATFORM),
            labels: row.labels,
            slots: row.slots.unsigned_abs(),
            used: row.used.unsigned_abs(),
        };
        Self {
            candidates: rows.into_iter().filter(|row| row.locked).map(candidate).collect(),
            contended,
        }
    }
}

/// The executors that may be given work now, with what they carry, each locked until the transaction ends.
pub(crate) async fn lock_executors(transaction: &mut Transaction) -> Result<LockedExecutors, StoreError> {
    let rows = Fixed(statement!("lock_executors"))
        .load(&mut **transaction)
        .await?;
    Ok(LockedExecutors::of(rows))
}

/// The one executor, if it may be given work now, as if it carried nothing: it knows better what it carries.
pub(crate) async fn lock_executor(
    transaction: &Transaction,
    executor: ExecutorId,
) -> Result<LockedExecutors, StoreError> {
    let rows = Fixed(statement!("lock_executor").bind::<SqlUuid, _>(executor.0))
        .load(&mut &**transaction)
        .await?;
    Ok(LockedExecutors::of(rows))
}

/// Gives each chosen task run to its executor.
pub(crate) async fn assign_task_runs(
    transaction: &mut Transaction,
    choices: &[Choice],
) -> Result<(), StoreError> {
    let tenants: Vec<Uuid> = choices.iter().map(|choice| choice.tenant_id.0).collect();
    let task_runs: Vec<Uuid> = choices.iter().map(|choice| choice.task_run_id.0).collect();
    let executors: Vec<Uuid> = choices.iter().map(|choice| choice.executor_id.0).collect();
    Fixed(
        statement!("assign_task_runs")
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<SqlUuid>, _>(task_runs)
            .bind::<Array<SqlUuid>, _>(executors),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The cost of what was assigned to `executor` and waits for it to start.
pub(crate) async fn count_assigned(
    transaction: &Transaction,
    executor: ExecutorId,
) -> Result<u32, StoreError> {
    use super::schema::dispatch;
    use diesel::{ExpressionMethods, QueryDsl};

    let costs: Vec<i16> = dispatch::table
        .filter(dispatch::executor_id.eq(executor.0))
        .filter(dispatch::state.eq("ASSIGNED"))
        .select(dispatch::cost)
        .load(&mut &**transaction)
        .await?;
    Ok(costs.into_iter().map(|cost| u32::from(cost.unsigned_abs())).sum())
}

/// An attempt that an executor owns from now on.
#[derive(Debug, QueryableByName)]
pub(crate) struct StartedAttempt {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) task_run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) version_id: Uuid,
    #[diesel(sql_type = Integer)]
    pub(crate) node: i32,
    #[diesel(sql_type = Integer)]
    pub(crate) fence: i32,
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) item: Option<i32>,
    #[diesel(sql_type = Jsonb)]
    pub(crate) inputs: serde_json::Value,
}

/// Starts what was assigned to `executor` as far as `free_slots` go, and the ready task runs that were chosen for it.
pub(crate) async fn start_task_runs(
    transaction: &mut Transaction,
    executor: ExecutorId,
    free_slots: u32,
    chosen: &[Choice],
) -> Result<Vec<StartedAttempt>, StoreError> {
    let tenants: Vec<Uuid> = chosen.iter().map(|choice| choice.tenant_id.0).collect();
    let task_runs: Vec<Uuid> = chosen.iter().map(|choice| choice.task_run_id.0).collect();
    Ok(Fixed(
        statement!("start_task_runs")
            .bind::<SqlUuid, _>(executor.0)
            .bind::<BigInt, _>(i64::from(free_slots))
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<SqlUuid>, _>(task_runs),
    )
    .load(&mut **transaction)
    .await?)
}

/// What `executor` runs by the dispatch.
pub(crate) async fn list_running_attempts(
    transaction: &mut Transaction,
    executor: ExecutorId,
) -> Result<Vec<StartedAttempt>, StoreError> {
    Ok(
        Fixed(statement!("list_running_attempts").bind::<SqlUuid, _>(executor.0))
            .load(&mut **transaction)
            .await?,
    )
}

impl StartedAttempt {
    /// The attempt's identity.
    pub(crate) fn lease(&self) -> Lease {
        Lease {
            tenant_id: self.tenant_id.into(),
            run_id: self.run_id.into(),
            task_run_id: self.task_run_id.into(),
            fence: self.fence,
        }
    }
}

#[derive(QueryableByName)]
struct LeaseRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    task_run_id: Uuid,
    #[diesel(sql_type = Integer)]
    fence: i32,
}

impl From<LeaseRow> for Lease {
    fn from(row: LeaseRow) -> Self {
        Self {
            tenant_id: row.tenant_id.into(),
            run_id: row.run_id.into(),
            task_run_id: row.task_run_id.into(),
            fence: row.fence,
        }
    }
}

/// The attempts that `executor` is to stop.
pub(crate) async fn list_cancellations(
    transaction: &Transaction,
    executor: ExecutorId,
) -> Result<Vec<Cancellation>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        lease: LeaseRow,
        #[diesel(sql_type = Bool)]
        stop_at_once: bool,
    }
    let rows: Vec<Row> = Fixed(statement!("list_cancellations").bind::<SqlUuid, _>(executor.0))
        .load(&mut &**transaction)
        .await?;
    let cancellation = |row: Row| Cancellation {
        lease: row.lease.into(),
        at_once: row.stop_at_once,
    };
    Ok(rows.into_iter().map(cancellation).collect())
}

/// Up to 500 attempts that `executor` owns.
pub(crate) async fn list_held_attempts(
    transaction: &mut Transaction,
    executor: ExecutorId,
) -> Result<Vec<Lease>, StoreError> {
    let rows: Vec<LeaseRow> = Fixed(statement!("list_held_attempts").bind::<SqlUuid, _>(executor.0))
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// An attempt whose executor is gone.
#[derive(Clone, Debug)]
pub(crate) struct LostAttempt {
    pub(crate) executor_id: ExecutorId,
    pub(crate) executor: String,
    pub(crate) lease: Lease,
}

/// Up to 500 attempts of executors whose lease has ended.
pub(crate) async fn list_lost_attempts(
    transaction: &mut Transaction,
) -> Result<Vec<LostAttempt>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        executor_id: Uuid,
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(embed)]
        lease: LeaseRow,
    }
    let rows: Vec<Row> = Fixed(statement!("list_lost_attempts"))
        .load(&mut **transaction)
        .await?;
    let lost = |row: Row| LostAttempt {
        executor_id: row.executor_id.into(),
        executor: row.key,
        lease: row.lease.into(),
    };
    Ok(rows.into_iter().map(lost).collect())
}

/// An attempt that this transaction holds still.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct HeldAttempt {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) task_run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) version_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    pub(crate) partition: i16,
    #[diesel(sql_type = Integer)]
    pub(crate) node: i32,
    #[diesel(sql_type = Integer)]
    pub(crate) fence: i32,
    #[diesel(sql_type = SmallInt)]
    pub(crate) run_priority: i16,
    #[diesel(sql_type = Integer)]
    pub(crate) failures: i32,
    #[diesel(sql_type = Integer)]
    pub(crate) faults: i32,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) executor_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) assigned_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    pub(crate) stopping: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) told_to_stop: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) paused: bool,
    #[diesel(sql_type = SmallInt)]
    pub(crate) depth: i16,
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) item: Option<i32>,
    #[diesel(sql_type = BigInt)]
    pub(crate) elapsed_ms: i64,
}

impl HeldAttempt {
    pub(crate) fn version_id(&self) -> WorkflowVersionId {
        self.version_id.into()
    }

    pub(crate) fn run_id(&self) -> RunId {
        self.run_id.into()
    }

    pub(crate) fn task_run_id(&self) -> TaskRunId {
        self.task_run_id.into()
    }

    /// How long ago its first attempt started.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.unsigned_abs())
    }
}

/// Who has attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// The executor that was given them.
    pub(crate) executor: ExecutorId,
    /// It has handed them over, and an endpoint is to call back for them.
    pub(crate) called_back: bool,
}

impl Owner {
    /// The executor itself.
    pub(crate) fn executor(executor: ExecutorId) -> Self {
        Self {
            executor,
            called_back: false,
        }
    }
}

/// Reads what `owner` still has of the attempts, and keeps it and its runs still until the transaction ends.
pub(crate) async fn lock_attempts(
    transaction: &mut Transaction,
    owner: Owner,
    leases: &[Lease],
) -> Result<Vec<HeldAttempt>, StoreError> {
    let tenants: Vec<Uuid> = leases.iter().map(|lease| lease.tenant_id.0).collect();
    let task_runs: Vec<Uuid> = leases.iter().map(|lease| lease.task_run_id.0).collect();
    let fences: Vec<i32> = leases.iter().map(|lease| lease.fence).collect();
    Ok(Fixed(
        statement!("lock_attempts")
            .bind::<SqlUuid, _>(owner.executor.0)
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<SqlUuid>, _>(task_runs)
            .bind::<Array<Integer>, _>(fences)
            .bind::<Bool, _>(owner.called_back),
    )
    .load(&mut **transaction)
    .await?)
}
