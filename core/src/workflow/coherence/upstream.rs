//! Which nodes end before which.
//!
//! The full relation has as many entries as there are pairs of nodes, and walking up from each reader may walk over every edge
//! each time. But only the nodes that somebody reads matter. Each of them is one bit, each node has a row of these bits, and in
//! the order of the graph a node hands its row, with its own bit, to those that wait for it: edges times bits, 64 bits at once.

use std::collections::{BTreeSet, HashMap};

use crate::workflow::graph::Graph;

/// Which of certain nodes end before which nodes begin.
pub(super) struct Upstream {
    bits: HashMap<u32, usize>,
    rows: Vec<Vec<u64>>,
}

impl Upstream {
    /// What comes before what in a graph without cycles, as far as it concerns the nodes `read`.
    pub(super) fn of(graph: &Graph, read: &BTreeSet<u32>) -> Self {
        let bits: HashMap<u32, usize> = read.iter().copied().zip(0..).collect();
        let mut rows = vec![vec![0_u64; bits.len().div_ceil(64)]; graph.len()];
        if bits.is_empty() {
            return Self { bits, rows };
        }
        for node in graph.order() {
            let own = std::mem::take(&mut rows[node as usize]);
            let mut handed = own.clone();
            if let Some(bit) = bits.get(&node) {
                handed[bit / 64] |= 1 << (bit % 64);
            }
            for &child in graph.children(node) {
                for (word, more) in rows[child as usize].iter_mut().zip(&handed) {
                    *word |= more;
                }
            }
            rows[node as usize] = own;
        }
        Self { bits, rows }
    }

    /// Whether `read`, which is one of those that it was made for, ends before `node` begins.
    pub(super) fn has(&self, node: u32, read: u32) -> bool {
        self.bits
            .get(&read)
            .is_some_and(|bit| self.rows[node as usize][bit / 64] >> (bit % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::workflow::Edge;

    proptest! {
        #[test]
        fn a_node_comes_before_its_descendants_and_no_others(
            pairs in prop::collection::btree_set((0_u32..90, 0_u32..90), 0..300),
        ) {
            let edges: Vec<Edge> = pairs
                .into_iter()
                .filter(|(from, to)| from < to)
                .map(|(from, to)| Edge { from, to })
                .collect();
            let graph = Graph::of(90, &edges);
            let read: BTreeSet<u32> = (0..90).filter(|node| node % 7 != 0).collect();
            let upstream = Upstream::of(&graph, &read);
            for &target in &read {
                let behind: BTreeSet<u32> = graph.descendants([target]).into_iter().collect();
                for node in 0..90 {
                    prop_assert_eq!(upstream.has(node, target), behind.contains(&node));
                }
            }
        }
    }
}
