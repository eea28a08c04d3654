//! The graph of a workflow: who waits for whom, and what can be told of it.
//!
//! A graph is either given edge by edge or derived from what nodes require and produce, and [`check()`] makes of both the one
//! list of edges that runs go by. Everything after that is answered from the edges alone: the order in which nodes become
//! free, how far each is from the start, the paths and the heaviest of them, and drawings. Nothing here enumerates what may be
//! exponentially many, and whatever decides is linear in nodes and edges.
//!
//! START and END give every graph one source and one sink. They are words for "before every node that waits for nobody" and
//! "behind every node that nobody waits for", are shown on request, and are stored nowhere.

mod check;
mod components;
mod cycles;
mod derive;
mod drawing;
mod fault;
mod outline;
mod paths;
mod span;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use check::{Checked, check};
pub use derive::{Vertex, edges_with_derived};
pub use drawing::{END, START};
pub use fault::{EdgeSource, GraphFault};
pub use outline::{Outline, OutlineNode};
pub use paths::{Paths, Walk};
pub use span::Expected;

/// `to` waits for `from`; both are places in the list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// The node that comes first.
    pub from: u32,
    /// The node that waits for it.
    pub to: u32,
}

/// Who waits for whom, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    children: Vec<Vec<u32>>,
    parents: Vec<u32>,
}

impl Graph {
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

    /// How many nodes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.children.len()
    }

    /// Whether it has no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
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

    /// The nodes that wait for nobody: those behind START.
    pub fn roots(&self) -> impl Iterator<Item = u32> {
        (0_u32..)
            .zip(&self.parents)
            .filter_map(|(node, &parents)| (parents == 0).then_some(node))
    }

    /// The nodes that nobody waits for: those before END.
    pub fn leaves(&self) -> impl Iterator<Item = u32> {
        (0_u32..)
            .zip(&self.children)
            .filter_map(|(node, children)| children.is_empty().then_some(node))
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

    /// The nodes in an order in which each comes after all that it waits for. Those on a cycle, and behind one, are left out.
    #[must_use]
    pub fn order(&self) -> Vec<u32> {
        let mut waiting = self.parents.clone();
        let mut ordered: Vec<u32> = self.roots().collect();
        let mut next = 0;
        while let Some(&node) = ordered.get(next) {
            next += 1;
            for &child in self.children(node) {
                waiting[child as usize] -= 1;
                if waiting[child as usize] == 0 {
                    ordered.push(child);
                }
            }
        }
        ordered
    }
}

/// A place in the list of nodes.
fn place(node: usize) -> u32 {
    u32::try_from(node).expect("the number of nodes is bounded far below 2^32")
}
