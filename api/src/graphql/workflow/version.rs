//! Editions of workflows.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::workflow::graph::Outline;
use waterclock_core::workflow::{self, Definition, NodeSpec, Work};

use super::behaviour::NodeBehaviour;
use super::conduct::Conduct;
use super::draft::{GraphEdge, InputDeclaration, edges, inputs};
use super::graph::WorkflowGraph;
use super::object::Workflow;
use crate::graphql::connection::weight_of_whole;
use crate::graphql::endpoint::PinnedEndpoint;
use crate::graphql::id::{Kind, encode};
use crate::graphql::loader::{DefinitionOf, load};
use crate::graphql::program::PinnedProgram;
use crate::graphql::scalar::{DateTime, Duration};
use crate::graphql::task_node::{Deadline, Overdue, RetryPolicy, WorkKind};

/// An edition of a workflow.
#[derive(Clone, Debug)]
pub(crate) struct WorkflowVersion(pub workflow::WorkflowVersion);

impl WorkflowVersion {
    /// What it holds, read only when it is asked for.
    pub(super) async fn definition(&self, context: &Context<'_>) -> Result<Arc<Definition>> {
        Ok(load(context, DefinitionOf(self.0.id)).await?.unwrap_or_default())
    }
}

/// An immutable edition of a workflow, complete with the program or endpoint of every node as it was when it was published.
#[Object]
impl WorkflowVersion {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::WorkflowVersion, self.0.id)
    }

    /// The edition, from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// The workflow; absent once it was deleted.
    async fn workflow(&self, context: &Context<'_>) -> Result<Option<Workflow>> {
        Ok(load(context, self.0.workflow_id).await?.map(Workflow))
    }

    /// The workflow's key, which outlives the workflow.
    async fn workflow_key(&self) -> &str {
        &self.0.workflow_key
    }

    /// The priority of runs that name none, 0 (last) to 9 (first).
    async fn priority(&self) -> i32 {
        self.0.priority.into()
    }

    /// What a run may be given; anything when empty.
    async fn inputs(&self, context: &Context<'_>) -> Result<Vec<InputDeclaration>> {
        Ok(inputs(&self.definition(context).await?.inputs))
    }

    /// How its runs go as a whole.
    #[graphql(flatten)]
    async fn conduct(&self, context: &Context<'_>) -> Result<Conduct> {
        Ok(Conduct(self.definition(context).await?.conduct.clone()))
    }

    /// The nodes, by place.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<VersionNode>> {
        let definition = self.definition(context).await?;
        let node = |place| VersionNode {
            definition: Arc::clone(&definition),
            place,
        };
        Ok((0..definition.nodes.len()).map(node).collect())
    }

    /// Who waits for whom, given and derived.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<GraphEdge>> {
        let definition = self.definition(context).await?;
        Ok(edges(&definition.edges, |place| &definition.nodes[place].key))
    }

    /// The graph.
    async fn graph(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "Whether to show one START before all and one END behind all; they are stored nowhere.",
            default = false
        )]
        with_virtual_nodes: bool,
    ) -> Result<WorkflowGraph> {
        let definition = self.definition(context).await?;
        let outline = Outline::of_version(&definition, with_virtual_nodes);
        Ok(WorkflowGraph::new(outline, self.0.workflow_id))
    }

    /// The subject of the token that published it.
    async fn published_by(&self) -> &str {
        &self.0.published_by
    }

    /// When it was published.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

/// A node of a version.
pub(crate) struct VersionNode {
    /// What the version holds.
    pub(crate) definition: Arc<Definition>,
    /// The node's place in it.
    pub(crate) place: usize,
}

impl VersionNode {
    fn spec(&self) -> &NodeSpec {
        &self.definition.nodes[self.place]
    }
}

/// A node of a version, as it was when the version was published.
#[Object]
impl VersionNode {
    /// Its name within the workflow.
    async fn key(&self) -> &str {
        &self.spec().key
    }

    /// What it does.
    async fn kind(&self) -> WorkKind {
        match self.spec().work {
            Work::NoOp => WorkKind::NoOp,
            Work::Program(_) => WorkKind::Program,
            Work::Endpoint(_) => WorkKind::Endpoint,
            Work::Workflow(_) => WorkKind::Workflow,
            Work::Branch(_) => WorkKind::Branch,
            Work::Approval(_) => WorkKind::Approval,
            Work::Wait(_) => WorkKind::Wait,
        }
    }

    /// The program that it runs, if it runs one, with the node's arguments and variables merged in.
    async fn program(&self) -> Option<PinnedProgram<'_>> {
        match &self.spec().work {
            Work::Program(program) => Some(PinnedProgram(program)),
            _ => None,
        }
    }

    /// The endpoint that it calls, if it calls one.
    async fn endpoint(&self) -> Option<PinnedEndpoint<'_>> {
        match &self.spec().work {
            Work::Endpoint(endpoint) => Some(PinnedEndpoint(endpoint)),
            _ => None,
        }
    }

    /// The names that it needs another node to have produced before.
    async fn requires(&self) -> &[String] {
        &self.spec().requires
    }

    /// The names that other nodes may require.
    async fn produces(&self) -> &[String] {
        &self.spec().produces
    }

    /// What an executor must offer to be given it.
    async fn required_labels(&self) -> &[String] {
        &self.spec().required_labels
    }

    /// 0 (last) to 9 (first); the run's own priority when absent.
    async fn priority(&self) -> Option<i32> {
        self.spec().priority.map(i32::from)
    }

    /// How many slots of an executor it takes while it runs.
    async fn cost(&self) -> i32 {
        self.spec().cost.into()
    }

    /// How long an attempt may take; unbounded when absent.
    async fn timeout(&self) -> Option<Duration> {
        self.spec().timeout_ms.map(Duration)
    }

    /// What becomes of an attempt that takes longer.
    async fn on_timeout(&self) -> Overdue {
        self.spec().on_timeout.into()
    }

    /// How long it may wait for its first attempt to start; unbounded when absent.
    async fn start_deadline(&self) -> Option<Deadline> {
        self.spec().start_deadline.map(Into::into)
    }

    /// Whether its failure counts as success: for the nodes that wait for it, and for its run.
    async fn allow_failure(&self) -> bool {
        self.spec().allow_failure
    }

    /// When, how often and for whom it runs.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn behaviour(&self) -> NodeBehaviour<'_> {
        self.spec().into()
    }

    /// How long a program has between TERM and KILL.
    async fn grace(&self) -> Duration {
        Duration(self.spec().grace_ms)
    }

    /// When a task run is tried again.
    async fn retry(&self) -> RetryPolicy {
        (&self.spec().retry).into()
    }
}
