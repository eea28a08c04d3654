//! Silences: spans of time in which alerts are recorded and not delivered.

use chrono::{DateTime, Utc};

use crate::id::{AlertRuleId, SilenceId, TenantId, WorkflowId};

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The owner.
    pub tenant_id: TenantId,
    /// Names it; sorts by creation.
    pub id: SilenceId,
    /// The rule whose alerts it covers; those of all rules when absent.
    pub rule_id: Option<AlertRuleId>,
    /// The workflow about which alerts are covered; those about anything when absent.
    pub workflow_id: Option<WorkflowId>,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub created_by: String,
    /// From when on it covers.
    pub starts_at: DateTime<Utc>,
    /// From when on it covers no more.
    pub ends_at: DateTime<Utc>,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Silence {
    /// Whether it covers an alert of `rule` about `workflow`.
    #[must_use]
    pub fn covers(&self, rule: AlertRuleId, workflow: Option<WorkflowId>) -> bool {
        self.rule_id.is_none_or(|covered| covered == rule)
            && self.workflow_id.is_none_or(|covered| Some(covered) == workflow)
    }
}
