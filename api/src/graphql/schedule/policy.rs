//! What becomes of occurrences, as clients see and propose it.

use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};
use waterclock_core::schedule::catch_up;
use waterclock_core::schedule::overlap::{self, Overlap};
use waterclock_core::schedule::preset::{self, Policies};

use crate::graphql::scalar::Duration;

/// A scheduler whose behaviour a schedule takes over. It is written out when the schedule is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "preset::Preset")]
pub(crate) enum SchedulePreset {
    /// XXL-JOB: misfires of more than five seconds are ignored, and runs of a schedule wait for each other.
    XxlJob,
    /// Quartz with a cron trigger: misfires of more than a minute run once, and runs may overlap.
    Quartz,
    /// `ElasticJob` with `misfire`: what falls due while a run is under way is made up for by one run after it.
    #[graphql(name = "ELASTICJOB")]
    ElasticJob,
    /// Airflow with `catchup`: every interval of the last year gets its run, at most 1,000 of them, oldest first, and runs may overlap.
    Airflow,
    /// A Kubernetes `CronJob`: the newest missed one runs, and runs may overlap.
    Kubernetes,
}

/// What happens while earlier occurrences are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ScheduleOverlap {
    /// They run beside each other.
    Allow,
    /// The occurrence is passed over.
    Skip,
    /// One may wait; those that come while it waits are coalesced with it.
    QueueOne,
    /// They wait for each other, at most `mostWaiting` at a time; those beyond are passed over.
    QueueAll,
    /// What runs is cancelled, with its grace, and the occurrence starts when it is gone.
    CancelRunning,
    /// What runs is ended at once, and the occurrence starts when it is gone.
    TerminateRunning,
}

/// Among which runs an overlap is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "overlap::OverlapScope")]
pub(crate) enum OverlapScope {
    /// The runs of the same schedule.
    Schedule,
    /// All runs of the same workflow, whatever caused them.
    Workflow,
    /// All runs with the same `overlapKey`.
    Key,
}

/// How many misfires run, and how old they may be.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct CatchUpAll {
    /// How many.
    max_runs: u32,
    /// How old they may be.
    window: Duration,
}

/// Which misfires run after a downtime. Exactly one field is there.
#[derive(Clone, Copy, Debug, Default, SimpleObject)]
pub(crate) struct CatchUp {
    /// None.
    none: Option<bool>,
    /// The newest, unless a newer occurrence is in time.
    latest: Option<bool>,
    /// The newest of them, oldest first.
    all: Option<CatchUpAll>,
}

impl From<catch_up::CatchUp> for CatchUp {
    fn from(catch_up: catch_up::CatchUp) -> Self {
        let mut shown = Self::default();
        match catch_up {
            catch_up::CatchUp::None => shown.none = Some(true),
            catch_up::CatchUp::Latest => shown.latest = Some(true),
            catch_up::CatchUp::All { max_runs, window_ms } => {
                shown.all = Some(CatchUpAll {
                    max_runs,
                    window: Duration(window_ms),
                });
            }
        }
        shown
    }
}

/// What becomes of occurrences once they are due.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct SchedulePolicies {
    /// Which misfires run after a downtime.
    catch_up: CatchUp,
    /// How late an occurrence may be before it is a misfire.
    grace: Duration,
    /// How late an occurrence may start at all.
    start_deadline: Option<Duration>,
    /// What happens while earlier ones are under way.
    overlap: ScheduleOverlap,
    /// How many may wait, with `QUEUE_ALL`.
    most_waiting: Option<u32>,
    /// Among which runs an overlap is looked for.
    overlap_scope: OverlapScope,
}

impl From<&Policies> for SchedulePolicies {
    fn from(policies: &Policies) -> Self {
        let (overlap, most_waiting) = match policies.overlap {
            Overlap::Allow => (ScheduleOverlap::Allow, None),
            Overlap::Skip => (ScheduleOverlap::Skip, None),
            Overlap::QueueOne => (ScheduleOverlap::QueueOne, None),
            Overlap::QueueAll { max } => (ScheduleOverlap::QueueAll, Some(max)),
            Overlap::CancelRunning => (ScheduleOverlap::CancelRunning, None),
            Overlap::TerminateRunning => (ScheduleOverlap::TerminateRunning, None),
        };
        Self {
            catch_up: policies.catch_up.into(),
            grace: Duration(policies.grace_ms),
            start_deadline: policies.start_deadline_ms.map(Duration),
            overlap,
            most_waiting,
            overlap_scope: policies.overlap_scope.into(),
        }
    }
}

/// How many misfires run, and how old they may be.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct CatchUpAllInput {
    /// How many, 1 to 1000.
    max_runs: u32,
    /// How old they may be.
    window: Duration,
}

/// Which misfires run after a downtime. Where a policy has nothing to say more of, it is chosen with `true`.
#[derive(Clone, Copy, Debug, OneofObject)]
pub(crate) enum CatchUpInput {
    /// None.
    None(bool),
    /// The newest, unless a newer occurrence is in time.
    Latest(bool),
    /// The newest of them, oldest first.
    All(CatchUpAllInput),
}

impl CatchUpInput {
    fn chosen(self) -> Option<catch_up::CatchUp> {
        match self {
            Self::None(chosen) => chosen.then_some(catch_up::CatchUp::None),
            Self::Latest(chosen) => chosen.then_some(catch_up::CatchUp::Latest),
            Self::All(all) => Some(catch_up::CatchUp::All {
                max_runs: all.max_runs,
                window_ms: all.window.0,
            }),
        }
    }
}

/// What becomes of occurrences once they are due. What is left out is as the preset has it, or else as is usual.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct SchedulePoliciesInput {
    /// Which misfires run after a downtime; usually the latest.
    catch_up: Option<CatchUpInput>,
    /// How late an occurrence may be before it is a misfire; usually a minute.
    grace: Option<Duration>,
    /// How late an occurrence may start at all; usually any time.
    start_deadline: Option<Duration>,
    /// What happens while earlier ones are under way; usually `QUEUE_ONE`.
    overlap: Option<ScheduleOverlap>,
    /// How many may wait, 1 to 1000, with `QUEUE_ALL`; 100 when absent.
    most_waiting: Option<u32>,
    /// Among which runs an overlap is looked for; usually those of the schedule.
    overlap_scope: Option<OverlapScope>,
}

/// How many occurrences may wait when nobody says.
const USUALLY_WAITING: u32 = 100;

impl SchedulePoliciesInput {
    /// These policies over those of `preset`.
    pub(crate) fn over(self, preset: Option<SchedulePreset>) -> Policies {
        let base = preset.map_or_else(Policies::default, |preset| {
            preset::Preset::from(preset).policies()
        });
        Policies {
            catch_up: self
                .catch_up
                .and_then(CatchUpInput::chosen)
                .unwrap_or(base.catch_up),
            grace_ms: self.grace.map_or(base.grace_ms, |grace| grace.0),
            start_deadline_ms: self
                .start_deadline
                .map_or(base.start_deadline_ms, |term| Some(term.0)),
            overlap: self.overlap(base.overlap),
            overlap_scope: self.overlap_scope.map_or(base.overlap_scope, Into::into),
        }
    }

    fn overlap(self, base: Overlap) -> Overlap {
        match (self.overlap, base) {
            (None, Overlap::QueueAll { max }) => Overlap::QueueAll {
                max: self.most_waiting.unwrap_or(max),
            },
            (None, base) => base,
            (Some(ScheduleOverlap::Allow), _) => Overlap::Allow,
            (Some(ScheduleOverlap::Skip), _) => Overlap::Skip,
            (Some(ScheduleOverlap::QueueOne), _) => Overlap::QueueOne,
            (Some(ScheduleOverlap::QueueAll), _) => Overlap::QueueAll {
                max: self.most_waiting.unwrap_or(USUALLY_WAITING),
            },
            (Some(ScheduleOverlap::CancelRunning), _) => Overlap::CancelRunning,
            (Some(ScheduleOverlap::TerminateRunning), _) => Overlap::TerminateRunning,
        }
    }
}
