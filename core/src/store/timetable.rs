//! What became of schedules' occurrences, and what hangs on schedules and workflows, read a page of each at a time.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{occurrences, runs};
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{OccurrenceId, RunId, ScheduleId, TenantId, WorkflowId};
use crate::schedule::occurrence::OccurrenceOutcome;
use crate::schedule::timing::Note;

/// What became of an occurrence, or of several of which one row tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// Names it; sorts by when it was first recorded.
    pub id: OccurrenceId,
    /// Its schedule, which may be deleted since.
    pub schedule_id: ScheduleId,
    /// The instant that the rule names.
    pub nominal: DateTime<Utc>,
    /// When it was to start, after calendars and jitter.
    pub due: DateTime<Utc>,
    /// What became of it.
    pub outcome: OccurrenceOutcome,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// What was done to it on the way. Notes that only a later release knows are left out.
    pub notes: Vec<Note>,
    /// Its run; the last one when it was run again.
    pub run_id: Option<RunId>,
    /// Somebody asked for it; the rule did not name it.
    pub manual: bool,
    /// How many occurrences the row stands for.
    pub stands_for: i64,
    /// The instant of the oldest of them.
    pub oldest: Option<DateTime<Utc>>,
    /// When its outcome was decided.
    pub decided_at: DateTime<Utc>,
}

/// Which occurrences of a schedule are wanted: the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OccurrencePage {
    /// Those with one of these outcomes; all when there are none.
    pub outcomes: Vec<OccurrenceOutcome>,
    /// Those whose instants are before this one.
    pub before: Option<DateTime<Utc>>,
    /// At most so many.
    pub limit: i64,
}

/// Which runs of a schedule are wanted: the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunsPage {
    /// Those that are older than this one.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: i64,
}

/// A run that a schedule started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOfSchedule {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The run.
    pub run_id: RunId,
}

/// Which schedules of a workflow are wanted: by key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchedulesPage {
    /// Those whose keys come after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// A schedule that starts runs of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleOfWorkflow {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The schedule's key.
    pub key: String,
}

/// The end of the year 9999, later than every occurrence, so that the bound of a page is always a plain value.
const LATEST: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("the instant exists");

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = occurrences)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    nominal: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    due: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    notes: Vec<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    run_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    manual: bool,
    #[diesel(sql_type = BigInt)]
    stands_for: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    decided_at: DateTime<Utc>,
}

impl TryFrom<Row> for Occurrence {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = |unknown| StoreError::Unreadable(format!("the occurrence {}: {unknown}", row.id));
        let note = |name: &String| serde_json::from_value(Value::String(name.clone())).ok();
        Ok(Self {
            id: row.id.into(),
            schedule_id: row.schedule_id.into(),
            nominal: row.nominal,
            due: row.due,
            outcome: row.outcome.parse().map_err(unreadable)?,
            reason: row.reason,
            notes: row.notes.iter().filter_map(note).collect(),
            run_id: row.run_id.map(Into::into),
            manual: row.manual,
            stands_for: row.stands_for,
            oldest: row.oldest,
            decided_at: row.decided_at,
        })
    }
}

/// The same page of the occurrences of each of `schedules`, the latest first.
pub(crate) async fn list_occurrences(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedules: &[ScheduleId],
    page: &OccurrencePage,
) -> Result<Vec<Occurrence>, StoreError> {
    let outcomes: Vec<&str> = page.outcomes.iter().map(|outcome| outcome.as_str()).collect();
    let rows: Vec<Row> = Fixed(
        statement!("list_occurrences")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(schedules.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<Timestamptz, _>(page.before.unwrap_or(LATEST))
            .bind::<Nullable<Array<Text>>, _>((!outcomes.is_empty()).then_some(outcomes))
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The occurrences that `ids` name, in no order.
pub(crate) async fn list_occurrences_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[OccurrenceId],
) -> Result<Vec<Occurrence>, StoreError> {
    let rows: Vec<Row> = occurrences::table
        .filter(occurrences::tenant_id.eq(tenant.0))
        .filter(occurrences::id.eq_any(ids.iter().map(|id| id.0)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The occurrences that `runs` were started for, in no order.
pub(crate) async fn list_occurrences_of_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
) -> Result<Vec<Occurrence>, StoreError> {
    let rows: Vec<Row> = occurrences::table
        .filter(occurrences::tenant_id.eq(tenant.0))
        .filter(occurrences::run_id.eq_any(runs.iter().map(|id| id.0)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The schedules that started `ids`; runs that none started are left out.
pub(crate) async fn list_schedules_of_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[RunId],
) -> Result<Vec<RunOfSchedule>, StoreError> {
    let rows: Vec<(Uuid, Option<Uuid>)> = runs::table
        .filter(runs::tenant_id.eq(tenant.0))
        .filter(runs::id.eq_any(ids.iter().map(|id| id.0)))
        .select((runs::id, runs::schedule_id))
        .load(&mut **transaction)
        .await?;
    let of_schedule = |(run, schedule): (Uuid, Option<Uuid>)| {
        Some(RunOfSchedule {
            schedule_id: schedule?.into(),
            run_id: run.into(),
        })
    };
    Ok(rows.into_iter().filter_map(of_schedule).collect())
}

/// The runs that `occurrences` wait for, at most 20 of each; occurrences that wait for none are left out.
pub(crate) async fn list_runs_waited_for(
    transaction: &mut Transaction,
    tenant: TenantId,
    occurrences: &[OccurrenceId],
) -> Result<Vec<(OccurrenceId, Vec<RunId>)>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        occurrence_id: Uuid,
        #[diesel(sql_type = Array<SqlUuid>)]
        run_ids: Vec<Uuid>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_runs_waited_for")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(occurrences.iter().map(|id| id.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let runs = row.run_ids.into_iter().map(Into::into).collect();
            (row.occurrence_id.into(), runs)
        })
        .collect())
}

/// The same page of the runs that each of `schedules` started, the newest first.
pub(crate) async fn list_runs_of_schedules(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedules: &[ScheduleId],
    page: RunsPage,
) -> Result<Vec<RunOfSchedule>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        schedule_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_runs_of_schedules")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(schedules.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<SqlUuid, _>(page.before.map_or(Uuid::max(), |run| run.0))
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RunOfSchedule {
            schedule_id: row.schedule_id.into(),
            run_id: row.run_id.into(),
        })
        .collect())
}

/// The same page of the schedules that start runs of each of `workflows`, by key.
pub(crate) async fn list_schedules_of_workflows(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflows: &[WorkflowId],
    page: &SchedulesPage,
) -> Result<Vec<ScheduleOfWorkflow>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        workflow_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        schedule_id: Uuid,
        #[diesel(sql_type = Text)]
        key: String,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_schedules_of_workflows")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(workflows.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<Text, _>(page.after.as_deref().unwrap_or_default())
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ScheduleOfWorkflow {
            workflow_id: row.workflow_id.into(),
            schedule_id: row.schedule_id.into(),
            key: row.key,
        })
        .collect())
}
