//! A schedule as it is registered: when, what becomes of each occurrence, and what its run is given.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::calendar::{Calendar, CalendarDefinition, CalendarError};
use super::catch_up::{CatchUp, MOST_LISTED};
use super::overlap::{Overlap, OverlapScope};
use super::plan::{Plan, TimingError};
use super::preset::Policies;
use super::rule::Seed;
use super::timing::Timing;
use crate::check::{Faults, Named};
use crate::expression::{Expression, Kind, Scope};
use crate::given::check_given;
use crate::id::{CalendarId, ScheduleId, TenantId, WorkflowId};
use crate::registered::{Reference, Registered, Registrable};

/// The longest that a grace, a start deadline or a window of catch-up may be, in milliseconds: ten years.
pub const LONGEST_TERM_MS: i64 = 3_660 * 86_400_000;
/// The most occurrences that may wait for each other.
pub const MOST_WAITING: u32 = 1_000;

/// A registered schedule.
pub type Schedule = Registered<ScheduleSpec>;

/// What a schedule starts, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// The workflow; its published version is run.
    #[serde(skip, default = "no_workflow")]
    pub workflow: WorkflowId,
    /// When its occurrences are due.
    pub timing: Timing,
    /// What becomes of them once they are.
    pub policies: Policies,
    /// What every run is given.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// Expressions over the occurrence that give a run the rest of its inputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub computed_inputs: BTreeMap<String, String>,
    /// 0 (last) to 9 (first); the version's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i16>,
    /// With an overlap among runs of the same key: the expression over the occurrence that gives the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_key: Option<String>,
    /// After so many runs in a row that ended without success, the schedule pauses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after_failures: Option<i32>,
}

/// The workflow is a column of its own, and is filled in from there.
fn no_workflow() -> WorkflowId {
    WorkflowId(uuid::Uuid::nil())
}

impl Registrable for ScheduleSpec {
    type Id = ScheduleId;

    const NOUN: &'static str = "schedule";
    const USERS: &'static str = "nothing";
}

impl Registrable for CalendarDefinition {
    type Id = CalendarId;

    const NOUN: &'static str = "calendar";
    const USERS: &'static str = "schedules";
}

impl ScheduleSpec {
    /// The keys of the calendars that it keeps to, each once.
    #[must_use]
    pub fn calendars(&self) -> Vec<String> {
        let selected = self.timing.calendar.as_ref();
        let mut keys: Vec<String> = selected
            .map(|selection| selection.keys().into_iter().map(str::to_owned).collect())
            .unwrap_or_default();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// What its expressions may read.
    #[must_use]
    pub fn scope() -> Scope {
        Scope::default().with_occurrence().with_working_days()
    }
}

/// What spreads the occurrences of the schedule `key` of `tenant`, and not of another.
#[must_use]
pub fn seed_of(tenant: TenantId, key: &str) -> Seed {
    Seed::of(&[tenant.0.as_bytes(), key.as_bytes()].concat())
}

/// A schedule as a caller wants it to be.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleProposal {
    /// The workflow that it starts.
    pub workflow: Reference<WorkflowId>,
    /// When.
    pub timing: Timing,
    /// What becomes of its occurrences.
    pub policies: Policies,
    /// What every run is given.
    pub inputs: Map<String, Value>,
    /// Expressions that give the rest, by name.
    pub computed_inputs: Vec<Named>,
    /// 0 to 9.
    pub priority: Option<i32>,
    /// The expression that gives the key of an overlap.
    pub overlap_key: Option<String>,
    /// After how many failures in a row it pauses.
    pub pause_after_failures: Option<i32>,
}

impl ScheduleProposal {
    /// Checks everything that needs no database; `calendar` is what the timing's selection resolves to. Gives the plan when the
    /// timing is right.
    pub fn check(&self, calendar: Option<Calendar>, seed: Seed, faults: &mut Faults) -> Option<Plan> {
        let plan = match Plan::new(&self.timing, calendar, seed) {
            Ok(plan) => Some(plan),
            Err(error) => {
                faults.within("timing", |faults| timing_fault(&error, faults));
                None
            }
        };
        faults.within("policies", |faults| self.check_policies(faults));
        self.check_inputs(faults);
        if let Some(priority) = self.priority.filter(|priority| !(0..=9).contains(priority)) {
            let message = format!("the priority is 0 to 9, not {priority}");
            faults.within("priority", |faults| faults.invalid(message));
        }
        if let Some(given) = self
            .pause_after_failures
            .filter(|most| !(1..=1_000).contains(most))
        {
            let message = format!(
                "a schedule pauses after 1 to 1000 failures in a row, not {given}; leave it out to go on"
            );
            faults.within("pauseAfterFailures", |faults| faults.invalid(message));
        }
        plan
    }

    fn check_policies(&self, faults: &mut Faults) {
        let policies = &self.policies;
        let terms = [
            ("grace", Some(policies.grace_ms), 0),
            ("startDeadline", policies.start_deadline_ms, 1),
        ];
        for (name, given, least) in terms {
            if let Some(given) = given.filter(|given| !(least..=LONGEST_TERM_MS).contains(given)) {
                let message = format!("{given} ms is out of bounds; give {least} to {LONGEST_TERM_MS} ms");
                faults.within(name, |faults| faults.invalid(message));
            }
        }
        if let CatchUp::All { max_runs, window_ms } = policies.catch_up {
            let most = u32::try_from(MOST_LISTED).unwrap_or(u32::MAX);
            let path = ["catchUp", "all"].map(str::to_owned);
            faults.within_all(&path, |faults| {
                if !(1..=most).contains(&max_runs) {
                    let message = format!("1 to {most} runs are caught up, not {max_runs}");
                    faults.within("maxRuns", |faults| faults.invalid(message));
                }
                if !(1..=LONGEST_TERM_MS).contains(&window_ms) {
                    let message = format!("{window_ms} ms is no window; give 1 to {LONGEST_TERM_MS} ms");
                    faults.within("window", |faults| faults.invalid(message));
                }
            });
        }
        if let Overlap::QueueAll { max } = policies.overlap
            && !(1..=MOST_WAITING).contains(&max)
        {
            let message = format!("1 to {MOST_WAITING} occurrences may wait, not {max}");
            faults.within("mostWaiting", |faults| faults.invalid(message));
        }
        match (policies.overlap_scope, &self.overlap_key) {
            (OverlapScope::Key, None) => {
                let message =
                    "the scope KEY needs `overlapKey`, an expression over the occurrence that gives the key";
                faults.within("overlapScope", |faults| faults.invalid(message));
            }
            (OverlapScope::Schedule | OverlapScope::Workflow, Some(_)) => {
                let message = "`overlapKey` is read with the scope KEY alone; set that, or leave the key out";
                faults.within("overlapScope", |faults| faults.invalid(message));
            }
            _ => {}
        }
    }

    fn check_inputs(&self, faults: &mut Faults) {
        let scope = ScheduleSpec::scope();
        if let Some(key) = &self.overlap_key {
            faults.within("overlapKey", |faults| {
                if let Err(error) = Expression::parse_as(key, &scope, &Kind::String) {
                    faults.invalid(error.to_string());
                }
            });
        }
        check_given(&self.inputs, &self.computed_inputs, &scope, faults);
    }

    /// The specification, once nothing is wrong with it.
    #[must_use]
    pub fn into_spec(self, workflow: WorkflowId) -> ScheduleSpec {
        let computed = self
            .computed_inputs
            .into_iter()
            .map(|input| (input.name, input.value));
        ScheduleSpec {
            workflow,
            timing: self.timing,
            policies: self.policies,
            inputs: self.inputs,
            computed_inputs: computed.collect(),
            priority: self.priority.and_then(|priority| priority.try_into().ok()),
            overlap_key: self.overlap_key,
            pause_after_failures: self.pause_after_failures,
        }
    }
}

/// Tells what is wrong with a timing at the field, as callers name it, that it is about.
pub fn timing_fault(error: &TimingError, faults: &mut Faults) {
    let mut path: Vec<String> = error.path().iter().map(|name| camel(name)).collect();
    if let Some(kind) = kind_of_rule(error) {
        path.insert(1, kind.to_owned());
    }
    faults.within_all(&path, |faults| faults.invalid(error.to_string()));
}

/// The kind of rule that the error is about, as callers name it.
fn kind_of_rule(error: &TimingError) -> Option<&'static str> {
    match error {
        TimingError::Cron(_) => Some("cron"),
        TimingError::Recurrence(_) | TimingError::TooLong { .. } => Some("rrule"),
        TimingError::Instants { .. } => Some("at"),
        TimingError::Step {
            field: "every_ms", ..
        } => Some("interval"),
        TimingError::Step { .. } => Some("fixedDelay"),
        _ => None,
    }
}

/// Tells what is wrong with a calendar at the field, as callers name it, that it is about.
pub fn calendar_fault(error: &CalendarError, faults: &mut Faults) {
    let path: Vec<String> = error.path().iter().map(|name| camel(name)).collect();
    faults.within_all(&path, |faults| faults.invalid(error.to_string()));
}

/// Joins the calendars that a timing keeps to and that `find` knows by their keys; nothing when there are none, or when they cannot be
/// joined.
pub fn join_calendars(
    timing: &Timing,
    find: &impl Fn(&str) -> Option<Arc<CalendarDefinition>>,
    faults: &mut Faults,
) -> Option<Calendar> {
    match timing.calendar.as_ref()?.resolve(find) {
        Ok(calendar) => Some(calendar),
        Err(error) => {
            let path = ["timing", "calendar"].map(str::to_owned);
            faults.within_all(&path, |faults| match error {
                CalendarError::Unknown { .. } => faults.missing(error.to_string()),
                _ => faults.invalid(error.to_string()),
            });
            None
        }
    }
}

/// Refuses a plan that names nothing after `now`, or would follow no run that ended by then.
pub fn check_future(plan: &Plan, now: DateTime<Utc>, faults: &mut Faults) {
    let next = if plan.follows_runs() {
        plan.after_run(now)
    } else {
        plan.next(now)
    };
    if next.is_none() {
        let message = "no instant of it is in the future, so it would never start anything; correct the rule or its validity";
        faults.within("timing", |faults| faults.invalid(message));
    }
}

/// A field's name as callers write it: `every_ms` is `every`, `both_days` is `bothDays`.
fn camel(name: &str) -> String {
    let mut words = name.trim_end_matches("_ms").split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut told, word| {
        let mut letters = word.chars();
        told.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        told.push_str(letters.as_str());
        told
    })
}

#[cfg(test)]
mod tests {
    use super::super::rule::{Rule, Seed};
    use super::super::timing::Validity;
    use super::*;

    #[test]
    fn what_can_start_nothing_any_more_is_refused() {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
        let until = instant("2025-01-01T12:00:00Z");
        let daily = Rule::Interval {
            every_ms: 86_400_000,
            anchor: instant("2024-06-01T11:30:00Z"),
        };
        let after_hours = Rule::FixedDelay { delay_ms: 3_600_000 };
        for rule in [daily, after_hours] {
            let timing = Timing {
                validity: Validity {
                    until: Some(until),
                    ..Validity::default()
                },
                ..Timing::of(rule)
            };
            let plan = Plan::new(&timing, None, Seed::default()).expect("a plan");
            for (now, refused) in [
                ("2025-01-01T10:59:59Z", false),
                ("2025-01-01T11:45:00Z", true),
                ("2026-01-01T00:00:00Z", true),
            ] {
                let mut faults = Faults::default();
                check_future(&plan, instant(now), &mut faults);
                assert_eq!(faults.is_empty(), !refused, "{timing:?} at {now}");
            }
        }
    }
}
