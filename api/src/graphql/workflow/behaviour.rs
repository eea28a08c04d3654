//! When, how often and for whom a node runs, and the work that the service does itself.

use async_graphql::{Enum, Object, SimpleObject};
use waterclock_core::workflow::{
    self, ApprovalSpec, BranchCase, BranchSpec, DraftNode, MapSpec, NodeSpec, NodeWork, ShardingSpec, Spread,
    SubWorkflowSpec, WaitSpec, Work,
};

use crate::graphql::scalar::{Duration, Json};

/// When a node starts, by how the nodes before it ended. The names and their meaning are Airflow's. A node before it that failed
/// although it may counts as one that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::TriggerRule")]
pub(crate) enum TriggerRule {
    /// All succeeded.
    AllSuccess,
    /// All failed, or never started because one before them failed.
    AllFailed,
    /// All have ended, however.
    AllDone,
    /// All have ended, and at least one succeeded.
    AllDoneMinOneSuccess,
    /// All were skipped.
    AllSkipped,
    /// One failed. The others are not waited for.
    OneFailed,
    /// One succeeded. The others are not waited for.
    OneSuccess,
    /// One succeeded or failed. The others are not waited for.
    OneDone,
    /// All have ended, and none failed: each succeeded or was skipped.
    NoneFailed,
    /// All have ended, none failed, and at least one succeeded.
    NoneFailedMinOneSuccess,
    /// All have ended, and none was skipped.
    NoneSkipped,
    /// At once, whatever the nodes before it do.
    Always,
}

/// How shards are dealt to the live executors, in the order of their keys. The names are `ElasticJob`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::ShardingStrategy")]
pub(crate) enum ShardingStrategy {
    /// Neighbours together; the remainder is dealt from the first executor on: 8 over 3 are `[0,1,6] [2,3,7] [4,5]`.
    Average,
    /// Shard i to executor i mod m: 8 over 3 are `[0,3,6] [1,4,7] [2,5]`.
    RoundRobin,
    /// As `AVERAGE`, with the executors rotated by a hash of the node's key.
    Rotate,
    /// As `AVERAGE`, with the executors in descending order when the hash of the node's key is even.
    Odevity,
}

/// How many cases of a branch may count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::BranchMode")]
pub(crate) enum BranchMode {
    /// The first that holds.
    First,
    /// Every one that holds.
    All,
}

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::Answer")]
pub(crate) enum Answer {
    /// The node succeeds.
    Approve,
    /// The node fails.
    Reject,
}

/// The scope that whoever answers a question needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ApprovalScope {
    /// Whoever may start runs.
    Operator,
    /// Whoever may change workflows.
    Developer,
    /// Whoever may do everything.
    Admin,
}

impl ApprovalScope {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Operator, "operator"),
        (Self::Developer, "developer"),
        (Self::Admin, "admin"),
    ];

    /// Its name among scopes.
    pub(super) fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(scope, _)| *scope == self);
        known.map_or("", |(_, word)| word)
    }

    /// The scope of this name.
    pub(crate) fn of(word: &str) -> Self {
        let known = Self::ALL.iter().find(|(_, known)| *known == word);
        known.map_or(Self::Admin, |(scope, _)| *scope)
    }
}

/// An expression under a name.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct NamedExpression {
    /// The name.
    name: String,
    /// The expression, in CEL.
    value: String,
}

/// Expressions by name.
pub(crate) fn named_expressions(map: &std::collections::BTreeMap<String, String>) -> Vec<NamedExpression> {
    let entry = |(name, value): (&String, &String)| NamedExpression {
        name: name.clone(),
        value: value.clone(),
    };
    map.iter().map(entry).collect()
}

/// A workflow that is run within another.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct SubWorkflow {
    /// The workflow's key. The version that is published when the node starts is run.
    key: String,
    /// What it is given.
    inputs: Vec<NamedExpression>,
}

impl From<&SubWorkflowSpec> for SubWorkflow {
    fn from(spec: &SubWorkflowSpec) -> Self {
        Self {
            key: spec.key.clone(),
            inputs: named_expressions(&spec.inputs),
        }
    }
}

/// A choice among the nodes that wait for this one.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Branch {
    /// Looked at in order.
    cases: Vec<Case>,
    /// The keys of the nodes that run when no case holds.
    otherwise: Vec<String>,
    /// How many cases may count.
    mode: BranchMode,
}

/// One case of a branch.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "BranchCase")]
pub(crate) struct Case {
    /// An expression in CEL that gives true or false.
    when: String,
    /// The keys of the nodes that run when it is true.
    then: Vec<String>,
}

impl From<&BranchSpec> for Branch {
    fn from(spec: &BranchSpec) -> Self {
        let case = |case: &BranchCase| Case {
            when: case.when.clone(),
            then: case.then.clone(),
        };
        Self {
            cases: spec.cases.iter().map(case).collect(),
            otherwise: spec.otherwise.clone(),
            mode: spec.mode.into(),
        }
    }
}

/// A question to people.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Approval {
    /// What is asked, a template.
    question: String,
    /// The scope that whoever answers needs.
    scope: ApprovalScope,
    /// A JSON Schema of what is to be filled in; nothing when absent.
    form: Option<Json>,
    /// How long the question stands; for ever when absent.
    deadline: Option<Duration>,
    /// The answer when nobody gives one in time.
    default: Answer,
    /// Whether whoever started the run may not answer.
    bars_starter: bool,
}

impl From<&ApprovalSpec> for Approval {
    fn from(spec: &ApprovalSpec) -> Self {
        Self {
            question: spec.question.clone(),
            scope: ApprovalScope::of(&spec.scope),
            form: spec.form.clone().map(Json),
            deadline: spec.deadline_ms.map(Duration),
            default: spec.default.into(),
            bars_starter: spec.bars_starter,
        }
    }
}

/// What a node waits for: one of these.
#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct Wait {
    /// Until so much time has passed.
    duration: Option<Duration>,
    /// Until the instant that this expression in CEL gives.
    until: Option<String>,
    /// Until somebody publishes this event.
    event: Option<AwaitedEvent>,
}

/// An event that a node waits for.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AwaitedEvent {
    /// The event's name.
    name: String,
    /// An expression in CEL that gives the key which the event must have; any will do when absent.
    key: Option<String>,
    /// How long it waits before it fails; for ever when absent.
    deadline: Option<Duration>,
}

impl From<&WaitSpec> for Wait {
    fn from(spec: &WaitSpec) -> Self {
        let mut wait = Self::default();
        match spec {
            WaitSpec::Duration { for_ms } => wait.duration = Some(Duration(*for_ms)),
            WaitSpec::Instant { at } => wait.until = Some(at.clone()),
            WaitSpec::Event {
                name,
                key,
                deadline_ms,
            } => {
                wait.event = Some(AwaitedEvent {
                    name: name.clone(),
                    key: key.clone(),
                    deadline: deadline_ms.map(Duration),
                });
            }
        }
        wait
    }
}

/// How a node runs over a list that is known when it starts.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct MapOver {
    /// An expression in CEL that gives the list.
    items: String,
    /// How many items run at once; unbounded when absent.
    parallelism: Option<i32>,
    /// The share of the items that may fail, 0 to 1, before the node does.
    tolerated_failures: f64,
}

impl From<&MapSpec> for MapOver {
    fn from(spec: &MapSpec) -> Self {
        Self {
            items: spec.items.clone(),
            parallelism: spec.parallelism,
            tolerated_failures: spec.tolerated_failures,
        }
    }
}

/// How a node is cut into shards.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Sharding {
    /// How many shards there are.
    count: i32,
    /// Which executor gets which of them.
    strategy: ShardingStrategy,
    /// What each shard is given, by its index: `0=Beijing,1=Shanghai`.
    parameters: String,
}

impl From<&ShardingSpec> for Sharding {
    fn from(spec: &ShardingSpec) -> Self {
        Self {
            count: spec.count,
            strategy: spec.strategy.into(),
            parameters: spec.parameters_text(),
        }
    }
}

/// The work of a node, as far as it uses no task node.
enum OwnWork<'a> {
    None,
    Workflow(&'a SubWorkflowSpec),
    Branch(&'a BranchSpec),
    Approval(&'a ApprovalSpec),
    Wait(&'a WaitSpec),
}

/// When, how often and for whom a node runs.
pub(super) struct NodeBehaviour<'a> {
    trigger_rule: workflow::TriggerRule,
    condition: Option<&'a str>,
    is_disabled: bool,
    spread: Option<&'a Spread>,
    work: OwnWork<'a>,
}

impl<'a> From<&'a DraftNode> for NodeBehaviour<'a> {
    fn from(node: &'a DraftNode) -> Self {
        Self {
            trigger_rule: node.trigger_rule,
            condition: node.condition.as_deref(),
            is_disabled: node.disabled,
            spread: node.spread.as_ref(),
            work: match &node.work {
                NodeWork::TaskNode(_) => OwnWork::None,
                NodeWork::Workflow(spec) => OwnWork::Workflow(spec),
                NodeWork::Branch(spec) => OwnWork::Branch(spec),
                NodeWork::Approval(spec) => OwnWork::Approval(spec),
                NodeWork::Wait(spec) => OwnWork::Wait(spec),
            },
        }
    }
}

impl<'a> From<&'a NodeSpec> for NodeBehaviour<'a> {
    fn from(node: &'a NodeSpec) -> Self {
        Self {
            trigger_rule: node.trigger_rule,
            condition: node.condition.as_deref(),
            is_disabled: node.disabled,
            spread: node.spread.as_ref(),
            work: match &node.work {
                Work::NoOp | Work::Program(_) | Work::Endpoint(_) => OwnWork::None,
                Work::Workflow(spec) => OwnWork::Workflow(spec),
                Work::Branch(spec) => OwnWork::Branch(spec),
                Work::Approval(spec) => OwnWork::Approval(spec),
                Work::Wait(spec) => OwnWork::Wait(spec),
            },
        }
    }
}

/// When, how often and for whom a node runs.
#[Object]
impl NodeBehaviour<'_> {
    /// When it starts, by how the nodes before it ended.
    async fn trigger_rule(&self) -> TriggerRule {
        self.trigger_rule.into()
    }

    /// An expression in CEL that must be true when it starts; it is skipped otherwise.
    async fn condition(&self) -> Option<&str> {
        self.condition
    }

    /// Whether it passes as a success without being done.
    async fn disabled(&self) -> bool {
        self.is_disabled
    }

    /// The list that it runs over, if it does.
    async fn map(&self) -> Option<MapOver> {
        match self.spread {
            Some(Spread::Map(spec)) => Some(spec.into()),
            _ => None,
        }
    }

    /// The shards that it is cut into, if it is.
    async fn sharding(&self) -> Option<Sharding> {
        match self.spread {
            Some(Spread::Shards(spec)) => Some(spec.into()),
            _ => None,
        }
    }

    /// Whether it runs once on every live executor that it may run on.
    async fn broadcast(&self) -> bool {
        matches!(self.spread, Some(Spread::Broadcast))
    }

    /// The workflow that it runs, if it runs one.
    async fn workflow(&self) -> Option<SubWorkflow> {
        match self.work {
            OwnWork::Workflow(spec) => Some(spec.into()),
            _ => None,
        }
    }

    /// What it chooses by, if it is a branch.
    async fn branch(&self) -> Option<Branch> {
        match self.work {
            OwnWork::Branch(spec) => Some(spec.into()),
            _ => None,
        }
    }

    /// What it asks, if it asks people.
    async fn approval(&self) -> Option<Approval> {
        match self.work {
            OwnWork::Approval(spec) => Some(spec.into()),
            _ => None,
        }
    }

    /// What it waits for, if it waits.
    async fn wait(&self) -> Option<Wait> {
        match self.work {
            OwnWork::Wait(spec) => Some(spec.into()),
            _ => None,
        }
    }
}
