//! A workflow as clients propose it.

use async_graphql::{ID, InputObject};
use waterclock_core::workflow::{EdgeProposal, InputProposal, InputSpec, NodeProposal, WorkflowProposal};

use super::draft::InputType;
use crate::graphql::id::Kind;
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::reference::ReferenceInput;
use crate::graphql::scalar::Json;
use crate::graphql::task_node::NodeSettingsFields;

/// A node: a task node under a name of its own. What it says goes before what the task node says.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct WorkflowNodeInput {
    /// Its name within the workflow: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    key: String,
    /// The task node that it uses.
    task_node: ReferenceInput,
    /// The names that it needs another node to have produced before: it waits for whichever node produces each. 1 to 127
    /// letters, digits and `-_./:@`.
    requires: Option<Vec<String>>,
    /// The names that other nodes may require. A name is produced by one node at most.
    produces: Option<Vec<String>>,
    /// What it says beyond its task node.
    #[graphql(flatten)]
    settings: NodeSettingsFields,
}

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
}

/// Publishes a workflow's draft.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PublishWorkflowInput {
    /// The workflow.
    pub(super) id: ID,
    /// The revision that the caller has read; another one is a conflict.
    pub(super) expected_revision: i32,
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
            publish: self.publish,
        };
        (self.description, proposal)
    }
}

impl From<WorkflowNodeInput> for NodeProposal {
    fn from(input: WorkflowNodeInput) -> Self {
        let task_node = input.task_node.resolve(Kind::TaskNode);
        Self {
            key: input.key,
            task_node,
            requires: input.requires.unwrap_or_default(),
            produces: input.produces.unwrap_or_default(),
            settings: input.settings.into(),
        }
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
