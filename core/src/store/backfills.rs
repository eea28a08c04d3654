//! Backfills: made, called off, read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{backfill_steps, backfills};
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::backfill::{Backfill, BackfillState, Step, StepCounts, StepState};
use crate::id::{BackfillId, RunId, ScheduleId, TenantId};
use crate::run::RunState;
use crate::schedule::backfill::{BackfillOrder, BackfillStep, Existing, Reprocess};
use crate::schedule::timing::Note;

/// What the occurrences of a schedule at these instants have to show; those that have nothing are left out.
pub(crate) async fn list_existing(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: ScheduleId,
    instants: &[DateTime<Utc>],
) -> Result<HashMap<DateTime<Utc>, Existing>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamptz)]
        nominal: DateTime<Utc>,
        #[diesel(sql_type = Nullable<Text>)]
        run_state: Option<String>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_existing")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(schedule.0)
            .bind::<Array<Timestamptz>, _>(instants),
    )
    .load(&mut **transaction)
    .await?;
    let mut existing = HashMap::with_capacity(rows.len());
    for row in rows {
        let shown = match row.run_state {
            None => Existing::Waiting,
            Some(state) => shown_by(&state)?,
        };
        // A step that waits goes before the run that it is to do again.
        let entry = existing.entry(row.nominal).or_insert(shown);
        if shown == Existing::Waiting {
            *entry = shown;
        }
    }
    Ok(existing)
}

fn shown_by(state: &str) -> Result<Existing, StoreError> {
    let state: RunState = state
        .parse()
        .map_err(|unknown| StoreError::Unreadable(format!("the state of a run: {unknown}")))?;
    Ok(match state {
        RunState::Queued | RunState::Running | RunState::Paused => Existing::UnderWay,
        RunState::Succeeded => Existing::Succeeded,
        RunState::Failed | RunState::TimedOut | RunState::Cancelled => Existing::Failed,
    })
}

/// A backfill that is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewBackfill<'a> {
    pub(crate) id: BackfillId,
    pub(crate) schedule_id: ScheduleId,
    pub(crate) order: BackfillOrder,
    pub(crate) reprocess: Reprocess,
    pub(crate) most_running: i32,
    pub(crate) inputs: &'a Value,
    pub(crate) reason: Option<&'a str>,
    pub(crate) created_by: &'a str,
    /// In its order.
    pub(crate) steps: &'a [BackfillStep],
}

/// Records a backfill and its steps.
pub(crate) async fn insert_backfill(
    transaction: &mut Transaction,
    tenant: TenantId,
    new: &NewBackfill<'_>,
) -> Result<(), StoreError> {
    let places: Vec<i32> = (0..).zip(new.steps).map(|(place, _)| place).collect();
    let planned = || new.steps.iter().map(|step| step.planned);
    let passed_over = |step: &BackfillStep| step.passed_over.map(|why| why.to_string());
    Fixed(
        statement!("insert_backfill")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(new.id.0)
            .bind::<SqlUuid, _>(new.schedule_id.0)
            .bind::<SmallInt, _>(tenant.partition())
            .bind::<Bool, _>(new.order == BackfillOrder::NewestFirst)
            .bind::<Text, _>(new.reprocess.as_str())
            .bind::<Integer, _>(new.most_running)
            .bind::<Jsonb, _>(new.inputs)
            .bind::<Nullable<Text>, _>(new.reason)
            .bind::<Text, _>(new.created_by)
            .bind::<Array<Integer>, _>(places)
            .bind::<Array<Timestamptz>, _>(planned().map(|planned| planned.nominal).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(planned().map(|planned| planned.due).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(
                planned()
                    .map(|planned| planned.notes.to_string())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Text>>, _>(new.steps.iter().map(passed_over).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The backfills of the tenant that have not ended: all, or those of one schedule.
pub(crate) async fn list_open_backfills(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: Option<ScheduleId>,
) -> Result<Vec<BackfillId>, StoreError> {
    let mut open = backfills::table
        .filter(backfills::tenant_id.eq(tenant.0))
        .filter(backfills::finished_at.is_null())
        .select(backfills::id)
        .into_boxed();
    if let Some(schedule) = schedule {
        open = open.filter(backfills::schedule_id.eq(schedule.0));
    }
    let ids: Vec<Uuid> = open.load(&mut **transaction).await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Ends those of the backfills that have not ended. What has started of them goes on.
pub(crate) async fn cancel_backfills(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[BackfillId],
    by: &str,
    reason: &str,
) -> Result<(), StoreError> {
    Fixed(
        statement!("cancel_backfills")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<Text, _>(by)
            .bind::<Text, _>(reason),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The runs of the backfill that have not ended, as far as was heard.
pub(crate) async fn list_runs_of_backfill(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: BackfillId,
) -> Result<Vec<RunId>, StoreError> {
    let runs: Vec<Option<Uuid>> = backfill_steps::table
        .filter(backfill_steps::tenant_id.eq(tenant.0))
        .filter(backfill_steps::backfill_id.eq(id.0))
        .filter(backfill_steps::state.eq(StepState::Running.as_str()))
        .select(backfill_steps::run_id)
        .load(&mut **transaction)
        .await?;
    Ok(runs.into_iter().flatten().map(Into::into).collect())
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = backfills)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = Bool)]
    newest_first: bool,
    #[diesel(sql_type = Text)]
    reprocess: String,
    #[diesel(sql_type = Integer)]
    most_running: i32,
    #[diesel(sql_type = Jsonb)]
    inputs: Value,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    state_reason: Option<String>,
    #[diesel(sql_type = Integer)]
    pending: i32,
    #[diesel(sql_type = Integer)]
    running: i32,
    #[diesel(sql_type = Integer)]
    succeeded: i32,
    #[diesel(sql_type = Integer)]
    failed: i32,
    #[diesel(sql_type = Integer)]
    cancelled: i32,
    #[diesel(sql_type = Integer)]
    rejected: i32,
    #[diesel(sql_type = Integer)]
    passed_over: i32,
    #[diesel(sql_type = Text)]
    created_by: String,
    #[diesel(sql_type = Nullable<Text>)]
    cancelled_by: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Backfill {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = |unknown| StoreError::Unreadable(format!("the backfill {}: {unknown}", row.id));
        Ok(Self {
            id: row.id.into(),
            schedule_id: row.schedule_id.into(),
            order: if row.newest_first {
                BackfillOrder::NewestFirst
            } else {
                BackfillOrder::OldestFirst
            },
            reprocess: row.reprocess.parse().map_err(unreadable)?,
            most_running: row.most_running,
            inputs: row.inputs,
            reason: row.reason,
            state: row.state.parse().map_err(unreadable)?,
            state_reason: row.state_reason,
            steps: StepCounts {
                pending: row.pending,
                running: row.running,
                succeeded: row.succeeded,
                failed: row.failed,
                cancelled: row.cancelled,
                rejected: row.rejected,
                passed_over: row.passed_over,
            },
            created_by: row.created_by,
            cancelled_by: row.cancelled_by,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

/// Which backfills are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackfillFilter {
    /// Those in one of these states; all when there are none.
    pub states: Vec<BackfillState>,
}

/// The newest `limit` of the wanted backfills that are older than `before`.
pub(crate) async fn list_backfills(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &BackfillFilter,
    before: Option<BackfillId>,
    limit: i64,
) -> Result<Vec<Backfill>, StoreError> {
    let before = before.map_or(Uuid::max(), |backfill| backfill.0);
    let mut wanted = backfills::table
        .filter(backfills::tenant_id.eq(tenant.0).and(backfills::id.lt(before)))
        .order(backfills::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if !filter.states.is_empty() {
        wanted = wanted.filter(backfills::state.eq_any(filter.states.iter().map(|state| state.as_str())));
    }
    let rows: Vec<Row> = wanted.load(&mut **transaction).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The backfills that `ids` name, in no order.
pub(crate) async fn list_backfills_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[BackfillId],
) -> Result<Vec<Backfill>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = backfills::table
        .filter(backfills::tenant_id.eq(tenant.0).and(backfills::id.eq_any(ids)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Which backfills of a schedule are wanted: the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackfillsPage {
    /// Those in one of these states; all when there are none.
    pub states: Vec<BackfillState>,
    /// Those that are older than this one.
    pub before: Option<BackfillId>,
    /// At most so many.
    pub limit: i64,
}

/// The same page of the backfills of each of `schedules`, the newest first.
pub(crate) async fn list_backfills_of_schedules(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedules: &[ScheduleId],
    page: &BackfillsPage,
) -> Result<Vec<Backfill>, StoreError> {
    let states: Vec<&str> = page.states.iter().map(|state| state.as_str()).collect();
    let rows: Vec<Row> = Fixed(
        statement!("list_backfills_of_schedules")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(schedules.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<SqlUuid, _>(page.before.map_or(Uuid::max(), |backfill| backfill.0))
            .bind::<Nullable<Array<Text>>, _>((!states.is_empty()).then_some(states))
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Which steps of a backfill are wanted: in its order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StepPage {
    /// Those in one of these states; all when there are none.
    pub states: Vec<StepState>,
    /// Those behind this place.
    pub after: Option<i32>,
    /// At most so many.
    pub limit: i64,
}

/// The same page of the steps of each of `backfills`, in their order.
pub(crate) async fn list_backfill_steps(
    transaction: &mut Transaction,
    tenant: TenantId,
    backfills: &[BackfillId],
    page: &StepPage,
) -> Result<Vec<Step>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        backfill_id: Uuid,
        #[diesel(sql_type = Integer)]
        place: i32,
        #[diesel(sql_type = Timestamptz)]
        nominal: DateTime<Utc>,
        #[diesel(sql_type = Timestamptz)]
        due: DateTime<Utc>,
        #[diesel(sql_type = Array<Text>)]
        notes: Vec<String>,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Nullable<Text>)]
        reason: Option<String>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        run_id: Option<Uuid>,
    }
    let states: Vec<&str> = page.states.iter().map(|state| state.as_str()).collect();
    let rows: Vec<Row> = Fixed(
        statement!("list_backfill_steps")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(backfills.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<Integer, _>(page.after.unwrap_or(-1))
            .bind::<Nullable<Array<Text>>, _>((!states.is_empty()).then_some(states))
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    let note = |name: &String| name.parse::<Note>().ok();
    let step = |row: Row| {
        let unreadable = |unknown| {
            StoreError::Unreadable(format!("a step of the backfill {}: {unknown}", row.backfill_id))
        };
        Ok(Step {
            backfill_id: row.backfill_id.into(),
            place: row.place,
            nominal: row.nominal,
            due: row.due,
            notes: row.notes.iter().filter_map(note).collect(),
            state: row.state.parse().map_err(unreadable)?,
            reason: row.reason,
            run_id: row.run_id.map(Into::into),
        })
    };
    rows.into_iter().map(step).collect()
}
