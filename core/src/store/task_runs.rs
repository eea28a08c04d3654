//! Task runs, read.
//!
//! The state of a live task run stands in its dispatch row and nowhere else, so each statement here joins the two; one
//! snapshot sees the row leave the dispatch and the task run end as one change.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{ExecutorId, RunId, TaskRunId, TenantId};
use crate::run::{Hold, TaskRunState};

/// A task run.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRun {
    /// Names it.
    pub id: TaskRunId,
    /// Its run.
    pub run_id: RunId,
    /// The place of its node in the version's definition.
    pub node: i32,
    /// The key of its node.
    pub key: String,
    /// What it is.
    pub state: TaskRunState,
    /// Why it is not plainly successful, in a sentence.
    pub state_reason: Option<String>,
    /// How many attempts it has had, the one under way included.
    pub attempts: i32,
    /// What its successful attempt gave.
    pub output: Option<Value>,
    /// When its first attempt was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Who has the attempt under way.
    pub executor_id: Option<ExecutorId>,
    /// When it is tried again, while it waits for that.
    pub retry_at: Option<DateTime<Utc>>,
    /// The task run of its node, when it is the share of one item, shard or executor.
    pub parent_id: Option<TaskRunId>,
    /// The place of that share, from 0.
    pub item: Option<i32>,
    /// What that share is.
    pub item_value: Option<Value>,
    /// What it waits for in the service's own hands.
    pub hold: Option<Hold>,
    /// How far it said that it is.
    pub progress: Option<Progress>,
}

/// How far a task run said that it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How much of its work is done.
    pub percent: Option<f64>,
    /// What it is at.
    pub message: Option<String>,
    /// When it said so.
    pub at: DateTime<Utc>,
}

/// A page of the shares of a task run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ItemPage {
    /// Those in one of these states; in any when empty.
    pub states: Vec<TaskRunState>,
    /// Those after this place.
    pub after: Option<i32>,
    /// At most so many.
    pub limit: i64,
}

/// A share of a task run, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is a share of.
    pub parent_id: TaskRunId,
    /// The share.
    pub id: TaskRunId,
    /// Its place, from 0.
    pub item: i32,
}

/// A page of the task runs of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TaskRunPage {
    /// Those in one of these states; in any when empty.
    pub states: Vec<TaskRunState>,
    /// Those after this place in the definition.
    pub after: Option<i32>,
    /// At most so many.
    pub limit: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = Integer)]
    node: i32,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    state_reason: Option<String>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Jsonb>)]
    output: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    executor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    retry_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Integer>)]
    item: Option<i32>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    item_value: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    hold: Option<String>,
    #[diesel(sql_type = Nullable<Double>)]
    percent: Option<f64>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    said_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for TaskRun {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable =
            |unknown| StoreError::Unreadable(format!("the state of the task run {}: {unknown}", row.id));
        let state = row.state.parse().map_err(unreadable)?;
        let hold = row
            .hold
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(unreadable)?;
        Ok(Self {
            id: row.id.into(),
            run_id: row.run_id.into(),
            node: row.node,
            key: row.key,
            state,
            state_reason: row.state_reason,
            attempts: row.attempts,
            output: row.output,
            started_at: row.started_at,
            finished_at: row.finished_at,
            executor_id: row.executor_id.map(Into::into),
            retry_at: row.retry_at,
            parent_id: row.parent_id.map(Into::into),
            item: row.item,
            item_value: row.item_value,
            hold,
            progress: row.said_at.map(|at| Progress {
                percent: row.percent,
                message: row.message,
                at,
            }),
        })
    }
}

/// The task runs that `ids` name.
pub async fn list_task_runs_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[TaskRunId],
) -> Result<Vec<TaskRun>, StoreError> {
    let rows: Vec<Row> = Fixed(
        statement!("list_task_runs_by_id")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The same page of the task runs of each of the runs; those of one run in the order of its definition.
pub async fn list_task_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
    page: &TaskRunPage,
) -> Result<Vec<TaskRun>, StoreError> {
    let states: Option<Vec<&str>> =
        (!page.states.is_empty()).then(|| page.states.iter().map(|state| state.as_str()).collect());
    let rows: Vec<Row> = Fixed(
        statement!("list_task_runs")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.0).collect::<Vec<_>>())
            .bind::<Integer, _>(page.after.unwrap_or(-1))
            .bind::<Nullable<Array<Text>>, _>(states)
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The same page of the shares of each of the task runs; those of one task run in order.
pub async fn list_items(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_runs: &[TaskRunId],
    page: &ItemPage,
) -> Result<Vec<Item>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        parent_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Integer)]
        item: i32,
    }
    let states: Option<Vec<&str>> =
        (!page.states.is_empty()).then(|| page.states.iter().map(|state| state.as_str()).collect());
    let rows: Vec<Row> = Fixed(
        statement!("list_items")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<Integer, _>(page.after.unwrap_or(-1))
            .bind::<Nullable<Array<Text>>, _>(states)
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    let item = |row: Row| Item {
        parent_id: row.parent_id.into(),
        id: row.id.into(),
        item: row.item,
    };
    Ok(rows.into_iter().map(item).collect())
}

/// The first `limit` task runs of the tenant after `after` that wait for an answer, the one that waits longest first.
pub async fn list_approvals(
    transaction: &mut Transaction,
    tenant: TenantId,
    after: Option<TaskRunId>,
    limit: i64,
) -> Result<Vec<TaskRunId>, StoreError> {
    use super::schema::dispatch;
    use diesel::{ExpressionMethods, QueryDsl};

    let ids: Vec<Uuid> = dispatch::table
        .filter(dispatch::tenant_id.eq(tenant.0))
        .filter(dispatch::hold.eq("APPROVAL"))
        .filter(dispatch::task_run_id.gt(after.map_or(Uuid::nil(), |id| id.0)))
        .order(dispatch::task_run_id)
        .limit(limit)
        .select(dispatch::task_run_id)
        .load(&mut **transaction)
        .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// The task run of the node `key` of a run.
pub(crate) async fn find_task_run_of_node(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    key: &str,
) -> Result<Option<TaskRunId>, StoreError> {
    use super::schema::task_runs;
    use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl};

    let id: Option<Uuid> = task_runs::table
        .filter(
            task_runs::tenant_id
                .eq(tenant.0)
                .and(task_runs::run_id.eq(run.0))
                .and(task_runs::key.eq(key))
                .and(task_runs::item.is_null()),
        )
        .select(task_runs::id)
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(id.map(Into::into))
}

/// The run that a task run of the tenant belongs to.
pub(crate) async fn find_run_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_run: TaskRunId,
) -> Result<Option<RunId>, StoreError> {
    use super::schema::task_runs;
    use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl};

    let run: Option<Uuid> = task_runs::table
        .filter(
            task_runs::tenant_id
                .eq(tenant.0)
                .and(task_runs::id.eq(task_run.0)),
        )
        .select(task_runs::run_id)
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(run.map(Into::into))
}
