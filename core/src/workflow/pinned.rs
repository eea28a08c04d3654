//! A workflow version as runs use it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::expression::{Expression, ExpressionError, Scope};
use crate::id::{WorkflowId, WorkflowVersionId};

use super::{
    Conduct, Definition, FailureStrategy, Graph, InputSchemas, InputSpec, NodeSpec, Overdue, TriggerRule,
    WaitSpec, Work,
};

/// A version, read once and kept: it never changes.
#[derive(Debug)]
pub struct PinnedVersion {
    /// The version.
    pub id: WorkflowVersionId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// The key of its workflow.
    pub workflow: Arc<str>,
    /// The edition, from 1.
    pub number: i32,
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
    /// How its runs go as a whole.
    pub conduct: Conduct,
    /// Whether nodes by place are plain.
    plain: Vec<bool>,
    /// Its expressions, as far as they were evaluated. There are no more than it has texts.
    expressions: Mutex<HashMap<String, Expression>>,
}

impl PinnedVersion {
    /// The version `id` of the workflow, from what was stored.
    #[must_use]
    pub fn new(
        id: WorkflowVersionId,
        workflow_id: WorkflowId,
        workflow: &str,
        number: i32,
        priority: i16,
        definition: Definition,
    ) -> Self {
        Self {
            plain: definition.nodes.iter().map(is_plain).collect(),
            number,
            id,
            workflow_id,
            workflow: workflow.into(),
            priority,
            graph: Graph::of(definition.nodes.len(), &definition.edges),
            nodes: definition.nodes.into_iter().map(Arc::new).collect(),
            schemas: InputSchemas::of(&definition.inputs),
            inputs: definition.inputs,
            conduct: definition.conduct,
            expressions: Mutex::default(),
        }
    }

    /// An expression of this version, which was checked when it was saved.
    pub fn expression(&self, text: &str) -> Result<Expression, ExpressionError> {
        let mut known = self.expressions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(expression) = known.get(text) {
            return Ok(expression.clone());
        }
        let expression = Expression::parse(text, &Scope::unchecked())?;
        known.insert(text.to_owned(), expression.clone());
        Ok(expression)
    }

    /// Whether the node at `place` starts as soon as all its parents have succeeded, and executors do all of it.
    #[must_use]
    pub fn is_plain(&self, place: i32) -> bool {
        self.plain[usize::try_from(place).expect("places of nodes are not negative")]
    }

    /// Whether runs need a look of their own when all their nodes have ended: because nodes handle failures, or because the
    /// runs return something.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        !self.conduct.outputs.is_empty()
            || self
                .nodes
                .iter()
                .any(|node| matches!(node.trigger_rule, TriggerRule::OneFailed | TriggerRule::AllFailed))
    }

    /// Whether timers may be set for runs.
    #[must_use]
    pub fn sets_timers(&self) -> bool {
        self.conduct.timeout.is_some() || self.nodes.iter().any(|node| sets_timers(node))
    }

    /// Whether nothing more starts once a node has failed for good.
    #[must_use]
    pub fn ends_on_failure(&self) -> bool {
        self.conduct.failure_strategy != FailureStrategy::Continue
    }

    /// How many nodes the node at `place` waits for.
    #[must_use]
    pub fn parents_of(&self, place: i32) -> i32 {
        let place = usize::try_from(place).expect("places of nodes are not negative");
        i32::try_from(self.graph.parent_counts()[place]).expect("a workflow has at most 100,000 edges")
    }

    /// The place of the node with this key.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Option<i32> {
        let place = self.nodes.iter().position(|node| node.key == key)?;
        i32::try_from(place).ok()
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

    /// The nodes that each of the nodes at `places` waits for.
    #[must_use]
    pub fn parents_by_child(&self, places: &BTreeSet<i32>) -> BTreeMap<i32, Vec<i32>> {
        let mut parents: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for place in (0..).take(self.nodes.len()) {
            for child in self.children(place).filter(|child| places.contains(child)) {
                parents.entry(child).or_default().push(place);
            }
        }
        parents
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

fn is_plain(node: &NodeSpec) -> bool {
    node.work.is_for_executors()
        && node.trigger_rule == TriggerRule::AllSuccess
        && node.condition.is_none()
        && !node.disabled
        && node.spread.is_none()
        && node.start_deadline.is_none()
}

fn sets_timers(node: &NodeSpec) -> bool {
    let waits = match &node.work {
        Work::Approval(approval) => approval.deadline_ms.is_some(),
        Work::Wait(WaitSpec::Duration { .. } | WaitSpec::Instant { .. } | WaitSpec::Event { .. })
        | Work::Workflow(_) => true,
        Work::Endpoint(endpoint) => endpoint.callback.is_some(),
        Work::NoOp | Work::Program(_) | Work::Branch(_) => false,
    };
    waits || node.start_deadline.is_some() || node.timeout_ms.is_some() && node.on_timeout == Overdue::Warn
}
