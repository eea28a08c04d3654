//! What becomes of an occurrence while earlier ones still run or wait.
//!
//! Only numbers are needed: how many runs of the scope run, and how many wait to start. Whoever counts them holds the
//! partition's lock, so the answer is exact for the whole cluster.

use serde::{Deserialize, Serialize};

/// What a schedule allows when an occurrence is due while earlier ones are under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Overlap {
    /// They run beside each other.
    Allow,
    /// The occurrence is passed over.
    Skip,
    /// One may wait; those that come while it waits are coalesced with it.
    #[default]
    QueueOne,
    /// They wait for each other, at most `max` at a time; those beyond are passed over.
    QueueAll {
        /// How many may wait.
        max: u32,
    },
    /// What runs is cancelled, with its grace, and the occurrence starts when it is gone.
    CancelRunning,
    /// What runs is ended at once, and the occurrence starts when it is gone.
    TerminateRunning,
}

/// Among which runs an overlap is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OverlapScope {
    /// The runs of the same schedule.
    #[default]
    Schedule,
    /// All runs of the same workflow, whatever caused them.
    Workflow,
    /// All runs with the same key.
    Key,
}

/// What the scope holds at the moment of asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Runs that have begun and not ended.
    pub running: u32,
    /// Occurrences that wait to start.
    pub waiting: u32,
}

/// What becomes of the occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It starts now.
    Start,
    /// It waits until the scope is free.
    Wait,
    /// It is one with the occurrence that waits already.
    Coalesce,
    /// It is passed over.
    Skip(OverlapReason),
    /// What runs is stopped in this manner, and it waits until that is gone.
    Replace(Stop),
}

/// How what runs is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Asked to end, and ended after its grace.
    Cancel,
    /// Ended at once.
    Terminate,
}

/// Why an occurrence was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlapReason {
    /// An earlier one is under way.
    UnderWay,
    /// As many wait as may.
    QueueFull {
        /// How many may wait.
        max: u32,
    },
}

impl Overlap {
    /// Decides about one occurrence.
    ///
    /// What waits counts like what runs: it is about to. So with `SKIP` nothing starts past an occurrence that waits, and
    /// one that is to replace what runs joins the one that already waits for the same stop.
    #[must_use]
    pub fn admit(self, scope: Occupancy) -> Admission {
        let busy = scope.running > 0 || scope.waiting > 0;
        match self {
            Self::Allow => Admission::Start,
            _ if !busy => Admission::Start,
            Self::Skip => Admission::Skip(OverlapReason::UnderWay),
            Self::QueueAll { max } if scope.waiting >= max => {
                Admission::Skip(OverlapReason::QueueFull { max })
            }
            Self::QueueAll { .. } => Admission::Wait,
            _ if scope.waiting > 0 => Admission::Coalesce,
            Self::QueueOne => Admission::Wait,
            Self::CancelRunning => Admission::Replace(Stop::Cancel),
            Self::TerminateRunning => Admission::Replace(Stop::Terminate),
        }
    }
}

impl std::fmt::Display for OverlapReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnderWay => f.write_str("an earlier run is under way"),
            Self::QueueFull { max } => write!(f, "{max} occurrences wait already, as many as may"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_answers_each_occupancy() {
        let scopes =
            [(0, 0), (1, 0), (1, 1), (0, 1), (1, 2)].map(|(running, waiting)| Occupancy { running, waiting });
        let under_way = Admission::Skip(OverlapReason::UnderWay);
        let full = Admission::Skip(OverlapReason::QueueFull { max: 2 });
        let (start, wait, join) = (Admission::Start, Admission::Wait, Admission::Coalesce);
        let cancel = Admission::Replace(Stop::Cancel);
        let terminate = Admission::Replace(Stop::Terminate);
        for (policy, expected) in [
            (Overlap::Allow, [start; 5]),
            (Overlap::Skip, [start, under_way, under_way, under_way, under_way]),
            (Overlap::QueueOne, [start, wait, join, join, join]),
            (Overlap::QueueAll { max: 2 }, [start, wait, wait, wait, full]),
            (Overlap::CancelRunning, [start, cancel, join, join, join]),
            (Overlap::TerminateRunning, [start, terminate, join, join, join]),
        ] {
            assert_eq!(scopes.map(|scope| policy.admit(scope)), expected, "{policy:?}");
        }
    }
}
