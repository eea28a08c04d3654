//! What users of other schedulers expect, as bundles of our policies.
//!
//! A preset is a starting point that is written out when a schedule is created: it is not remembered, and each of its
//! policies can be set otherwise. Where a system has no such bound, ours stands, since a queue without one is an outage
//! that has not happened yet.

use serde::{Deserialize, Serialize};

use super::catch_up::{CatchUp, DEFAULT_GRACE_MS};
use super::overlap::{Overlap, OverlapScope};

/// Everything that decides what becomes of an occurrence once it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// Which misfires run after a downtime.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// How late an occurrence may be before it is a misfire, in milliseconds.
    #[serde(default = "default_grace")]
    pub grace_ms: i64,
    /// How late an occurrence may start at all, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_deadline_ms: Option<i64>,
    /// What happens while earlier ones are under way.
    #[serde(default)]
    pub overlap: Overlap,
    /// Among which runs that is looked for.
    #[serde(default)]
    pub overlap_scope: OverlapScope,
}

fn default_grace() -> i64 {
    DEFAULT_GRACE_MS
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            catch_up: CatchUp::default(),
            grace_ms: DEFAULT_GRACE_MS,
            start_deadline_ms: None,
            overlap: Overlap::default(),
            overlap_scope: OverlapScope::default(),
        }
    }
}

/// A scheduler whose behaviour a schedule may take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Preset {
    /// XXL-JOB with what its console offers first: misfires of more than five seconds are ignored (`DO_NOTHING`), and runs
    /// of a job wait for each other (`SERIAL_EXECUTION`). Its queue has no bound; ours is 1,000.
    #[serde(rename = "xxl-job")]
    XxlJob,
    /// Quartz with a cron trigger: misfires of more than a minute run once (`FIRE_ONCE_NOW`, which the smart policy means),
    /// and runs of a job may overlap, since `@DisallowConcurrentExecution` has to be asked for.
    #[serde(rename = "quartz")]
    Quartz,
    /// `ElasticJob` with `misfire` on, as it is from the start: what falls due while a job runs is made up for by one run after
    /// it, and what fell due while nobody was there is not made up for.
    #[serde(rename = "elasticjob")]
    ElasticJob,
    /// Airflow with `catchup`, which was on from the start until release 3: every interval gets its run, however old, oldest
    /// first, and runs may overlap (`max_active_runs` belongs to the workflow). Ours is bounded by 1,000 runs and a year.
    #[serde(rename = "airflow")]
    Airflow,
    /// A Kubernetes `CronJob` as the API server fills it in: `concurrencyPolicy: Allow`, no `startingDeadlineSeconds`, and after
    /// a downtime the newest missed one runs. It is on time for as long as its controller takes between two looks, 10 s.
    #[serde(rename = "kubernetes")]
    Kubernetes,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::XxlJob,
        Self::Quartz,
        Self::ElasticJob,
        Self::Airflow,
        Self::Kubernetes,
    ];

    /// Its name, as users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::XxlJob => "xxl-job",
            Self::Quartz => "quartz",
            Self::ElasticJob => "elasticjob",
            Self::Airflow => "airflow",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// The policies that it stands for.
    #[must_use]
    pub fn policies(self) -> Policies {
        let (catch_up, grace_ms, overlap) = match self {
            Self::XxlJob => (CatchUp::None, 5_000, Overlap::QueueAll { max: 1_000 }),
            Self::Quartz => (CatchUp::Latest, 60_000, Overlap::Allow),
            Self::ElasticJob => (CatchUp::None, 1_000, Overlap::QueueOne),
            Self::Airflow => (
                CatchUp::All {
                    max_runs: 1_000,
                    window_ms: 365 * 86_400_000,
                },
                60_000,
                Overlap::Allow,
            ),
            Self::Kubernetes => (CatchUp::Latest, 10_000, Overlap::Allow),
        };
        Policies {
            catch_up,
            grace_ms,
            overlap,
            ..Policies::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_read_by_the_names_that_their_users_know() {
        for preset in Preset::ALL {
            let written = serde_json::to_value(preset).expect("a name");
            assert_eq!(written, preset.name());
        }
    }

    #[test]
    fn policies_are_kept_as_they_were_written() {
        for preset in Preset::ALL {
            let policies = preset.policies();
            let written = serde_json::to_string(&policies).expect("text");
            assert_eq!(
                serde_json::from_str::<Policies>(&written).expect("policies"),
                policies
            );
        }
        assert_eq!(
            serde_json::from_str::<Policies>("{}").expect("all have a default"),
            Policies::default()
        );
    }
}
