//! The facts of what waits for what, each read for many at once.
//!
//! These are read in one transaction that sees one instant (`Database::begin_snapshot`); how many statements that takes does not
//! depend on how many are asked about.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Float, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::{attempts, awaited_events, dispatch, runs, timers};
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::assign::Candidate;
use crate::id::{RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::run::{Parents, RunState, TimerKind, UnknownName};
use crate::wait::{
    AwaitedEvent, ChildRun, LastAttempt, LiveFacts, LivingExecutor, OpenNode, RunStanding, Shares, Stop,
};

fn unreadable(what: &str) -> impl Fn(UnknownName) -> StoreError {
    move |unknown| StoreError::Unreadable(format!("{what}: {unknown}"))
}

fn ids(of: &[TaskRunId]) -> Vec<Uuid> {
    of.iter().map(|id| id.0).collect()
}

/// A task run that has not ended, as its own rows tell of it.
#[derive(Debug)]
pub(crate) struct WaitFacts {
    pub(crate) id: TaskRunId,
    pub(crate) run_id: RunId,
    pub(crate) node: i32,
    pub(crate) key: String,
    pub(crate) parent_id: Option<TaskRunId>,
    /// How those before it stand, but for how many they are.
    pub(crate) parents: Parents,
    pub(crate) live: Option<LiveFacts>,
}

#[derive(QueryableByName)]
struct FactsRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = Integer)]
    node: i32,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Integer)]
    pending_parents: i32,
    #[diesel(sql_type = Integer)]
    failed_parents: i32,
    #[diesel(sql_type = Integer)]
    doomed_parents: i32,
    #[diesel(sql_type = Integer)]
    skipped_parents: i32,
    #[diesel(embed)]
    live: LiveRow,
}

#[derive(QueryableByName)]
struct LiveRow {
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    hold: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    priority: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    cost: Option<i16>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    labels: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ready_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Integer>)]
    fence: Option<i32>,
    #[diesel(sql_type = Nullable<Bool>)]
    paused: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    pinned_to: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    executor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    assigned_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Bool>)]
    stop_requested: Option<bool>,
}

impl LiveRow {
    fn read(self) -> Result<Option<LiveFacts>, StoreError> {
        let (Some(state), Some(ready_at)) = (self.state, self.ready_at) else {
            return Ok(None);
        };
        let hold = self.hold.as_deref().map(str::parse).transpose();
        Ok(Some(LiveFacts {
            state: state.parse().map_err(unreadable("the state of a task run"))?,
            hold: hold.map_err(unreadable("why a task run is held"))?,
            priority: self.priority.unwrap_or_default(),
            cost: u32::from(self.cost.unwrap_or_default().unsigned_abs()),
            labels: self.labels.unwrap_or_default(),
            ready_at,
            fence: self.fence.unwrap_or_default(),
            paused: self.paused.unwrap_or_default(),
            pinned_to: self.pinned_to,
            executor_id: self.executor_id.map(Into::into),
            assigned_at: self.assigned_at,
            started_at: self.started_at,
            stop_requested: self.stop_requested.unwrap_or_default(),
        }))
    }
}

/// Those of the task runs that have not ended; those of a run in the order of its definition.
pub(crate) async fn list_wait_facts(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_runs: &[TaskRunId],
) -> Result<Vec<WaitFacts>, StoreError> {
    let rows: Vec<FactsRow> = Fixed(
        statement!("list_wait_facts")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(ids(task_runs)),
    )
    .load(&mut **transaction)
    .await?;
    let read = |row: FactsRow| {
        Ok(WaitFacts {
            id: row.id.into(),
            run_id: row.run_id.into(),
            node: row.node,
            key: row.key,
            parent_id: row.parent_id.map(Into::into),
            parents: Parents {
                pending: row.pending_parents,
                failed: row.failed_parents,
                doomed: row.doomed_parents,
                skipped: row.skipped_parents,
                ..Parents::default()
            },
            live: row.live.read()?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Of each of the runs the first `limit` live task runs that wait for something outside of it; all that are live when it is to stop.
pub(crate) async fn list_waiting_task_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
    limit: i64,
) -> Result<Vec<TaskRunId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        task_run_id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_waiting_task_runs")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.0).collect::<Vec<_>>())
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(|row| row.task_run_id.into()).collect())
}

/// A run that has not ended.
#[derive(Debug)]
pub(crate) struct OpenRun {
    pub(crate) id: RunId,
    pub(crate) version_id: WorkflowVersionId,
    pub(crate) standing: RunStanding,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = runs)]
struct RunRow {
    id: Uuid,
    version_id: Uuid,
    state: String,
    paused_at: Option<DateTime<Utc>>,
    paused_by: Option<String>,
    stop_as: Option<String>,
    stop_requested_at: Option<DateTime<Utc>>,
    stop_requested_by: Option<String>,
}

impl RunRow {
    fn read(self) -> Result<OpenRun, StoreError> {
        let wrong = || unreadable("the state of a run");
        let state: RunState = self.state.parse().map_err(wrong())?;
        let ends_as = self.stop_as.as_deref().map(str::parse).transpose();
        let ends_as = ends_as.map_err(wrong())?;
        let stop = ends_as.zip(self.stop_requested_at).map(|(ends_as, at)| Stop {
            ends_as,
            by: self.stop_requested_by,
            at,
        });
        Ok(OpenRun {
            id: self.id.into(),
            version_id: self.version_id.into(),
            standing: RunStanding {
                state,
                paused: self
                    .paused_by
                    .zip(self.paused_at)
                    .filter(|_| state == RunState::Paused),
                stop,
            },
        })
    }
}

/// Those of the runs that have not ended.
pub(crate) async fn list_open_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    wanted: &[RunId],
) -> Result<Vec<OpenRun>, StoreError> {
    let rows: Vec<RunRow> = runs::table
        .filter(runs::tenant_id.eq(tenant.0))
        .filter(runs::id.eq_any(wanted.iter().map(|run| run.0)))
        .filter(runs::finished_at.is_null())
        .select(RunRow::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(RunRow::read).collect()
}

/// Those of the nodes, each of a run by its place, that have not ended.
pub(crate) async fn list_open_nodes(
    transaction: &mut Transaction,
    tenant: TenantId,
    nodes: &[(RunId, i32)],
) -> Result<HashMap<RunId, BTreeMap<i32, OpenNode>>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = Integer)]
        node: i32,
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(sql_type = Text)]
        state: String,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_open_nodes")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(nodes.iter().map(|(run, _)| run.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(nodes.iter().map(|(_, node)| *node).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let mut found: HashMap<RunId, BTreeMap<i32, OpenNode>> = HashMap::new();
    for row in rows {
        let node = OpenNode {
            task_run_id: row.id.into(),
            key: row.key,
            state: row.state.parse().map_err(unreadable("the state of a task run"))?,
        };
        found.entry(row.run_id.into()).or_default().insert(row.node, node);
    }
    Ok(found)
}

/// How many go before each of the task runs that wait for an executor; nothing of those behind the first `seen`.
pub(crate) async fn count_ahead(
    transaction: &mut Transaction,
    tenant: TenantId,
    ready: &[TaskRunId],
    seen: usize,
) -> Result<HashMap<TaskRunId, usize>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Array<SqlUuid>)]
        task_runs: Vec<Uuid>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_queue_heads")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(ids(ready))
            .bind::<BigInt, _>(i64::try_from(seen).unwrap_or(i64::MAX)),
    )
    .load(&mut **transaction)
    .await?;
    let places = rows
        .into_iter()
        .flat_map(|row| row.task_runs.into_iter().enumerate());
    Ok(places.map(|(place, id)| (id.into(), place)).collect())
}

/// The executors that the tenant may see and whose lives have not been ended, by their keys.
pub(crate) async fn list_living_executors(
    transaction: &mut Transaction,
    tenant: TenantId,
) -> Result<Vec<LivingExecutor>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(sql_type = Array<Text>)]
        labels: Vec<String>,
        #[diesel(sql_type = Integer)]
        slots: i32,
        #[diesel(sql_type = Float)]
        cpu: f32,
        #[diesel(sql_type = Float)]
        memory: f32,
        #[diesel(sql_type = Timestamptz)]
        lease_until: DateTime<Utc>,
        #[diesel(sql_type = BigInt)]
        used: i64,
        #[diesel(sql_type = BigInt)]
        own_used: i64,
        #[diesel(sql_type = Text)]
        state: String,
    }
    let rows: Vec<Row> = Fixed(statement!("list_living_executors").bind::<SqlUuid, _>(tenant.0))
        .load(&mut **transaction)
        .await?;
    let cost = |cost: i64| u32::try_from(cost).unwrap_or(u32::MAX);
    let read = |row: Row| {
        let owner = TenantId::from(row.tenant_id);
        Ok(LivingExecutor {
            candidate: Candidate {
                executor_id: row.id.into(),
                tenant_id: Some(owner).filter(|&owner| owner != TenantId::PLATFORM),
                labels: row.labels,
                slots: row.slots.unsigned_abs(),
                used: cost(row.used),
            },
            key: row.key,
            state: row
                .state
                .parse()
                .map_err(unreadable("the state of an executor"))?,
            own_used: cost(row.own_used),
            cpu: row.cpu,
            memory: row.memory,
            lease_until: row.lease_until,
        })
    };
    rows.into_iter().map(read).collect()
}

/// When those of the task runs that are held are looked at: their time is over then.
pub(crate) async fn list_due(
    transaction: &mut Transaction,
    tenant: TenantId,
    of: &[RunId],
    held: &[TaskRunId],
) -> Result<HashMap<TaskRunId, DateTime<Utc>>, StoreError> {
    let kinds = [TimerKind::HoldOver.as_str(), TimerKind::CallbackDue.as_str()];
    let rows: Vec<(Option<Uuid>, DateTime<Utc>)> = timers::table
        .filter(timers::tenant_id.eq(tenant.0))
        .filter(timers::run_id.eq_any(of.iter().map(|run| run.0)))
        .filter(timers::task_run_id.eq_any(ids(held)))
        .filter(timers::kind.eq_any(kinds))
        .select((timers::task_run_id, timers::due_at))
        // An earlier attempt may have left one behind that is due earlier.
        .order(timers::due_at)
        .load(&mut **transaction)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, due)| Some((id?.into(), due)))
        .collect())
}

/// How the last attempts of the task runs ended.
pub(crate) async fn list_last_attempts(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_runs: &[TaskRunId],
) -> Result<HashMap<TaskRunId, LastAttempt>, StoreError> {
    let rows: Vec<(Uuid, String, Option<String>)> = attempts::table
        .inner_join(
            dispatch::table.on(dispatch::tenant_id
                .eq(attempts::tenant_id)
                .and(dispatch::task_run_id.eq(attempts::task_run_id))
                .and(dispatch::fence.eq(attempts::number))),
        )
        .filter(attempts::tenant_id.eq(tenant.0))
        .filter(attempts::task_run_id.eq_any(ids(task_runs)))
        .select((attempts::task_run_id, attempts::outcome, attempts::message))
        .load(&mut **transaction)
        .await?;
    let read = |(id, outcome, message): (Uuid, String, Option<String>)| {
        let outcome = outcome.parse().map_err(unreadable("how an attempt ended"))?;
        Ok((TaskRunId::from(id), LastAttempt { outcome, message }))
    };
    rows.into_iter().map(read).collect()
}

/// The events that the task runs wait for.
pub(crate) async fn list_awaited_events(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_runs: &[TaskRunId],
) -> Result<HashMap<TaskRunId, AwaitedEvent>, StoreError> {
    let rows: Vec<(Uuid, String, Option<String>)> = awaited_events::table
        .filter(awaited_events::tenant_id.eq(tenant.0))
        .filter(awaited_events::task_run_id.eq_any(ids(task_runs)))
        .select((
            awaited_events::task_run_id,
            awaited_events::name,
            awaited_events::key,
        ))
        .load(&mut **transaction)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, name, key)| (id.into(), AwaitedEvent { name, key }))
        .collect())
}

/// The runs that the task runs are, the latest of each. They belong to the runs `of`.
pub(crate) async fn list_child_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    of: &[RunId],
    task_runs: &[TaskRunId],
) -> Result<HashMap<TaskRunId, ChildRun>, StoreError> {
    let rows: Vec<(Option<Uuid>, Uuid, String)> = runs::table
        .filter(runs::tenant_id.eq(tenant.0))
        .filter(runs::parent_run_id.eq_any(of.iter().map(|run| run.0)))
        .filter(runs::parent_task_run_id.eq_any(ids(task_runs)))
        .select((runs::parent_task_run_id, runs::id, runs::state))
        .order(runs::id)
        .load(&mut **transaction)
        .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for (task_run, id, state) in rows {
        let state = state.parse().map_err(unreadable("the state of a run"))?;
        if let Some(task_run) = task_run {
            found.insert(task_run.into(), ChildRun { id: id.into(), state });
        }
    }
    Ok(found)
}

/// How the shares of the task runs stand.
pub(crate) async fn count_shares(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_runs: &[TaskRunId],
) -> Result<HashMap<TaskRunId, Shares>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Integer)]
        open_items: i32,
        #[diesel(sql_type = Integer)]
        failed_items: i32,
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = BigInt)]
        under_way: i64,
    }
    let rows: Vec<Row> = Fixed(
        statement!("count_shares")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(ids(task_runs)),
    )
    .load(&mut **transaction)
    .await?;
    let shares = |row: Row| {
        let shares = Shares {
            count: row.count,
            open: row.open_items.into(),
            failed: row.failed_items.into(),
            under_way: row.under_way,
        };
        (row.id.into(), shares)
    };
    Ok(rows.into_iter().map(shares).collect())
}
