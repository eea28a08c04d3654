//! A node of a workflow as clients propose it.

use async_graphql::{InputObject, OneofObject};
use waterclock_core::check::Named;
use waterclock_core::workflow::{
    ApprovalSpec, BranchCase, BranchSpec, MapSpec, NodeProposal, NodeWorkProposal, ShardingProposal,
    SpreadProposal, SubWorkflowProposal, WaitSpec,
};

use super::behaviour::{Answer, ApprovalScope, BranchMode, ShardingStrategy, TriggerRule};
use crate::graphql::id::Kind;
use crate::graphql::named::named;
use crate::graphql::reference::ReferenceInput;
use crate::graphql::scalar::{Duration, Json};
use crate::graphql::task_node::NodeSettingsFields;

/// A node: what it does, of `taskNode`, `workflow`, `branch`, `approval` and `wait` exactly one, and when, how often and for whom
/// it does it. What it says goes before what its task node says.
///
/// Expressions are in CEL. They read `inputs`, `run`, and `nodes.KEY` of the nodes that come before this one.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct WorkflowNodeInput {
    /// Its name within the workflow: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    key: String,
    /// The task node that it uses.
    task_node: Option<ReferenceInput>,
    /// The workflow that it runs.
    workflow: Option<SubWorkflowInput>,
    /// How it chooses which of the nodes that wait for it run.
    branch: Option<BranchInput>,
    /// What it asks people.
    approval: Option<ApprovalInput>,
    /// What it waits for.
    wait: Option<WaitInput>,
    /// The names that it needs another node to have produced before: it waits for whichever node produces each. 1 to 127
    /// letters, digits and `-_./:@`.
    requires: Option<Vec<String>>,
    /// The names that other nodes may require. A name is produced by one node at most.
    produces: Option<Vec<String>>,
    /// When it starts, by how the nodes before it ended.
    #[graphql(default_with = "TriggerRule::AllSuccess")]
    trigger_rule: TriggerRule,
    /// An expression that must be true when it starts; it is skipped otherwise. Evaluated once, also for a node that is spread.
    condition: Option<String>,
    /// Whether it passes as a success without being done.
    #[graphql(default)]
    disabled: bool,
    /// Runs it once per item of a list; of this, `sharding` and `broadcast` one at most.
    map: Option<MapOverInput>,
    /// Runs it once per shard.
    sharding: Option<ShardingInput>,
    /// Runs it once on every live executor that it may run on.
    #[graphql(default)]
    broadcast: bool,
    /// What it says beyond its task node.
    #[graphql(flatten)]
    settings: NodeSettingsFields,
}

/// An expression under a name.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct NamedExpressionInput {
    /// The name: 1 to 63 letters, digits, `_` and `-`, beginning with a letter or `_`.
    name: String,
    /// The expression, in CEL.
    value: String,
}

/// A workflow that is run within another: a run of its own, whose outputs become the node's.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct SubWorkflowInput {
    /// The workflow's key; a workflow may name itself, and how deep runs go is bounded when they run. The version that is
    /// published when the node starts is run.
    key: String,
    /// What it is given: inputs that it declares, each of the kind that it declares. Where the node is mapped, they read `item`
    /// and `index` too.
    inputs: Option<Vec<NamedExpressionInput>>,
}

/// A choice among the nodes that wait for this one. Each of them is in a case or in `otherwise`; those that are not chosen are
/// skipped.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BranchInput {
    /// Looked at in order, at least one.
    cases: Vec<BranchCaseInput>,
    /// The keys of the nodes that run when no case holds.
    otherwise: Option<Vec<String>>,
    /// How many cases may count.
    #[graphql(default_with = "BranchMode::First")]
    mode: BranchMode,
}

/// One case of a branch.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BranchCaseInput {
    /// An expression that gives true or false.
    when: String,
    /// The keys of the nodes that run when it is true, at least one; each waits for the branch.
    then: Vec<String>,
}

/// A question to people.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ApprovalInput {
    /// What is asked, a template.
    #[graphql(default)]
    question: String,
    /// The scope that whoever answers needs.
    #[graphql(default_with = "ApprovalScope::Operator")]
    scope: ApprovalScope,
    /// A JSON Schema of what is to be filled in, an object of at most 32 KiB; nothing when absent.
    form: Option<Json>,
    /// How long the question stands, at most 365 days; for ever when absent.
    deadline: Option<Duration>,
    /// The answer when nobody gives one in time.
    #[graphql(default_with = "Answer::Reject")]
    default: Answer,
    /// Whether whoever started the run may not answer.
    #[graphql(default)]
    bars_starter: bool,
}

/// What a node waits for: one of these.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum WaitInput {
    /// Until so much time has passed, at most 365 days.
    Duration(Duration),
    /// Until the instant that this expression gives: a timestamp, or its text by RFC 3339. One that is past is no wait.
    Until(String),
    /// Until somebody publishes this event. One that was published since the run was accepted counts.
    Event(AwaitedEventInput),
}

/// An event that a node waits for.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct AwaitedEventInput {
    /// The event's name: 1 to 127 letters, digits and `-_./:`.
    name: String,
    /// An expression that gives the key which the event must have; any will do when absent.
    key: Option<String>,
    /// How long it waits before it fails, at most 365 days; for ever when absent.
    deadline: Option<Duration>,
}

/// How a node runs over a list that is known when it starts: once per item. Its templates read `${item}`, `${index}` and
/// `${count}`.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct MapOverInput {
    /// An expression that gives the list.
    items: String,
    /// How many items run at once, at least 1; unbounded when absent.
    parallelism: Option<i32>,
    /// The share of the items that may fail, 0 to 1, before the node does.
    #[graphql(default)]
    tolerated_failures: f64,
}

/// How a node is cut into shards, each a task run of its own that knows its index.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ShardingInput {
    /// How many shards there are, 1 to 1,000.
    count: i32,
    /// Which executor gets which of them.
    #[graphql(default_with = "ShardingStrategy::Average")]
    strategy: ShardingStrategy,
    /// What each shard is given, by its index from 0: `0=Beijing,1=Shanghai`. A parameter holds no comma.
    #[graphql(default)]
    parameters: String,
}

impl From<WorkflowNodeInput> for NodeProposal {
    fn from(input: WorkflowNodeInput) -> Self {
        let task_node = input
            .task_node
            .map(|task_node| NodeWorkProposal::TaskNode(task_node.resolve(Kind::TaskNode)));
        let works = [
            task_node,
            input
                .workflow
                .map(|workflow| NodeWorkProposal::Workflow(workflow.into())),
            input.branch.map(|branch| NodeWorkProposal::Branch(branch.into())),
            input
                .approval
                .map(|approval| NodeWorkProposal::Approval(approval.into())),
            input.wait.map(|wait| NodeWorkProposal::Wait(wait.into())),
        ];
        let spreads = [
            input.map.map(|map| SpreadProposal::Map(map.into())),
            input
                .sharding
                .map(|sharding| SpreadProposal::Sharding(sharding.into())),
            input.broadcast.then_some(SpreadProposal::Broadcast),
        ];
        Self {
            key: input.key,
            work: works.into_iter().flatten().collect(),
            requires: input.requires.unwrap_or_default(),
            produces: input.produces.unwrap_or_default(),
            trigger_rule: input.trigger_rule.into(),
            condition: input.condition,
            disabled: input.disabled,
            spread: spreads.into_iter().flatten().collect(),
            settings: input.settings.into(),
        }
    }
}

impl From<NamedExpressionInput> for Named {
    fn from(input: NamedExpressionInput) -> Self {
        Self {
            name: input.name,
            value: input.value,
        }
    }
}

impl From<SubWorkflowInput> for SubWorkflowProposal {
    fn from(input: SubWorkflowInput) -> Self {
        Self {
            key: input.key,
            inputs: named(input.inputs),
        }
    }
}

impl From<BranchInput> for BranchSpec {
    fn from(input: BranchInput) -> Self {
        let case = |case: BranchCaseInput| BranchCase {
            when: case.when,
            then: case.then,
        };
        Self {
            cases: input.cases.into_iter().map(case).collect(),
            otherwise: input.otherwise.unwrap_or_default(),
            mode: input.mode.into(),
        }
    }
}

impl From<ApprovalInput> for ApprovalSpec {
    fn from(input: ApprovalInput) -> Self {
        Self {
            question: input.question,
            scope: input.scope.word().to_owned(),
            form: input.form.map(|form| form.0),
            deadline_ms: input.deadline.map(|deadline| deadline.0),
            default: input.default.into(),
            bars_starter: input.bars_starter,
        }
    }
}

impl From<WaitInput> for WaitSpec {
    fn from(input: WaitInput) -> Self {
        match input {
            WaitInput::Duration(duration) => Self::Duration { for_ms: duration.0 },
            WaitInput::Until(at) => Self::Instant { at },
            WaitInput::Event(event) => Self::Event {
                name: event.name,
                key: event.key,
                deadline_ms: event.deadline.map(|deadline| deadline.0),
            },
        }
    }
}

impl From<MapOverInput> for MapSpec {
    fn from(input: MapOverInput) -> Self {
        Self {
            items: input.items,
            parallelism: input.parallelism,
            tolerated_failures: input.tolerated_failures,
        }
    }
}

impl From<ShardingInput> for ShardingProposal {
    fn from(input: ShardingInput) -> Self {
        Self {
            count: input.count,
            strategy: input.strategy.into(),
            parameters: input.parameters,
        }
    }
}
