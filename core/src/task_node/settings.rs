//! What task nodes, and the nodes of workflows, say beyond what they do.
//!
//! Whether a setting is of the right form can be seen from the setting. Whether it means anything depends on who does the work:
//! a setting that nothing would ever read is refused, so that whoever wrote it learns that it does not do what they think.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::{Faults, Named, check_range, quoted};
use crate::program::{check_arguments, check_environment};
use crate::retry::RetryPolicy;
use crate::workflow::{Deadline, Overdue};

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

/// Who does the work that settings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Performer {
    /// A program that an executor runs.
    Program,
    /// An endpoint that an executor calls.
    Endpoint,
    /// An executor that has nothing to do.
    NoOp,
    /// Another run.
    Workflow,
    /// The service itself: a branch.
    Branch,
    /// People.
    Approval,
    /// Nobody: time passes.
    Wait,
}

impl Performer {
    /// What the node is called in messages.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Program => "a node that runs a program",
            Self::Endpoint => "a node that calls an endpoint",
            Self::NoOp => "a node that does nothing",
            Self::Workflow => "a sub-workflow",
            Self::Branch => "a branch",
            Self::Approval => "an approval",
            Self::Wait => "a wait",
        }
    }

    /// Whether the service does it without an executor and without a run of its own.
    fn is_service(self) -> bool {
        matches!(self, Self::Branch | Self::Approval | Self::Wait)
    }

    /// Whether an attempt at it could be put first, timed or repeated.
    fn makes_attempts(self) -> bool {
        !self.is_service() && self != Self::Workflow
    }
}

impl NodeSettings {
    /// Refuses what is said to no effect. `base` is what lies below these settings: what both say together is what holds.
    pub fn check_applicable(&self, performer: Performer, base: &Self, faults: &mut Faults) {
        self.check_program_settings(performer, faults);
        self.check_executor_settings(performer, faults);
        self.check_attempt_settings(performer, faults);
        if let Some(retry) = &self.retry {
            faults.within("retry", |faults| retry.check_applicable(performer, faults));
        }
        let warns = self.on_timeout == Some(Overdue::Warn);
        if performer.makes_attempts() && warns && self.timeout_ms.or(base.timeout_ms).is_none() {
            let message = "there is no `timeout` to warn of; give one, or leave `onTimeout` out";
            faults.within("onTimeout", |faults| faults.invalid(message));
        }
    }

    fn check_program_settings(&self, performer: Performer, faults: &mut Faults) {
        if performer == Performer::Program {
            return;
        }
        for (name, is_given) in [
            ("arguments", self.arguments.is_some()),
            ("environment", !self.environment.is_empty()),
        ] {
            let message = format!(
                "{} has no {name}, since no program would be given them; leave them out",
                performer.noun()
            );
            refuse(name, is_given, message, faults);
        }
    }

    fn check_executor_settings(&self, performer: Performer, faults: &mut Faults) {
        let reason = match performer {
            Performer::Workflow => {
                "is a run of its own, whose nodes are what executors take; give it to those, or"
            }
            _ if performer.is_service() => "is never given to an executor;",
            _ => return,
        };
        for (name, is_given) in [
            ("requiredLabels", self.required_labels.is_some()),
            ("cost", self.cost.is_some()),
            ("grace", self.grace_ms.is_some()),
        ] {
            let message = format!("{} {reason} leave `{name}` out", performer.noun());
            refuse(name, is_given, message, faults);
        }
    }

    fn check_attempt_settings(&self, performer: Performer, faults: &mut Faults) {
        if performer.makes_attempts() {
            return;
        }
        let instead = match performer {
            Performer::Workflow => {
                "; the workflow says how long a run of it may take, and its nodes what is tried again"
            }
            Performer::Approval => "; `approval.deadline` says how long the question stands",
            Performer::Wait => "; `wait` says how long it waits",
            _ => "",
        };
        for (name, is_given) in [
            ("priority", self.priority.is_some() && performer.is_service()),
            ("timeout", self.timeout_ms.is_some()),
            ("onTimeout", self.on_timeout.is_some()),
            ("startDeadline", self.start_deadline.is_some()),
            ("retry", self.retry.is_some()),
        ] {
            let message = format!(
                "{} makes no attempts that could be put first, timed or repeated; leave `{name}` out{instead}",
                performer.noun()
            );
            refuse(name, is_given, message, faults);
        }
    }
}

fn refuse(name: &str, is_given: bool, message: String, faults: &mut Faults) {
    if is_given {
        faults.within(name, |faults| faults.invalid(message));
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
    /// What becomes of an attempt that takes longer.
    pub on_timeout: Option<Overdue>,
    /// How long it may wait for its first attempt to start.
    pub start_deadline: Option<Deadline>,
    /// Its failure counts as success.
    pub allow_failure: Option<bool>,
    /// How long between TERM and KILL, in milliseconds.
    pub grace_ms: Option<i64>,
    /// When to try again.
    pub retry: Option<RetryPolicy>,
}

impl SettingsProposal {
    /// Checks the form of the settings. Whether they mean anything is for [`NodeSettings::check_applicable`] to say.
    pub fn check(&self, faults: &mut Faults) -> NodeSettings {
        check_arguments(faults, self.arguments.as_deref().unwrap_or_default());
        let environment = check_environment(faults, &self.environment);
        self.check_numbers(faults);
        if let Some(deadline) = self.start_deadline {
            faults.within("startDeadline", |faults| {
                deadline.check("the start deadline", faults);
            });
        }
        if let Some(retry) = &self.retry {
            faults.within("retry", |faults| retry.check(faults));
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
            on_timeout: self.on_timeout,
            start_deadline: self.start_deadline,
            allow_failure: self.allow_failure,
            grace_ms: self.grace_ms,
            retry: self.retry.clone(),
        }
    }

    fn check_numbers(&self, faults: &mut Faults) {
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
        let settings = proposal.check(&mut faults);
        settings.check_applicable(Performer::Endpoint, &NodeSettings::default(), &mut faults);
        let Err(CommandError::Refused(refusals)) = faults.into_result() else {
            panic!("no fault was found")
        };
        let told: Vec<_> = refusals.iter().map(|refusal| refusal.path.join(".")).collect();
        let wanted = [
            "priority",
            "cost",
            "timeout",
            "retry.maxAttempts",
            "retry.factor",
            "requiredLabels.1",
            "arguments",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_nobody_would_read_is_refused() {
        let settings = NodeSettings {
            arguments: Some(Vec::new()),
            cost: Some(2),
            on_timeout: Some(Overdue::Warn),
            allow_failure: Some(true),
            retry: Some(RetryPolicy::default()),
            ..NodeSettings::default()
        };
        let told = |performer, base: &NodeSettings| {
            let mut faults = Faults::default();
            settings.check_applicable(performer, base, &mut faults);
            match faults.into_result() {
                Err(CommandError::Refused(refusals)) => refusals
                    .iter()
                    .map(|refusal| refusal.path.join("."))
                    .collect::<Vec<_>>(),
                _ => Vec::new(),
            }
        };
        let none = NodeSettings::default();
        assert_eq!(told(Performer::Program, &none), ["onTimeout"]);
        assert_eq!(
            told(Performer::Workflow, &none),
            ["arguments", "cost", "onTimeout", "retry"]
        );
        assert_eq!(
            told(Performer::Wait, &none),
            ["arguments", "cost", "onTimeout", "retry"]
        );
        let timed = NodeSettings {
            timeout_ms: Some(1),
            ..NodeSettings::default()
        };
        assert_eq!(told(Performer::Program, &timed), Vec::<String>::new());
    }
}
