//! How large a workflow may be.
//!
//! The limits are settings of whoever runs the service. What passes one is refused before anything else is looked at, so that a
//! workflow too large costs no more than its reading; the refusal tells the limit.

use crate::check::Faults;
use crate::error::CommandError;

use super::WorkflowProposal;

/// How large a workflow may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkflowLimits {
    /// The most nodes.
    pub nodes: usize,
    /// The most edges. A requirement counts as one, since one edge at most follows from it.
    pub edges: usize,
}

impl Default for WorkflowLimits {
    fn default() -> Self {
        Self {
            nodes: 10_000,
            edges: 100_000,
        }
    }
}

impl WorkflowLimits {
    /// Refuses a workflow that is too large.
    pub fn check(self, proposal: &WorkflowProposal) -> Result<(), CommandError> {
        let mut faults = Faults::default();
        let nodes = proposal.nodes.len();
        if nodes > self.nodes {
            let message = format!("{nodes} nodes are given; a workflow has at most {}", self.nodes);
            faults.within("nodes", |faults| faults.exceeded(self.nodes, message));
        }
        let required: usize = proposal.nodes.iter().map(|node| node.requires.len()).sum();
        let edges = proposal.edges.len() + required;
        if edges > self.edges {
            let message = format!(
                "{} edges are given, and {required} follow from requirements; a workflow has at most {}",
                proposal.edges.len(),
                self.edges
            );
            faults.within("edges", |faults| faults.exceeded(self.edges, message));
        }
        faults.into_result()
    }
}
