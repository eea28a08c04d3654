//! A workflow as clients propose it.

use async_graphql::{ID, InputObject};
use waterclock_core::command::roll_back_workflow::RollBack;
use waterclock_core::workflow::{ConductProposal, EdgeProposal, InputProposal, InputSpec, WorkflowProposal};

use super::conduct::FailureStrategy;
use super::draft::InputType;
use super::node_input::{NamedExpressionInput, WorkflowNodeInput};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::named::named;
use crate::graphql::scalar::Json;
use crate::graphql::task_node::DeadlineInput;

/// An edge: one node waits for another.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct GraphEdgeInput {
    /// The key of the node that comes first.
    from: String,
    /// The key of the node that waits for it.
    to: String,
}

/// What a run may be given under one name.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct InputDeclarationInput {
    /// The name: 1 to 63 letters, digits, `_` and `-`, beginning with a letter or `_`. Templates refer to it as
    /// `${inputs.NAME}`.
    name: String,
    /// What kind of value it is.
    r#type: InputType,
    /// Whether a run cannot start without it, unless there is a default.
    #[graphql(default)]
    required: bool,
    /// What it is when the run is given none.
    default: Option<Json>,
    /// What it may be beyond its type: a JSON Schema of at most 16 KiB. Its references stay within it, lead nowhere back, and
    /// are written `#/$defs/NAME`. A default must fit, and so must what a run is given.
    schema: Option<Json>,
    /// What it is for.
    #[graphql(default)]
    description: String,
}

/// What a workflow is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct WorkflowFields {
    /// Whether to publish the draft as well: both happen, or neither.
    #[graphql(default)]
    publish: bool,
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// The nodes: at least one, and at most as many as the service is set to take, 10,000 unless it says otherwise.
    nodes: Vec<WorkflowNodeInput>,
    /// Who waits for whom, beside what follows from what nodes require and produce; together at most as many as the service
    /// is set to take, 100,000 unless it says otherwise.
    edges: Option<Vec<GraphEdgeInput>>,
    /// What a run may be given; anything when absent or empty.
    inputs: Option<Vec<InputDeclarationInput>>,
    /// The priority of runs that name none, 0 (last) to 9 (first); 5 when absent.
    priority: Option<i32>,
    /// What a run does when one of its nodes has failed for good.
    #[graphql(default_with = "FailureStrategy::Continue")]
    failure_strategy: FailureStrategy,
    /// How long a run may take from its start, at most 365 days; unbounded when absent.
    timeout: Option<DeadlineInput>,
    /// What a successful run returns: expressions that read `inputs`, `run`, and `nodes.KEY` of every node.
    outputs: Option<Vec<NamedExpressionInput>>,
}

/// Publishes a workflow's draft.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PublishWorkflowInput {
    /// The workflow.
    pub(super) id: ID,
    /// The revision that the caller has read; another one is a conflict.
    pub(super) expected_revision: i32,
}

/// Goes back to an earlier version of a workflow.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RollBackWorkflowInput {
    /// The workflow.
    id: ID,
    /// The edition to go back to.
    number: i32,
    /// The revision that the caller has read; another one is a conflict.
    expected_revision: i32,
}

impl From<RollBackWorkflowInput> for RollBack {
    fn from(input: RollBackWorkflowInput) -> Self {
        Self {
            id: of_kind(Kind::Workflow, &input.id),
            expected_revision: input.expected_revision,
            number: input.number,
        }
    }
}

impl Propose for WorkflowFields {
    type Proposal = WorkflowProposal;

    fn propose(self) -> (String, WorkflowProposal) {
        let proposal = WorkflowProposal {
            nodes: self.nodes.into_iter().map(Into::into).collect(),
            edges: self
                .edges
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            inputs: self
                .inputs
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            priority: self.priority,
            conduct: ConductProposal {
                failure_strategy: self.failure_strategy.into(),
                timeout: self.timeout.map(Into::into),
                outputs: named(self.outputs),
            },
            publish: self.publish,
        };
        (self.description, proposal)
    }
}

impl From<GraphEdgeInput> for EdgeProposal {
    fn from(input: GraphEdgeInput) -> Self {
        Self {
            from: input.from,
            to: input.to,
        }
    }
}

impl From<InputDeclarationInput> for InputProposal {
    fn from(input: InputDeclarationInput) -> Self {
        let spec = InputSpec {
            r#type: input.r#type.into(),
            required: input.required,
            default: input.default.map(|default| default.0),
            schema: input.schema.map(|schema| schema.0),
            description: input.description,
        };
        Self {
            name: input.name,
            spec,
        }
    }
}

inputs! {
    /// Creates a workflow.
    CreateWorkflowInput,
    /// Replaces a workflow's draft as a whole: what is left out takes its default. Its key and its versions stay.
    UpdateWorkflowInput,
    WorkflowFields, Kind::Workflow
}
