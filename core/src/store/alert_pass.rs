//! What rules look at, and what they have to say, as one pass over the event log reads and writes it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::alerts::SilenceRow;
use super::schema::silences;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::alert::cause::{Cause, CauseKind};
use crate::alert::silence::Silence;
use crate::alert::{Entries, Group, GroupKey, OpenAlert};
use crate::id::{AlertRuleId, TenantId, WorkflowId};

/// Class of the advisory lock under which alerts are raised.
const ALERT_LOCK: i32 = 7_340_036;

/// How far rules have looked.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct AlertProgress {
    /// Whether this transaction may raise alerts; else another does.
    #[diesel(sql_type = Bool)]
    pub(crate) locked: bool,
    #[diesel(sql_type = BigInt)]
    pub(crate) read_until: i64,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) checked_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) now: DateTime<Utc>,
    #[diesel(embed)]
    pub(crate) edition: RulesEdition,
}

/// Changes with every change of any rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub(crate) struct RulesEdition {
    #[diesel(sql_type = BigInt)]
    pub(crate) rules: i64,
    #[diesel(sql_type = BigInt)]
    edits: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    edited_at: Option<DateTime<Utc>>,
}

/// Tries the lock under which alerts are raised, until the transaction ends.
pub(crate) async fn begin_alert_pass(transaction: &mut Transaction) -> Result<AlertProgress, StoreError> {
    Ok(
        Fixed(statement!("begin_alert_pass").bind::<Integer, _>(ALERT_LOCK))
            .get_result(&mut **transaction)
            .await?,
    )
}

/// Remembers how far rules have looked.
pub(crate) async fn move_alert_progress(
    transaction: &mut Transaction,
    read_until: i64,
    checked_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    Fixed(
        statement!("move_alert_progress")
            .bind::<BigInt, _>(read_until)
            .bind::<Timestamptz, _>(checked_at),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    run_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    task_run_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    task_run_key: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    workflow_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    workflow_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    executor_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    executor_key: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    data: Option<Value>,
}

impl EventRow {
    fn cause(self) -> Option<Cause> {
        let kind = CauseKind::of_event(&self.kind)?;
        let executor_id = self.executor_id.as_deref().and_then(|id| id.parse().ok());
        Some(Cause {
            tenant: self.tenant_id.into(),
            only_for: None,
            name: format!("event:{}", self.seq),
            kind,
            at: self.at,
            seq: self.seq,
            workflow: self
                .workflow_key
                .map(|key| (self.workflow_id.map(Into::into), key)),
            run: self.run_id.map(Into::into),
            task_run: self
                .task_run_id
                .zip(self.task_run_key)
                .map(|(id, key)| (id.into(), key)),
            executor: executor_id.zip(self.executor_key),
            detail: self.data.as_ref().and_then(detail),
            took_ms: None,
        })
    }
}

/// What an event says of itself: its reason, or the shortest of the cycles that it found.
fn detail(data: &Value) -> Option<String> {
    if let Some(keys) = data.pointer("/cycles/0/keys").and_then(Value::as_array) {
        let keys: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
        let others = data["cycleCount"].as_i64().unwrap_or(1) - 1;
        let others = if others > 0 {
            format!(", and in {others} more ways")
        } else {
            String::new()
        };
        return Some(keys.join(" → ") + &others);
    }
    let said = data.get("reason").or_else(|| data.get("message"))?;
    said.as_str().map(str::to_owned)
}

/// What happened that rules speak of, and how far the log was read for it.
pub(crate) struct CausePage {
    pub(crate) causes: Vec<Cause>,
    pub(crate) read_until: i64,
    /// Whether the log goes on behind it.
    pub(crate) is_full: bool,
}

/// The first `limit` events after `after` up to `upto` of which the rules of tenants speak: of each, the kinds beside it.
pub(crate) async fn list_alert_causes(
    transaction: &mut Transaction,
    wanted: &[(TenantId, String)],
    after: i64,
    upto: i64,
    limit: i64,
) -> Result<CausePage, StoreError> {
    let (tenants, kinds): (Vec<Uuid>, Vec<&str>) = wanted
        .iter()
        .map(|(tenant, kinds)| (tenant.0, kinds.as_str()))
        .unzip();
    let rows: Vec<EventRow> = Fixed(
        statement!("list_alert_causes")
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<Text>, _>(kinds)
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(upto)
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|read| read >= limit);
    let last = rows.last().map(|row| row.seq).filter(|_| is_full);
    Ok(CausePage {
        causes: rows.into_iter().filter_map(EventRow::cause).collect(),
        read_until: last.unwrap_or(upto),
        is_full,
    })
}

/// A rule that looks for task runs that wait too long.
#[derive(Debug, Serialize)]
pub(crate) struct WaitRule {
    pub(crate) rule_id: AlertRuleId,
    pub(crate) tenant_id: TenantId,
    pub(crate) partition: i16,
    pub(crate) workflow_id: Option<WorkflowId>,
    pub(crate) longer_than_ms: i64,
    /// Those that came to wait before are known; all are looked at without it.
    pub(crate) since: Option<DateTime<Utc>>,
}

/// A rule that looks for runs that take too long.
#[derive(Debug, Serialize)]
pub(crate) struct LengthRule {
    pub(crate) rule_id: AlertRuleId,
    pub(crate) tenant_id: TenantId,
    pub(crate) workflow_id: Option<WorkflowId>,
    pub(crate) longer_than_ms: Option<i64>,
    pub(crate) times: Option<f64>,
    pub(crate) of_last: Option<i32>,
}

#[derive(QueryableByName)]
struct WaitRow {
    #[diesel(sql_type = SqlUuid)]
    rule_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    task_run_id: Uuid,
    #[diesel(sql_type = Text)]
    task_run_key: String,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = Text)]
    workflow_key: String,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
}

/// Up to `limit` task runs that wait longer than `rules` allow, at the instant `now` of this transaction.
pub(crate) async fn list_long_waits(
    transaction: &mut Transaction,
    rules: &[WaitRule],
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Cause>, StoreError> {
    let rows: Vec<WaitRow> = Fixed(
        statement!("list_long_waits")
            .bind::<Jsonb, _>(json(rules))
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    let cause = |row: WaitRow| Cause {
        tenant: row.tenant_id.into(),
        only_for: Some(row.rule_id.into()),
        name: format!("task-run:{}", row.task_run_id),
        kind: CauseKind::TaskWaits,
        at: now,
        seq: 0,
        workflow: Some((Some(row.workflow_id.into()), row.workflow_key)),
        run: Some(row.run_id.into()),
        task_run: Some((row.task_run_id.into(), row.task_run_key)),
        executor: None,
        detail: None,
        took_ms: Some((now - row.since).num_milliseconds()),
    };
    Ok(rows.into_iter().map(cause).collect())
}

#[derive(QueryableByName)]
struct LengthRow {
    #[diesel(sql_type = SqlUuid)]
    rule_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = Text)]
    workflow_key: String,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
}

/// Up to `limit` runs that have taken longer than `rules` allow, at the instant `now` of this transaction.
pub(crate) async fn list_long_runs(
    transaction: &mut Transaction,
    rules: &[LengthRule],
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Cause>, StoreError> {
    let rows: Vec<LengthRow> = Fixed(
        statement!("list_long_runs")
            .bind::<Jsonb, _>(json(rules))
            .bind::<BigInt, _>(limit),
    )
    .load(&mut **transaction)
    .await?;
    let cause = |row: LengthRow| Cause {
        tenant: row.tenant_id.into(),
        only_for: Some(row.rule_id.into()),
        name: format!("run:{}", row.run_id),
        kind: CauseKind::RunLate,
        at: now,
        seq: 0,
        workflow: Some((Some(row.workflow_id.into()), row.workflow_key)),
        run: Some(row.run_id.into()),
        task_run: None,
        executor: None,
        detail: None,
        took_ms: Some((now - row.since).num_milliseconds()),
    };
    Ok(rows.into_iter().map(cause).collect())
}

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    rule_id: Uuid,
    #[diesel(sql_type = Text)]
    group_key: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    alert_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    raised_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Bool>)]
    is_silenced: Option<bool>,
    #[diesel(sql_type = Array<Timestamptz>)]
    pending: Vec<DateTime<Utc>>,
}

/// What is known of the groups.
pub(crate) async fn list_alert_groups(
    transaction: &mut Transaction,
    keys: &[GroupKey],
) -> Result<HashMap<GroupKey, Group>, StoreError> {
    let tenants: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
    let rules: Vec<Uuid> = keys.iter().map(|key| key.1.0).collect();
    let groups: Vec<&str> = keys.iter().map(|key| key.2.as_str()).collect();
    let rows: Vec<GroupRow> = Fixed(
        statement!("list_alert_groups")
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<SqlUuid>, _>(rules)
            .bind::<Array<Text>, _>(groups),
    )
    .load(&mut **transaction)
    .await?;
    let group = |row: GroupRow| {
        let open = row.alert_id.zip(row.raised_at).map(|(id, raised_at)| OpenAlert {
            id: id.into(),
            raised_at,
            is_silenced: row.is_silenced.unwrap_or(false),
        });
        let key = (row.tenant_id.into(), row.rule_id.into(), row.group_key);
        let pending = row.pending;
        (key, Group { open, pending })
    };
    Ok(rows.into_iter().map(group).collect())
}

/// The silences of `tenants` that cover the instant `at`.
pub(crate) async fn list_silences_at(
    transaction: &mut Transaction,
    tenants: &[TenantId],
    at: DateTime<Utc>,
) -> Result<Vec<Silence>, StoreError> {
    let tenants: Vec<Uuid> = tenants.iter().map(|tenant| tenant.0).collect();
    let rows: Vec<SilenceRow> = silences::table
        .filter(silences::tenant_id.eq_any(tenants))
        .filter(silences::starts_at.le(at).and(silences::ends_at.gt(at)))
        .order((silences::tenant_id, silences::id))
        .select(SilenceRow::as_select())
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes what the ledger of a batch came to.
pub(crate) async fn write_entries(
    transaction: &mut Transaction,
    entries: &Entries,
) -> Result<(), StoreError> {
    let folds: Vec<_> = entries.folds.values().collect();
    // What was noted before this batch is attached before the causes of this batch join it.
    if !entries.attached.is_empty() {
        Fixed(statement!("attach_alert_causes").bind::<Jsonb, _>(json(&entries.attached)))
            .execute(&mut **transaction)
            .await?;
    }
    if !entries.causes.is_empty() {
        Fixed(statement!("insert_alert_causes").bind::<Jsonb, _>(json(&entries.causes)))
            .execute(&mut **transaction)
            .await?;
    }
    if !entries.alerts.is_empty() {
        Fixed(statement!("insert_alerts").bind::<Jsonb, _>(json(&entries.alerts)))
            .execute(&mut **transaction)
            .await?;
    }
    if !folds.is_empty() {
        Fixed(statement!("fold_alerts").bind::<Jsonb, _>(json(&folds)))
            .execute(&mut **transaction)
            .await?;
    }
    if !entries.resolutions.is_empty() {
        Fixed(statement!("resolve_alerts").bind::<Jsonb, _>(json(&entries.resolutions)))
            .execute(&mut **transaction)
            .await?;
    }
    if !entries.deliveries.is_empty() {
        Fixed(statement!("insert_alert_deliveries").bind::<Jsonb, _>(json(&entries.deliveries)))
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

fn json<T: Serialize>(rows: &[T]) -> Value {
    serde_json::to_value(rows).expect("what is written is JSON")
}
