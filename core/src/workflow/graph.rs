//! The graph of a workflow version: is it one, and who waits for whom?
//!
//! Checking takes time linear in nodes and edges, and tells every fault at once: a caller who mends an input wants to mend
//! it once. Cycles are found as strongly connected components (Tarjan 1972, made iterative so that a chain of 10,000 nodes
//! needs no deep stack), and each is told as the shortest cycle through its first node.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

/// `to` waits for `from`; both are places in the list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// The node that comes first.
    pub from: u32,
    /// The node that waits for it.
    pub to: u32,
}

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphFault {
    /// There is nothing to run.
    #[error("a workflow needs at least one node")]
    Empty,
    /// Two nodes have one key.
    #[error("the key {key:?} names more than one node")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The place of the later node in the list of nodes.
        node: usize,
    },
    /// An edge names no node.
    #[error("the edge names {key:?}, and no node has that key")]
    UnknownNode {
        /// The key that the edge gives.
        key: String,
        /// The place of the edge in the list of edges.
        edge: usize,
        /// Whether it is the edge's `from`; else it is its `to`.
        is_from: bool,
    },
    /// A node waits for itself.
    #[error("the node {key:?} cannot wait for itself")]
    SelfEdge {
        /// The node's key.
        key: String,
        /// The place of the edge in the list of edges.
        edge: usize,
    },
    /// An edge is given twice.
    #[error("the edge from {from:?} to {to:?} is given twice")]
    DuplicateEdge {
        /// The key of its first node.
        from: String,
        /// The key of its second node.
        to: String,
        /// The place of the later edge in the list of edges.
        edge: usize,
    },
    /// Nodes wait for each other.
    #[error("the nodes wait for each other: {}", cycle.join(" → "))]
    Cycle {
        /// The keys of the nodes, in order; the first is repeated at the end.
        cycle: Vec<String>,
    },
}

/// A checked graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    children: Vec<Vec<u32>>,
    parents: Vec<u32>,
}

impl Graph {
    /// Checks keys and edges as a caller gave them and gives the edges by place.
    ///
    /// Time and memory are linear in nodes and edges.
    pub fn check(keys: &[&str], edges: &[(&str, &str)]) -> Result<Vec<Edge>, Vec<GraphFault>> {
        let mut faults = Vec::new();
        if keys.is_empty() {
            faults.push(GraphFault::Empty);
        }
        let mut places = HashMap::with_capacity(keys.len());
        for (node, &key) in keys.iter().enumerate() {
            if places.contains_key(key) {
                faults.push(GraphFault::DuplicateKey {
                    key: key.to_owned(),
                    node,
                });
            } else {
                places.insert(
                    key,
                    u32::try_from(node).expect("the number of nodes is bounded far below 2^32"),
                );
            }
        }
        let mut seen = HashSet::with_capacity(edges.len());
        let mut checked = Vec::with_capacity(edges.len());
        for (edge, &(from, to)) in edges.iter().enumerate() {
            let ends = [(from, true), (to, false)].map(|(key, is_from)| {
                let place = places.get(key).copied();
                if place.is_none() {
                    faults.push(GraphFault::UnknownNode {
                        key: key.to_owned(),
                        edge,
                        is_from,
                    });
                }
                place
            });
            let [Some(from_place), Some(to_place)] = ends else {
                continue;
            };
            if from_place == to_place {
                faults.push(GraphFault::SelfEdge {
                    key: from.to_owned(),
                    edge,
                });
            } else if seen.insert((from_place, to_place)) {
                checked.push(Edge {
                    from: from_place,
                    to: to_place,
                });
            } else {
                faults.push(GraphFault::DuplicateEdge {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    edge,
                });
            }
        }
        let graph = Self::of(keys.len(), &checked);
        faults.extend(graph.cycles().into_iter().map(|cycle| {
            GraphFault::Cycle {
                cycle: cycle
                    .into_iter()
                    .map(|node| keys[node as usize].to_owned())
                    .collect(),
            }
        }));
        if faults.is_empty() {
            Ok(checked)
        } else {
            Err(faults)
        }
    }

    /// The graph of `nodes` nodes with edges that were checked before.
    #[must_use]
    pub fn of(nodes: usize, edges: &[Edge]) -> Self {
        let mut children = vec![Vec::new(); nodes];
        let mut parents = vec![0; nodes];
        for edge in edges {
            children[edge.from as usize].push(edge.to);
            parents[edge.to as usize] += 1;
        }
        Self { children, parents }
    }

    /// The nodes that wait for `node`.
    #[must_use]
    pub fn children(&self, node: u32) -> &[u32] {
        &self.children[node as usize]
    }

    /// How many nodes each node waits for, by place.
    #[must_use]
    pub fn parent_counts(&self) -> &[u32] {
        &self.parents
    }

    /// All nodes that are reached from `nodes`, without these, each once.
    #[must_use]
    pub fn descendants(&self, nodes: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut seen = vec![false; self.children.len()];
        let mut queue: VecDeque<u32> = nodes.into_iter().collect();
        let mut found = Vec::new();
        while let Some(node) = queue.pop_front() {
            for &child in self.children(node) {
                if !std::mem::replace(&mut seen[child as usize], true) {
                    found.push(child);
                    queue.push_back(child);
                }
            }
        }
        found
    }

    /// One cycle for each group of nodes that wait for each other, the shortest cycles first.
    fn cycles(&self) -> Vec<Vec<u32>> {
        let component = self.components();
        let mut members: HashMap<u32, Vec<u32>> = HashMap::new();
        for (node, &of) in (0_u32..).zip(&component) {
            members.entry(of).or_default().push(node);
        }
        let mut cycles: Vec<_> = members
            .into_values()
            .filter(|nodes| nodes.len() > 1)
            .map(|nodes| self.shortest_cycle_through(nodes[0], &component))
            .collect();
        cycles.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        cycles
    }

    /// The shortest way from `start` back to it inside its component, by breadth first.
    fn shortest_cycle_through(&self, start: u32, component: &[u32]) -> Vec<u32> {
        let mut came_from = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for &child in self.children(node) {
                if child == start {
                    let mut cycle = vec![start, node];
                    while let Some(&previous) = cycle.last().and_then(|last| came_from.get(last)) {
                        cycle.push(previous);
                    }
                    cycle.reverse();
                    return cycle;
                }
                if component[child as usize] == component[start as usize] && !came_from.contains_key(&child) {
                    came_from.insert(child, node);
                    queue.push_back(child);
                }
            }
        }
        unreachable!("a component of two nodes or more has a cycle through each of them")
    }

    /// The strongly connected component of each node, by Tarjan's algorithm with an explicit stack.
    fn components(&self) -> Vec<u32> {
        const UNSEEN: u32 = u32::MAX;
        let nodes = self.children.len();
        let (mut index, mut low) = (vec![UNSEEN; nodes], vec![0_u32; nodes]);
        let (mut component, mut on_stack) = (vec![UNSEEN; nodes], vec![false; nodes]);
        let (mut stack, mut calls, mut next) = (Vec::new(), Vec::<(u32, usize)>::new(), 0_u32);
        for root in 0_u32.. {
            if root as usize >= nodes {
                break;
            }
            if index[root as usize] != UNSEEN {
                continue;
            }
            calls.push((root, 0));
            while let Some((node, child_at)) = calls.pop() {
                let at = node as usize;
                if child_at == 0 {
                    index[at] = next;
                    low[at] = next;
                    next += 1;
                    stack.push(node);
                    on_stack[at] = true;
                } else {
                    let returned = self.children[at][child_at - 1] as usize;
                    low[at] = low[at].min(low[returned]);
                }
                let unseen = self.children[at][child_at..].iter().position(|&child| {
                    let child = child as usize;
                    if on_stack[child] {
                        low[at] = low[at].min(index[child]);
                    }
                    index[child] == UNSEEN
                });
                if let Some(skipped) = unseen {
                    calls.push((node, child_at + skipped + 1));
                    calls.push((self.children[at][child_at + skipped], 0));
                } else if low[at] == index[at] {
                    while let Some(member) = stack.pop() {
                        on_stack[member as usize] = false;
                        component[member as usize] = node;
                        if member == node {
                            break;
                        }
                    }
                }
            }
        }
        component
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(keys: &[&str], edges: &[(&str, &str)]) -> Vec<String> {
        Graph::check(keys, edges)
            .expect_err("the graph is faulty")
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_diamond_is_a_graph() {
        let edges = Graph::check(
            &["a", "b", "c", "d"],
            &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
        )
        .unwrap();
        let graph = Graph::of(4, &edges);
        assert_eq!(graph.parent_counts(), [0, 1, 1, 2]);
        assert_eq!(graph.children(0), [1, 2]);
        assert_eq!(graph.descendants([1]), [3]);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let told = faults(
            &["a", "b", "a", "c"],
            &[
                ("a", "a"),
                ("a", "x"),
                ("y", "b"),
                ("b", "c"),
                ("b", "c"),
                ("c", "b"),
            ],
        );
        assert_eq!(
            told,
            [
                r#"the key "a" names more than one node"#,
                r#"the node "a" cannot wait for itself"#,
                r#"the edge names "x", and no node has that key"#,
                r#"the edge names "y", and no node has that key"#,
                r#"the edge from "b" to "c" is given twice"#,
                "the nodes wait for each other: b → c → b",
            ]
        );
        assert_eq!(faults(&[], &[]), ["a workflow needs at least one node"]);
    }

    #[test]
    fn each_cycle_is_told_once_in_order_and_the_shortest_first() {
        let keys = ["a", "b", "c", "d", "e", "f"];
        let told = faults(
            &keys,
            &[
                ("a", "b"),
                ("b", "c"),
                ("c", "a"),
                ("c", "d"),
                ("d", "e"),
                ("e", "d"),
                ("e", "f"),
            ],
        );
        assert_eq!(
            told,
            [
                "the nodes wait for each other: d → e → d",
                "the nodes wait for each other: a → b → c → a"
            ]
        );
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let keys: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let edges: Vec<_> = keys.windows(2).map(|pair| (pair[0], pair[1])).collect();
        assert_eq!(Graph::check(&keys, &edges).unwrap().len(), 99_999);
    }

    proptest! {
        #[test]
        fn a_graph_is_refused_exactly_when_it_has_no_topological_order(
            edges in prop::collection::hash_set((0_u32..12, 0_u32..12), 0..40)
        ) {
            let keys: Vec<String> = (0..12).map(|n| format!("n{n}")).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let edges: Vec<(u32, u32)> = edges.into_iter().filter(|(from, to)| from != to).collect();
            let named: Vec<_> = edges.iter().map(|&(from, to)| (keys[from as usize], keys[to as usize])).collect();

            let mut waiting = [0; 12];
            for &(_, to) in &edges { waiting[to as usize] += 1; }
            let mut free: Vec<u32> = (0..12).filter(|&n| waiting[n as usize] == 0).collect();
            let mut ordered = 0;
            while let Some(node) = free.pop() {
                ordered += 1;
                for &(_, to) in edges.iter().filter(|edge| edge.0 == node) {
                    waiting[to as usize] -= 1;
                    if waiting[to as usize] == 0 { free.push(to); }
                }
            }

            match Graph::check(&keys, &named) {
                Ok(_) => prop_assert_eq!(ordered, 12),
                Err(faults) => {
                    prop_assert!(ordered < 12);
                    for fault in faults {
                        let GraphFault::Cycle { cycle } = fault else { panic!("{fault}") };
                        prop_assert_eq!(cycle.first(), cycle.last());
                        for pair in cycle.windows(2) {
                            prop_assert!(named.contains(&(pair[0].as_str(), pair[1].as_str())));
                        }
                    }
                }
            }
        }
    }
}
