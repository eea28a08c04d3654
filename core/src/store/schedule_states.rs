//! How far schedules have come, and the ends of runs that they wait for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::registry::sql::present;
use super::schema::schedule_states;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{BackfillId, RunId, ScheduleId, TenantId, WorkflowId};
use crate::run::RunState;
use crate::schedule::occurrence::ScheduleState;

/// Class of the advisory locks under which the schedules of a partition are settled. It is not the class under which task runs are
/// assigned: neither changes what the other reads, and an occurrence must not be late because a partition has much to assign.
const OCCURRENCES_LOCK: i32 = 7_340_041;

/// Takes the locks of those of the partitions that nobody settles at the moment, until the transaction ends.
pub(crate) async fn lock_partitions(
    transaction: &Transaction,
    partitions: &[i16],
) -> Result<Vec<i16>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SmallInt)]
        partition: i16,
    }
    let wanted: Vec<i32> = partitions.iter().map(|&partition| partition.into()).collect();
    let rows: Vec<Row> = Fixed(
        statement!("lock_partitions")
            .bind::<Integer, _>(OCCURRENCES_LOCK)
            .bind::<Array<Integer>, _>(wanted),
    )
    .load(&mut &**transaction)
    .await?;
    Ok(rows.into_iter().map(|row| row.partition).collect())
}

/// Takes the lock of the tenant's partition until the transaction ends, once nobody has it.
pub(crate) async fn wait_for_partition(
    transaction: &mut Transaction,
    tenant: TenantId,
) -> Result<(), StoreError> {
    Fixed(
        statement!("wait_for_partition")
            .bind::<Integer, _>(OCCURRENCES_LOCK)
            .bind::<Integer, _>(i32::from(tenant.partition())),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A schedule that is to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct DueSchedule {
    pub(crate) tenant_id: TenantId,
    pub(crate) schedule_id: ScheduleId,
    pub(crate) plan_revision: i32,
    pub(crate) state: ScheduleState,
    pub(crate) settled_until: DateTime<Utc>,
    /// The end of a run that its next occurrence is counted from.
    pub(crate) follows: Option<DateTime<Utc>>,
    /// How many of its occurrences wait.
    pub(crate) waiting: i32,
    /// The instant of looking, by the database's clock.
    pub(crate) now: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = Integer)]
    plan_revision: i32,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Timestamptz)]
    settled_until: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    follows: Option<DateTime<Utc>>,
    #[diesel(sql_type = Integer)]
    waiting: i32,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

impl DueRow {
    fn read(self) -> Result<DueSchedule, StoreError> {
        Ok(DueSchedule {
            tenant_id: self.tenant_id.into(),
            schedule_id: self.schedule_id.into(),
            plan_revision: self.plan_revision,
            state: state_of(&self.state)?,
            settled_until: self.settled_until,
            follows: self.follows,
            waiting: self.waiting,
            now: self.now,
        })
    }
}

fn state_of(text: &str) -> Result<ScheduleState, StoreError> {
    text.parse()
        .map_err(|unknown| StoreError::Unreadable(format!("the state of a schedule: {unknown}")))
}

/// The schedules of the partitions that are to be looked at by now, at most `limit` of each.
pub(crate) async fn list_due_schedules(
    transaction: &mut Transaction,
    partitions: &[i16],
    limit: i64,
) -> Result<Vec<DueSchedule>, StoreError> {
    let rows: Vec<DueRow> = Fixed(
        statement!("list_due_schedules")
            .bind::<Array<SmallInt>, _>(partitions)
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(DueRow::read).collect()
}

/// The schedule, as it stands, whether or not it is due.
pub(crate) async fn find_due_schedule(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: ScheduleId,
) -> Result<Option<DueSchedule>, StoreError> {
    Ok(find_due_schedules(transaction, tenant, &[schedule]).await?.pop())
}

/// The schedules, as they stand, whether or not they are due.
pub(crate) async fn find_due_schedules(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedules: &[ScheduleId],
) -> Result<Vec<DueSchedule>, StoreError> {
    if schedules.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<DueRow> = Fixed(
        statement!("find_due_schedules")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(schedules.iter().map(|id| id.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(DueRow::read).collect()
}

/// What there is to do in a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Survey {
    pub(crate) partition: i16,
    /// Runs have ended whose end somebody waits for.
    pub(crate) ends: bool,
    /// Triggers have fired, and nobody has decided about it.
    pub(crate) firings: bool,
    /// How long until a schedule is to be looked at.
    pub(crate) schedule_in: Option<Duration>,
    /// How long until a backfill wants to start something.
    pub(crate) step_in: Option<Duration>,
}

/// What there is to do in the partitions, by the database's clock.
pub(crate) async fn survey_partitions(
    transaction: &Transaction,
    partitions: &[i16],
) -> Result<Vec<Survey>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SmallInt)]
        partition: i16,
        #[diesel(sql_type = Bool)]
        ends: bool,
        #[diesel(sql_type = Bool)]
        firings: bool,
        #[diesel(sql_type = Nullable<BigInt>)]
        schedule_in: Option<i64>,
        #[diesel(sql_type = Nullable<BigInt>)]
        step_in: Option<i64>,
    }
    let rows: Vec<Row> = Fixed(statement!("survey_partitions").bind::<Array<SmallInt>, _>(partitions))
        .load(&mut &**transaction)
        .await?;
    let micros = |micros: i64| Duration::from_micros(micros.unsigned_abs());
    Ok(rows
        .into_iter()
        .map(|row| Survey {
            partition: row.partition,
            ends: row.ends,
            firings: row.firings,
            schedule_in: row.schedule_in.map(micros),
            step_in: row.step_in.map(micros),
        })
        .collect())
}

/// The end of a run that somebody waited for.
#[derive(Clone, Debug)]
pub(crate) struct RunEnd {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) schedule_id: Option<ScheduleId>,
    pub(crate) overlap_key: Option<String>,
    /// The backfill that started it.
    pub(crate) backfill_id: Option<BackfillId>,
    pub(crate) ended_as: RunState,
    pub(crate) ended_at: DateTime<Utc>,
}

/// Takes the first ends of watched runs of the partitions away, at most `limit` of each, in the order in which they came.
pub(crate) async fn take_run_ends(
    transaction: &mut Transaction,
    partitions: &[i16],
    limit: i64,
) -> Result<Vec<RunEnd>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        workflow_id: Uuid,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        schedule_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<Text>)]
        overlap_key: Option<String>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        backfill_id: Option<Uuid>,
        #[diesel(sql_type = Text)]
        ended_as: String,
        #[diesel(sql_type = Timestamptz)]
        ended_at: DateTime<Utc>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("take_run_ends")
            .bind::<Array<SmallInt>, _>(partitions)
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    let read = |row: Row| {
        let unreadable = |unknown| StoreError::Unreadable(format!("the state of a run: {unknown}"));
        Ok(RunEnd {
            tenant_id: row.tenant_id.into(),
            run_id: row.run_id.into(),
            workflow_id: row.workflow_id.into(),
            schedule_id: row.schedule_id.map(Into::into),
            overlap_key: row.overlap_key,
            backfill_id: row.backfill_id.map(Into::into),
            ended_as: row.ended_as.parse().map_err(unreadable)?,
            ended_at: row.ended_at,
        })
    };
    let mut ends = rows
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>, StoreError>>()?;
    ends.sort_by_key(|end| (end.ended_at, end.run_id));
    Ok(ends)
}

/// How the runs of a schedule ended since it was last told.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) tenant_id: TenantId,
    pub(crate) schedule_id: ScheduleId,
    /// How many failed since the last that succeeded.
    pub(crate) failed: i32,
    /// Whether one did.
    pub(crate) succeeded: bool,
    /// When the last one ended.
    pub(crate) last_end: DateTime<Utc>,
}

/// A schedule that has failed too often in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    pub(crate) tenant_id: TenantId,
    pub(crate) schedule_id: ScheduleId,
    pub(crate) failures: i32,
}

/// Tells schedules how their runs ended. Gives those that have failed too often.
pub(crate) async fn note_run_ends(
    transaction: &mut Transaction,
    tallies: &[Tally],
) -> Result<Vec<Failing>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        schedule_id: Uuid,
        #[diesel(sql_type = Integer)]
        failures: i32,
    }
    let rows: Vec<Row> = Fixed(
        statement!("note_run_ends")
            .bind::<Array<SqlUuid>, _>(tallies.iter().map(|t| t.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(tallies.iter().map(|t| t.schedule_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(tallies.iter().map(|t| t.failed).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(tallies.iter().map(|t| t.succeeded).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(tallies.iter().map(|t| t.last_end).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Failing {
            tenant_id: row.tenant_id.into(),
            schedule_id: row.schedule_id.into(),
            failures: row.failures,
        })
        .collect())
}

/// Pauses schedules, each for its reason.
pub(crate) async fn pause_schedules(
    transaction: &mut Transaction,
    paused: &[(TenantId, ScheduleId, String)],
) -> Result<(), StoreError> {
    Fixed(
        statement!("pause_schedules")
            .bind::<Array<SqlUuid>, _>(paused.iter().map(|p| p.0.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(paused.iter().map(|p| p.1.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(paused.iter().map(|p| p.2.as_str()).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// How far a schedule has come.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) tenant_id: TenantId,
    pub(crate) schedule_id: ScheduleId,
    pub(crate) settled_until: DateTime<Utc>,
    pub(crate) next_due: Option<DateTime<Utc>>,
    pub(crate) follows: Option<DateTime<Utc>>,
    pub(crate) waiting: i32,
    pub(crate) follows_runs: bool,
    pub(crate) most_failures: Option<i32>,
    /// It has named its last occurrence.
    pub(crate) over: bool,
}

/// Writes how far schedules have come.
pub(crate) async fn move_schedules(transaction: &Transaction, moves: &[Move]) -> Result<(), StoreError> {
    if moves.is_empty() {
        return Ok(());
    }
    Fixed(
        statement!("move_schedules")
            .bind::<Array<SqlUuid>, _>(moves.iter().map(|m| m.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(moves.iter().map(|m| m.schedule_id.0).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(moves.iter().map(|m| m.settled_until).collect::<Vec<_>>())
            .bind::<Array<Nullable<Timestamptz>>, _>(moves.iter().map(|m| m.next_due).collect::<Vec<_>>())
            .bind::<Array<Nullable<Timestamptz>>, _>(moves.iter().map(|m| m.follows).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(moves.iter().map(|m| m.waiting).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(moves.iter().map(|m| m.follows_runs).collect::<Vec<_>>())
            .bind::<Array<Nullable<Integer>>, _>(moves.iter().map(|m| m.most_failures).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(moves.iter().map(|m| m.over).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// Where a schedule stands, as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Where it stands.
    pub state: ScheduleState,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// Since when.
    pub changed_at: DateTime<Utc>,
    /// Who brought it there; nobody when its own rules did.
    pub changed_by: Option<String>,
    /// Every occurrence that was due until then is recorded.
    pub settled_until: DateTime<Utc>,
    /// With a fixed delay: the end of a run that the next occurrence is counted from.
    pub follows: Option<DateTime<Utc>>,
    /// How many of its occurrences wait to start.
    pub waiting: i32,
    /// How many of its runs in a row ended without success.
    pub failures: i32,
    /// The present, by the database's clock.
    pub now: DateTime<Utc>,
}

/// Where the schedules stand, by id.
pub(crate) async fn list_standings(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedules: &[ScheduleId],
) -> Result<Vec<(ScheduleId, Standing)>, StoreError> {
    use schedule_states as s;

    type Row = (
        Uuid,
        String,
        Option<String>,
        DateTime<Utc>,
        Option<String>,
        DateTime<Utc>,
        Option<DateTime<Utc>>,
        i32,
        i32,
        DateTime<Utc>,
    );
    let rows: Vec<Row> = s::table
        .filter(s::tenant_id.eq(tenant.0))
        .filter(s::schedule_id.eq_any(schedules.iter().map(|id| id.0)))
        .select((
            s::schedule_id,
            s::state,
            s::state_reason,
            s::changed_at,
            s::changed_by,
            s::settled_until,
            s::follows,
            s::waiting,
            s::failures,
            present(),
        ))
        .load(&mut **transaction)
        .await?;
    rows.into_iter()
        .map(|row| {
            let standing = Standing {
                state: state_of(&row.1)?,
                reason: row.2,
                changed_at: row.3,
                changed_by: row.4,
                settled_until: row.5,
                follows: row.6,
                waiting: row.7,
                failures: row.8,
                now: row.9,
            };
            Ok((row.0.into(), standing))
        })
        .collect()
}

/// Records where a new schedule stands.
pub(crate) async fn insert_standing(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: ScheduleId,
    state: ScheduleState,
    by: &str,
) -> Result<(), StoreError> {
    use schedule_states as s;

    let due = (state == ScheduleState::Active).then_some(present().nullable());
    diesel::insert_into(s::table)
        .values((
            s::tenant_id.eq(tenant.0),
            s::schedule_id.eq(schedule.0),
            s::partition.eq(tenant.partition()),
            s::state.eq(state.as_str()),
            s::changed_at.eq(present()),
            s::changed_by.eq(by),
            s::settled_until.eq(present()),
            s::follows.eq(present().nullable()),
            due.map(|due| s::next_due.eq(due)),
        ))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Brings a schedule from where it stands to `state`. What was due until now is past: it is not started any more.
pub(crate) async fn set_state(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: ScheduleId,
    state: ScheduleState,
    by: &str,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    Fixed(
        statement!("set_schedule_state")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(schedule.0)
            .bind::<Text, _>(state.as_str())
            .bind::<Text, _>(by)
            .bind::<Nullable<Text>, _>(reason),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Has the plans of the schedules made anew, and what they name looked at from now on.
pub(crate) async fn replan(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedules: &[ScheduleId],
) -> Result<(), StoreError> {
    Fixed(
        statement!("replan_schedules")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(schedules.iter().map(|id| id.0).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The schedules that keep to the calendar, and among them those that are to be looked at by now.
pub(crate) async fn list_schedules_of_calendar(
    transaction: &mut Transaction,
    tenant: TenantId,
    calendar: &str,
) -> Result<Vec<(ScheduleId, bool)>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        schedule_id: Uuid,
        #[diesel(sql_type = Bool)]
        due: bool,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_schedules_of_calendar")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Text, _>(calendar),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.schedule_id.into(), row.due))
        .collect())
}

/// Watches the runs of the workflow for the schedule or the trigger `watcher`, those that are live already too.
pub(crate) async fn watch_workflow(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: WorkflowId,
    watcher: Uuid,
) -> Result<(), StoreError> {
    Fixed(
        statement!("watch_workflow")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(workflow.0)
            .bind::<SqlUuid, _>(watcher)
            .bind::<SmallInt, _>(tenant.partition()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Watches nothing for `watcher` any more. What is watched already is until it ends.
pub(crate) async fn forget_watcher(
    transaction: &mut Transaction,
    tenant: TenantId,
    watcher: Uuid,
) -> Result<(), StoreError> {
    use super::schema::workflow_watchers as w;

    diesel::delete(w::table.filter(w::tenant_id.eq(tenant.0).and(w::watcher_id.eq(watcher))))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The present, by the database's clock.
pub(crate) async fn read_present(transaction: &mut Transaction) -> Result<DateTime<Utc>, StoreError> {
    Ok(diesel::select(present()).get_result(&mut **transaction).await?)
}
