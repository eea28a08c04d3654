//! The occurrences that one transaction decides about.
//!
//! A docket is filled with what is due, asks the database what it must know about all of it at once, decides one occurrence after
//! the other in the order in which they are due, as if each saw what became of those before it, and writes all of it. So the
//! number of statements does not grow with the number of occurrences, and two that are due together cannot both find the way free.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::try_join;

use super::plans::Armed;
use super::runs::{Cause, Startable, read_startable, run_of};
use crate::command::new_run::{NewRun, begin_recorded, insert_new_runs, signals_of};
use crate::command::stop_run::{Order, Stop as StopOrder, stop_held_run};
use crate::expression::OccurrenceFacts;
use crate::id::{OccurrenceId, RunId, ScheduleId, TenantId};
use crate::run::RunState;
use crate::schedule::occurrence::{OccurrenceOutcome as Outcome, ScheduleState};
use crate::schedule::overlap::{Admission, Occupancy, Overlap, OverlapScope, Stop};
use crate::schedule::timing::Planned;
use crate::signal::Signal;
use crate::store::flow::lock_runs;
use crate::store::occurrences::{
    Among, Recorded, Waiting, count_under_way, list_recorded, list_under_way, record_occurrences,
};
use crate::store::schedule_states::{Move, move_schedules};
use crate::store::{StoreError, Transaction, Versions};

/// An occurrence that is to start, as far as time is concerned.
pub(crate) struct Case {
    pub(crate) armed: Arc<Armed>,
    pub(crate) id: OccurrenceId,
    pub(crate) nominal: DateTime<Utc>,
    pub(crate) due: DateTime<Utc>,
    pub(crate) notes: String,
    /// Somebody asked for it; the rule did not name it.
    pub(crate) manual: bool,
    pub(crate) inputs: Option<Value>,
    /// It has waited for its turn already.
    pub(crate) waited: bool,
}

impl Case {
    /// An occurrence that the plan names.
    pub(crate) fn planned(armed: &Arc<Armed>, planned: &Planned) -> Self {
        Self {
            armed: Arc::clone(armed),
            id: OccurrenceId::generate(),
            nominal: planned.nominal,
            due: planned.due,
            notes: planned.notes.to_string(),
            manual: false,
            inputs: None,
            waited: false,
        }
    }

    /// An occurrence that waits.
    pub(crate) fn waiting(armed: &Arc<Armed>, waiting: Waiting) -> Self {
        Self {
            armed: Arc::clone(armed),
            id: waiting.id,
            nominal: waiting.nominal,
            due: waiting.due,
            notes: waiting.notes,
            manual: waiting.manual,
            inputs: waiting.inputs,
            waited: true,
        }
    }

    /// What became of it.
    pub(crate) fn recorded(&self, outcome: Outcome, reason: impl Into<Option<String>>) -> Recorded {
        Recorded {
            tenant_id: self.armed.tenant,
            id: self.id,
            schedule_id: self.armed.id(),
            nominal: self.nominal,
            due: self.due,
            outcome,
            reason: reason.into(),
            notes: self.notes.clone(),
            run_id: None,
            manual: self.manual,
            inputs: self.inputs.clone(),
            stands_for: 1,
            oldest: None,
            waits_in: None,
        }
    }
}

/// How far a schedule comes with this transaction, but for what its occurrences add.
pub(crate) struct Progress {
    pub(crate) armed: Arc<Armed>,
    pub(crate) state: ScheduleState,
    pub(crate) now: DateTime<Utc>,
    pub(crate) settled_until: DateTime<Utc>,
    /// The end of a run that its next occurrence is counted from.
    pub(crate) follows: Option<DateTime<Utc>>,
}

/// What one transaction decides.
#[derive(Default)]
pub(crate) struct Docket {
    pub(crate) cases: Vec<Case>,
    pub(crate) recorded: Vec<Recorded>,
    pub(crate) progress: Vec<Progress>,
}

/// What became of a docket.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// To be raised after the commit.
    pub(crate) signals: BTreeSet<Signal>,
    /// How late each of the occurrences was that the rules named and that start with this transaction.
    pub(crate) lateness: Vec<TimeDelta>,
}

/// What the scope of an overlap holds, as far as this transaction knows.
type Scopes = HashMap<(TenantId, String), Occupancy>;

impl Docket {
    /// How many rows it comes to so far.
    pub(crate) fn len(&self) -> usize {
        self.cases.len() + self.recorded.len()
    }

    /// Decides about every case and writes everything.
    pub(crate) async fn close(
        mut self,
        transaction: &mut Transaction,
        versions: &Versions,
    ) -> Result<Closed, StoreError> {
        let mut cases = std::mem::take(&mut self.cases);
        cases.sort_by_key(|case| (case.due, case.nominal, case.armed.id()));
        let mut decisions = Decisions::new(transaction, versions, &cases, &mut self.recorded).await?;
        for case in &cases {
            decisions.decide(case);
        }
        let Decisions {
            runs,
            stops,
            recorded,
            ..
        } = decisions;
        let mut signals = signals_of(&runs);
        for (tenant, among, stop, by) in stops {
            signals.extend(stop_all(transaction, tenant, &among, stop, &by).await?);
        }
        self.recorded.extend(recorded);
        for row in &self.recorded {
            signals.insert(Signal::Events(row.tenant_id));
        }
        let moves = self.moves();
        let (begun, (), ()) = try_join!(
            insert_new_runs(transaction, runs),
            record_occurrences(transaction, &self.recorded),
            move_schedules(transaction, &moves),
        )?;
        signals.extend(begin_recorded(transaction, versions, begun).await?);
        Ok(Closed {
            signals,
            lateness: self.lateness(),
        })
    }

    /// How far the schedules come.
    fn moves(&self) -> Vec<Move> {
        let added = self.added();
        let moved = |progress: &Progress| {
            progress.moved(added.get(&progress.armed.id()).copied().unwrap_or_default())
        };
        self.progress.iter().map(moved).collect()
    }

    /// How late those occurrences are that have a run now. All schedules of a docket were read at the same instant.
    fn lateness(&self) -> Vec<TimeDelta> {
        let Some(now) = self.progress.first().map(|progress| progress.now) else {
            return Vec::new();
        };
        let started = self
            .recorded
            .iter()
            .filter(|row| row.outcome == Outcome::Fired && !row.manual);
        started.map(|row| now - row.due).collect()
    }

    /// What the recorded occurrences mean for each of their schedules.
    fn added(&self) -> HashMap<ScheduleId, Added> {
        let mut added: HashMap<ScheduleId, Added> = HashMap::new();
        for row in &self.recorded {
            let added = added.entry(row.schedule_id).or_default();
            added.begins |= matches!(row.outcome, Outcome::Fired | Outcome::Waiting);
            if row.outcome == Outcome::Waiting {
                added.waiting += 1;
                added.waits_since = added.waits_since.into_iter().chain([row.due]).min();
            }
        }
        added
    }
}

/// What the occurrences of one transaction mean for their schedule.
#[derive(Clone, Copy, Default)]
struct Added {
    /// One of them has a run, or will have.
    begins: bool,
    /// How many wait.
    waiting: i32,
    /// When the first of those was due.
    waits_since: Option<DateTime<Utc>>,
}

impl Progress {
    /// Where the schedule stands once all of this is written.
    fn moved(&self, added: Added) -> Move {
        let armed = &self.armed;
        let follows_runs = armed.plan.follows_runs();
        let follows = match self.follows {
            Some(_) if added.begins && follows_runs => None,
            follows => follows,
        };
        let next = if self.state == ScheduleState::Stopped {
            None
        } else if follows_runs {
            follows.and_then(|ended| armed.plan.after_run(ended))
        } else {
            armed.plan.next(self.settled_until.max(self.now))
        };
        let deadline = armed
            .spec()
            .policies
            .start_deadline_ms
            .map(TimeDelta::milliseconds);
        let expiry = deadline.and_then(|deadline| Some(added.waits_since? + deadline));
        let next_due = next.map(|next| next.due).into_iter().chain(expiry).min();
        Move {
            tenant_id: armed.tenant,
            schedule_id: armed.id(),
            settled_until: self.settled_until.max(self.now),
            next_due,
            follows,
            waiting: added.waiting,
            follows_runs,
            most_failures: armed.spec().pause_after_failures,
            // A delay that is counted from an end and leads nowhere is over, too: its validity has ended.
            over: next.is_none() && added.waiting == 0 && (!follows_runs || follows.is_some()),
        }
    }
}

/// Decides about one case after the other.
struct Decisions {
    scopes: Scopes,
    startable: Startable,
    facts: HashMap<OccurrenceId, (OccurrenceFacts, Option<String>)>,
    runs: Vec<NewRun>,
    stops: Vec<(TenantId, Among, Stop, String)>,
    recorded: Vec<Recorded>,
}

impl Decisions {
    /// Reads what must be known about the cases. Without facts, and so without a decision, stay those that are recorded already because
    /// somebody asked for them before their time, and those whose expressions fail, which are recorded here.
    async fn new(
        transaction: &Transaction,
        versions: &Versions,
        cases: &[Case],
        recorded: &mut Vec<Recorded>,
    ) -> Result<Self, StoreError> {
        let fresh: Vec<_> = cases
            .iter()
            .filter(|case| !case.waited)
            .map(|case| (case.armed.tenant, case.armed.id(), case.nominal))
            .collect();
        let mut told = Vec::with_capacity(cases.len());
        let mut among = BTreeSet::new();
        let mut workflows = BTreeSet::new();
        for case in cases {
            let facts = case.armed.facts(case.nominal, case.due);
            let key = case.armed.overlap_key(&facts);
            if let Ok(key) = &key {
                if let Some(scope) = scope_of(&case.armed, key.as_deref()) {
                    among.insert((case.armed.tenant, scope));
                }
                workflows.insert((case.armed.tenant, case.armed.spec().workflow));
            }
            told.push((case, facts, key));
        }
        let among: Vec<(TenantId, Among)> = among.into_iter().collect();
        let (known, scopes, startable) = try_join!(
            list_recorded(transaction, &fresh),
            count_under_way(transaction, &among),
            read_startable(transaction, versions, workflows),
        )?;
        let mut facts = HashMap::new();
        for (case, told, key) in told {
            if !case.waited && known.contains_key(&(case.armed.id(), case.nominal)) {
                continue;
            }
            match key {
                Ok(key) => drop(facts.insert(case.id, (told, key))),
                Err(reason) => recorded.push(case.recorded(Outcome::Rejected, reason)),
            }
        }
        Ok(Self {
            scopes: scopes
                .into_iter()
                .map(|(tenant, scope, running, waiting)| ((tenant, scope), Occupancy { running, waiting }))
                .collect(),
            startable,
            facts,
            runs: Vec::new(),
            stops: Vec::new(),
            recorded: Vec::new(),
        })
    }

    fn decide(&mut self, case: &Case) {
        let Some((facts, key)) = self.facts.remove(&case.id) else {
            return;
        };
        let armed = Arc::clone(&case.armed);
        let Some(among) = scope_of(&armed, key.as_deref()) else {
            self.start(case, &facts, key.as_deref());
            return;
        };
        let scope = (armed.tenant, among.told());
        let occupancy = self.scopes.entry(scope.clone()).or_default();
        if case.waited {
            if occupancy.running > 0 {
                self.wait(case, among.told());
                return;
            }
            occupancy.waiting = occupancy.waiting.saturating_sub(1);
            if self.start(case, &facts, key.as_deref()) {
                self.scopes.entry(scope).or_default().running += 1;
            }
            return;
        }
        match armed.spec().policies.overlap.admit(*occupancy) {
            Admission::Start => {
                if self.start(case, &facts, key.as_deref()) {
                    self.scopes.entry(scope).or_default().running += 1;
                }
            }
            Admission::Wait => {
                occupancy.waiting += 1;
                self.wait(case, among.told());
            }
            Admission::Replace(stop) => {
                occupancy.waiting += 1;
                let by = format!("schedule:{}", armed.schedule.key);
                self.wait(case, among.told());
                self.stops.push((armed.tenant, among, stop, by));
            }
            Admission::Coalesce => {
                let reason = "an earlier occurrence waits to start already, and stands for both";
                self.recorded
                    .push(case.recorded(Outcome::Coalesced, reason.to_owned()));
            }
            Admission::Skip(reason) => {
                self.recorded
                    .push(case.recorded(Outcome::SkippedOverlap, reason.to_string()));
            }
        }
    }

    fn wait(&mut self, case: &Case, waits_in: String) {
        let reason = match case.armed.spec().policies.overlap_scope {
            OverlapScope::Schedule => "an earlier run of the schedule is under way",
            OverlapScope::Workflow => "a run of the workflow is under way",
            OverlapScope::Key => "a run with the same overlap key is under way",
        };
        self.recorded.push(Recorded {
            waits_in: Some(waits_in),
            ..case.recorded(Outcome::Waiting, reason.to_owned())
        });
    }

    /// Makes the run of the case, or records why that cannot be.
    fn start(&mut self, case: &Case, facts: &OccurrenceFacts, overlap_key: Option<&str>) -> bool {
        let by = Cause::Schedule { overlap_key };
        let run = match run_of(&case.armed, &self.startable, facts, case.inputs.as_ref(), by) {
            Ok(run) => run,
            Err(reason) => {
                self.recorded.push(case.recorded(Outcome::Rejected, reason));
                return false;
            }
        };
        if let Err(reached) = self.startable.room.take(run.tenant) {
            let reason = reached.to_string();
            self.recorded.push(case.recorded(Outcome::RejectedQuota, reason));
            return false;
        }
        self.recorded.push(Recorded {
            run_id: Some(run.id),
            ..case.recorded(Outcome::Fired, None)
        });
        self.runs.push(run);
        true
    }
}

/// Among which runs an occurrence of the schedule may not overlap; none when it may.
fn scope_of(armed: &Armed, key: Option<&str>) -> Option<Among> {
    let policies = &armed.spec().policies;
    if policies.overlap == Overlap::Allow {
        return None;
    }
    Some(match (policies.overlap_scope, key) {
        (OverlapScope::Workflow, _) => Among::Workflow(armed.spec().workflow),
        (OverlapScope::Key, Some(key)) => Among::Key(key.to_owned()),
        _ => Among::Schedule(armed.id()),
    })
}

/// Stops what runs among these runs, on behalf of a schedule.
async fn stop_all(
    transaction: &mut Transaction,
    tenant: TenantId,
    among: &Among,
    stop: Stop,
    by: &str,
) -> Result<BTreeSet<Signal>, StoreError> {
    let under_way = list_under_way(transaction, tenant, among).await?;
    let wanted: Vec<(TenantId, RunId)> = under_way.into_iter().map(|run| (tenant, run)).collect();
    let order = match stop {
        Stop::Cancel => StopOrder {
            ends_as: RunState::Cancelled,
            by: Some(by.to_owned()),
            reason: format!("cancelled by {by}: the next occurrence is due"),
            order: Order::Stop,
        },
        Stop::Terminate => StopOrder {
            ends_as: RunState::Cancelled,
            by: Some(by.to_owned()),
            reason: format!("terminated by {by}: the next occurrence is due"),
            order: Order::Kill,
        },
    };
    let mut signals = BTreeSet::new();
    for held in lock_runs(transaction, &wanted).await? {
        let already = held.stop_as.is_some() && order.order == Order::Stop;
        if !held.has_ended() && !already {
            signals.extend(stop_held_run(transaction, tenant, held.id.into(), &order).await?);
        }
    }
    Ok(signals)
}
