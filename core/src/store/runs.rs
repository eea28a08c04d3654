//! Runs, read.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::schema::runs;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TaskRunId, TenantId, WorkflowId, WorkflowVersionId};
use crate::run::{RunState, Trigger};

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Names it; sorts by creation.
    pub id: RunId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// The version that it is pinned to.
    pub version_id: WorkflowVersionId,
    /// What it is.
    pub state: RunState,
    /// Why it is not plainly successful, in a sentence.
    pub state_reason: Option<String>,
    /// 0 (last) to 9 (first).
    pub priority: i16,
    /// What caused it.
    pub trigger: Trigger,
    /// The subject of the token that started it.
    pub started_by: String,
    /// What it was given: an object.
    pub inputs: Value,
    /// How many task runs it has.
    pub task_runs: i32,
    /// How many of them have not ended.
    pub open_task_runs: i32,
    /// How many of them failed.
    pub failed_task_runs: i32,
    /// When it was told to stop.
    pub stop_requested_at: Option<DateTime<Utc>>,
    /// The subject of the token that told it so.
    pub stop_requested_by: Option<String>,
    /// What it ends as because it was told to stop.
    pub stop_as: Option<RunState>,
    /// Since when it starts nothing.
    pub paused_at: Option<DateTime<Utc>>,
    /// The subject of the token that paused it.
    pub paused_by: Option<String>,
    /// What it returned: an object.
    pub output: Option<Value>,
    /// The run that it runs within, and the task run of that run that it is.
    pub within: Option<(RunId, TaskRunId)>,
    /// The run that it was made from.
    pub rerun_of: Option<RunId>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When its first attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When its last task run ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which runs are wanted; what is absent or empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunFilter {
    /// Those of this workflow.
    pub workflow: Option<WorkflowId>,
    /// Those in one of these states.
    pub states: Vec<RunState>,
    /// Those that this subject started.
    pub started_by: Option<String>,
    /// Those created then or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Those created earlier.
    pub created_before: Option<DateTime<Utc>>,
}

impl RunFilter {
    /// Whether `run` is wanted, were it in `state`.
    #[must_use]
    pub fn wants(&self, run: &Run, state: RunState) -> bool {
        self.workflow.is_none_or(|workflow| workflow == run.workflow_id)
            && (self.states.is_empty() || self.states.contains(&state))
            && self
                .started_by
                .as_ref()
                .is_none_or(|subject| *subject == run.started_by)
            && self.created_from.is_none_or(|from| from <= run.created_at)
            && self.created_before.is_none_or(|before| run.created_at < before)
    }
}

/// By how much the clock that made a run's id may differ from the database's, which says when the run was created.
const SKEW: TimeDelta = TimeDelta::minutes(10);

impl RunFilter {
    /// The ids between which the wanted runs must be that are older than `before`. Ids hold the millisecond in which they were made,
    /// by the clock of the machine that made them; so they find the neighbourhood, and `created_at` decides.
    pub(super) fn id_bounds(&self, before: Option<RunId>) -> (Uuid, Uuid) {
        let low = self
            .created_from
            .and_then(|from| first_id_at(from.checked_sub_signed(SKEW)?));
        let high = self
            .created_before
            .and_then(|before| first_id_at(before.checked_add_signed(SKEW)?));
        let high = high.unwrap_or(Uuid::max());
        (
            low.unwrap_or(Uuid::nil()),
            before.map_or(high, |run| run.0.min(high)),
        )
    }
}

/// The least UUIDv7 of the millisecond of `instant`; none before 1970 or where the field of 48 bits ends.
fn first_id_at(instant: DateTime<Utc>) -> Option<Uuid> {
    let milliseconds = u64::try_from(instant.timestamp_millis())
        .ok()
        .filter(|ms| *ms < 1 << 48)?;
    Some(Uuid::from_u64_pair(milliseconds << 16, 0))
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = runs)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    version_id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    state_reason: Option<String>,
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = Text)]
    trigger: String,
    #[diesel(sql_type = Text)]
    started_by: String,
    #[diesel(sql_type = Jsonb)]
    inputs: Value,
    #[diesel(sql_type = Integer)]
    task_runs: i32,
    #[diesel(sql_type = Integer)]
    open_task_runs: i32,
    #[diesel(sql_type = Integer)]
    failed_task_runs: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    stop_requested_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    stop_requested_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    stop_as: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paused_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    paused_by: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    output: Option<Value>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_run_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_task_run_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    rerun_of: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Run {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = |unknown| StoreError::Unreadable(format!("the run {}: {unknown}", row.id));
        let state = row.state.parse().map_err(unreadable)?;
        let trigger = row.trigger.parse().map_err(unreadable)?;
        let stop_as = row
            .stop_as
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(unreadable)?;
        let within = row
            .parent_run_id
            .zip(row.parent_task_run_id)
            .map(|(run, task_run)| (run.into(), task_run.into()));
        Ok(Self {
            id: row.id.into(),
            workflow_id: row.workflow_id.into(),
            version_id: row.version_id.into(),
            state,
            state_reason: row.state_reason,
            priority: row.priority,
            trigger,
            started_by: row.started_by,
            inputs: row.inputs,
            task_runs: row.task_runs,
            open_task_runs: row.open_task_runs,
            failed_task_runs: row.failed_task_runs,
            stop_requested_at: row.stop_requested_at,
            stop_requested_by: row.stop_requested_by,
            stop_as,
            paused_at: row.paused_at,
            paused_by: row.paused_by,
            output: row.output,
            within,
            rerun_of: row.rerun_of.map(Into::into),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

/// The runs that `ids` name.
pub async fn list_runs_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[RunId],
) -> Result<Vec<Run>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = runs::table
        .filter(runs::tenant_id.eq(tenant.0).and(runs::id.eq_any(ids)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The newest `limit` of the wanted runs that are older than `before`.
pub async fn list_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &RunFilter,
    before: Option<RunId>,
    limit: i64,
) -> Result<Vec<Run>, StoreError> {
    let rows = if filter.states.is_empty() {
        list_in_any_state(transaction, tenant, filter, before, limit).await?
    } else {
        list_in_states(transaction, tenant, filter, before, limit).await?
    };
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Walks `runs_of_workflow` when a workflow is named, `runs_pkey` else; each in order, so that a page costs a page.
async fn list_in_any_state(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &RunFilter,
    before: Option<RunId>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let (low, high) = filter.id_bounds(before);
    let mut query = runs::table
        .filter(
            runs::tenant_id
                .eq(tenant.0)
                .and(runs::id.gt(low))
                .and(runs::id.lt(high)),
        )
        .select(Row::as_select())
        .order(runs::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(workflow) = filter.workflow {
        query = query.filter(runs::workflow_id.eq(workflow.0));
    }
    if let Some(subject) = &filter.started_by {
        query = query.filter(runs::started_by.eq(subject));
    }
    if let Some(from) = filter.created_from {
        query = query.filter(runs::created_at.ge(from));
    }
    if let Some(before) = filter.created_before {
        query = query.filter(runs::created_at.lt(before));
    }
    Ok(query.load(&mut **transaction).await?)
}

async fn list_in_states(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &RunFilter,
    before: Option<RunId>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let (low, high) = filter.id_bounds(before);
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let statement = statement!("list_runs_in_states")
        .bind::<SqlUuid, _>(tenant.0)
        .bind::<Array<Text>, _>(states)
        .bind::<SqlUuid, _>(low)
        .bind::<SqlUuid, _>(high)
        .bind::<BigInt, _>(limit)
        .bind::<Nullable<SqlUuid>, _>(filter.workflow.map(|workflow| workflow.0))
        .bind::<Nullable<Text>, _>(filter.started_by.as_deref())
        .bind::<Nullable<Timestamptz>, _>(filter.created_from)
        .bind::<Nullable<Timestamptz>, _>(filter.created_before);
    Ok(Fixed(statement).load(&mut **transaction).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_made_within_the_bounds_of_time_is_within_the_bounds_of_ids() {
        let instant = DateTime::from_timestamp(1_790_000_000, 0).expect("the instant exists");
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_790_000_000, 0));
        let filter = RunFilter {
            created_from: Some(instant),
            created_before: Some(instant + TimeDelta::seconds(1)),
            ..RunFilter::default()
        };
        let (low, high) = filter.id_bounds(None);
        assert!(low < id && id < high);
        assert_eq!(
            filter.id_bounds(Some(id.into())),
            (low, id),
            "the nearer bound holds"
        );
    }

    #[test]
    fn instants_that_no_id_can_hold_bound_nothing() {
        let filter = RunFilter {
            created_from: Some(DateTime::<Utc>::MIN_UTC),
            created_before: Some(DateTime::<Utc>::MAX_UTC),
            ..RunFilter::default()
        };
        assert_eq!(filter.id_bounds(None), (Uuid::nil(), Uuid::max()));
    }
}

/// How a run that lies within another stands.
#[derive(Clone, Debug)]
pub(crate) struct RunWithin {
    pub(crate) state: RunState,
    pub(crate) reason: Option<String>,
    pub(crate) output: Option<Value>,
}

/// The run that a task run of another run is.
pub(crate) async fn find_run_within(
    transaction: &mut Transaction,
    tenant: TenantId,
    parent: RunId,
    task_run: TaskRunId,
) -> Result<Option<RunWithin>, StoreError> {
    let row: Option<(Uuid, String, Option<String>, Option<Value>)> = runs::table
        .filter(runs::tenant_id.eq(tenant.0).and(runs::parent_run_id.eq(parent.0)))
        .filter(runs::parent_task_run_id.eq(task_run.0))
        .order(runs::id.desc())
        .select((runs::id, runs::state, runs::state_reason, runs::output))
        .first(&mut **transaction)
        .await
        .optional()?;
    row.map(|(id, state, reason, output)| {
        let state = state
            .parse()
            .map_err(|unknown| StoreError::Unreadable(format!("the state of the run {id}: {unknown}")))?;
        Ok(RunWithin {
            state,
            reason,
            output,
        })
    })
    .transpose()
}
