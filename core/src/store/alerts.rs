//! Alerts and silences, as people read and change them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::registry::sql::present;
use super::schema::{alerts, silences};
use super::{StoreError, Transaction};
use crate::alert::silence::Silence;
use crate::alert::{AlertKind, Severity};
use crate::id::{AlertId, AlertRuleId, ExecutorId, RunId, SilenceId, TaskRunId, TenantId, WorkflowId};

/// What a rule had to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Names it; sorts by when it was raised.
    pub id: AlertId,
    /// The rule, which may be gone.
    pub rule_id: AlertRuleId,
    /// The rule's key then.
    pub rule_key: String,
    /// Of what the rule spoke.
    pub kind: AlertKind,
    /// How bad it is.
    pub severity: Severity,
    /// The workflow it is about.
    pub workflow_id: Option<WorkflowId>,
    /// The run that caused it first.
    pub run_id: Option<RunId>,
    /// The task run that caused it first.
    pub task_run_id: Option<TaskRunId>,
    /// The executor that was lost, or on which it happened.
    pub executor_id: Option<ExecutorId>,
    /// What happened, where and on what, in a sentence.
    pub message: String,
    /// How many causes it stands for.
    pub count: i32,
    /// The silence that kept it from being delivered.
    pub silence_id: Option<SilenceId>,
    /// When its first cause happened.
    pub raised_at: DateTime<Utc>,
    /// When its last cause happened.
    pub last_at: DateTime<Utc>,
    /// When what it is about was well again.
    pub resolved_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = alerts)]
struct Row {
    id: Uuid,
    rule_id: Uuid,
    rule_key: String,
    kind: String,
    severity: String,
    workflow_id: Option<Uuid>,
    run_id: Option<Uuid>,
    task_run_id: Option<Uuid>,
    executor_id: Option<Uuid>,
    message: String,
    count: i32,
    silence_id: Option<Uuid>,
    raised_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Alert {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = |what: &str, unknown: &crate::run::UnknownName| {
            StoreError::Unreadable(format!("the {what} of the alert {}: {unknown}", row.id))
        };
        Ok(Self {
            kind: row.kind.parse().map_err(|unknown| unreadable("kind", &unknown))?,
            severity: row
                .severity
                .parse()
                .map_err(|unknown| unreadable("severity", &unknown))?,
            id: row.id.into(),
            rule_id: row.rule_id.into(),
            rule_key: row.rule_key,
            workflow_id: row.workflow_id.map(Into::into),
            run_id: row.run_id.map(Into::into),
            task_run_id: row.task_run_id.map(Into::into),
            executor_id: row.executor_id.map(Into::into),
            message: row.message,
            count: row.count,
            silence_id: row.silence_id.map(Into::into),
            raised_at: row.raised_at,
            last_at: row.last_at,
            resolved_at: row.resolved_at,
        })
    }
}

/// Which alerts are wanted; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Those of this rule.
    pub rule: Option<AlertRuleId>,
    /// Those about this workflow.
    pub workflow: Option<WorkflowId>,
    /// Those of one of these severities; of all when empty.
    pub severities: Vec<Severity>,
    /// Those that are resolved, or are not.
    pub resolved: Option<bool>,
    /// Those that a silence covered, or none did.
    pub silenced: Option<bool>,
}

/// The newest `limit` of the wanted alerts that are older than `before`.
pub(crate) async fn list_alerts(
    transaction: &mut Transaction,
    tenant: TenantId,
    filter: &AlertFilter,
    before: Option<AlertId>,
    limit: i64,
) -> Result<Vec<Alert>, StoreError> {
    let mut query = alerts::table
        .filter(alerts::tenant_id.eq(tenant.0))
        .order(alerts::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(alerts::id.lt(before.0));
    }
    if let Some(rule) = filter.rule {
        query = query.filter(alerts::rule_id.eq(rule.0));
    }
    if let Some(workflow) = filter.workflow {
        query = query.filter(alerts::workflow_id.eq(workflow.0));
    }
    if !filter.severities.is_empty() {
        let severities = filter.severities.iter().map(|severity| severity.as_str());
        query = query.filter(alerts::severity.eq_any(severities.collect::<Vec<_>>()));
    }
    query = match filter.resolved {
        Some(true) => query.filter(alerts::resolved_at.is_not_null()),
        Some(false) => query.filter(alerts::resolved_at.is_null()),
        None => query,
    };
    query = match filter.silenced {
        Some(true) => query.filter(alerts::silence_id.is_not_null()),
        Some(false) => query.filter(alerts::silence_id.is_null()),
        None => query,
    };
    let rows: Vec<Row> = query.load(&mut **transaction).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The alerts that `ids` name, in no order.
pub(crate) async fn list_alerts_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[AlertId],
) -> Result<Vec<Alert>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = alerts::table
        .filter(alerts::tenant_id.eq(tenant.0).and(alerts::id.eq_any(ids)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = silences)]
pub(super) struct SilenceRow {
    tenant_id: Uuid,
    id: Uuid,
    rule_id: Option<Uuid>,
    workflow_id: Option<Uuid>,
    reason: String,
    created_by: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    ended_by: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<SilenceRow> for Silence {
    fn from(row: SilenceRow) -> Self {
        Self {
            tenant_id: row.tenant_id.into(),
            id: row.id.into(),
            rule_id: row.rule_id.map(Into::into),
            workflow_id: row.workflow_id.map(Into::into),
            reason: row.reason,
            created_by: row.created_by,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            ended_by: row.ended_by,
            created_at: row.created_at,
        }
    }
}

impl From<&Silence> for SilenceRow {
    fn from(silence: &Silence) -> Self {
        Self {
            tenant_id: silence.tenant_id.0,
            id: silence.id.0,
            rule_id: silence.rule_id.map(Into::into),
            workflow_id: silence.workflow_id.map(Into::into),
            reason: silence.reason.clone(),
            created_by: silence.created_by.clone(),
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            ended_by: silence.ended_by.clone(),
            created_at: silence.created_at,
        }
    }
}

/// The instant of the transaction.
pub(crate) async fn read_present(transaction: &mut Transaction) -> Result<DateTime<Utc>, StoreError> {
    Ok(diesel::select(present()).get_result(&mut **transaction).await?)
}

/// Records a silence.
pub(crate) async fn insert_silence(
    transaction: &mut Transaction,
    silence: &Silence,
) -> Result<(), StoreError> {
    diesel::insert_into(silences::table)
        .values(SilenceRow::from(silence))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The silence that `id` names, which nobody else can end until the transaction does.
pub(crate) async fn lock_silence(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: SilenceId,
) -> Result<Option<Silence>, StoreError> {
    let row: Option<SilenceRow> = silences::table
        .find((tenant.0, id.0))
        .for_update()
        .select(SilenceRow::as_select())
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(row.map(Into::into))
}

/// Ends a silence at `at` on behalf of `subject`.
pub(crate) async fn end_silence(
    transaction: &mut Transaction,
    silence: &Silence,
    at: DateTime<Utc>,
    subject: &str,
) -> Result<(), StoreError> {
    diesel::update(silences::table.find((silence.tenant_id.0, silence.id.0)))
        .set((
            silences::starts_at.eq(silence.starts_at.min(at)),
            silences::ends_at.eq(at),
            silences::ended_by.eq(subject),
        ))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The newest `limit` silences older than `before`; only those that have not ended when `lasting`.
pub(crate) async fn list_silences(
    transaction: &mut Transaction,
    tenant: TenantId,
    lasting: bool,
    before: Option<SilenceId>,
    limit: i64,
) -> Result<Vec<Silence>, StoreError> {
    let mut query = silences::table
        .filter(silences::tenant_id.eq(tenant.0))
        .order(silences::id.desc())
        .limit(limit)
        .select(SilenceRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(silences::id.lt(before.0));
    }
    if lasting {
        query = query.filter(silences::ends_at.gt(present()));
    }
    let rows: Vec<SilenceRow> = query.load(&mut **transaction).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The silences that `ids` name, in no order.
pub(crate) async fn list_silences_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[SilenceId],
) -> Result<Vec<Silence>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<SilenceRow> = silences::table
        .filter(silences::tenant_id.eq(tenant.0).and(silences::id.eq_any(ids)))
        .select(SilenceRow::as_select())
        .load(&mut **transaction)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
