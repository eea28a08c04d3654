//! Programs and endpoints configured for use: the vertices that workflows are made of.
//!
//! What a vertex finally does is said in three places, each more particular than the last: the program or endpoint, the
//! task node, and the node of one workflow. [`NodeSettings::over`] is the one rule by which the later overrides the
//! earlier: a list or a number that is given replaces, variables are merged by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::{Faults, Named, check_range, quoted};
use crate::id::{EndpointId, ProgramId, TaskNodeId};
use crate::program::{check_arguments, check_environment};
use crate::registered::{Reference, Registered, Registrable};
use crate::retry::RetryPolicy;
use crate::workflow::{Deadline, Overdue};

/// A registered task node.
pub type TaskNode = Registered<TaskNodeSpec>;

/// What a task node does, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskNodeSpec {
    /// What it runs or calls.
    pub work: TaskWork,
    /// What it adds.
    pub settings: NodeSettings,
}

impl Registrable for TaskNodeSpec {
    type Id = TaskNodeId;

    const NOUN: &'static str = "task node";
    const USERS: &'static str = "workflows";
}

/// What a task node runs or calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskWork {
    /// Ends as soon as an executor starts it.
    NoOp,
    /// Runs this program.
    Program(ProgramId),
    /// Calls this endpoint.
    Endpoint(EndpointId),
}

/// What a task node, or a workflow's node, says beyond what it runs or calls. Whatever is absent is left to the level below.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeSettings {
    /// Templates that take the place of the program's arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<String>>,
    /// Templates by variable, added to the program's or replacing them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What an executor must offer, sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_labels: Option<Vec<String>>,
    /// 0 (last) to 9 (first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i16>,
    /// How many slots it takes while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<i16>,
    /// How long an attempt may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<i64>,
    /// What becomes of an attempt that takes longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_timeout: Option<Overdue>,
    /// How long it may wait for its first attempt to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_deadline: Option<Deadline>,
    /// Its failure counts as success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_failure: Option<bool>,
    /// How long a program has between TERM and KILL, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<i64>,
    /// When to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
}

impl NodeSettings {
    /// These settings, with those of `base` where these are silent.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        let mut environment = base.environment.clone();
        environment.extend(self.environment.clone());
        Self {
            arguments: self.arguments.clone().or_else(|| base.arguments.clone()),
            environment,
            required_labels: self
                .required_labels
                .clone()
                .or_else(|| base.required_labels.clone()),
            priority: self.priority.or(base.priority),
            cost: self.cost.or(base.cost),
            timeout_ms: self.timeout_ms.or(base.timeout_ms),
            on_timeout: self.on_timeout.or(base.on_timeout),
            start_deadline: self.start_deadline.or(base.start_deadline),
            allow_failure: self.allow_failure.or(base.allow_failure),
            grace_ms: self.grace_ms.or(base.grace_ms),
            retry: self.retry.clone().or_else(|| base.retry.clone()),
        }
    }
}

/// The most labels.
const MOST_LABELS: usize = 32;
/// The most slots that a node may take.
const HIGHEST_COST: i64 = 1_000;
/// The longest that an attempt may take, in milliseconds: 30 days.
const LONGEST_TIMEOUT: i64 = 30 * 86_400_000;
/// The longest between TERM and KILL, in milliseconds: an hour.
const LONGEST_GRACE: i64 = 3_600_000;
/// The most attempts, and the most faults.
const MOST_ATTEMPTS: i64 = 100;
/// The longest wait between attempts, in milliseconds: a week.
const LONGEST_DELAY: i64 = 7 * 86_400_000;

/// What a caller wants a task node to be.
#[derive(Clone, Debug, Serialize)]
pub struct TaskNodeProposal {
    /// What it runs or calls.
    pub work: WorkProposal,
    /// What it adds.
    pub settings: SettingsProposal,
}

/// What a caller wants a task node to run or call.
#[derive(Clone, Debug, Serialize)]
pub enum WorkProposal {
    /// Nothing: a gate in a graph. The flag is set.
    NoOp(bool),
    /// A program.
    Program(Reference<ProgramId>),
    /// An endpoint.
    Endpoint(Reference<EndpointId>),
}

/// Settings as a caller gives them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SettingsProposal {
    /// Templates that take the place of the program's arguments.
    pub arguments: Option<Vec<String>>,
    /// Templates by variable.
    pub environment: Vec<Named>,
    /// What an executor must offer.
    pub required_labels: Option<Vec<String>>,
    /// 0 (last) to 9 (first).
    pub priority: Option<i32>,
    /// How many slots it takes.
    pub cost: Option<i32>,
    /// How long an attempt may take, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// How long between TERM and KILL, in milliseconds.
    pub grace_ms: Option<i64>,
    /// When to try again.
    pub retry: Option<RetryPolicy>,
}

impl SettingsProposal {
    /// Checks the settings. Only a node that runs a program can have arguments and an environment.
    pub fn check(&self, runs_program: bool, faults: &mut Faults) -> NodeSettings {
        check_arguments(faults, self.arguments.as_deref().unwrap_or_default());
        let environment = check_environment(faults, &self.environment);
        for (name, given) in [
            ("arguments", self.arguments.is_some()),
            ("environment", !environment.is_empty()),
        ] {
            if given && !runs_program {
                let message = "only a node that runs a program has arguments and an environment";
                faults.within(name, |faults| faults.invalid(message));
            }
        }
        let numbers = [
            ("priority", "the priority", self.priority.map(i64::from), 0..=9),
            ("cost", "the cost", self.cost.map(i64::from), 1..=HIGHEST_COST),
            (
                "timeout",
                "the timeout in milliseconds",
                self.timeout_ms,
                1..=LONGEST_TIMEOUT,
            ),
            (
                "grace",
                "the grace in milliseconds",
                self.grace_ms,
                0..=LONGEST_GRACE,
            ),
        ];
        for (name, what, value, range) in numbers {
            if let Some(value) = value {
                faults.within(name, |faults| check_range(faults, what, value, range));
            }
        }
        if let Some(retry) = &self.retry {
            faults.within("retry", |faults| check_retry(faults, retry));
        }
        NodeSettings {
            arguments: self.arguments.clone(),
            environment,
            required_labels: self
                .required_labels
                .as_deref()
                .map(|labels| check_labels(faults, labels)),
            priority: self.priority.and_then(|priority| priority.try_into().ok()),
            cost: self.cost.and_then(|cost| cost.try_into().ok()),
            timeout_ms: self.timeout_ms,
            on_timeout: None,
            start_deadline: None,
            allow_failure: None,
            grace_ms: self.grace_ms,
            retry: self.retry.clone(),
        }
    }
}

fn check_retry(faults: &mut Faults, retry: &RetryPolicy) {
    let numbers = [
        (
            "maxAttempts",
            "the number of attempts",
            i64::from(retry.max_attempts),
            1..=MOST_ATTEMPTS,
        ),
        (
            "delay",
            "the delay in milliseconds",
            retry.delay_ms,
            0..=LONGEST_DELAY,
        ),
        (
            "maxDelay",
            "the longest delay in milliseconds",
            retry.max_delay_ms,
            0..=LONGEST_DELAY,
        ),
        (
            "maxFaults",
            "the number of faults",
            i64::from(retry.max_faults),
            1..=MOST_ATTEMPTS,
        ),
    ];
    for (name, what, value, range) in numbers {
        faults.within(name, |faults| check_range(faults, what, value, range));
    }
    if !(1.0..=100.0).contains(&retry.factor) {
        faults.within("factor", |faults| {
            faults.invalid(format!("the factor is 1 to 100, not {}", retry.factor));
        });
    }
}

/// Checks labels and sorts them, each once. A label is one word, since executors are matched word by word.
fn check_labels(faults: &mut Faults, labels: &[String]) -> Vec<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=".contains(&byte);
    faults.each("requiredLabels", labels, MOST_LABELS, |faults, label| {
        if label.is_empty() || label.len() > 63 || !label.bytes().all(allowed) {
            let told = quoted(label);
            faults.invalid(format!(
                "{told} is not a label: a word or `name=value` of 1 to 63 letters, digits and `-_./:=`"
            ));
        }
    });
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CommandError;

    #[test]
    fn what_a_node_says_goes_before_what_lies_below_it() {
        let variables = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let below = NodeSettings {
            arguments: Some(vec!["a".to_owned()]),
            environment: variables(&[("A", "1"), ("B", "1")]),
            cost: Some(2),
            ..NodeSettings::default()
        };
        let above = NodeSettings {
            arguments: Some(Vec::new()),
            environment: variables(&[("B", "2")]),
            priority: Some(7),
            ..NodeSettings::default()
        };
        let merged = above.over(&below);
        assert_eq!(merged.arguments, Some(Vec::new()));
        assert_eq!(merged.environment, variables(&[("A", "1"), ("B", "2")]));
        assert_eq!((merged.cost, merged.priority), (Some(2), Some(7)));
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let proposal = SettingsProposal {
            arguments: Some(Vec::new()),
            required_labels: Some(vec!["gpu".to_owned(), "two words".to_owned()]),
            priority: Some(10),
            cost: Some(0),
            timeout_ms: Some(-1),
            retry: Some(RetryPolicy {
                max_attempts: 0,
                factor: f64::NAN,
                ..RetryPolicy::default()
            }),
            ..SettingsProposal::default()
        };
        let mut faults = Faults::default();
        proposal.check(false, &mut faults);
        let Err(CommandError::Refused(refusals)) = faults.into_result() else {
            panic!("no fault was found")
        };
        let told: Vec<_> = refusals.iter().map(|refusal| refusal.path.join(".")).collect();
        let wanted = [
            "arguments",
            "priority",
            "cost",
            "timeout",
            "retry.maxAttempts",
            "retry.factor",
            "requiredLabels.1",
        ];
        assert_eq!(told, wanted);
    }
}
