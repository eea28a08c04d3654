//! What a backfill would run.
//!
//! A backfill names past occurrences again, by a stretch of time or one by one, and runs those that have nothing to show. It is
//! worked out whole before anything starts, so that whoever asks sees what would run, and why the rest would not.
//!
//! Calendars hold for the past as for the future: what was excluded stays excluded. Days that should have worked are
//! corrected in the calendar first.

use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;

use super::plan::Plan;
use super::timing::{Placement, Planned};
use crate::run::named;

/// The most occurrences of one backfill.
pub const MOST_BACKFILLED: usize = 10_000;

/// Which occurrences, and what with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackfillRequest {
    /// Which.
    pub scope: BackfillScope,
    /// In which order.
    pub order: BackfillOrder,
    /// Which of those that ran already run again.
    pub reprocess: Reprocess,
}

/// Which occurrences a backfill is about. All instants are nominal ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum BackfillScope {
    /// Those of a stretch of time.
    Range {
        /// From this instant on.
        from: DateTime<Utc>,
        /// Until just before this one.
        until: DateTime<Utc>,
    },
    /// These.
    List {
        /// Each of which the rule must name.
        instants: Vec<DateTime<Utc>>,
    },
}

/// In which order a backfill runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum BackfillOrder {
    /// The oldest first.
    #[default]
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

named! {
    /// Which occurrences that ran already run again.
    Reprocess {
        /// None: only what never ran does.
        None = "NONE",
        /// Those that failed.
        Failed = "FAILED",
        /// All that have ended, however they did.
        Completed = "COMPLETED",
    }
}

/// What an occurrence has to show. One that never ran has nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// A place in a queue: its own, or that of another backfill.
    Waiting,
    /// A run that has not ended.
    UnderWay,
    /// A run that ended without success.
    Failed,
    /// A run that succeeded.
    Succeeded,
}

/// One occurrence of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackfillStep {
    /// The occurrence.
    pub planned: Planned,
    /// Why it does not run; `None` when it does.
    pub passed_over: Option<PassedOver>,
}

/// Why a backfill does not run an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// It has something to show that is not to be done again.
    Exists(Existing),
    /// The calendar excludes it.
    Excluded,
    /// It is one with another.
    Merged {
        /// The nominal instant of that other.
        into: DateTime<Utc>,
    },
}

impl std::fmt::Display for PassedOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exists(Existing::Waiting) => f.write_str("it waits to start already"),
            Self::Exists(Existing::UnderWay) => f.write_str("its run is under way"),
            Self::Exists(Existing::Failed) => {
                f.write_str("its run failed, and failed ones are not run again")
            }
            Self::Exists(Existing::Succeeded) => {
                f.write_str("its run succeeded, and completed ones are not run again")
            }
            Self::Excluded => f.write_str("the calendar excludes it"),
            Self::Merged { into } => write!(f, "it was moved to the occurrence of {into} and is one with it"),
        }
    }
}

/// Why a backfill is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BackfillError {
    /// The schedule names no past instants.
    #[error("a fixed delay names no instants of the past; start runs of the workflow instead")]
    FollowsRuns,
    /// The range ends where it begins, or before.
    #[error("the range ends where it begins, or before; let until lie after from")]
    Backwards,
    /// There are too many occurrences.
    #[error("there are more than {MOST_BACKFILLED} occurrences; ask for a shorter range")]
    TooMany,
    /// An occurrence is not due yet.
    #[error(
        "the occurrence of {nominal} is due at {due}, and a backfill is about the past; ask for what was due at {now} at the latest"
    )]
    NotDue {
        /// The instant that the rule names.
        nominal: DateTime<Utc>,
        /// When it is due.
        due: DateTime<Utc>,
        /// The present.
        now: DateTime<Utc>,
    },
    /// An instant is none of the schedule's.
    #[error("the schedule does not name {instant}{}; correct it, or ask for a range", nearest(*.next))]
    NotNamed {
        /// The instant.
        instant: DateTime<Utc>,
        /// The first that it names after it.
        next: Option<DateTime<Utc>>,
    },
}

fn nearest(next: Option<DateTime<Utc>>) -> String {
    next.map_or_else(String::new, |next| format!(" (the next after it is {next})"))
}

/// The occurrences that a backfill is about, the oldest first; each was due by `now`, or is not to start at all.
pub fn name_occurrences(
    plan: &Plan,
    scope: &BackfillScope,
    now: DateTime<Utc>,
) -> Result<Vec<Planned>, BackfillError> {
    if plan.follows_runs() {
        return Err(BackfillError::FollowsRuns);
    }
    let named = occurrences(plan, scope)?;
    let early = |planned: &&Planned| planned.placement == Placement::Kept && planned.due > now;
    match named.iter().find(early) {
        None => Ok(named),
        Some(&Planned { nominal, due, .. }) => Err(BackfillError::NotDue { nominal, due, now }),
    }
}

/// Works out what becomes of the occurrences that a backfill is about, in its order. `existing` says what one, by its nominal instant,
/// has to show.
pub fn plan_backfill(
    named: Vec<Planned>,
    request: &BackfillRequest,
    existing: impl Fn(DateTime<Utc>) -> Option<Existing>,
) -> Vec<BackfillStep> {
    let step = |planned: Planned| BackfillStep {
        passed_over: passed_over(&planned, request.reprocess, existing(planned.nominal)),
        planned,
    };
    let mut steps: Vec<BackfillStep> = named.into_iter().map(step).collect();
    if request.order == BackfillOrder::NewestFirst {
        steps.reverse();
    }
    steps
}

fn occurrences(plan: &Plan, scope: &BackfillScope) -> Result<Vec<Planned>, BackfillError> {
    let planned: Vec<Planned> = match scope {
        BackfillScope::Range { from, until } if until <= from => return Err(BackfillError::Backwards),
        BackfillScope::Range { from, until } => plan
            .named_between(*from, *until)
            .take(MOST_BACKFILLED + 1)
            .collect(),
        BackfillScope::List { instants } if instants.len() > MOST_BACKFILLED => {
            return Err(BackfillError::TooMany);
        }
        BackfillScope::List { instants } => {
            let mut instants = instants.clone();
            instants.sort_unstable();
            instants.dedup();
            let named = plan.each_at(instants.iter().copied()).zip(&instants);
            named
                .map(|(planned, &instant)| planned.ok_or_else(|| not_named(plan, instant)))
                .collect::<Result<_, _>>()?
        }
    };
    if planned.len() > MOST_BACKFILLED {
        return Err(BackfillError::TooMany);
    }
    Ok(planned)
}

fn not_named(plan: &Plan, instant: DateTime<Utc>) -> BackfillError {
    let next = plan.named_between(instant, DateTime::<Utc>::MAX_UTC).next();
    BackfillError::NotNamed {
        instant,
        next: next.map(|planned| planned.nominal),
    }
}

fn passed_over(planned: &Planned, reprocess: Reprocess, existing: Option<Existing>) -> Option<PassedOver> {
    match planned.placement {
        Placement::Excluded => return Some(PassedOver::Excluded),
        Placement::Merged { into } => return Some(PassedOver::Merged { into }),
        Placement::Kept => {}
    }
    let runs = match existing? {
        Existing::Waiting | Existing::UnderWay => false,
        Existing::Failed => reprocess != Reprocess::None,
        Existing::Succeeded => reprocess == Reprocess::Completed,
    };
    (!runs).then_some(PassedOver::Exists(existing?))
}

#[cfg(test)]
mod tests {
    use super::super::rule::{Rule, Seed};
    use super::super::timing::Timing;
    use super::*;

    fn instant(day: u32) -> DateTime<Utc> {
        format!("2025-03-{day:02}T06:00:00Z").parse().expect("an instant")
    }

    fn daily() -> Plan {
        let rule = Rule::Interval {
            every_ms: 86_400_000,
            anchor: instant(1),
        };
        Plan::new(&Timing::of(rule), None, Seed::default()).expect("a plan")
    }

    fn request(scope: BackfillScope, reprocess: Reprocess) -> BackfillRequest {
        BackfillRequest {
            scope,
            order: BackfillOrder::OldestFirst,
            reprocess,
        }
    }

    fn week() -> BackfillScope {
        BackfillScope::Range {
            from: instant(1),
            until: instant(5),
        }
    }

    /// The month after.
    fn now() -> DateTime<Utc> {
        "2025-04-01T00:00:00Z".parse().expect("an instant")
    }

    /// What becomes of the week, when `existing` is there already.
    fn steps(
        request: &BackfillRequest,
        existing: impl Fn(DateTime<Utc>) -> Option<Existing>,
    ) -> Vec<BackfillStep> {
        let named = name_occurrences(&daily(), &request.scope, now()).expect("occurrences");
        plan_backfill(named, request, existing)
    }

    /// The second is under way, the third failed, the fourth succeeded.
    fn existing(at: DateTime<Utc>) -> Option<Existing> {
        let known = [Existing::UnderWay, Existing::Failed, Existing::Succeeded];
        (2..)
            .zip(known)
            .find(|&(day, _)| instant(day) == at)
            .map(|(_, existing)| existing)
    }

    #[test]
    fn what_ran_runs_again_only_when_asked() {
        for (reprocess, expected) in [
            (Reprocess::None, [true, false, false, false]),
            (Reprocess::Failed, [true, false, true, false]),
            (Reprocess::Completed, [true, false, true, true]),
        ] {
            let steps = steps(&request(week(), reprocess), existing);
            let runs: Vec<bool> = steps.iter().map(|step| step.passed_over.is_none()).collect();
            assert_eq!(runs, expected, "{reprocess:?}");
        }
    }

    #[test]
    fn the_newest_may_come_first() {
        let newest = BackfillRequest {
            order: BackfillOrder::NewestFirst,
            ..request(week(), Reprocess::None)
        };
        let steps = steps(&newest, |_| None);
        let order: Vec<DateTime<Utc>> = steps.iter().map(|step| step.planned.nominal).collect();
        assert_eq!(order, [4, 3, 2, 1].map(instant));
    }

    #[test]
    fn what_cannot_be_backfilled_is_refused_with_the_remedy() {
        let refused = |scope| {
            let refused = name_occurrences(&daily(), &scope, now());
            refused.expect_err("it is refused").to_string()
        };
        let stranger = instant(2) + chrono::TimeDelta::hours(1);
        assert_eq!(
            refused(BackfillScope::List {
                instants: vec![instant(1), stranger]
            }),
            "the schedule does not name 2025-03-02 07:00:00 UTC (the next after it is 2025-03-03 06:00:00 UTC); correct it, \
             or ask for a range"
        );
        assert_eq!(
            refused(BackfillScope::Range {
                from: instant(1),
                until: instant(1) + chrono::TimeDelta::days(20_000)
            }),
            "there are more than 10000 occurrences; ask for a shorter range"
        );
        let delay = Timing::of(Rule::FixedDelay { delay_ms: 60_000 });
        let delay = Plan::new(&delay, None, Seed::default()).expect("a plan");
        let refused = name_occurrences(&delay, &week(), now());
        assert_eq!(refused, Err(BackfillError::FollowsRuns));
        let early = name_occurrences(&daily(), &week(), instant(3));
        assert_eq!(
            early.expect_err("it is refused").to_string(),
            "the occurrence of 2025-03-04 06:00:00 UTC is due at 2025-03-04 06:00:00 UTC, and a backfill is about the past; ask for \
             what was due at 2025-03-03 06:00:00 UTC at the latest"
        );
    }
}
