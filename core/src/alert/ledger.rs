//! Decides what rules have to say about what happened.
//!
//! The ledger is opened with what is known of the groups that a batch of causes touches, takes the causes in their order, and
//! is closed with the entries that are to be written: it asks nobody and writes nothing itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use super::cause::{Cause, CauseKind};
use super::condition::{AlertKind, Condition, Severity};
use super::message::message;
use super::payload;
use super::rule::AlertRule;
use super::silence::Silence;
use crate::id::{
    AlertChannelId, AlertDeliveryId, AlertId, AlertRuleId, ExecutorId, RunId, SilenceId, TaskRunId, TenantId,
    WorkflowId,
};

/// The rules of tenants.
pub(crate) type Rules = HashMap<TenantId, Vec<Arc<AlertRule>>>;

/// Names what is alike for a rule.
pub(crate) type GroupKey = (TenantId, AlertRuleId, String);

/// What is known of what is alike for a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// The latest alert that is not resolved.
    pub(crate) open: Option<OpenAlert>,
    /// When the causes happened that no alert stands for, in order.
    pub(crate) pending: Vec<DateTime<Utc>>,
}

/// An alert into which further causes may fold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAlert {
    pub(crate) id: AlertId,
    pub(crate) raised_at: DateTime<Utc>,
    pub(crate) is_silenced: bool,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) alerts: Vec<NewAlert>,
    pub(crate) causes: Vec<NewCause>,
    /// Causes noted before, for which an alert stands now.
    pub(crate) attached: Vec<Attached>,
    pub(crate) folds: HashMap<AlertId, Fold>,
    pub(crate) resolutions: Vec<Resolution>,
    pub(crate) deliveries: Vec<NewDelivery>,
}

/// An alert that is raised.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewAlert {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: AlertId,
    pub(crate) rule_id: AlertRuleId,
    pub(crate) rule_key: String,
    pub(crate) kind: AlertKind,
    pub(crate) severity: Severity,
    pub(crate) group_key: String,
    pub(crate) workflow_id: Option<WorkflowId>,
    pub(crate) run_id: Option<RunId>,
    pub(crate) task_run_id: Option<TaskRunId>,
    pub(crate) executor_id: Option<ExecutorId>,
    pub(crate) message: String,
    pub(crate) count: usize,
    pub(crate) cause_seq: i64,
    pub(crate) silence_id: Option<SilenceId>,
    pub(crate) raised_at: DateTime<Utc>,
    /// At once for what only tells that something is well again.
    pub(crate) resolved_at: Option<DateTime<Utc>>,
}

/// A cause that a rule takes note of.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewCause {
    pub(crate) tenant_id: TenantId,
    pub(crate) rule_id: AlertRuleId,
    pub(crate) cause: String,
    pub(crate) group_key: String,
    pub(crate) alert_id: Option<AlertId>,
    pub(crate) at: DateTime<Utc>,
}

/// Causes of a group that happened after an instant, and the alert that stands for them now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attached {
    pub(crate) tenant_id: TenantId,
    pub(crate) rule_id: AlertRuleId,
    pub(crate) group_key: String,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) alert_id: AlertId,
}

/// Causes that fold into an alert.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fold {
    pub(crate) tenant_id: TenantId,
    pub(crate) alert_id: AlertId,
    pub(crate) count: usize,
    pub(crate) last_at: DateTime<Utc>,
}

/// The alerts of a group that were raised before an event are over.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Resolution {
    pub(crate) tenant_id: TenantId,
    pub(crate) rule_id: AlertRuleId,
    pub(crate) group_key: String,
    pub(crate) seq: i64,
    pub(crate) at: DateTime<Utc>,
}

/// A delivery that is to be made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewDelivery {
    pub(crate) tenant_id: TenantId,
    pub(crate) id: AlertDeliveryId,
    pub(crate) alert_id: AlertId,
    pub(crate) channel_id: AlertChannelId,
    pub(crate) body: Value,
}

/// What a cause is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Reason enough to speak.
    Speaks,
    /// Noted, until something ends it.
    Waits,
    /// Reason to speak when something was noted.
    Ends,
    /// Reason to speak when there were enough of them.
    Counts { enough: usize, within: TimeDelta },
    /// What the rule spoke of is well again.
    Resolves,
}

fn part(rule: &AlertRule, cause: &Cause) -> Option<Part> {
    use CauseKind as Is;
    use Condition as On;
    let is_for_it = cause.only_for.is_none_or(|only| only == rule.id);
    let in_scope = rule
        .spec
        .workflow
        .is_none_or(|workflow| Some(workflow) == cause.workflow_id());
    if !rule.spec.enabled || !is_for_it || !in_scope || cause.at < rule.created_at {
        return None;
    }
    let has_own_time = cause.only_for.is_some();
    match (&rule.spec.condition, cause.kind) {
        (On::RunFailed, Is::RunFailed)
        | (On::WorkflowRefused, Is::WorkflowRefused)
        | (On::ExecutorLost, Is::ExecutorLost) => Some(Part::Speaks),
        (On::TaskWaits { longer_than_ms }, Is::TaskWaits) if longer_than_ms.is_some() == has_own_time => {
            Some(Part::Speaks)
        }
        (
            On::RunLate {
                longer_than_ms,
                usual,
            },
            Is::RunLate,
        ) if (longer_than_ms.is_some() || usual.is_some()) == has_own_time => Some(Part::Speaks),
        (On::RunRecovered, Is::RunFailed) => Some(Part::Waits),
        (On::RunRecovered, Is::RunSucceeded) => Some(Part::Ends),
        (On::RunsFailing { failures, within_ms }, Is::RunFailed) => Some(Part::Counts {
            enough: usize::try_from(*failures).unwrap_or(1),
            within: TimeDelta::milliseconds(*within_ms),
        }),
        (On::RunFailed, Is::RunSucceeded) | (On::ExecutorLost, Is::ExecutorRegistered) => {
            Some(Part::Resolves)
        }
        (On::RunsFailing { .. }, Is::RunSucceeded) if rule.spec.workflow.is_some() => Some(Part::Resolves),
        _ => None,
    }
}

/// The kinds of events that a rule with `condition` hears of.
pub(crate) fn events_for(condition: &Condition) -> &'static [&'static str] {
    match condition {
        Condition::RunFailed | Condition::RunRecovered | Condition::RunsFailing { .. } => {
            &["RUN_FAILED", "RUN_TIMED_OUT", "RUN_SUCCEEDED"]
        }
        Condition::WorkflowRefused => &["WORKFLOW_REFUSED"],
        Condition::TaskWaits { longer_than_ms: None } => &["TASK_RUN_WAITS_LONG"],
        Condition::RunLate {
            longer_than_ms: None,
            usual: None,
        } => &["RUN_LATE", "RUN_OVERDUE"],
        Condition::TaskWaits { .. } | Condition::RunLate { .. } => &[],
        Condition::ExecutorLost => &["EXECUTOR_LOST", "EXECUTOR_REGISTERED"],
    }
}

/// What is alike with the cause, for the rule.
fn group_of(rule: &AlertRule, cause: &Cause) -> String {
    match &rule.spec.condition {
        Condition::ExecutorLost => cause.executor.as_ref().map(|(_, key)| key.clone()),
        Condition::WorkflowRefused => cause.workflow.as_ref().map(|(_, key)| key.clone()),
        Condition::RunsFailing { .. } if rule.spec.workflow.is_none() => None,
        _ => cause.workflow_id().map(|id| id.to_string()),
    }
    .unwrap_or_default()
}

/// The ledger of one batch.
pub(crate) struct Ledger<'a> {
    rules: &'a Rules,
    silences: Vec<Silence>,
    groups: HashMap<GroupKey, Group>,
    entries: Entries,
}

impl<'a> Ledger<'a> {
    /// The groups that `causes` touch.
    pub(crate) fn groups_of(rules: &Rules, causes: &[Cause]) -> Vec<GroupKey> {
        let mut groups = BTreeSet::new();
        for cause in causes {
            for rule in rules.get(&cause.tenant).into_iter().flatten() {
                if part(rule, cause).is_some() {
                    groups.insert((cause.tenant, rule.id, group_of(rule, cause)));
                }
            }
        }
        groups.into_iter().collect()
    }

    /// Opens it with what is known of the groups, and the silences of now.
    pub(crate) fn open(rules: &'a Rules, groups: HashMap<GroupKey, Group>, silences: Vec<Silence>) -> Self {
        Self {
            rules,
            silences,
            groups,
            entries: Entries::default(),
        }
    }

    /// Takes the next cause.
    pub(crate) fn take(&mut self, cause: &Cause) {
        let rules = self.rules;
        for rule in rules.get(&cause.tenant).into_iter().flatten() {
            let Some(part) = part(rule, cause) else { continue };
            let key = (cause.tenant, rule.id, group_of(rule, cause));
            match part {
                Part::Speaks => self.speak(rule, key, cause),
                Part::Waits => self.note(key, cause, None),
                Part::Ends => self.end(rule, &key, cause),
                Part::Counts { enough, within } => self.count(rule, key, cause, enough, within),
                Part::Resolves => self.resolve(key, cause),
            }
        }
    }

    /// Closes it.
    pub(crate) fn close(self) -> Entries {
        self.entries
    }

    fn speak(&mut self, rule: &AlertRule, key: GroupKey, cause: &Cause) {
        let alert = self
            .fold(rule, &key, cause)
            .unwrap_or_else(|| self.raise(rule, &key, cause, 1));
        self.note(key, cause, Some(alert));
    }

    /// Notes the cause, and that the alert stands for it.
    fn note(&mut self, key: GroupKey, cause: &Cause, alert: Option<AlertId>) {
        if alert.is_none() {
            self.groups.entry(key.clone()).or_default().pending.push(cause.at);
        }
        let (tenant_id, rule_id, group_key) = key;
        self.entries.causes.push(NewCause {
            tenant_id,
            rule_id,
            cause: cause.name.clone(),
            group_key,
            alert_id: alert,
            at: cause.at,
        });
    }

    fn end(&mut self, rule: &AlertRule, key: &GroupKey, cause: &Cause) {
        let pending = self.groups.get(key).map_or(0, |group| group.pending.len());
        if pending > 0 {
            let alert = self.raise(rule, key, cause, pending);
            self.attach(key, None, alert);
        }
    }

    fn count(&mut self, rule: &AlertRule, key: GroupKey, cause: &Cause, enough: usize, within: TimeDelta) {
        if let Some(alert) = self.fold(rule, &key, cause) {
            return self.note(key, cause, Some(alert));
        }
        self.note(key.clone(), cause, None);
        let since = cause.at - within;
        let pending = &self.groups[&key].pending;
        let count = pending.iter().filter(|at| **at > since).count();
        if count >= enough {
            let alert = self.raise(rule, &key, cause, count);
            self.attach(&key, Some(since), alert);
        }
    }

    /// Lets the alert stand for what was noted after `since`.
    fn attach(&mut self, key: &GroupKey, since: Option<DateTime<Utc>>, alert: AlertId) {
        let is_covered = |at: DateTime<Utc>| since.is_none_or(|since| at > since);
        if let Some(group) = self.groups.get_mut(key) {
            group.pending.retain(|at| !is_covered(*at));
        }
        let (tenant_id, rule_id, group_key) = key.clone();
        let of_group = |cause: &&mut NewCause| {
            cause.tenant_id == tenant_id
                && cause.rule_id == rule_id
                && cause.group_key == group_key
                && cause.alert_id.is_none()
                && is_covered(cause.at)
        };
        for cause in self.entries.causes.iter_mut().filter(of_group) {
            cause.alert_id = Some(alert);
        }
        self.entries.attached.push(Attached {
            tenant_id,
            rule_id,
            group_key,
            since,
            alert_id: alert,
        });
    }

    fn resolve(&mut self, key: GroupKey, cause: &Cause) {
        let open = self.groups.get_mut(&key).and_then(|group| group.open.take());
        if open.is_some() {
            let (tenant_id, rule_id, group_key) = key;
            self.entries.resolutions.push(Resolution {
                tenant_id,
                rule_id,
                group_key,
                seq: cause.seq,
                at: cause.at,
            });
        }
    }

    /// Folds the cause into the alert that is open, if the rule lets it. An alert that nobody heard of because of a silence
    /// takes in nothing that is not silenced as well.
    fn fold(&mut self, rule: &AlertRule, key: &GroupKey, cause: &Cause) -> Option<AlertId> {
        let open = self.groups.get(key)?.open?;
        let until = open.raised_at + TimeDelta::milliseconds(rule.spec.group_for_ms);
        let is_silenced = self.silence_of(rule, cause).is_some();
        if cause.at >= until || (open.is_silenced && !is_silenced) {
            return None;
        }
        let fold = self.entries.folds.entry(open.id).or_insert_with(|| Fold {
            tenant_id: cause.tenant,
            alert_id: open.id,
            count: 0,
            last_at: cause.at,
        });
        fold.count += 1;
        fold.last_at = fold.last_at.max(cause.at);
        Some(open.id)
    }

    fn raise(&mut self, rule: &AlertRule, key: &GroupKey, cause: &Cause, count: usize) -> AlertId {
        let silence_id = self.silence_of(rule, cause);
        let kind = rule.spec.condition.kind();
        let is_good_news = kind == AlertKind::RunRecovered;
        let alert = NewAlert {
            tenant_id: cause.tenant,
            id: AlertId::generate(),
            rule_id: rule.id,
            rule_key: rule.key.clone(),
            kind,
            severity: rule.spec.severity,
            group_key: key.2.clone(),
            workflow_id: cause.workflow_id(),
            run_id: cause.run,
            task_run_id: cause.task_run.as_ref().map(|(id, _)| *id),
            executor_id: cause.executor.as_ref().map(|(id, _)| *id),
            message: message(&rule.spec.condition, cause, count),
            count,
            cause_seq: cause.seq,
            silence_id,
            raised_at: cause.at,
            resolved_at: is_good_news.then_some(cause.at),
        };
        if !is_good_news {
            self.groups.entry(key.clone()).or_default().open = Some(OpenAlert {
                id: alert.id,
                raised_at: alert.raised_at,
                is_silenced: silence_id.is_some(),
            });
        }
        if silence_id.is_none() {
            self.deliver(rule, &alert, &payload::raised(&alert, cause));
        }
        let id = alert.id;
        self.entries.alerts.push(alert);
        id
    }

    fn deliver(&mut self, rule: &AlertRule, alert: &NewAlert, body: &Value) {
        let through = |&channel_id: &AlertChannelId| NewDelivery {
            tenant_id: alert.tenant_id,
            id: AlertDeliveryId::generate(),
            alert_id: alert.id,
            channel_id,
            body: body.clone(),
        };
        self.entries
            .deliveries
            .extend(rule.spec.channels.iter().map(through));
    }

    fn silence_of(&self, rule: &AlertRule, cause: &Cause) -> Option<SilenceId> {
        self.silences
            .iter()
            .find(|silence| silence.tenant_id == cause.tenant && silence.covers(rule.id, cause.workflow_id()))
            .map(|silence| silence.id)
    }
}

#[cfg(test)]
mod tests;
