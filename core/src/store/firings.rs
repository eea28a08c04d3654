//! Firings: what caused them, and what became of them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schedule_states::RunEnd;
use super::schema::firings;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::expression::UpstreamFacts;
use crate::id::{FiringId, RunId, TenantId, TriggerId};
use crate::trigger::firing::{Cause, FiringFacts, FiringOutcome};

/// Something that a trigger waits for has happened.
#[derive(Clone, Debug)]
pub(crate) struct NewFiring {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: FiringId,
    pub(crate) trigger_id: TriggerId,
    pub(crate) cause: Cause,
    pub(crate) facts: FiringFacts,
    /// When it happened; in this transaction when absent.
    pub(crate) caused_at: Option<DateTime<Utc>>,
}

/// Records firings, as far as their causes have not fired the same trigger before. Gives those that it recorded.
pub(crate) async fn insert_firings(
    transaction: &mut Transaction,
    rows: &[NewFiring],
) -> Result<BTreeSet<FiringId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    if rows.is_empty() {
        return Ok(BTreeSet::new());
    }
    let facts = rows
        .iter()
        .map(|row| serde_json::to_value(&row.facts).expect("facts are JSON"));
    let recorded: Vec<Row> = Fixed(
        statement!("insert_firings")
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.id.0).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(rows.iter().map(|r| r.tenant_id.partition()).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.trigger_id.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(rows.iter().map(|r| r.cause.to_string()).collect::<Vec<_>>())
            .bind::<Array<Jsonb>, _>(facts.collect::<Vec<Value>>())
            .bind::<Array<Nullable<Timestamptz>>, _>(rows.iter().map(|r| r.caused_at).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(recorded.into_iter().map(|row| row.id.into()).collect())
}

/// The firing of the trigger that this cause has caused.
pub(crate) async fn find_firing(
    transaction: &mut Transaction,
    tenant: TenantId,
    trigger: TriggerId,
    cause: &Cause,
) -> Result<Option<FiringId>, StoreError> {
    let id: Option<Uuid> = firings::table
        .filter(
            firings::tenant_id
                .eq(tenant.0)
                .and(firings::trigger_id.eq(trigger.0)),
        )
        .filter(firings::cause.eq(cause.to_string()))
        .select(firings::id)
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(id.map(Into::into))
}

/// The firings that the ends of runs cause, in the order of the ends.
pub(crate) async fn list_triggers_of_ends(
    transaction: &mut Transaction,
    ends: &[RunEnd],
) -> Result<Vec<NewFiring>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        trigger_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = Text)]
        workflow: String,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Nullable<Text>)]
        state_reason: Option<String>,
        #[diesel(sql_type = Jsonb)]
        inputs: Value,
        #[diesel(sql_type = Nullable<Jsonb>)]
        output: Option<Value>,
        #[diesel(sql_type = Nullable<Jsonb>)]
        occurrence: Option<Value>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        started_at: Option<DateTime<Utc>>,
        #[diesel(sql_type = Timestamptz)]
        finished_at: DateTime<Utc>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_triggers_of_ends")
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|end| end.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|end| end.run_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ends.iter().map(|end| end.workflow_id.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(ends.iter().map(|end| end.ended_as.as_str()).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let firing = |row: Row| {
        let unreadable = |error| StoreError::Unreadable(format!("the occurrence of a run: {error}"));
        let run = RunId(row.run_id);
        let upstream = UpstreamFacts {
            id: run,
            workflow: row.workflow,
            state: row.state,
            reason: row.state_reason,
            inputs: row.inputs.into(),
            outputs: row.output.unwrap_or_default().into(),
            started_at: row.started_at,
            finished_at: row.finished_at,
        };
        let occurrence = row.occurrence.map(serde_json::from_value).transpose();
        Ok(NewFiring {
            tenant_id: row.tenant_id.into(),
            id: FiringId::generate(),
            trigger_id: row.trigger_id.into(),
            cause: Cause::Run(run),
            facts: FiringFacts::RunEnded {
                upstream,
                occurrence: occurrence.map_err(unreadable)?,
            },
            caused_at: Some(row.finished_at),
        })
    };
    rows.into_iter().map(firing).collect()
}

/// A firing that nobody has decided about.
#[derive(Clone, Debug)]
pub(crate) struct PendingFiring {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: FiringId,
    pub(crate) trigger_id: TriggerId,
    /// As they were stored.
    pub(crate) facts: Value,
    /// The trigger's revision; none when it was deleted.
    pub(crate) revision: Option<i32>,
    /// The trigger is paused.
    pub(crate) paused: bool,
}

#[derive(QueryableByName)]
struct PendingRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    trigger_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    facts: Value,
    #[diesel(sql_type = Nullable<Integer>)]
    revision: Option<i32>,
    #[diesel(sql_type = Bool)]
    paused: bool,
}

impl From<PendingRow> for PendingFiring {
    fn from(row: PendingRow) -> Self {
        Self {
            tenant_id: row.tenant_id.into(),
            id: row.id.into(),
            trigger_id: row.trigger_id.into(),
            facts: row.facts,
            revision: row.revision,
            paused: row.paused,
        }
    }
}

/// The first `limit` firings of the partitions that nobody has decided about.
pub(crate) async fn list_pending_firings(
    transaction: &mut Transaction,
    partitions: &[i16],
    limit: i64,
) -> Result<Vec<PendingFiring>, StoreError> {
    let rows: Vec<PendingRow> = Fixed(
        statement!("list_pending_firings")
            .bind::<Array<SmallInt>, _>(partitions)
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The last firing of the trigger that nobody has decided about.
pub(crate) async fn find_last_pending(
    transaction: &mut Transaction,
    tenant: TenantId,
    trigger: TriggerId,
) -> Result<Option<FiringId>, StoreError> {
    use super::schema::firings as f;

    let of_trigger = f::tenant_id.eq(tenant.0).and(f::trigger_id.eq(trigger.0));
    let pending = f::outcome.eq(FiringOutcome::Pending.as_str());
    let last: Option<Uuid> = f::table
        .filter(f::partition.eq(tenant.partition()).and(pending).and(of_trigger))
        .order(f::id.desc())
        .select(f::id)
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(last.map(Into::into))
}

/// The first `limit` firings of the trigger, up to `last`, that nobody has decided about.
pub(crate) async fn list_pending_of_trigger(
    transaction: &mut Transaction,
    tenant: TenantId,
    trigger: TriggerId,
    last: FiringId,
    limit: i64,
) -> Result<Vec<PendingFiring>, StoreError> {
    let rows: Vec<PendingRow> = Fixed(
        statement!("list_pending_of_trigger")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(trigger.0)
            .bind::<SmallInt, _>(tenant.partition())
            .bind::<BigInt, _>(limit)
            .bind::<SqlUuid, _>(last.0),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What becomes of a firing.
#[derive(Clone, Debug)]
pub(crate) struct DecidedFiring {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: FiringId,
    pub(crate) outcome: FiringOutcome,
    pub(crate) reason: Option<String>,
    pub(crate) run_id: Option<RunId>,
}

/// Records what becomes of firings.
pub(crate) async fn decide_firings(
    transaction: &mut Transaction,
    rows: &[DecidedFiring],
) -> Result<(), StoreError> {
    Fixed(
        statement!("decide_firings")
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.id.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(rows.iter().map(|r| r.outcome.as_str()).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|r| r.reason.as_deref()).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(
                rows.iter().map(|r| r.run_id.map(|id| id.0)).collect::<Vec<_>>(),
            ),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// What became of something that a trigger waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// Names it; sorts by when it was caused.
    pub id: FiringId,
    /// Its trigger, which may be deleted since.
    pub trigger_id: TriggerId,
    /// What became of it.
    pub outcome: FiringOutcome,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// What the trigger's expressions read of it: an object.
    pub facts: Value,
    /// The run that it started.
    pub run_id: Option<RunId>,
    /// When its cause happened.
    pub caused_at: DateTime<Utc>,
    /// When its outcome was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Which firings of a trigger are wanted: the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FiringPage {
    /// Those with one of these outcomes; all when there are none.
    pub outcomes: Vec<FiringOutcome>,
    /// Those that are older than this one.
    pub before: Option<FiringId>,
    /// At most so many.
    pub limit: i64,
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = firings)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    trigger_id: Uuid,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Jsonb)]
    facts: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    run_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    caused_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    decided_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Firing {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = |unknown| StoreError::Unreadable(format!("the firing {}: {unknown}", row.id));
        Ok(Self {
            id: row.id.into(),
            trigger_id: row.trigger_id.into(),
            outcome: row.outcome.parse().map_err(unreadable)?,
            reason: row.reason,
            facts: row.facts,
            run_id: row.run_id.map(Into::into),
            caused_at: row.caused_at,
            decided_at: row.decided_at,
        })
    }
}

/// The same page of the firings of each of `triggers`, the latest first.
pub(crate) async fn list_firings(
    transaction: &mut Transaction,
    tenant: TenantId,
    triggers: &[TriggerId],
    page: &FiringPage,
) -> Result<Vec<Firing>, StoreError> {
    let outcomes: Vec<&str> = page.outcomes.iter().map(|outcome| outcome.as_str()).collect();
    let rows: Vec<Row> = Fixed(
        statement!("list_firings")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(triggers.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<SqlUuid, _>(page.before.map_or(Uuid::max(), |firing| firing.0))
            .bind::<Nullable<Array<Text>>, _>((!outcomes.is_empty()).then_some(outcomes))
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The firings that `ids` name, in no order.
pub(crate) async fn list_firings_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[FiringId],
) -> Result<Vec<Firing>, StoreError> {
    let rows: Vec<Row> = firings::table
        .filter(firings::tenant_id.eq(tenant.0))
        .filter(firings::id.eq_any(ids.iter().map(|id| id.0)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The firings that started `runs`, in no order.
pub(crate) async fn list_firings_of_runs(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
) -> Result<Vec<Firing>, StoreError> {
    let rows: Vec<Row> = firings::table
        .filter(firings::tenant_id.eq(tenant.0))
        .filter(firings::run_id.eq_any(runs.iter().map(|id| id.0)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
