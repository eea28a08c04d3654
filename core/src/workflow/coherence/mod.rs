//! Whether the parts of a workflow fit together.
//!
//! Each part was looked at by itself before. What is left needs the whole: a branch leads to nodes that wait for it, a template
//! reads nodes that end before it is rendered, a sub-workflow is given the inputs that it declares. All of it is checked when
//! a draft is saved and again when it is published, since what it names may have been edited in between.
//!
//! A workflow has up to 10,000 nodes and 100,000 edges, so nothing here walks the graph once per node. What must be known of
//! the graph is [`upstream::Upstream`], one pass over the edges for all names that anybody reads.

mod expressions;
mod shape;
mod sub_workflows;
mod templates;
mod upstream;

use std::collections::{BTreeMap, HashMap};

use super::graph::Graph;
use super::{Conduct, DraftNode, Edge, InputSpec, NodeSpec};
use crate::check::Faults;
use upstream::Upstream;

/// What the workflows that a draft names declare, by key.
pub type SubWorkflows = HashMap<String, BTreeMap<String, InputSpec>>;

/// A node with everything that its task node leads to.
pub(super) struct Resolved<'a> {
    /// As the caller gave it.
    pub(super) node: &'a DraftNode,
    /// As a version would hold it.
    pub(super) spec: NodeSpec,
}

/// A workflow of which something may be missing.
pub(super) struct Whole<'a> {
    /// The keys of all nodes, by place.
    pub(super) keys: Vec<&'a str>,
    /// The nodes by place; absent where what it uses does not exist.
    pub(super) nodes: Vec<Option<Resolved<'a>>>,
    /// The edges, given and derived.
    pub(super) edges: &'a [Edge],
    /// Whether the edges are those that the caller meant. Where they are not, nothing is said of what depends on them.
    pub(super) has_sound_edges: bool,
    /// What a run may be given.
    pub(super) inputs: &'a BTreeMap<String, InputSpec>,
    /// How runs go as a whole.
    pub(super) conduct: &'a Conduct,
    /// What the workflows that it names declare.
    pub(super) sub_workflows: &'a SubWorkflows,
}

impl Whole<'_> {
    /// Tells everything that does not fit.
    pub(super) fn check(&self, faults: &mut Faults) {
        let places: HashMap<&str, u32> = self
            .keys
            .iter()
            .rev()
            .copied()
            .zip((0..self.len()).rev())
            .collect();
        let graph = Graph::of(self.keys.len(), self.edges);
        self.check_shape(&places, &graph, faults);
        self.check_sub_workflows(faults);
        let expressions = self.parse_expressions(faults);
        let read = expressions
            .iter()
            .flat_map(expressions::Placed::nodes)
            .chain(self.nodes_in_templates())
            .filter_map(|key| places.get(key.as_str()).copied())
            .collect();
        let upstream = self.has_sound_edges.then(|| Upstream::of(&graph, &read));
        let comes_before = |key: &str, node: u32| match &upstream {
            Some(upstream) => places.get(key).is_some_and(|&read| upstream.has(node, read)),
            None => true,
        };
        expressions::check_order(&expressions, &comes_before, faults);
        self.check_templates(&comes_before, faults);
    }

    fn len(&self) -> u32 {
        u32::try_from(self.keys.len()).expect("the number of nodes is bounded far below 2^32")
    }

    /// The nodes that are there, each with its place.
    fn resolved(&self) -> impl Iterator<Item = (u32, &Resolved<'_>)> {
        (0..)
            .zip(&self.nodes)
            .filter_map(|(place, node)| Some((place, node.as_ref()?)))
    }

    /// Looks at the nodes that are there, each at its place in the input.
    fn every_node(&self, faults: &mut Faults, mut look: impl FnMut(&mut Faults, u32, &Resolved<'_>)) {
        faults.within("nodes", |faults| {
            for (place, node) in self.resolved() {
                faults.within(&place, |faults| look(faults, place, node));
            }
        });
    }
}
