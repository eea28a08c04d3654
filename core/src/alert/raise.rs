//! The duty that raises alerts.
//!
//! Every scheduler process has one; the advisory lock lets one of them at a time do anything. A pass reads how far rules have
//! looked, goes on from there to the settled number, and moves the cursor in the transaction that writes what it found. With no
//! rule anywhere a pass is one small statement a second, whatever happens meanwhile: events are not read at all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::cause::Cause;
use super::condition::Condition;
use super::ledger::{Ledger, Rules, events_for};
use super::rule::AlertRule;
use crate::id::TenantId;
use crate::signal::{Signal, Signals};
use crate::store::alert_pass::{
    AlertProgress, CausePage, LengthRule, RulesEdition, WaitRule, begin_alert_pass, list_alert_causes,
    list_alert_groups, list_long_runs, list_long_waits, list_silences_at, move_alert_progress, write_entries,
};
use crate::store::alert_rules::list_all;
use crate::store::events::{list_event_writers, read_last_event_number};
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::watch::horizon::Horizon;

/// The least time between two passes: an alert need not be faster than a person, and events come by the thousand.
const PACE: Duration = Duration::from_millis(200);

/// How often it looks without a signal.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// How often it looks for what takes too long, which makes no event.
const TIMED: Duration = Duration::from_secs(5);

/// How often the cursor is moved when nothing was found.
const REMEMBERED: TimeDelta = TimeDelta::seconds(10);

/// How long it waits after the database failed it.
const FAILED: Duration = Duration::from_millis(500);

/// How many causes one pass takes.
const BATCH: i64 = 500;

/// Raises alerts.
pub struct Raiser {
    database: Database,
    signals: Signals,
    horizon: Horizon,
    edition: RulesEdition,
    rules: Rules,
    /// Up to this number nothing in the log means anything to any rule that was not raised.
    read_until: i64,
    next_timed: Instant,
    /// When the log may have grown since the last pass; a pass is due then.
    next_pass: Instant,
}

/// What a pass came to.
#[derive(Debug, Default)]
struct Passed {
    /// The tenants whose alerts changed.
    tenants: BTreeSet<TenantId>,
    /// Whether there is something to deliver.
    delivers: bool,
    /// Whether there may be more to read at once.
    again: bool,
}

impl Raiser {
    /// Raises the alerts of all tenants in `database`.
    #[must_use]
    pub fn new(database: Database, signals: Signals) -> Self {
        let now = Instant::now();
        Self {
            database,
            signals,
            horizon: Horizon::default(),
            edition: RulesEdition::default(),
            rules: Rules::new(),
            read_until: 0,
            next_timed: now,
            next_pass: now,
        }
    }

    /// Raises alerts until `shutdown`. A database that goes away is waited for.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut receiver = self.signals.receiver();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = sleep_until(self.next_pass) => {
                    let began = Instant::now();
                    match self.pass().await {
                        Ok(passed) => {
                            self.next_pass = began + if passed.again { PACE } else { SLOW_POLL };
                            self.tell(passed);
                        }
                        Err(error) => {
                            tracing::warn!(error = &error as &dyn std::error::Error, "alerts were not looked for; trying again");
                            self.next_pass = Instant::now() + FAILED;
                        }
                    }
                }
                signal = receiver.next() => self.note(signal),
            }
        }
    }

    fn note(&mut self, signal: Signal) {
        let soon = Instant::now() + PACE;
        match signal {
            // Without rules there is nothing that an event could mean; a rule is noticed by the slow poll.
            Signal::Events(_) if !self.rules.is_empty() => self.next_pass = self.next_pass.min(soon),
            Signal::Everything => {
                self.next_pass = self.next_pass.min(soon);
                self.next_timed = Instant::now();
            }
            _ => {}
        }
    }

    fn tell(&self, passed: Passed) {
        let events = passed.tenants.into_iter().map(Signal::Events);
        let due = passed.delivers.then_some(Signal::Deliveries);
        self.signals.raise(events.chain(due));
    }

    async fn pass(&mut self) -> Result<Passed, StoreError> {
        let mut transaction = self.database.begin(Actor::Engine).await?;
        // In this order: a rule that was there when an event was written is then among those that are read for it.
        let last = read_last_event_number(&mut transaction).await?;
        let writers = list_event_writers(&mut transaction).await?;
        let settled = self.horizon.look(last, writers);
        let progress = begin_alert_pass(&mut transaction).await?;
        if !progress.locked {
            transaction.rollback().await?;
            return Ok(Passed::default());
        }
        self.read_rules(&mut transaction, &progress).await?;
        let mut passed = self.look(&mut transaction, &progress, settled).await?;
        transaction.commit().await?;
        passed.again |= settled < last && !self.rules.is_empty();
        Ok(passed)
    }

    /// Reads the rules, unless they are those that were read last.
    async fn read_rules(
        &mut self,
        transaction: &mut Transaction,
        progress: &AlertProgress,
    ) -> Result<(), StoreError> {
        if progress.edition != self.edition {
            self.rules.clear();
            for (tenant, rule) in list_all(transaction).await? {
                if rule.spec.enabled {
                    self.rules.entry(tenant).or_default().push(Arc::new(rule));
                }
            }
            self.edition = progress.edition;
        }
        Ok(())
    }

    /// Takes what happened up to the settled number, and what takes too long by now.
    async fn look(
        &mut self,
        transaction: &mut Transaction,
        progress: &AlertProgress,
        settled: i64,
    ) -> Result<Passed, StoreError> {
        let from = self.read_until.max(progress.read_until);
        let page = self.read_events(transaction, from, settled.max(from)).await?;
        let mut timed = self.read_clock(transaction, progress).await?;
        let mut causes = page.causes;
        causes.append(&mut timed.causes);
        let mut passed = self.raise(transaction, progress.now, &causes).await?;
        passed.again = page.is_full || timed.is_full;
        let is_old = progress.now - progress.checked_at >= REMEMBERED;
        if !causes.is_empty() || is_old {
            let checked_at = timed.checked_at.unwrap_or(progress.checked_at);
            move_alert_progress(transaction, page.read_until, checked_at).await?;
        }
        // Should the commit fail, what was found is found again: only what meant nothing is not read twice.
        if causes.is_empty() {
            self.read_until = page.read_until;
        }
        Ok(passed)
    }

    /// The events after `from` up to `upto` that rules speak of.
    async fn read_events(
        &self,
        transaction: &mut Transaction,
        from: i64,
        upto: i64,
    ) -> Result<CausePage, StoreError> {
        let wanted = events_wanted(&self.rules);
        if wanted.is_empty() || from == upto {
            return Ok(CausePage {
                causes: Vec::new(),
                read_until: upto,
                is_full: false,
            });
        }
        list_alert_causes(transaction, &wanted, from, upto, BATCH).await
    }

    /// What takes too long by now, when it is time to look again.
    async fn read_clock(
        &mut self,
        transaction: &mut Transaction,
        progress: &AlertProgress,
    ) -> Result<Timed, StoreError> {
        if Instant::now() < self.next_timed {
            return Ok(Timed::default());
        }
        let waits = wait_rules(&self.rules, progress.checked_at);
        let lengths = length_rules(&self.rules);
        let mut causes = Vec::new();
        if !waits.is_empty() {
            causes.extend(list_long_waits(transaction, &waits, BATCH, progress.now).await?);
        }
        let is_full = is_full(causes.len());
        if !lengths.is_empty() {
            causes.extend(list_long_runs(transaction, &lengths, BATCH, progress.now).await?);
        }
        if !is_full {
            self.next_timed = Instant::now() + TIMED;
        }
        Ok(Timed {
            causes,
            is_full,
            // What did not fit in is looked for from where this began.
            checked_at: (!is_full).then_some(progress.now),
        })
    }

    /// Raises what rules have to say about `causes`.
    async fn raise(
        &self,
        transaction: &mut Transaction,
        now: DateTime<Utc>,
        causes: &[Cause],
    ) -> Result<Passed, StoreError> {
        let keys = Ledger::groups_of(&self.rules, causes);
        if keys.is_empty() {
            return Ok(Passed::default());
        }
        let tenants: BTreeSet<TenantId> = keys.iter().map(|key| key.0).collect();
        let tenants: Vec<TenantId> = tenants.into_iter().collect();
        let groups = list_alert_groups(transaction, &keys).await?;
        let silences = list_silences_at(transaction, &tenants, now).await?;
        let mut ledger = Ledger::open(&self.rules, groups, silences);
        for cause in causes {
            ledger.take(cause);
        }
        let entries = ledger.close();
        write_entries(transaction, &entries).await?;
        let raised = entries.alerts.iter().map(|alert| alert.tenant_id);
        let resolved = entries.resolutions.iter().map(|resolution| resolution.tenant_id);
        Ok(Passed {
            tenants: raised.chain(resolved).collect(),
            delivers: !entries.deliveries.is_empty(),
            again: false,
        })
    }
}

/// What takes too long by now.
#[derive(Default)]
struct Timed {
    causes: Vec<Cause>,
    is_full: bool,
    checked_at: Option<DateTime<Utc>>,
}

fn is_full(found: usize) -> bool {
    i64::try_from(found).is_ok_and(|found| found >= BATCH)
}

/// The kinds of events that the rules of each tenant speak of, one after the other.
fn events_wanted(rules: &Rules) -> Vec<(TenantId, String)> {
    let kinds = |rules: &[Arc<AlertRule>]| -> BTreeSet<&str> {
        let of_rule = |rule: &Arc<AlertRule>| events_for(&rule.spec.condition);
        rules.iter().flat_map(of_rule).copied().collect()
    };
    let joined = |kinds: BTreeSet<&str>| kinds.into_iter().collect::<Vec<_>>().join(" ");
    rules
        .iter()
        .map(|(tenant, rules)| (*tenant, joined(kinds(rules))))
        .filter(|(_, kinds)| !kinds.is_empty())
        .collect()
}

fn every(rules: &Rules) -> impl Iterator<Item = (TenantId, &AlertRule)> {
    rules
        .iter()
        .flat_map(|(tenant, rules)| rules.iter().map(|rule| (*tenant, rule.as_ref())))
}

/// The rules that look for task runs that wait too long. One that was edited since it looked last looks at all of them.
fn wait_rules(rules: &Rules, checked_at: DateTime<Utc>) -> Vec<WaitRule> {
    let wait = |(tenant_id, rule): (TenantId, &AlertRule)| {
        let Condition::TaskWaits {
            longer_than_ms: Some(longer_than_ms),
        } = rule.spec.condition
        else {
            return None;
        };
        let looked = checked_at - TimeDelta::milliseconds(longer_than_ms);
        Some(WaitRule {
            rule_id: rule.id,
            tenant_id,
            partition: tenant_id.partition(),
            workflow_id: rule.spec.workflow,
            longer_than_ms,
            since: (rule.updated_at < checked_at).then_some(looked),
        })
    };
    every(rules).filter_map(wait).collect()
}

/// The rules that look for runs that take too long.
fn length_rules(rules: &Rules) -> Vec<LengthRule> {
    let length = |(tenant_id, rule): (TenantId, &AlertRule)| {
        let Condition::RunLate {
            longer_than_ms,
            usual,
        } = rule.spec.condition
        else {
            return None;
        };
        (longer_than_ms.is_some() || usual.is_some()).then(|| LengthRule {
            rule_id: rule.id,
            tenant_id,
            workflow_id: rule.spec.workflow,
            longer_than_ms,
            times: usual.map(|usual| usual.times),
            of_last: usual.map(|usual| usual.of_last),
        })
    };
    every(rules).filter_map(length).collect()
}
