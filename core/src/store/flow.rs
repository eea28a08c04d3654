//! How the end of one task run moves others: counts, beginnings, ends.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Double, Integer, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::run::{Hold, Parents, TaskRunState};

/// A run that this transaction holds still.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct LockedRun {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) version_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    pub(crate) priority: i16,
    #[diesel(sql_type = SmallInt)]
    pub(crate) depth: i16,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) stop_as: Option<String>,
    #[diesel(sql_type = Bool)]
    pub(crate) paused: bool,
}

impl LockedRun {
    /// Whether nothing can happen to it any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.state
            .parse::<crate::run::RunState>()
            .is_ok_and(crate::run::RunState::is_terminal)
    }
}

/// Reads the runs and keeps them still until the transaction ends. A run that is not there is left out.
pub(crate) async fn lock_runs(
    transaction: &mut Transaction,
    runs: &[(TenantId, RunId)],
) -> Result<Vec<LockedRun>, StoreError> {
    Ok(Fixed(
        statement!("lock_runs")
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|(_, run)| run.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?)
}

/// What is to be counted at one node, and how its task run begins if nothing more than that is missing.
#[derive(Clone, Debug)]
pub(crate) struct ParentsEnded {
    pub(crate) run_id: RunId,
    pub(crate) node: i32,
    pub(crate) parents: i32,
    pub(crate) failed: i32,
    pub(crate) doomed: i32,
    pub(crate) skipped: i32,
    /// It starts when all its parents have succeeded, and an executor does all of it.
    pub(crate) plain: bool,
    pub(crate) begins: Placement,
}

/// Where and how a task run waits for an executor.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    pub(crate) tenant_id: TenantId,
    pub(crate) version_id: WorkflowVersionId,
    pub(crate) paused: bool,
    pub(crate) priority: i16,
    pub(crate) cost: i16,
    /// Separated by blanks.
    pub(crate) labels: String,
}

/// A node that waits for others, and how those stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) run_id: RunId,
    pub(crate) node: i32,
    pub(crate) task_run_id: TaskRunId,
    /// How its parents stand, but for how many there are.
    pub(crate) parents: Parents,
    /// It has been made ready.
    pub(crate) ready: bool,
}

#[derive(QueryableByName)]
struct CountedRow {
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = Integer)]
    node: i32,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    pending_parents: i32,
    #[diesel(sql_type = Integer)]
    failed_parents: i32,
    #[diesel(sql_type = Integer)]
    doomed_parents: i32,
    #[diesel(sql_type = Integer)]
    skipped_parents: i32,
    #[diesel(sql_type = Bool)]
    ready: bool,
}

impl From<CountedRow> for Counted {
    fn from(row: CountedRow) -> Self {
        Self {
            run_id: row.run_id.into(),
            node: row.node,
            task_run_id: row.id.into(),
            parents: Parents {
                all: 0,
                pending: row.pending_parents,
                failed: row.failed_parents,
                doomed: row.doomed_parents,
                skipped: row.skipped_parents,
            },
            ready: row.ready,
        }
    }
}

/// Counts the ends of parents, and makes the plain nodes ready that wait for no more. Gives those, and every node of which
/// its rule must decide.
pub(crate) async fn count_parents(
    transaction: &Transaction,
    ended: &[ParentsEnded],
) -> Result<Vec<Counted>, StoreError> {
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<CountedRow> = Fixed(
        statement!("count_parents")
            .bind::<Array<SqlUuid>, _>(ended.iter().map(|e| e.begins.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ended.iter().map(|e| e.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(ended.iter().map(|e| e.node).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(ended.iter().map(|e| e.parents).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(ended.iter().map(|e| e.failed).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(ended.iter().map(|e| e.doomed).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(ended.iter().map(|e| e.skipped).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(ended.iter().map(|e| e.plain).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(ended.iter().map(|e| e.begins.paused).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(
                ended
                    .iter()
                    .map(|e| e.begins.tenant_id.partition())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<SqlUuid>, _>(ended.iter().map(|e| e.begins.version_id.0).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(ended.iter().map(|e| e.begins.priority).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(ended.iter().map(|e| e.begins.cost).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(ended.iter().map(|e| e.begins.labels.as_str()).collect::<Vec<_>>()),
    )
    .load(&mut &**transaction)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The nodes of the runs that wait for others.
pub(crate) async fn list_blocked(
    transaction: &mut Transaction,
    runs: &[(TenantId, RunId)],
) -> Result<Vec<Counted>, StoreError> {
    let rows: Vec<CountedRow> = Fixed(
        statement!("list_blocked")
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(runs.iter().map(|(_, run)| run.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// How the parents of one waiting node stand now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recount {
    pub(crate) tenant_id: TenantId,
    pub(crate) task_run_id: TaskRunId,
    pub(crate) parents: Parents,
}

/// Writes down how the parents of waiting nodes stand.
pub(crate) async fn recount_parents(transaction: &Transaction, counts: &[Recount]) -> Result<(), StoreError> {
    if counts.is_empty() {
        return Ok(());
    }
    Fixed(
        statement!("recount_parents")
            .bind::<Array<SqlUuid>, _>(counts.iter().map(|c| c.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(counts.iter().map(|c| c.task_run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(counts.iter().map(|c| c.parents.pending).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(counts.iter().map(|c| c.parents.failed).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(counts.iter().map(|c| c.parents.doomed).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(counts.iter().map(|c| c.parents.skipped).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// A task run that ends without an executor.
#[derive(Clone, Debug)]
pub(crate) struct TaskRunEnd {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) task_run_id: TaskRunId,
    pub(crate) state: TaskRunState,
    pub(crate) reason: Option<String>,
    pub(crate) output: Option<Value>,
}

/// Ends task runs that no executor has.
pub(crate) async fn end_task_runs(transaction: &Transaction, ends: &[TaskRunEnd]) -> Result<(), StoreError> {
    if ends.is_empty() {
        return Ok(());
    }
    Fixed(
        statement!("end_task_runs")
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|e| e.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|e| e.run_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|e| e.task_run_id.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(ends.iter().map(|e| e.state.as_str()).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(ends.iter().map(|e| e.reason.as_deref()).collect::<Vec<_>>())
            .bind::<Array<Nullable<Jsonb>>, _>(ends.iter().map(|e| e.output.clone()).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// A task run that becomes live.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    pub(crate) run_id: RunId,
    pub(crate) task_run_id: TaskRunId,
    pub(crate) node: i32,
    pub(crate) item: Option<i32>,
    pub(crate) placement: Placement,
    /// The key of the executor that it was dealt to.
    pub(crate) pinned_to: Option<String>,
    /// Why no executor gets it.
    pub(crate) hold: Option<Hold>,
}

/// Makes task runs live.
pub(crate) async fn begin_task_runs(
    transaction: &Transaction,
    beginnings: &[Beginning],
) -> Result<(), StoreError> {
    if beginnings.is_empty() {
        return Ok(());
    }
    let of = |b: &Beginning| b.placement.clone();
    Fixed(
        statement!("begin_task_runs")
            .bind::<Array<SqlUuid>, _>(beginnings.iter().map(|b| of(b).tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(beginnings.iter().map(|b| b.run_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(beginnings.iter().map(|b| b.task_run_id.0).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(
                beginnings
                    .iter()
                    .map(|b| of(b).tenant_id.partition())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<SqlUuid>, _>(beginnings.iter().map(|b| of(b).version_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(beginnings.iter().map(|b| b.node).collect::<Vec<_>>())
            .bind::<Array<Nullable<Integer>>, _>(beginnings.iter().map(|b| b.item).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(beginnings.iter().map(|b| of(b).paused).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(beginnings.iter().map(|b| of(b).priority).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(beginnings.iter().map(|b| of(b).cost).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(beginnings.iter().map(|b| of(b).labels).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(
                beginnings
                    .iter()
                    .map(|b| b.pinned_to.as_deref())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Text>>, _>(
                beginnings
                    .iter()
                    .map(|b| b.hold.map(Hold::as_str))
                    .collect::<Vec<_>>(),
            ),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// What has become of a node, for expressions.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct NodeFactsRow {
    #[diesel(sql_type = Text)]
    pub(crate) key: String,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) state_reason: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) attempts: Option<i32>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(crate) output: Option<Value>,
    #[diesel(sql_type = Nullable<Double>)]
    pub(crate) percent: Option<f64>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) message: Option<String>,
}

/// What has become of the nodes of a run.
pub(crate) async fn list_node_facts(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    nodes: &[i32],
) -> Result<Vec<NodeFactsRow>, StoreError> {
    Ok(Fixed(
        statement!("list_node_facts")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<Array<Integer>, _>(nodes),
    )
    .load(&mut **transaction)
    .await?)
}

/// What expressions read of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunFactsRow {
    pub(crate) inputs: Value,
    pub(crate) trigger: String,
    pub(crate) started_by: String,
    pub(crate) priority: i16,
    pub(crate) created_at: chrono::DateTime<chrono::Utc>,
    pub(crate) started_at: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) occurrence: Option<Value>,
}

/// What expressions read of a run.
pub(crate) async fn read_run_facts(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<RunFactsRow, StoreError> {
    use super::schema::runs;
    use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};

    let (inputs, trigger, started_by, priority, created_at, started_at, occurrence) = runs::table
        .filter(runs::tenant_id.eq(tenant.0).and(runs::id.eq(run.0)))
        .select((
            runs::inputs,
            runs::trigger,
            runs::started_by,
            runs::priority,
            runs::created_at,
            runs::started_at,
            runs::occurrence,
        ))
        .first(&mut **transaction)
        .await?;
    Ok(RunFactsRow {
        inputs,
        trigger,
        started_by,
        priority,
        created_at,
        started_at,
        occurrence,
    })
}

/// A live task run, in brief.
#[derive(Clone, Debug)]
pub(crate) struct LiveTaskRun {
    pub(crate) run_id: RunId,
    pub(crate) task_run_id: TaskRunId,
    pub(crate) node: i32,
    pub(crate) item: Option<i32>,
    pub(crate) state: TaskRunState,
    pub(crate) hold: Option<Hold>,
    pub(crate) fence: i32,
    /// An attempt of it has started.
    pub(crate) begun: bool,
    pub(crate) executor_id: Option<Uuid>,
    pub(crate) pinned_to: Option<String>,
}

/// The live ones of the task runs, in brief. Their runs are held.
pub(crate) async fn list_held_task_runs(
    transaction: &mut Transaction,
    task_runs: &[(TenantId, TaskRunId)],
) -> Result<Vec<LiveTaskRun>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        task_run_id: Uuid,
        #[diesel(sql_type = Integer)]
        node: i32,
        #[diesel(sql_type = Nullable<Integer>)]
        item: Option<i32>,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Nullable<Text>)]
        hold: Option<String>,
        #[diesel(sql_type = Integer)]
        fence: i32,
        #[diesel(sql_type = Bool)]
        begun: bool,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        executor_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<Text>)]
        pinned_to: Option<String>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_held_task_runs")
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|(_, id)| id.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let unreadable = |unknown| StoreError::Unreadable(format!("a live task run: {unknown}"));
    rows.into_iter()
        .map(|row| {
            Ok(LiveTaskRun {
                run_id: row.run_id.into(),
                task_run_id: row.task_run_id.into(),
                node: row.node,
                item: row.item,
                state: row.state.parse().map_err(unreadable)?,
                hold: row
                    .hold
                    .map(|hold| hold.parse().map_err(unreadable))
                    .transpose()?,
                fence: row.fence,
                begun: row.begun,
                executor_id: row.executor_id,
                pinned_to: row.pinned_to,
            })
        })
        .collect()
}

/// The states of all nodes of a run that has ended or will not go on, by place.
pub(crate) async fn list_node_states(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<Vec<TaskRunState>, StoreError> {
    use super::schema::task_runs;
    use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};

    let states: Vec<String> = task_runs::table
        .filter(task_runs::tenant_id.eq(tenant.0).and(task_runs::run_id.eq(run.0)))
        .filter(task_runs::item.is_null())
        .order(task_runs::node)
        .select(task_runs::state)
        .load(&mut **transaction)
        .await?;
    states
        .iter()
        .map(|state| {
            state
                .parse()
                .map_err(|unknown| StoreError::Unreadable(format!("the state of a task run: {unknown}")))
        })
        .collect()
}

/// Notes that a task run waits for an event, unless one that counts has been published already.
///
/// Whoever publishes and whoever begins to wait take the same lock, so that neither misses the other.
pub(crate) async fn await_event(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    task_run: TaskRunId,
    name: &str,
    key: Option<&str>,
) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        published: bool,
    }
    super::published_events::lock_name(transaction, tenant, name).await?;
    let row: Row = Fixed(
        statement!("await_event")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(run.0)
            .bind::<SqlUuid, _>(task_run.0)
            .bind::<Text, _>(name)
            .bind::<Nullable<Text>, _>(key),
    )
    .get_result(&mut **transaction)
    .await?;
    Ok(row.published)
}

/// What happened about a task run or a run that is worth an event and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) task_run_id: Option<TaskRunId>,
    pub(crate) kind: crate::event::EventKind,
    pub(crate) data: Value,
}

/// Writes events down.
pub(crate) async fn insert_notices(transaction: &Transaction, notices: &[Notice]) -> Result<(), StoreError> {
    use super::schema::events;
    use diesel::ExpressionMethods;

    if notices.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = notices
        .iter()
        .map(|notice| {
            (
                events::tenant_id.eq(notice.tenant_id.0),
                events::run_id.eq(notice.run_id.0),
                events::task_run_id.eq(notice.task_run_id.map(|id| id.0)),
                events::kind.eq(notice.kind.as_str()),
                events::data.eq(notice.data.clone()),
            )
        })
        .collect();
    diesel::insert_into(events::table)
        .values(rows)
        .execute(&mut &**transaction)
        .await?;
    Ok(())
}
