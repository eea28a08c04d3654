//! A graph as it is shown: keys, names and edges, without what the nodes do.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use super::derive::{Vertex, edges_with_derived};
use super::{Edge, Graph};
use crate::workflow::{Definition, Draft};

/// A node as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlineNode {
    /// Its name within the workflow.
    pub key: String,
    /// The names that it needs somebody to have produced before.
    pub requires: Vec<String>,
    /// The names that others may require.
    pub produces: Vec<String>,
}

/// The graph of a draft or a version.
#[derive(Clone, Debug)]
pub struct Outline {
    nodes: Vec<OutlineNode>,
    edges: Vec<Edge>,
    graph: Graph,
    has_virtual_nodes: bool,
}

impl Outline {
    /// The graph of these nodes and edges, with START and END if they are to be shown.
    #[must_use]
    pub fn new(nodes: Vec<OutlineNode>, edges: Vec<Edge>, has_virtual_nodes: bool) -> Self {
        Self {
            graph: Graph::of(nodes.len(), &edges),
            nodes,
            edges,
            has_virtual_nodes,
        }
    }

    /// The graph that a draft's next version would have.
    #[must_use]
    pub fn of_draft(draft: &Draft, has_virtual_nodes: bool) -> Self {
        let nodes: Vec<OutlineNode> = draft
            .nodes
            .iter()
            .map(|node| shown(&node.key, &node.requires, &node.produces))
            .collect();
        let vertices: Vec<Vertex<'_>> = nodes.iter().map(OutlineNode::vertex).collect();
        let edges = edges_with_derived(&vertices, &draft.edges);
        Self::new(nodes, edges, has_virtual_nodes)
    }

    /// The graph of a version.
    #[must_use]
    pub fn of_version(definition: &Definition, has_virtual_nodes: bool) -> Self {
        let nodes = definition
            .nodes
            .iter()
            .map(|node| shown(&node.key, &node.requires, &node.produces))
            .collect();
        Self::new(nodes, definition.edges.clone(), has_virtual_nodes)
    }

    /// The nodes, by place.
    #[must_use]
    pub fn nodes(&self) -> &[OutlineNode] {
        &self.nodes
    }

    /// The edges, given and derived.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Who waits for whom.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether START and END are shown.
    #[must_use]
    pub fn has_virtual_nodes(&self) -> bool {
        self.has_virtual_nodes
    }

    /// The key of the node at `place`.
    #[must_use]
    pub fn key(&self, place: u32) -> &str {
        &self.nodes[place as usize].key
    }

    /// What the first node of an edge produces and the second requires; nothing when the edge was only given.
    #[must_use]
    pub fn names_of(&self, edge: Edge) -> Vec<&str> {
        let produced: HashSet<&String> = self.nodes[edge.from as usize].produces.iter().collect();
        let required = &self.nodes[edge.to as usize].requires;
        let shared = required.iter().filter(|name| produced.contains(name));
        shared.map(String::as_str).collect()
    }

    /// Tells this graph from every other: the same keys and edges give the same.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut digest = Sha256::new();
        for node in &self.nodes {
            digest.update(node.key.len().to_le_bytes());
            digest.update(&node.key);
        }
        for edge in &self.edges {
            digest.update(edge.from.to_le_bytes());
            digest.update(edge.to.to_le_bytes());
        }
        let digest: [u8; 32] = digest.finalize().into();
        let first = digest.first_chunk().expect("a digest is longer than 8 bytes");
        u64::from_le_bytes(*first)
    }
}

impl OutlineNode {
    fn vertex(&self) -> Vertex<'_> {
        Vertex {
            key: &self.key,
            requires: &self.requires,
            produces: &self.produces,
        }
    }
}

fn shown(key: &str, requires: &[String], produces: &[String]) -> OutlineNode {
    OutlineNode {
        key: key.to_owned(),
        requires: requires.to_vec(),
        produces: produces.to_vec(),
    }
}
