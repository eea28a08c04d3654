use super::*;
use crate::alert::rule::AlertRuleSpec;

/// A tenant with one rule, and what it made of causes that come a second apart.
struct Story {
    rules: Rules,
    tenant: TenantId,
    workflow: WorkflowId,
    groups: HashMap<GroupKey, Group>,
    silences: Vec<Silence>,
    second: i64,
}

impl Story {
    fn of(condition: Condition, group_for_s: i64) -> Self {
        let tenant = TenantId::generate();
        let rule = AlertRule {
            id: AlertRuleId::generate(),
            key: "rule".to_owned(),
            revision: 1,
            description: String::new(),
            spec: AlertRuleSpec {
                workflow: None,
                condition,
                severity: Severity::Warning,
                channels: vec![AlertChannelId::generate()],
                enabled: true,
                group_for_ms: group_for_s * 1_000,
            },
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        };
        Self {
            rules: Rules::from([(tenant, vec![Arc::new(rule)])]),
            tenant,
            workflow: WorkflowId::generate(),
            groups: HashMap::new(),
            silences: Vec::new(),
            second: 0,
        }
    }

    /// What becomes of the causes, taken as one batch.
    fn tell(&mut self, kinds: &[CauseKind]) -> Entries {
        let causes: Vec<Cause> = kinds.iter().map(|kind| self.cause(*kind)).collect();
        let mut ledger = Ledger::open(
            &self.rules,
            std::mem::take(&mut self.groups),
            self.silences.clone(),
        );
        for cause in &causes {
            ledger.take(cause);
        }
        self.groups = std::mem::take(&mut ledger.groups);
        ledger.close()
    }

    fn cause(&mut self, kind: CauseKind) -> Cause {
        self.second += 1;
        Cause {
            tenant: self.tenant,
            only_for: None,
            name: format!("event:{}", self.second),
            kind,
            at: DateTime::UNIX_EPOCH + TimeDelta::seconds(self.second),
            seq: self.second,
            workflow: Some((Some(self.workflow), "etl".to_owned())),
            run: None,
            task_run: None,
            executor: None,
            detail: Some("exit code 1".to_owned()),
            took_ms: None,
        }
    }
}

use CauseKind::{RunFailed, RunSucceeded};

fn counts(entries: &Entries) -> Vec<usize> {
    let folded = |alert: &NewAlert| entries.folds.get(&alert.id).map_or(0, |fold| fold.count);
    entries
        .alerts
        .iter()
        .map(|alert| alert.count + folded(alert))
        .collect()
}

#[test]
fn causes_fold_for_as_long_as_the_rule_says() {
    let mut story = Story::of(Condition::RunFailed, 3);
    let entries = story.tell(&[RunFailed, RunFailed, RunFailed, RunFailed]);
    assert_eq!(
        counts(&entries),
        [3, 1],
        "the fourth comes three seconds after the first"
    );
    assert_eq!(
        entries.deliveries.len(),
        2,
        "one for each alert and not for each cause"
    );
    assert_eq!(entries.causes.len(), 4);
    assert_eq!(
        entries.alerts[0].message,
        "a run of the workflow \"etl\" failed: exit code 1"
    );
}

#[test]
fn a_success_resolves_what_failed_and_the_next_failure_is_told_anew() {
    let mut story = Story::of(Condition::RunFailed, 60);
    let entries = story.tell(&[RunFailed, RunSucceeded, RunSucceeded, RunFailed]);
    assert_eq!(counts(&entries), [1, 1]);
    assert_eq!(entries.resolutions.len(), 1);
    assert_eq!(entries.resolutions[0].seq, 2);
}

#[test]
fn a_recovery_is_told_once_and_only_after_failures() {
    let mut story = Story::of(Condition::RunRecovered, 0);
    assert!(story.tell(&[RunSucceeded]).alerts.is_empty());
    let failed = story.tell(&[RunFailed, RunFailed]);
    assert!(failed.alerts.is_empty());
    assert!(failed.causes.iter().all(|cause| cause.alert_id.is_none()));
    let entries = story.tell(&[RunSucceeded, RunSucceeded]);
    assert_eq!(counts(&entries), [2]);
    assert!(entries.alerts[0].resolved_at.is_some(), "good news is not open");
    assert_eq!(
        entries.alerts[0].message,
        "the workflow \"etl\" recovered: a run succeeded after 2 runs had failed"
    );
}

#[test]
fn failures_count_within_the_window_and_each_only_once() {
    let condition = Condition::RunsFailing {
        failures: 3,
        within_ms: 3_000,
    };
    let mut story = Story::of(condition, 0);
    assert!(story.tell(&[RunFailed, RunFailed]).alerts.is_empty());
    story.second += 10;
    assert!(
        story.tell(&[RunFailed, RunFailed]).alerts.is_empty(),
        "the first two are too old"
    );
    let entries = story.tell(&[RunFailed, RunFailed, RunFailed]);
    assert_eq!(
        counts(&entries),
        [3],
        "two that follow are not enough for another"
    );
    assert_eq!(entries.attached.len(), 1);
}

#[test]
fn what_is_silenced_is_raised_and_not_delivered_and_does_not_swallow_what_is_not() {
    let mut story = Story::of(Condition::RunFailed, 60);
    story.silences.push(Silence {
        tenant_id: story.tenant,
        id: SilenceId::generate(),
        rule_id: None,
        workflow_id: Some(story.workflow),
        reason: String::new(),
        created_by: String::new(),
        starts_at: DateTime::UNIX_EPOCH,
        ends_at: DateTime::UNIX_EPOCH,
        ended_by: None,
        created_at: DateTime::UNIX_EPOCH,
    });
    let entries = story.tell(&[RunFailed, RunFailed]);
    assert_eq!((counts(&entries), entries.deliveries.len()), (vec![2], 0));
    story.silences.clear();
    let entries = story.tell(&[RunFailed, RunFailed]);
    assert_eq!((counts(&entries), entries.deliveries.len()), (vec![2], 1));
}

#[test]
fn a_rule_speaks_of_nothing_from_before_it_was_made() {
    let mut story = Story::of(Condition::RunFailed, 60);
    let mut rule = AlertRule::clone(&story.rules[&story.tenant][0]);
    rule.created_at = DateTime::UNIX_EPOCH + TimeDelta::seconds(2);
    story.rules.insert(story.tenant, vec![Arc::new(rule)]);
    assert_eq!(counts(&story.tell(&[RunFailed, RunFailed])), [1]);
}
