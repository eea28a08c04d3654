//! What the next version of a workflow will hold, and the parts that drafts and versions share.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use waterclock_core::workflow::{self, Edge, InputSpec};

use super::behaviour::NodeBehaviour;
use super::conduct::Conduct;
use crate::graphql::connection::weight_of_whole;
use crate::graphql::loader::load;
use crate::graphql::scalar::Json;
use crate::graphql::task_node::{NodeSettings, TaskNode};

/// The kind of value that a run is given under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::InputType")]
pub(crate) enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Any JSON.
    Json,
}

/// What a run may be given under one name.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct InputDeclaration {
    /// The name.
    name: String,
    /// What kind of value it is.
    r#type: InputType,
    /// Whether a run cannot start without it, unless there is a default.
    required: bool,
    /// What it is when the run is given none.
    default: Option<Json>,
    /// What it may be beyond its type: a JSON Schema.
    schema: Option<Json>,
    /// What it is for.
    description: String,
}

/// The inputs that a workflow declares, by name.
pub(super) fn inputs(specs: &BTreeMap<String, InputSpec>) -> Vec<InputDeclaration> {
    let input = |(name, spec): (&String, &InputSpec)| InputDeclaration {
        name: name.clone(),
        r#type: spec.r#type.into(),
        required: spec.required,
        default: spec.default.clone().map(Json),
        schema: spec.schema.clone().map(Json),
        description: spec.description.clone(),
    };
    specs.iter().map(input).collect()
}

/// An edge of a graph: one node waits for another.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct GraphEdge {
    /// The key of the node that comes first.
    from: String,
    /// The key of the node that waits for it.
    to: String,
}

/// Edges with the keys of their nodes, which `key` knows by place.
pub(super) fn edges<'a>(edges: &[Edge], key: impl Fn(usize) -> &'a str) -> Vec<GraphEdge> {
    let edge = |edge: &Edge| GraphEdge {
        from: key(edge.from as usize).to_owned(),
        to: key(edge.to as usize).to_owned(),
    };
    edges.iter().map(edge).collect()
}

/// What the next version of a workflow will hold.
pub(crate) struct WorkflowDraft(pub(super) Arc<workflow::Workflow>);

/// What the next version of a workflow will hold.
#[Object]
impl WorkflowDraft {
    /// The priority of runs that name none, 0 (last) to 9 (first).
    async fn priority(&self) -> i32 {
        self.0.spec.priority.into()
    }

    /// What a run may be given; anything when empty.
    async fn inputs(&self) -> Vec<InputDeclaration> {
        inputs(&self.0.spec.inputs)
    }

    /// How its runs go as a whole.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn conduct(&self) -> Conduct {
        Conduct(self.0.spec.conduct.clone())
    }

    /// The nodes, in the order in which they were given.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn nodes(&self) -> Vec<DraftNode> {
        (0..self.0.spec.nodes.len())
            .map(|place| DraftNode {
                workflow: Arc::clone(&self.0),
                place,
            })
            .collect()
    }

    /// The edges that were given. Those that follow from what nodes require are in `Workflow.graph`.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn edges(&self) -> Vec<GraphEdge> {
        edges(&self.0.spec.edges, |place| &self.0.spec.nodes[place].key)
    }
}

/// A node of a draft.
pub(crate) struct DraftNode {
    workflow: Arc<workflow::Workflow>,
    place: usize,
}

impl DraftNode {
    fn node(&self) -> &workflow::DraftNode {
        &self.workflow.spec.nodes[self.place]
    }
}

/// A node of a draft: what it does, under a name of its own, and when, how often and for whom it does it.
#[Object]
impl DraftNode {
    /// Its name within the workflow.
    async fn key(&self) -> &str {
        &self.node().key
    }

    /// The task node that it uses, unless the service does its work itself.
    async fn task_node(&self, context: &Context<'_>) -> Result<Option<TaskNode>> {
        match self.node().work.task_node() {
            Some(id) => Ok(load(context, id).await?.map(TaskNode)),
            None => Ok(None),
        }
    }

    /// The names that it needs another node to have produced before.
    async fn requires(&self) -> &[String] {
        &self.node().requires
    }

    /// The names that other nodes may require.
    async fn produces(&self) -> &[String] {
        &self.node().produces
    }

    /// When, how often and for whom it runs.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn behaviour(&self) -> NodeBehaviour<'_> {
        self.node().into()
    }

    /// What it says beyond its task node.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn settings(&self) -> NodeSettings<'_> {
        NodeSettings(&self.node().settings)
    }
}
