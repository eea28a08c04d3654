//! Steps of backfills as schedulers see them: started, and ended with their runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::backfill::{StepCounts, StepState};
use crate::id::{BackfillId, OccurrenceId, RunId, ScheduleId, TenantId};

/// A step that may start.
#[derive(Clone, Debug)]
pub(crate) struct DueStep {
    pub(crate) tenant_id: TenantId,
    pub(crate) backfill_id: BackfillId,
    pub(crate) schedule_id: ScheduleId,
    /// That of the schedule; none has it when the schedule was deleted.
    pub(crate) plan_revision: i32,
    /// Who asked for the backfill.
    pub(crate) created_by: String,
    /// What the run is given over what the schedule gives.
    pub(crate) inputs: Value,
    pub(crate) place: i32,
    pub(crate) nominal: DateTime<Utc>,
    pub(crate) due: DateTime<Utc>,
}

/// The steps of backfills of the partitions that may start now, at most `limit`.
pub(crate) async fn list_steps_to_start(
    transaction: &mut Transaction,
    partitions: &[i16],
    limit: i64,
) -> Result<Vec<DueStep>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        backfill_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        schedule_id: Uuid,
        #[diesel(sql_type = Integer)]
        plan_revision: i32,
        #[diesel(sql_type = Text)]
        created_by: String,
        #[diesel(sql_type = Jsonb)]
        inputs: Value,
        #[diesel(sql_type = Integer)]
        place: i32,
        #[diesel(sql_type = Timestamptz)]
        nominal: DateTime<Utc>,
        #[diesel(sql_type = Timestamptz)]
        due: DateTime<Utc>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_steps_to_start")
            .bind::<Array<SmallInt>, _>(partitions)
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    let step = |row: Row| DueStep {
        tenant_id: row.tenant_id.into(),
        backfill_id: row.backfill_id.into(),
        schedule_id: row.schedule_id.into(),
        plan_revision: row.plan_revision,
        created_by: row.created_by,
        inputs: row.inputs,
        place: row.place,
        nominal: row.nominal,
        due: row.due,
    };
    Ok(rows.into_iter().map(step).collect())
}

/// What became of a step that was to start.
#[derive(Clone, Debug)]
pub(crate) struct BegunStep {
    pub(crate) tenant_id: TenantId,
    pub(crate) backfill_id: BackfillId,
    pub(crate) place: i32,
    /// Its run, or why there is none.
    pub(crate) run: Result<RunId, String>,
}

/// Writes down what became of steps that were to start, and of their occurrences.
pub(crate) async fn begin_backfill_steps(
    transaction: &mut Transaction,
    steps: &[BegunStep],
) -> Result<(), StoreError> {
    let runs = || steps.iter().map(|step| step.run.as_ref().ok().map(|run| run.0));
    let reasons = || steps.iter().map(|step| step.run.as_ref().err());
    let occurrences: Vec<Uuid> = steps.iter().map(|_| OccurrenceId::generate().0).collect();
    Fixed(
        statement!("begin_backfill_steps")
            .bind::<Array<SqlUuid>, _>(steps.iter().map(|step| step.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(steps.iter().map(|step| step.backfill_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(steps.iter().map(|step| step.place).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(occurrences)
            .bind::<Array<Nullable<SqlUuid>>, _>(runs().collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(reasons().collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The run of a step that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepEnd {
    pub(crate) tenant_id: TenantId,
    pub(crate) backfill_id: BackfillId,
    pub(crate) run_id: RunId,
    /// What the step is now.
    pub(crate) state: StepState,
}

/// By how much the counters of backfills move.
pub(crate) type Counts = BTreeMap<(TenantId, BackfillId), StepCounts>;

/// Writes down that the runs of steps have ended. Gives by how much the counters move with that.
pub(crate) async fn end_backfill_steps(
    transaction: &mut Transaction,
    ends: &[StepEnd],
) -> Result<Counts, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        backfill_id: Uuid,
        #[diesel(sql_type = Text)]
        state: String,
    }
    let rows: Vec<Row> = Fixed(
        statement!("end_backfill_steps")
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|end| end.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|end| end.backfill_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|end| end.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(ends.iter().map(|end| end.state.as_str()).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let mut counts = Counts::new();
    for row in rows {
        let unreadable = |unknown| {
            StoreError::Unreadable(format!("a step of the backfill {}: {unknown}", row.backfill_id))
        };
        let state = row.state.parse().map_err(unreadable)?;
        let of = (row.tenant_id.into(), row.backfill_id.into());
        counts.entry(of).or_default().step(StepState::Running, state);
    }
    Ok(counts)
}

/// Moves the counters of backfills; one of which nothing is pending or running any more ends.
pub(crate) async fn count_backfill_steps(
    transaction: &mut Transaction,
    counts: &Counts,
) -> Result<(), StoreError> {
    let by = |count: fn(&StepCounts) -> i32| counts.values().map(count).collect::<Vec<i32>>();
    Fixed(
        statement!("count_backfill_steps")
            .bind::<Array<SqlUuid>, _>(counts.keys().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(counts.keys().map(|(_, id)| id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(by(|counts| counts.pending))
            .bind::<Array<Integer>, _>(by(|counts| counts.running))
            .bind::<Array<Integer>, _>(by(|counts| counts.succeeded))
            .bind::<Array<Integer>, _>(by(|counts| counts.failed))
            .bind::<Array<Integer>, _>(by(|counts| counts.cancelled))
            .bind::<Array<Integer>, _>(by(|counts| counts.rejected)),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Starts nothing of the backfills for a while, each for its reason.
pub(crate) async fn hold_backfills(
    transaction: &mut Transaction,
    held: &BTreeMap<(TenantId, BackfillId), String>,
) -> Result<(), StoreError> {
    if held.is_empty() {
        return Ok(());
    }
    Fixed(
        statement!("hold_backfills")
            .bind::<Array<SqlUuid>, _>(held.keys().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(held.keys().map(|(_, id)| id.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(held.values().map(String::as_str).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
