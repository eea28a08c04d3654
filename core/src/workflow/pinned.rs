//! A workflow version as runs use it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{WorkflowId, WorkflowVersionId};

use super::{Definition, Graph, InputSchemas, InputSpec, NodeSpec};

/// A version, read once and kept: it never changes.
#[derive(Debug)]
pub struct PinnedVersion {
    /// The version.
    pub id: WorkflowVersionId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// The key of its workflow.
    pub workflow: Arc<str>,
    /// The priority of runs that name none.
    pub priority: i16,
    /// The task nodes, by place.
    pub nodes: Vec<Arc<NodeSpec>>,
    /// The keys of the nodes, by place.
    pub graph: Graph,
    /// What a run may be given.
    pub inputs: BTreeMap<String, InputSpec>,
    /// What the inputs may be beyond their types.
    pub schemas: InputSchemas,
}

impl PinnedVersion {
    /// The version `id` of the workflow, from what was stored.
    #[must_use]
    pub fn new(
        id: WorkflowVersionId,
        workflow_id: WorkflowId,
        workflow: &str,
        priority: i16,
        definition: Definition,
    ) -> Self {
        Self {
            id,
            workflow_id,
            workflow: workflow.into(),
            priority,
            graph: Graph::of(definition.nodes.len(), &definition.edges),
            nodes: definition.nodes.into_iter().map(Arc::new).collect(),
            schemas: InputSchemas::of(&definition.inputs),
            inputs: definition.inputs,
        }
    }

    /// The node at `place`.
    #[must_use]
    pub fn node(&self, place: i32) -> &Arc<NodeSpec> {
        &self.nodes[usize::try_from(place).expect("places of nodes are not negative")]
    }

    /// The nodes that wait for the node at `place`.
    pub fn children(&self, place: i32) -> impl Iterator<Item = i32> {
        let place = u32::try_from(place).expect("places of nodes are not negative");
        self.graph
            .children(place)
            .iter()
            .map(|&child| i32::try_from(child).expect("the number of nodes is bounded far below 2^31"))
    }

    /// The nodes that can never start when the node at `place` failed for good.
    #[must_use]
    pub fn descendants(&self, place: i32) -> Vec<i32> {
        let place = u32::try_from(place).expect("places of nodes are not negative");
        let found = self.graph.descendants([place]);
        found
            .into_iter()
            .map(|node| i32::try_from(node).expect("the number of nodes is bounded far below 2^31"))
            .collect()
    }

    /// The priority of the node at `place` in a run of priority `run`.
    #[must_use]
    pub fn priority_of(&self, place: i32, run: i16) -> i16 {
        self.node(place).priority.unwrap_or(run)
    }
}
