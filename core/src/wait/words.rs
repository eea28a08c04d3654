//! Reasons in plain words.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    ApprovalWait, ExecutorsWait, HinderedExecutor, Hindrance, ItemsWait, LabelsWait, ParentsWait, QUEUE_SEEN,
    QueueWait, RetryWait, StartWait, StoppingWait, WaitReason,
};
use crate::workflow::Answer;

impl fmt::Display for WaitReason {
    /// The reason as a sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = match self {
            Self::Parents(wait) => wait.told(),
            Self::Turn(wait) => format!(
                "its turn comes when another has ended: {} of at most {} are under way",
                wait.under_way, wait.parallelism
            ),
            Self::Labels(wait) => wait.told(),
            Self::Executors(wait) => wait.told(),
            Self::Queue(wait) => wait.told(),
            Self::Assignment(wait) => {
                format!(
                    "it is about to be assigned: the executor {:?} has room for it",
                    wait.key
                )
            }
            Self::Start(wait) => wait.told(),
            Self::Retry(wait) => wait.told(),
            Self::Time(wait) => format!("it waits until {}", instant(wait.until)),
            Self::Event(wait) => {
                let key = wait.key.as_ref().map(|key| format!(" with the key {key:?}"));
                let key = key.unwrap_or_default();
                format!("it waits for the event {:?}{key}{}", wait.name, until(wait.until))
            }
            Self::Approval(wait) => wait.told(),
            Self::Callback(wait) => format!("it waits for its endpoint to call back{}", until(wait.until)),
            Self::Items(wait) => wait.told(),
            Self::ChildRun(wait) => format!("it waits for the run that it is, which is {}", wait.state),
            Self::Paused(wait) => format!(
                "{} paused the run at {}; nothing of it starts until it is resumed",
                wait.by,
                instant(wait.since)
            ),
            Self::Stopping(wait) => wait.told(),
        };
        f.write_str(&told)
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn until(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| format!(", until {} at the latest", instant(at)))
        .unwrap_or_default()
}

/// `a, b and 3 more`.
fn listed(named: &[String], count: usize) -> String {
    let told = named.join(", ");
    match count.saturating_sub(named.len()) {
        0 => told,
        more if named.is_empty() => more.to_string(),
        more => format!("{told} and {more} more"),
    }
}

/// `1 share`, `2 shares`.
fn counted(count: i64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn quoted(labels: &[String]) -> String {
    let quoted: Vec<String> = labels.iter().map(|label| format!("{label:?}")).collect();
    quoted.join(", ")
}

impl ParentsWait {
    fn told(&self) -> String {
        let open: Vec<String> = self.open.iter().map(super::OpenNode::told).collect();
        let count = usize::try_from(self.open_count).unwrap_or_default();
        format!(
            "it waits for {} of the {} before it: {}; its rule is {}",
            self.open_count,
            counted(self.count.into(), "task run"),
            listed(&open, count),
            self.rule
        )
    }
}

impl LabelsWait {
    fn told(&self) -> String {
        if let Some(key) = &self.pinned_to {
            return format!("the executor {key:?} that it was dealt to is gone");
        }
        if self.living == 0 {
            return "no executor is alive that works for this tenant".to_owned();
        }
        let living = self.living;
        match &self.missing[..] {
            [] => format!(
                "none of the {living} executors that are alive offers {} together",
                quoted(&self.labels)
            ),
            missing if living == 1 => {
                format!(
                    "the only executor that is alive does not offer {}",
                    quoted(missing)
                )
            }
            missing => format!(
                "none of the {living} executors that are alive offers {}",
                quoted(missing)
            ),
        }
    }
}

impl ExecutorsWait {
    fn told(&self) -> String {
        let told: Vec<String> = self
            .executors
            .iter()
            .map(|executor| executor.told(self.cost))
            .collect();
        match self.count {
            1 => format!(
                "the only executor that may have it takes it not now: {}",
                told.join("")
            ),
            count => format!(
                "none of the {count} executors that may have it takes it now: {}",
                listed(&told, count)
            ),
        }
    }
}

impl HinderedExecutor {
    fn told(&self, cost: u32) -> String {
        let Self { key, slots, used, .. } = self;
        match self.hindrance {
            Hindrance::Full if self.shared => {
                format!("{key} is full ({slots} slots, {used} of them used by this tenant)")
            }
            Hindrance::Full => format!("{key} is full ({used} of {slots} slots used)"),
            Hindrance::TooSmall => format!("{key} is too small ({slots} slots, and it takes {cost})"),
            Hindrance::Overloaded => format!(
                "{key} is overloaded ({:.0} % of its processors and {:.0} % of its memory in use)",
                self.cpu * 100.0,
                self.memory * 100.0
            ),
            Hindrance::Draining => format!("{key} is draining"),
        }
    }
}

impl QueueWait {
    fn told(&self) -> String {
        let at_least = if self.ahead >= QUEUE_SEEN { " or more" } else { "" };
        let ahead = i64::try_from(self.ahead).unwrap_or(i64::MAX);
        format!(
            "it stands behind {}{at_least} of this tenant with the same required labels",
            counted(ahead, "task run")
        )
    }
}

impl StartWait {
    fn told(&self) -> String {
        let since = instant(self.since);
        let lease = self.lease_until.map(|until| {
            let until = instant(until);
            format!("; unless that executor is heard of until {until}, it goes to another")
        });
        format!(
            "it was assigned to the executor {:?} at {since}, which has not fetched it yet{}",
            self.key,
            lease.unwrap_or_default()
        )
    }
}

impl RetryWait {
    fn told(&self) -> String {
        let ended = self
            .outcome
            .map(|outcome| format!(": attempt {} ended as {outcome}", self.attempt));
        let message = self.told.as_ref().map(|message| format!(": {message}"));
        format!(
            "it is tried again at {}{}{}",
            instant(self.at),
            ended.unwrap_or_default(),
            message.unwrap_or_default()
        )
    }
}

impl ApprovalWait {
    fn told(&self) -> String {
        let lapse = self.until.map(|until| {
            let becomes = match self.default {
                Answer::Approve => "approved",
                Answer::Reject => "rejected",
            };
            format!(" (unanswered at {}, it is {becomes})", instant(until))
        });
        let question = match self.question.as_str() {
            "" => "the run asks whether to go on",
            question => question,
        };
        format!(
            "it waits for an answer of somebody with the scope {}{}: {question}",
            self.scope,
            lapse.unwrap_or_default()
        )
    }
}

impl ItemsWait {
    fn told(&self) -> String {
        let failed = if self.failed > 0 {
            format!(", {} failed", self.failed)
        } else {
            String::new()
        };
        let at_once = self
            .parallelism
            .map(|most| format!(" of at most {most} at once"))
            .unwrap_or_default();
        format!(
            "it waits for {} of its {}{failed}; under way: {}{at_once}",
            self.open,
            counted(self.count, "share"),
            self.under_way
        )
    }
}

impl StoppingWait {
    fn told(&self) -> String {
        let by = match &self.by {
            Some(by) => format!("{by} stopped the run"),
            None => "the run stops by its own rules".to_owned(),
        };
        let open: Vec<String> = self.open.iter().map(|open| open.key.clone()).collect();
        format!(
            "{by} at {}, and it ends as {} once these have ended: {}",
            instant(self.since),
            self.ends_as,
            listed(&open, self.open_count)
        )
    }
}
