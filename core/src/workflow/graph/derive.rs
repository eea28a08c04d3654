//! Edges that follow from what nodes require and produce.
//!
//! A name is produced by one node at most, so a requirement leads to one edge at most, and deriving is one look into a table
//! for each requirement. An edge that is also given outright is one edge.

use std::collections::{HashMap, HashSet};

use super::fault::{EdgeSource, GraphFault};
use super::{Edge, place};

/// A node as the graph sees it.
#[derive(Clone, Copy, Debug)]
pub struct Vertex<'a> {
    /// Its name within the workflow.
    pub key: &'a str,
    /// The names that it needs somebody to have produced before.
    pub requires: &'a [String],
    /// The names that others may require.
    pub produces: &'a [String],
}

impl<'a> Vertex<'a> {
    /// A node that declares nothing.
    #[must_use]
    pub fn plain(key: &'a str) -> Self {
        Self {
            key,
            requires: &[],
            produces: &[],
        }
    }
}

/// The edges that follow from the requirements, with the requirement that each follows from, in the order of the nodes. Two
/// requirements may lead to one edge.
pub(super) fn derive(nodes: &[Vertex<'_>], faults: &mut Vec<GraphFault>) -> Vec<(Edge, EdgeSource)> {
    let producers = producers(nodes, faults);
    let mut derived = Vec::new();
    for (node, vertex) in nodes.iter().enumerate() {
        let mut seen = HashSet::with_capacity(vertex.requires.len());
        for (entry, name) in vertex.requires.iter().enumerate() {
            let (key, name) = (vertex.key.to_owned(), name.as_str());
            if !seen.insert(name) {
                let name = name.to_owned();
                faults.push(GraphFault::RequiredTwice {
                    key,
                    name,
                    node,
                    entry,
                });
                continue;
            }
            let source = EdgeSource::Derived { node, entry };
            match producers.get(name) {
                None => faults.push(GraphFault::UnknownRequirement {
                    key,
                    name: name.to_owned(),
                    node,
                    entry,
                }),
                Some(&producer) if producer == node => faults.push(GraphFault::SelfEdge {
                    key,
                    name: Some(name.to_owned()),
                    source_of_edge: source,
                }),
                Some(&producer) => {
                    let edge = Edge {
                        from: place(producer),
                        to: place(node),
                    };
                    derived.push((edge, source));
                }
            }
        }
    }
    derived
}

/// Who produces each name: the first that says so.
fn producers<'a>(nodes: &[Vertex<'a>], faults: &mut Vec<GraphFault>) -> HashMap<&'a str, usize> {
    let mut producers = HashMap::new();
    for (node, vertex) in nodes.iter().enumerate() {
        for (entry, name) in vertex.produces.iter().enumerate() {
            match producers.get(name.as_str()) {
                None => {
                    producers.insert(name.as_str(), node);
                }
                Some(&first) => {
                    let first: &Vertex<'_> = &nodes[first];
                    faults.push(GraphFault::ProducedTwice {
                        name: name.clone(),
                        first: first.key.to_owned(),
                        node,
                        entry,
                    });
                }
            }
        }
    }
    producers
}

/// All edges of nodes and given edges that were checked before: those given, then those that only follow.
#[must_use]
pub fn edges_with_derived(nodes: &[Vertex<'_>], given: &[Edge]) -> Vec<Edge> {
    let mut edges = given.to_vec();
    let mut seen: HashSet<Edge> = given.iter().copied().collect();
    let derived = derive(nodes, &mut Vec::new());
    edges.extend(
        derived
            .into_iter()
            .map(|(edge, _)| edge)
            .filter(|edge| seen.insert(*edge)),
    );
    edges
}
