//! Rules of alerts.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::registry::{json_column, registry};
use super::schema::alert_rules;
use super::{StoreError, Transaction};
use crate::alert::rule::{AlertRule, AlertRuleSpec};
use crate::id::TenantId;

json_column!(alert_rules.spec holds AlertRuleSpec);

registry! {
    alert_rules holds AlertRuleSpec as Stored,
    present: sql::<Bool>("TRUE"),
    remove: |target| diesel::delete(target),
    users: nothing_uses,
}

/// Alerts and silences outlive their rule.
async fn nothing_uses(_: &mut Transaction, _: TenantId, _: Uuid) -> Result<Vec<String>, StoreError> {
    Ok(Vec::new())
}

/// The rules of all tenants. One that does not read is left out: it is for the release that wrote it.
pub(crate) async fn list_all(
    transaction: &mut Transaction,
) -> Result<Vec<(TenantId, AlertRule)>, StoreError> {
    let rows: Vec<(Uuid, Row)> = alert_rules::table
        .order((alert_rules::tenant_id, alert_rules::id))
        .select((alert_rules::tenant_id, Row::as_select()))
        .load(&mut **transaction)
        .await?;
    let read = |(tenant, row): (Uuid, Row)| match row.read() {
        Ok(rule) => Some((tenant.into(), rule)),
        Err(error) => {
            tracing::warn!(tenant.id = %tenant, error = &error as &dyn std::error::Error, "an alert rule is passed over");
            None
        }
    };
    Ok(rows.into_iter().filter_map(read).collect())
}
