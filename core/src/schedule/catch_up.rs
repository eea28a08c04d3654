//! What becomes of occurrences that nobody started in time.
//!
//! They are read newest first, because every policy prefers the newest: how far back an outage reaches must not decide
//! whether the latest occurrence is found. Reading stops after [`MOST_READ`] occurrences, and beside those that run no more
//! than [`MOST_LISTED`] are listed one by one, so a schedule of every second that was down for a month costs a bounded
//! time and a bounded memory. The rest is not forgotten: [`Settlement::remainder`] is the one record that stands for all
//! of it, with the stretch it covers and, when reading came to the end of it, the exact numbers. Nothing in it ever starts.
//!
//! An occurrence that is late by no more than the grace is not a misfire. It starts whatever the policy says: otherwise a
//! pass that wakes a moment after two instants would lose one of them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::timing::{Placement, Planned};

/// How many overdue occurrences are listed one by one.
pub const MOST_LISTED: usize = 1_000;
/// How many overdue occurrences are read at once.
pub const MOST_READ: u64 = 100_000;
/// How late an occurrence may be before it is a misfire, unless the schedule says otherwise.
pub const DEFAULT_GRACE_MS: i64 = 60_000;

/// Which misfires run after a downtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CatchUp {
    /// None.
    None,
    /// The newest, unless a newer occurrence is in time.
    #[default]
    Latest,
    /// The newest `max_runs` of those not older than the window, oldest first.
    All {
        /// How many; at most [`MOST_LISTED`].
        max_runs: u32,
        /// How old they may be, in milliseconds.
        window_ms: i64,
    },
}

/// By what the overdue are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUpTerms {
    /// Which misfires run.
    pub catch_up: CatchUp,
    /// How late an occurrence may be before it is a misfire.
    pub grace: TimeDelta,
    /// How late an occurrence may start at all.
    pub start_deadline: Option<TimeDelta>,
}

/// What becomes of one occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is to start, as far as time is concerned; overlap and quotas are asked next.
    Fire,
    /// It was not started in time and is not caught up.
    Missed(MissedReason),
    /// It would have run, but its start deadline has passed.
    Expired {
        /// When it had to start at the latest.
        deadline: DateTime<Utc>,
    },
    /// Its day or its window does not work.
    SkippedCalendar,
    /// It was moved to where another occurrence is.
    Coalesced {
        /// The nominal instant of that other.
        into: DateTime<Utc>,
    },
}

/// Why a misfire does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissedReason {
    /// The schedule catches nothing up.
    NotCaughtUp,
    /// A newer one runs in its place.
    NewerRuns,
    /// It is older than the window of what is caught up.
    BeyondWindow {
        /// The window.
        window_ms: i64,
    },
    /// As many newer ones run as may.
    BeyondMaxRuns {
        /// How many may.
        max_runs: u32,
    },
}

impl std::fmt::Display for MissedReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotCaughtUp => {
                f.write_str("it was not started in time, and the schedule catches nothing up")
            }
            Self::NewerRuns => {
                f.write_str("it was not started in time, and a newer occurrence runs in its place")
            }
            Self::BeyondWindow { window_ms } => write!(
                f,
                "it was not started in time, and is older than the {} s that are caught up",
                window_ms / 1_000
            ),
            Self::BeyondMaxRuns { max_runs } => {
                write!(
                    f,
                    "it was not started in time, and {max_runs} newer ones are caught up, as many as may"
                )
            }
        }
    }
}

/// What becomes of everything that is overdue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Occurrences and what becomes of each, oldest first. All that run are here.
    pub listed: Vec<(Planned, Fate)>,
    /// What is not listed; nothing of it starts.
    pub remainder: Option<Remainder>,
}

/// Overdue occurrences that one record stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remainder {
    /// The nominal instant of the oldest that was read.
    pub oldest: DateTime<Utc>,
    /// The nominal instant of the newest.
    pub newest: DateTime<Utc>,
    /// How many of those read were missed.
    pub missed: u64,
    /// How many of those read fell where the calendar excludes them.
    pub excluded: u64,
    /// Whether all were read; otherwise there are more, and older ones.
    pub complete: bool,
}

/// Settles what is overdue at `now`. `overdue` yields it newest first.
pub fn settle(
    overdue: impl IntoIterator<Item = Planned>,
    now: DateTime<Utc>,
    terms: &CatchUpTerms,
) -> Settlement {
    let mut judge = Judge {
        terms,
        now,
        fired: 0,
        caught_up: 0,
    };
    let mut settlement = Settlement::default();
    for (read, planned) in (0..).zip(overdue) {
        let fate = judge.fate(&planned);
        if read == MOST_READ {
            // It stands for all before it, so it is not among those that run, whatever its own fate.
            let remainder = settlement
                .remainder
                .get_or_insert_with(|| Remainder::before(&planned));
            remainder.add(&planned, fate);
            remainder.complete = false;
            break;
        }
        if settlement.listed.len() < MOST_LISTED || matches!(fate, Fate::Fire | Fate::Expired { .. }) {
            settlement.listed.push((planned, fate));
        } else {
            settlement
                .remainder
                .get_or_insert_with(|| Remainder::before(&planned))
                .add(&planned, fate);
        }
    }
    settlement.listed.reverse();
    settlement
}

impl Remainder {
    fn before(newest: &Planned) -> Self {
        Self {
            oldest: newest.nominal,
            newest: newest.nominal,
            missed: 0,
            excluded: 0,
            complete: true,
        }
    }

    fn add(&mut self, planned: &Planned, fate: Fate) {
        self.oldest = self.oldest.min(planned.nominal);
        self.newest = self.newest.max(planned.nominal);
        match fate {
            Fate::SkippedCalendar | Fate::Coalesced { .. } => self.excluded += 1,
            Fate::Missed(_) | Fate::Fire | Fate::Expired { .. } => self.missed += 1,
        }
    }
}

/// Decides about one occurrence after another, the newest first.
struct Judge<'a> {
    terms: &'a CatchUpTerms,
    now: DateTime<Utc>,
    /// How many newer ones are to run.
    fired: u32,
    /// How many of those are misfires.
    caught_up: u32,
}

impl Judge<'_> {
    fn fate(&mut self, planned: &Planned) -> Fate {
        match planned.placement {
            Placement::Excluded => return Fate::SkippedCalendar,
            Placement::Merged { into } => return Fate::Coalesced { into },
            Placement::Kept => {}
        }
        let late = self.now - planned.due;
        if late > self.terms.grace {
            if let Some(reason) = self.missed(late) {
                return Fate::Missed(reason);
            }
            self.caught_up += 1;
        }
        self.fired += 1;
        match self.terms.start_deadline {
            Some(allowed) if late > allowed => Fate::Expired {
                deadline: planned.due + allowed,
            },
            _ => Fate::Fire,
        }
    }

    /// Why a misfire that is `late` by so much does not run; `None` when it does.
    fn missed(&self, late: TimeDelta) -> Option<MissedReason> {
        match self.terms.catch_up {
            CatchUp::None => Some(MissedReason::NotCaughtUp),
            CatchUp::Latest => (self.fired > 0).then_some(MissedReason::NewerRuns),
            CatchUp::All { window_ms, .. } if late > TimeDelta::milliseconds(window_ms) => {
                Some(MissedReason::BeyondWindow { window_ms })
            }
            CatchUp::All { max_runs, .. } => {
                (self.caught_up >= max_runs).then_some(MissedReason::BeyondMaxRuns { max_runs })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::timing::Notes;
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("an instant")
    }

    /// An occurrence that was due so many seconds ago.
    fn due(ago: i64) -> Planned {
        let due = now() - TimeDelta::seconds(ago);
        Planned {
            nominal: due,
            due,
            placement: Placement::Kept,
            notes: Notes::default(),
        }
    }

    fn terms(catch_up: CatchUp) -> CatchUpTerms {
        CatchUpTerms {
            catch_up,
            grace: TimeDelta::seconds(60),
            start_deadline: None,
        }
    }

    /// How long ago those were due that fire, oldest first.
    fn fired(settlement: &Settlement) -> Vec<i64> {
        settlement
            .listed
            .iter()
            .filter(|(_, fate)| *fate == Fate::Fire)
            .map(|(planned, _)| (now() - planned.due).num_seconds())
            .collect()
    }

    #[test]
    fn each_policy_runs_what_it_says_after_an_outage_of_six_hours() {
        let hours: Vec<Planned> = (1..=6).map(|hour| due(hour * 3_600)).collect();
        let all = |max_runs, window: i64| CatchUp::All {
            max_runs,
            window_ms: window * 1_000,
        };
        for (catch_up, expected) in [
            (CatchUp::None, vec![]),
            (CatchUp::Latest, vec![3_600]),
            (
                all(100, 86_400),
                vec![21_600, 18_000, 14_400, 10_800, 7_200, 3_600],
            ),
            (all(2, 86_400), vec![7_200, 3_600]),
            (all(100, 10_800), vec![10_800, 7_200, 3_600]),
        ] {
            let settlement = settle(hours.iter().copied(), now(), &terms(catch_up));
            assert_eq!(fired(&settlement), expected, "{catch_up:?}");
            assert_eq!(settlement.listed.len(), 6, "every occurrence is told of");
            assert_eq!(settlement.remainder, None);
        }
    }

    #[test]
    fn what_is_late_by_no_more_than_the_grace_runs_under_every_policy() {
        let overdue = [due(0), due(59), due(60), due(61)];
        for (catch_up, expected) in [
            (CatchUp::None, vec![60, 59, 0]),
            (CatchUp::Latest, vec![60, 59, 0]),
            (
                CatchUp::All {
                    max_runs: 1,
                    window_ms: 3_600_000,
                },
                vec![61, 60, 59, 0],
            ),
        ] {
            assert_eq!(
                fired(&settle(overdue, now(), &terms(catch_up))),
                expected,
                "{catch_up:?}"
            );
        }
    }

    #[test]
    fn a_start_deadline_expires_what_would_have_run() {
        let late = CatchUpTerms {
            start_deadline: Some(TimeDelta::seconds(120)),
            ..terms(CatchUp::Latest)
        };
        let settlement = settle([due(300), due(600)], now(), &late);
        let deadline = now() - TimeDelta::seconds(180);
        assert_eq!(
            settlement.listed,
            [
                (due(600), Fate::Missed(MissedReason::NewerRuns)),
                (due(300), Fate::Expired { deadline }),
            ]
        );
    }

    #[test]
    fn what_a_calendar_excludes_is_neither_missed_nor_in_the_way_of_the_latest() {
        let excluded = |ago| Planned {
            placement: Placement::Excluded,
            ..due(ago)
        };
        let overdue = (100..5_000).map(excluded).chain([due(5_000), due(6_000)]);
        let settlement = settle(overdue, now(), &terms(CatchUp::Latest));
        assert_eq!(fired(&settlement), [5_000]);
        let remainder = settlement.remainder.expect("more than are listed");
        assert_eq!((remainder.excluded, remainder.missed), (3_900, 1));
    }

    #[test]
    fn a_month_of_seconds_is_settled_within_the_bounds() {
        let month = (1..30 * 86_400).map(due);
        let settlement = settle(month, now(), &terms(CatchUp::Latest));
        assert_eq!(settlement.listed.len(), MOST_LISTED);
        let remainder = settlement.remainder.expect("more than are listed");
        assert!(!remainder.complete);
        assert_eq!(remainder.missed, MOST_READ + 1 - MOST_LISTED as u64);
        assert_eq!(remainder.newest, due(1_001).due);
        assert_eq!(remainder.oldest, due(100_001).due);
    }
}
