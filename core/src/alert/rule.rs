//! Rules: what somebody wants to be told of, and through which channels.

use serde::{Deserialize, Serialize};

use super::condition::{Condition, Severity};
use crate::check::{Faults, check_range};
use crate::id::{AlertChannelId, AlertRuleId, WorkflowId};
use crate::registered::{Reference, Registered, Registrable};

/// A registered rule.
pub type AlertRule = Registered<AlertRuleSpec>;

/// What a rule is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRuleSpec {
    /// The workflow that it speaks of; every one when absent.
    pub workflow: Option<WorkflowId>,
    /// What must be the case.
    pub condition: Condition,
    /// How bad it is.
    pub severity: Severity,
    /// Where its alerts go.
    pub channels: Vec<AlertChannelId>,
    /// Whether it speaks at all.
    pub enabled: bool,
    /// How long further causes fold into an alert, in milliseconds.
    pub group_for_ms: i64,
}

impl Registrable for AlertRuleSpec {
    type Id = AlertRuleId;

    const NOUN: &'static str = "alert rule";
    const USERS: &'static str = "nothing";
}

/// What a caller wants a rule to be.
#[derive(Clone, Debug, Serialize)]
pub struct AlertRuleProposal {
    /// The workflow that it speaks of.
    pub workflow: Option<Reference<WorkflowId>>,
    /// What must be the case; `None` when the caller named it and said no to it.
    pub condition: Option<Condition>,
    /// How bad it is.
    pub severity: Severity,
    /// Where its alerts go.
    pub channels: Vec<Reference<AlertChannelId>>,
    /// Whether it speaks at all.
    pub enabled: bool,
    /// How long further causes fold into an alert, in milliseconds.
    pub group_for_ms: Option<i64>,
}

/// How long causes fold when the rule does not say: five minutes.
const DEFAULT_GROUPING: i64 = 300_000;

/// The longest that causes may fold, in milliseconds: a week.
const LONGEST_GROUPING: i64 = 7 * 86_400_000;

/// The most channels of a rule.
pub const MOST_CHANNELS: usize = 20;

impl AlertRuleProposal {
    /// How long causes fold.
    #[must_use]
    pub fn group_for_ms(&self) -> i64 {
        self.group_for_ms.unwrap_or(DEFAULT_GROUPING)
    }

    /// Checks what can be known without looking anything up, and gives the condition.
    pub fn check(&self, faults: &mut Faults) -> Option<Condition> {
        faults.within("groupFor", |faults| {
            check_range(
                faults,
                "the time in milliseconds",
                self.group_for_ms(),
                0..=LONGEST_GROUPING,
            );
        });
        faults.within("condition", |faults| match &self.condition {
            Some(condition) => condition.check(faults),
            None => faults.invalid("a condition is chosen with `true`; `false` chooses nothing"),
        });
        if self.workflow.is_some() && self.condition == Some(Condition::ExecutorLost) {
            faults.within("workflow", |faults| {
                faults.invalid("an executor is lost to all workflows; leave the workflow out");
            });
        }
        self.condition.clone()
    }
}
