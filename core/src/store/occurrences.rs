//! What became of occurrences.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{OccurrenceId, RunId, ScheduleId, TenantId, WorkflowId, WorkflowVersionId};
use crate::schedule::occurrence::OccurrenceOutcome;

/// What became of an occurrence, or of several of which one row tells.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: OccurrenceId,
    pub(crate) schedule_id: ScheduleId,
    pub(crate) nominal: DateTime<Utc>,
    pub(crate) due: DateTime<Utc>,
    pub(crate) outcome: OccurrenceOutcome,
    pub(crate) reason: Option<String>,
    pub(crate) notes: String,
    pub(crate) run_id: Option<RunId>,
    pub(crate) manual: bool,
    pub(crate) inputs: Option<Value>,
    pub(crate) stands_for: i64,
    pub(crate) oldest: Option<DateTime<Utc>>,
    pub(crate) waits_in: Option<String>,
}

/// Writes down what became of occurrences.
pub(crate) async fn record_occurrences(
    transaction: &Transaction,
    rows: &[Recorded],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    Fixed(
        statement!("record_occurrences")
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|r| r.schedule_id.0).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(rows.iter().map(|r| r.nominal).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(rows.iter().map(|r| r.due).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(rows.iter().map(|r| r.outcome.as_str()).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|r| r.reason.as_deref()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(rows.iter().map(|r| r.notes.as_str()).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(
                rows.iter().map(|r| r.run_id.map(|id| id.0)).collect::<Vec<_>>(),
            )
            .bind::<Array<Bool>, _>(rows.iter().map(|r| r.manual).collect::<Vec<_>>())
            .bind::<Array<Nullable<Jsonb>>, _>(rows.iter().map(|r| r.inputs.as_ref()).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(rows.iter().map(|r| r.stands_for).collect::<Vec<_>>())
            .bind::<Array<Nullable<Timestamptz>>, _>(rows.iter().map(|r| r.oldest).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|r| r.waits_in.as_deref()).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// An occurrence that waits to start.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) schedule_id: ScheduleId,
    pub(crate) id: OccurrenceId,
    pub(crate) nominal: DateTime<Utc>,
    pub(crate) due: DateTime<Utc>,
    pub(crate) notes: String,
    pub(crate) manual: bool,
    pub(crate) inputs: Option<Value>,
}

/// The occurrences of the schedules that wait to start, in the order in which they came.
pub(crate) async fn list_waiting(
    transaction: &mut Transaction,
    schedules: &[(TenantId, ScheduleId)],
) -> Result<Vec<Waiting>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        schedule_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Timestamptz)]
        nominal: DateTime<Utc>,
        #[diesel(sql_type = Timestamptz)]
        due: DateTime<Utc>,
        #[diesel(sql_type = Array<Text>)]
        notes: Vec<String>,
        #[diesel(sql_type = Bool)]
        manual: bool,
        #[diesel(sql_type = Nullable<Jsonb>)]
        inputs: Option<Value>,
    }
    if schedules.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_waiting")
            .bind::<Array<SqlUuid>, _>(schedules.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(schedules.iter().map(|(_, id)| id.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            schedule_id: row.schedule_id.into(),
            id: row.id.into(),
            nominal: row.nominal,
            due: row.due,
            notes: row.notes.join(" "),
            manual: row.manual,
            inputs: row.inputs,
        })
        .collect())
}

/// Records that nothing becomes of what waits of a schedule.
pub(crate) async fn give_up(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: ScheduleId,
    outcome: OccurrenceOutcome,
    reason: &str,
) -> Result<(), StoreError> {
    Fixed(
        statement!("give_up_waiting")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(schedule.0)
            .bind::<Text, _>(outcome.as_str())
            .bind::<Text, _>(reason),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// What became of those of the occurrences that are recorded already.
pub(crate) async fn list_recorded(
    transaction: &Transaction,
    wanted: &[(TenantId, ScheduleId, DateTime<Utc>)],
) -> Result<BTreeMap<(ScheduleId, DateTime<Utc>), OccurrenceOutcome>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        schedule_id: Uuid,
        #[diesel(sql_type = Timestamptz)]
        nominal: DateTime<Utc>,
        #[diesel(sql_type = Text)]
        outcome: String,
    }
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_recorded")
            .bind::<Array<SqlUuid>, _>(wanted.iter().map(|w| w.0.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(wanted.iter().map(|w| w.1.0).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(wanted.iter().map(|w| w.2).collect::<Vec<_>>()),
    )
    .load(&mut &**transaction)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unreadable = |unknown| StoreError::Unreadable(format!("an outcome: {unknown}"));
            Ok((
                (row.schedule_id.into(), row.nominal),
                row.outcome.parse().map_err(unreadable)?,
            ))
        })
        .collect()
}

/// Among which runs an occurrence may not overlap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Among {
    /// Those of the same schedule.
    Schedule(ScheduleId),
    /// Those of the same workflow.
    Workflow(WorkflowId),
    /// Those with the same key.
    Key(String),
}

impl Among {
    /// As it stands in the rows of occurrences that wait.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Schedule(id) => format!("schedule {id}"),
            Self::Workflow(id) => format!("workflow {id}"),
            Self::Key(key) => format!("key {key}"),
        }
    }

    fn schedule(&self) -> Option<Uuid> {
        match self {
            Self::Schedule(id) => Some(id.0),
            _ => None,
        }
    }

    fn workflow(&self) -> Option<Uuid> {
        match self {
            Self::Workflow(id) => Some(id.0),
            _ => None,
        }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }
}

/// How many runs are under way, and how many occurrences wait, among these runs; at most a thousand of each are counted.
pub(crate) async fn count_under_way(
    transaction: &Transaction,
    among: &[(TenantId, Among)],
) -> Result<Vec<(TenantId, String, u32, u32)>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = Text)]
        waits_in: String,
        #[diesel(sql_type = BigInt)]
        running: i64,
        #[diesel(sql_type = BigInt)]
        waiting: i64,
    }
    if among.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = Fixed(
        statement!("count_under_way")
            .bind::<Array<SqlUuid>, _>(among.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(among.iter().map(|(_, among)| among.told()).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(
                among
                    .iter()
                    .map(|(_, among)| among.schedule())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<SqlUuid>>, _>(
                among
                    .iter()
                    .map(|(_, among)| among.workflow())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Text>>, _>(among.iter().map(|(_, among)| among.key()).collect::<Vec<_>>()),
    )
    .load(&mut &**transaction)
    .await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                row.tenant_id.into(),
                row.waits_in,
                count(row.running),
                count(row.waiting),
            )
        })
        .collect())
}

/// The first runs under way among these, the oldest first.
pub(crate) async fn list_under_way(
    transaction: &mut Transaction,
    tenant: TenantId,
    among: &Among,
) -> Result<Vec<RunId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_under_way")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Nullable<SqlUuid>, _>(among.schedule())
            .bind::<Nullable<SqlUuid>, _>(among.workflow())
            .bind::<Nullable<Text>, _>(among.key()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(|row| row.run_id.into()).collect())
}

/// Has every schedule looked at of which an occurrence waits among these runs.
pub(crate) async fn wake_waiting(
    transaction: &mut Transaction,
    among: &[(TenantId, Among)],
) -> Result<(), StoreError> {
    Fixed(
        statement!("wake_waiting")
            .bind::<Array<SqlUuid>, _>(among.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(among.iter().map(|(_, among)| among.told()).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// What runs of a workflow start from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublishedRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) version_id: WorkflowVersionId,
    /// How many live runs the tenant may have; as many as it likes when absent.
    pub(crate) most_live_runs: Option<u32>,
}

/// The published versions of workflows; one that has none is left out.
pub(crate) async fn find_published_of_all(
    transaction: &Transaction,
    wanted: &[(TenantId, WorkflowId)],
) -> Result<Vec<PublishedRow>, StoreError> {
    use super::schema::{tenants as t, workflows as w};

    let rows: Vec<(Uuid, Uuid, Option<Uuid>, Option<i32>)> = w::table
        .inner_join(t::table.on(t::id.eq(w::tenant_id)))
        .filter(w::tenant_id.eq_any(wanted.iter().map(|(tenant, _)| tenant.0)))
        .filter(w::id.eq_any(wanted.iter().map(|(_, workflow)| workflow.0)))
        .filter(w::deleted_at.is_null())
        .select((w::tenant_id, w::id, w::published_version_id, t::most_live_runs))
        .load(&mut &**transaction)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(tenant, workflow, version, most)| {
            Some(PublishedRow {
                tenant_id: tenant.into(),
                workflow_id: workflow.into(),
                version_id: version?.into(),
                most_live_runs: most.and_then(|most| u32::try_from(most).ok()),
            })
        })
        .collect())
}
