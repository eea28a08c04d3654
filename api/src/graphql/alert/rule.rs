//! Rules as clients see and propose them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use waterclock_core::alert::condition::{self, Usual};
use waterclock_core::alert::rule;
use waterclock_core::alert::{AlertRuleProposal, Condition};

use super::channel::AlertChannel;
use crate::graphql::id::{Kind, encode};
use crate::graphql::loader::load;
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::reference::ReferenceInput;
use crate::graphql::registration::Registration;
use crate::graphql::scalar::Duration;
use crate::graphql::workflow::Workflow;

/// Of what a rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "condition::AlertKind")]
pub(crate) enum AlertKind {
    /// A run failed for good, or its time was over.
    RunFailed,
    /// A run succeeded, and the one before it had failed.
    RunRecovered,
    /// So many runs failed within a window.
    RunsFailing,
    /// A workflow was refused, because its nodes wait for each other.
    WorkflowRefused,
    /// A task run waits too long for an executor.
    TaskWaits,
    /// A run is late, or takes longer than expected.
    RunLate,
    /// The lease of an executor ended.
    ExecutorLost,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "condition::Severity")]
pub(crate) enum Severity {
    /// Good to know.
    Info,
    /// To be looked at.
    Warning,
    /// To be looked at now.
    Critical,
}

/// What must be the case for a rule to speak.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AlertCondition {
    /// Of what it speaks.
    kind: AlertKind,
    /// How many runs must fail, for `RUNS_FAILING`.
    failures: Option<i32>,
    /// Within which time, for `RUNS_FAILING`.
    within: Option<Duration>,
    /// How long is too long, for `TASK_WAITS` and `RUN_LATE`.
    longer_than: Option<Duration>,
    /// How many times the usual is too long, for `RUN_LATE`.
    times_usual: Option<f64>,
    /// Of how many runs that succeeded last the usual is the median, for `RUN_LATE`.
    of_last_runs: Option<i32>,
}

impl From<&Condition> for AlertCondition {
    fn from(condition: &Condition) -> Self {
        let mut shown = Self {
            kind: condition.kind().into(),
            failures: None,
            within: None,
            longer_than: None,
            times_usual: None,
            of_last_runs: None,
        };
        match condition {
            Condition::RunsFailing { failures, within_ms } => {
                shown.failures = Some(*failures);
                shown.within = Some(Duration(*within_ms));
            }
            Condition::TaskWaits { longer_than_ms } => shown.longer_than = longer_than_ms.map(Duration),
            Condition::RunLate {
                longer_than_ms,
                usual,
            } => {
                shown.longer_than = longer_than_ms.map(Duration);
                shown.times_usual = usual.map(|usual| usual.times);
                shown.of_last_runs = usual.map(|usual| usual.of_last);
            }
            _ => {}
        }
        shown
    }
}

/// A registered rule: what somebody wants to be told of, and through which channels.
#[derive(Clone)]
pub(crate) struct AlertRule(pub(crate) Arc<rule::AlertRule>);

impl From<rule::AlertRule> for AlertRule {
    fn from(rule: rule::AlertRule) -> Self {
        Self(Arc::new(rule))
    }
}

/// A registered rule: what somebody wants to be told of, and through which channels. It speaks of what happens after it was
/// registered.
#[Object]
impl AlertRule {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::AlertRule, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// The workflow that it speaks of; every one when absent, and none when that workflow was deleted.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        match self.0.spec.workflow {
            Some(id) => Ok(load(context, id).await?.map(Workflow)),
            None => Ok(None),
        }
    }

    /// What must be the case.
    async fn condition(&self) -> AlertCondition {
        (&self.0.spec.condition).into()
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.spec.severity.into()
    }

    /// Where its alerts go; they are recorded in any case.
    async fn channels(&self, context: &Context<'_>) -> Result<Vec<AlertChannel>> {
        let mut channels = Vec::new();
        for id in &self.0.spec.channels {
            channels.extend(load(context, *id).await?.map(AlertChannel));
        }
        Ok(channels)
    }

    /// Whether it speaks at all.
    async fn enabled(&self) -> bool {
        self.0.spec.enabled
    }

    /// For how long further causes that are alike fold into an alert, in place of raising another.
    async fn group_for(&self) -> Duration {
        Duration(self.0.spec.group_for_ms)
    }
}

/// So many runs that fail within a window.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct RunsFailingInput {
    /// How many, 1 to 1000.
    failures: i32,
    /// Within which time, at most 30 days.
    within: Duration,
}

/// A task run that waits too long.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct TaskWaitsInput {
    /// How long is too long. When absent, what the node's own start deadline says.
    longer_than: Option<Duration>,
}

/// A run that takes too long. When nothing is given, what the workflow's own deadlines say.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct RunLateInput {
    /// How long is too long.
    longer_than: Option<Duration>,
    /// How many times the usual is too long, 1 to 1000.
    times_usual: Option<f64>,
    /// Of how many runs that succeeded last the usual is the median, 3 to 200. With fewer than three there is no usual.
    #[graphql(default = 20)]
    of_last_runs: i32,
}

/// What must be the case for a rule to speak. Where a condition has nothing to say more of, it is chosen with `true`.
#[derive(Clone, Copy, Debug, OneofObject)]
pub(crate) enum AlertConditionInput {
    /// A run failed for good, or its time was over. The next run that succeeds resolves the alert.
    RunFailed(bool),
    /// A run succeeded, and the one before it had failed.
    RunRecovered(bool),
    /// So many runs failed within a window: of the rule's workflow, or of all together.
    RunsFailing(RunsFailingInput),
    /// A workflow was refused, because its nodes wait for each other.
    WorkflowRefused(bool),
    /// A task run waits too long for an executor.
    TaskWaits(TaskWaitsInput),
    /// A run is late, or takes longer than expected.
    RunLate(RunLateInput),
    /// The lease of an executor ended, be it the tenant's own or a shared one. It is resolved when one of its key is there again.
    ExecutorLost(bool),
}

impl AlertConditionInput {
    fn condition(self) -> Option<Condition> {
        match self {
            Self::RunFailed(chosen) => chosen.then_some(Condition::RunFailed),
            Self::RunRecovered(chosen) => chosen.then_some(Condition::RunRecovered),
            Self::WorkflowRefused(chosen) => chosen.then_some(Condition::WorkflowRefused),
            Self::ExecutorLost(chosen) => chosen.then_some(Condition::ExecutorLost),
            Self::RunsFailing(input) => Some(Condition::RunsFailing {
                failures: input.failures,
                within_ms: input.within.0,
            }),
            Self::TaskWaits(input) => Some(Condition::TaskWaits {
                longer_than_ms: input.longer_than.map(|time| time.0),
            }),
            Self::RunLate(input) => Some(Condition::RunLate {
                longer_than_ms: input.longer_than.map(|time| time.0),
                usual: input.times_usual.map(|times| Usual {
                    times,
                    of_last: input.of_last_runs,
                }),
            }),
        }
    }
}

/// What a rule is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct AlertRuleFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// The workflow that it speaks of; every one when absent.
    workflow: Option<ReferenceInput>,
    /// What must be the case.
    condition: AlertConditionInput,
    /// How bad it is.
    #[graphql(default_with = "Severity::Warning")]
    severity: Severity,
    /// Where its alerts go, at most 20.
    channels: Option<Vec<ReferenceInput>>,
    /// Whether it speaks at all.
    #[graphql(default = true)]
    enabled: bool,
    /// For how long further causes that are alike fold into an alert, at most a week; 5 minutes when absent.
    group_for: Option<Duration>,
}

impl Propose for AlertRuleFields {
    type Proposal = AlertRuleProposal;

    fn propose(self) -> (String, AlertRuleProposal) {
        let proposal = AlertRuleProposal {
            workflow: self.workflow.map(|workflow| workflow.resolve(Kind::Workflow)),
            condition: self.condition.condition(),
            severity: self.severity.into(),
            channels: self
                .channels
                .unwrap_or_default()
                .into_iter()
                .map(|channel| channel.resolve(Kind::AlertChannel))
                .collect(),
            enabled: self.enabled,
            group_for_ms: self.group_for.map(|time| time.0),
        };
        (self.description, proposal)
    }
}

inputs! {
    /// Registers a rule.
    RegisterAlertRuleInput,
    /// Replaces a rule as a whole: what is left out takes its default. Its key stays.
    UpdateAlertRuleInput,
    AlertRuleFields, Kind::AlertRule
}
