//! Settles what is due: from the rule to the run, or to the row that says why there is none.
//!
//! A schedule is a function and remembers nothing; `schedule_states.settled_until` is its memory. One transaction, under the lock of
//! the schedule's partition, reads what the rule names between there and the present, decides about all of it, writes the runs and
//! the occurrences, and moves the mark. Whoever dies before its commit has done nothing, whoever comes after it finds nothing to
//! do, so an occurrence becomes one row and at most one run, however many schedulers look and however long none did.
//!
//! Whatever else can move a schedule goes the same way. An edit first settles what was due by the old rule, and then the mark is at
//! the present, so no edit fires the past. A schedule that is paused is settled like any other, with rows that say so. The end
//! of a run that an occurrence waited for only makes its schedule due: who may start is decided here and nowhere else. What triggers
//! wait for is decided about right after, by [`super::firings`]; what cannot be settled with the rest is settled [`apart`].

mod apart;
mod backfills;
mod docket;
mod ends;
mod plans;
mod runs;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::try_join;

use crate::command::firings::ArmedTriggers;
use crate::id::{ScheduleId, TenantId};
use crate::schedule::catch_up::{CatchUpTerms, Fate, Remainder, Settlement, settle};
use crate::schedule::occurrence::{OccurrenceOutcome as Outcome, ScheduleState};
use crate::schedule::timing::Planned;
use crate::signal::Signal;
use crate::store::occurrences::{Recorded, Waiting, give_up, list_waiting};
use crate::store::schedule_states::{
    DueSchedule, Move, Survey, list_due_schedules, lock_partitions, move_schedules, pause_schedules,
    survey_partitions,
};
use crate::store::{Actor, Database, StoreError, Transaction, Versions};

pub(crate) use apart::{UNSTORABLE, settle_apart};
use docket::Progress;
pub(crate) use docket::{Case, Closed, Docket};
pub(crate) use plans::{Armed, Edition, Plans};
pub(crate) use runs::{Startable, read_startable};

/// The most schedules of a partition that one transaction looks at.
const BATCH: i64 = 500;

/// The most rows that one transaction writes, but for those of the last schedule that it looks at.
const MOST_ROWS: usize = 5_000;

/// What a process remembers of schedules and workflows. Nothing in it is ever stale.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) versions: Versions,
    pub(crate) plans: Plans,
    pub(crate) triggers: ArmedTriggers,
}

/// What was done about the partitions that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// To be raised.
    pub(crate) signals: BTreeSet<Signal>,
    /// How long until something is to be done.
    pub(crate) next: Option<Duration>,
    /// Somebody else has one of the partitions.
    pub(crate) contended: bool,
    /// How late each of the occurrences was that the rules named and that were started.
    pub(crate) lateness: Vec<TimeDelta>,
    /// The partitions in which firings may be pending.
    pub(crate) firings: Vec<i16>,
}

/// Settles what is due in the partitions by now, as far as nobody else does, at most a batch.
pub(crate) async fn settle_partitions(
    database: &Database,
    memory: &Memory,
    partitions: &[i16],
) -> Result<Settled, StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let (held, surveys) = try_join!(
        lock_partitions(&transaction, partitions),
        survey_partitions(&transaction, partitions),
    )?;
    let due = Due::of(&surveys, &held);
    let mut settled = Settled {
        next: due.next,
        contended: held.len() < partitions.len(),
        ..Settled::default()
    };
    if !due.ends.is_empty() {
        let signals = ends::act_on_ends(&mut transaction, &due.ends).await?;
        settled.signals.extend(signals);
    }
    if !due.steps.is_empty() {
        let signals = backfills::advance_backfills(&mut transaction, memory, &due.steps).await?;
        settled.signals.extend(signals);
    }
    if !due.schedules.is_empty() {
        let schedules = list_due_schedules(&mut transaction, &due.schedules, BATCH).await?;
        let closed = settle_schedules(&mut transaction, memory, schedules).await?;
        settled.signals.extend(closed.signals);
        settled.lateness = closed.lateness;
    }
    transaction.commit().await?;
    settled.firings = due.firings;
    Ok(settled)
}

/// What is due, by the partitions in which it is, as far as their locks are held.
#[derive(Debug, Default)]
struct Due {
    ends: Vec<i16>,
    steps: Vec<i16>,
    schedules: Vec<i16>,
    firings: Vec<i16>,
    /// How long until there is more to do: nothing where anything is due, since a transaction does no more than a batch, and what it does
    /// can make more due.
    next: Option<Duration>,
}

impl Due {
    fn of(surveys: &[Survey], held: &[i16]) -> Self {
        let mut due = Self::default();
        for survey in surveys {
            let waits = [survey.schedule_in, survey.step_in].into_iter().flatten();
            if held.contains(&survey.partition) {
                due.add(survey);
                due.next = waits.chain(due.next).min();
            } else {
                // Whoever has it takes care of what is due in it now.
                due.next = waits.filter(|wait| !wait.is_zero()).chain(due.next).min();
            }
        }
        if !(due.ends.is_empty() && due.firings.is_empty()) {
            due.next = Some(Duration::ZERO);
        }
        due
    }

    /// Adds what is due in a partition. The end of a run can free the place of a step, wake an occurrence and fire a trigger.
    fn add(&mut self, survey: &Survey) {
        let is_due = |wait: Option<Duration>| survey.ends || wait.is_some_and(|wait| wait.is_zero());
        let found = [
            (&mut self.ends, survey.ends),
            (&mut self.steps, is_due(survey.step_in)),
            (&mut self.schedules, is_due(survey.schedule_in)),
            (&mut self.firings, survey.ends || survey.firings),
        ];
        for (partitions, _) in found.into_iter().filter(|(_, is_due)| *is_due) {
            partitions.push(survey.partition);
        }
    }
}

/// Settles the schedules, whose partitions' locks are held.
pub(crate) async fn settle_schedules(
    transaction: &mut Transaction,
    memory: &Memory,
    due: Vec<DueSchedule>,
) -> Result<Closed, StoreError> {
    if due.is_empty() {
        return Ok(Closed::default());
    }
    let editions: Vec<Edition> = due.iter().map(Into::into).collect();
    let mut armed = memory.plans.get(transaction, &editions).await?;
    let wait: Vec<_> = due
        .iter()
        .filter(|schedule| schedule.waiting > 0)
        .map(|schedule| (schedule.tenant_id, schedule.schedule_id))
        .collect();
    let mut waiting: HashMap<ScheduleId, Vec<Waiting>> = HashMap::new();
    for row in list_waiting(transaction, &wait).await? {
        waiting.entry(row.schedule_id).or_default().push(row);
    }
    let mut docket = Docket::default();
    let mut unreadable = Vec::new();
    for schedule in &due {
        if docket.len() >= MOST_ROWS {
            break;
        }
        match armed.remove(&schedule.schedule_id) {
            Some(Ok(armed)) => {
                let waiting = waiting.remove(&schedule.schedule_id).unwrap_or_default();
                docket.enter(schedule, &armed, waiting);
            }
            Some(Err(fault)) => {
                unreadable.push((schedule, format!("it cannot be asked when it is due: {fault}")));
            }
            None => {}
        }
    }
    put_aside(transaction, unreadable).await?;
    docket.close(transaction, &memory.versions).await
}

/// Pauses schedules for these reasons. They are looked at again when they are edited or resumed.
async fn put_aside(
    transaction: &mut Transaction,
    unreadable: Vec<(&DueSchedule, String)>,
) -> Result<(), StoreError> {
    if unreadable.is_empty() {
        return Ok(());
    }
    let reasons: Vec<_> = unreadable
        .iter()
        .map(|(schedule, reason)| (schedule.tenant_id, schedule.schedule_id, reason.clone()))
        .collect();
    pause_schedules(transaction, &reasons).await?;
    let moves: Vec<Move> = unreadable
        .iter()
        .map(|(schedule, _)| Move {
            tenant_id: schedule.tenant_id,
            schedule_id: schedule.schedule_id,
            settled_until: schedule.settled_until,
            next_due: None,
            follows: schedule.follows,
            waiting: schedule.waiting,
            follows_runs: false,
            most_failures: None,
            over: false,
        })
        .collect();
    move_schedules(transaction, &moves).await
}

/// The occurrences of the schedule that wait to start.
pub(crate) async fn waiting_of(
    transaction: &mut Transaction,
    schedule: &DueSchedule,
) -> Result<Vec<Waiting>, StoreError> {
    if schedule.waiting == 0 {
        return Ok(Vec::new());
    }
    list_waiting(transaction, &[(schedule.tenant_id, schedule.schedule_id)]).await
}

/// Records that what waits of the schedule does not start, since somebody brought it to `state`.
pub(crate) async fn give_up_waiting(
    transaction: &mut Transaction,
    tenant: TenantId,
    schedule: ScheduleId,
    state: ScheduleState,
) -> Result<(), StoreError> {
    let reason = if state == ScheduleState::Paused {
        PAUSED
    } else {
        "its schedule was stopped or deleted"
    };
    give_up(transaction, tenant, schedule, Outcome::Paused, reason).await
}

/// Why a schedule that is paused starts nothing.
const PAUSED: &str = "its schedule was paused";

impl Docket {
    /// Enters what waits, and what the rule names between what is settled and the present.
    pub(crate) fn enter(&mut self, schedule: &DueSchedule, armed: &Arc<Armed>, waiting: Vec<Waiting>) {
        let paused = schedule.state == ScheduleState::Paused;
        let policies = &armed.spec().policies;
        let deadline = policies.start_deadline_ms.map(TimeDelta::milliseconds);
        for row in waiting {
            let case = Case::waiting(armed, row);
            let over = deadline.is_some_and(|deadline| schedule.now - case.due > deadline);
            if paused && !case.manual {
                self.recorded
                    .push(case.recorded(Outcome::Paused, PAUSED.to_owned()));
            } else if over {
                let reason = "its start deadline passed while it waited for an earlier run";
                self.recorded
                    .push(case.recorded(Outcome::Expired, reason.to_owned()));
            } else {
                self.cases.push(case);
            }
        }
        let terms = CatchUpTerms {
            catch_up: policies.catch_up,
            grace: TimeDelta::milliseconds(policies.grace_ms),
            start_deadline: deadline,
        };
        let mut follows = schedule.follows;
        let settlement = if matches!(schedule.state, ScheduleState::Stopped | ScheduleState::Finished) {
            Settlement::default()
        } else if armed.plan.follows_runs() {
            let next = follows.and_then(|ended| armed.plan.after_run(ended));
            let overdue = next.filter(|next| next.due <= schedule.now);
            if overdue.is_some() {
                // If its run starts, the next is counted from its end; if it does not, from now.
                follows = Some(schedule.now);
            }
            settle(overdue, schedule.now, &terms)
        } else {
            settle(
                armed.plan.overdue(schedule.settled_until, schedule.now),
                schedule.now,
                &terms,
            )
        };
        if let Some(remainder) = &settlement.remainder {
            self.recorded.push(summed(armed, remainder, paused));
        }
        for (planned, fate) in &settlement.listed {
            let case = Case::planned(armed, planned);
            match recorded_at_once(&case, planned, *fate, paused) {
                Some(recorded) => self.recorded.push(recorded),
                None => self.cases.push(case),
            }
        }
        self.progress.push(Progress {
            armed: Arc::clone(armed),
            state: schedule.state,
            now: schedule.now,
            settled_until: schedule.settled_until,
            follows,
        });
    }
}

/// What became of an occurrence that does not start, whatever runs.
fn recorded_at_once(case: &Case, planned: &Planned, fate: Fate, paused: bool) -> Option<Recorded> {
    let told = |outcome, reason: String| Some(case.recorded(outcome, reason));
    match fate {
        Fate::SkippedCalendar => told(
            Outcome::SkippedCalendar,
            "its calendar or a blackout excludes it".to_owned(),
        ),
        Fate::Coalesced { into } => told(
            Outcome::Coalesced,
            format!("it was moved to the occurrence of {into} and is one with it"),
        ),
        _ if paused => told(Outcome::Paused, PAUSED.to_owned()),
        Fate::Missed(reason) => told(Outcome::Missed, reason.to_string()),
        Fate::Expired { deadline } => told(
            Outcome::Expired,
            format!(
                "it had to start until {deadline} at the latest, and was due at {}",
                planned.due
            ),
        ),
        Fate::Fire => None,
    }
}

/// The one row that stands for all that was too much for a row each.
fn summed(armed: &Arc<Armed>, remainder: &Remainder, paused: bool) -> Recorded {
    let Remainder {
        oldest,
        newest,
        missed,
        excluded,
        complete,
    } = *remainder;
    let (outcome, why) = match (missed, paused) {
        (0, _) => (
            Outcome::SkippedCalendar,
            "its calendar or a blackout excludes them",
        ),
        (_, true) => (Outcome::Paused, PAUSED),
        (_, false) => (Outcome::Missed, "they were not started in time"),
    };
    let more = if complete { "" } else { ", and all before that" };
    let reason = format!(
        "stands for the {} occurrences from {oldest} to {newest}{more} ({excluded} of them on days off): {why}",
        missed + excluded
    );
    let planned = Planned {
        nominal: newest,
        due: newest,
        placement: crate::schedule::timing::Placement::Kept,
        notes: crate::schedule::timing::Notes::default(),
    };
    Recorded {
        stands_for: i64::try_from(missed + excluded).unwrap_or(i64::MAX),
        oldest: Some(oldest),
        ..Case::planned(armed, &planned).recorded(outcome, reason)
    }
}
