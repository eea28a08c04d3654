//! Is it a graph, and which edges has it?
//!
//! Every fault is told at once: a caller who mends an input wants to mend it once. Whether there is a cycle is decided in time
//! linear in nodes and edges; how cycles are then told is the business of [`super::cycles`].
//!
//! **An orphan** is a node that takes part in the derivation and is joined to nothing, while other nodes are joined: it
//! produces names that nobody requires, requires nothing itself, and no given edge touches it. Its name is most likely
//! misspelled, so it is refused. A node that declares nothing may well be meant to run beside the others, and is only remarked
//! upon; so are the nodes behind a cycle, which are in order once the cycle is.

use std::collections::{HashMap, HashSet};

use super::cycles::Cycles;
use super::derive::{Vertex, derive};
use super::fault::{EdgeSource, GraphFault};
use super::{Edge, Graph, place};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The edges: first those given, then those that only follow from requirements. Whatever is faulty is left out.
    pub edges: Vec<Edge>,
    /// How many of the edges were given.
    pub given: usize,
    /// Everything that is wrong, and what is worth a remark.
    pub faults: Vec<GraphFault>,
}

/// Checks keys, edges and derivation as a caller gave them.
#[must_use]
pub fn check(nodes: &[Vertex<'_>], given: &[(&str, &str)]) -> Checked {
    let mut reading = Reading::default();
    if nodes.is_empty() {
        reading.faults.push(GraphFault::Empty);
    }
    let places = reading.places(nodes);
    for (place, &ends) in given.iter().enumerate() {
        reading.give(&places, ends, place);
    }
    let given = reading.found.len();
    for (edge, source) in derive(nodes, &mut reading.faults) {
        reading.take(edge, source);
    }
    let Reading {
        found: edges,
        sources,
        mut faults,
        ..
    } = reading;
    let graph = Graph::of(nodes.len(), &edges);
    tell_cycles(&graph, nodes, &edges, &sources, &mut faults);
    tell_strays(&graph, nodes, &mut faults);
    Checked { edges, given, faults }
}

/// The edges on their way from keys to places.
#[derive(Default)]
struct Reading {
    found: Vec<Edge>,
    sources: Vec<EdgeSource>,
    seen: HashSet<Edge>,
    faults: Vec<GraphFault>,
}

impl Reading {
    fn places<'a>(&mut self, nodes: &[Vertex<'a>]) -> HashMap<&'a str, u32> {
        let mut places = HashMap::with_capacity(nodes.len());
        for (node, vertex) in nodes.iter().enumerate() {
            if places.contains_key(vertex.key) {
                let key = vertex.key.to_owned();
                self.faults.push(GraphFault::DuplicateKey { key, node });
            } else {
                places.insert(vertex.key, place(node));
            }
        }
        places
    }

    /// Takes an edge, unless it was taken before.
    fn take(&mut self, edge: Edge, source: EdgeSource) -> bool {
        let is_first = self.seen.insert(edge);
        if is_first {
            self.found.push(edge);
            self.sources.push(source);
        }
        is_first
    }

    fn give(&mut self, places: &HashMap<&str, u32>, (from, to): (&str, &str), edge: usize) {
        let ends = [(from, true), (to, false)].map(|(key, is_from)| {
            let place = places.get(key).copied();
            if place.is_none() {
                let key = key.to_owned();
                self.faults.push(GraphFault::UnknownNode { key, edge, is_from });
            }
            place
        });
        let [Some(from_place), Some(to_place)] = ends else {
            return;
        };
        let given = Edge {
            from: from_place,
            to: to_place,
        };
        if from_place == to_place {
            self.faults.push(GraphFault::SelfEdge {
                key: from.to_owned(),
                name: None,
                source_of_edge: EdgeSource::Given(edge),
            });
        } else if !self.take(given, EdgeSource::Given(edge)) {
            self.faults.push(GraphFault::DuplicateEdge {
                from: from.to_owned(),
                to: to.to_owned(),
                edge,
            });
        }
    }
}

fn tell_cycles(
    graph: &Graph,
    nodes: &[Vertex<'_>],
    edges: &[Edge],
    sources: &[EdgeSource],
    faults: &mut Vec<GraphFault>,
) {
    let ordered = graph.order();
    if ordered.len() == nodes.len() {
        return;
    }
    let Cycles {
        told,
        untold,
        is_exact,
    } = graph.cycles();
    let sources: HashMap<Edge, EdgeSource> = edges.iter().copied().zip(sources.iter().copied()).collect();
    for cycle in told {
        let (first, last) = (cycle[0], cycle[cycle.len() - 1]);
        let closed_by = sources[&Edge {
            from: last,
            to: first,
        }];
        let keys = cycle.iter().chain([&first]);
        let cycle = keys.map(|&node| nodes[node as usize].key.to_owned()).collect();
        faults.push(GraphFault::Cycle { cycle, closed_by });
    }
    if untold > 0 || !is_exact {
        faults.push(GraphFault::MoreCycles {
            count: untold,
            is_exact,
        });
    }
}

/// Tells of nodes that nothing leads to, and of nodes that are joined to nothing.
fn tell_strays(graph: &Graph, nodes: &[Vertex<'_>], faults: &mut Vec<GraphFault>) {
    let has_edges = graph.parent_counts().iter().any(|&parents| parents > 0);
    if !has_edges {
        return;
    }
    let mut is_reached = vec![false; nodes.len()];
    let roots: Vec<u32> = graph.roots().collect();
    for node in graph.descendants(roots.iter().copied()).into_iter().chain(roots) {
        is_reached[node as usize] = true;
    }
    let is_on_cycle = is_reached.contains(&false).then(|| graph.is_on_cycle());
    for (node, vertex) in nodes.iter().enumerate() {
        let key = || vertex.key.to_owned();
        let is_alone = graph.parent_counts()[node] == 0 && graph.children(place(node)).is_empty();
        match vertex.produces.first() {
            Some(name) if is_alone && vertex.requires.is_empty() => faults.push(GraphFault::Orphan {
                key: key(),
                name: name.clone(),
                node,
            }),
            // What it requires is unknown, which is told where it is required.
            _ if is_alone && !vertex.requires.is_empty() => {}
            _ if is_alone => faults.push(GraphFault::Unconnected { key: key(), node }),
            _ if !is_reached[node] && is_on_cycle.as_ref().is_some_and(|cycles| !cycles[node]) => {
                faults.push(GraphFault::Unreachable { key: key(), node });
            }
            _ => {}
        }
    }
}
