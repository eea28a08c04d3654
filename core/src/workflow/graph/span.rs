//! How far nodes are from START, in edges and in time.

use super::Graph;

/// How long a node is expected to take, from what it took before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// In milliseconds.
    pub milliseconds: u64,
    /// From how many runs that is known, at least one.
    pub runs: u32,
}

impl Graph {
    /// The level of each node: how many edges the longest way from START to it has. Who waits for nobody is on level 1.
    #[must_use]
    pub fn levels(&self) -> Vec<u32> {
        let mut levels = vec![1; self.len()];
        for node in self.order() {
            for &child in self.children(node) {
                levels[child as usize] = levels[child as usize].max(levels[node as usize] + 1);
            }
        }
        levels
    }

    /// The path from START to END that takes longest when each node takes `milliseconds`; of those that take equally long the
    /// one with most nodes, and then the one of the lowest places. A run cannot take less time than it.
    #[must_use]
    pub fn critical_path(&self, milliseconds: &[u64]) -> Vec<u32> {
        let mut to_end: Vec<(u64, u32)> = vec![(0, 0); self.len()];
        let mut next: Vec<Option<u32>> = vec![None; self.len()];
        for &node in self.order().iter().rev() {
            let longest = longest(self.children(node).iter().copied(), &to_end);
            let (time, nodes) = longest.map_or((0, 0), |child| to_end[child as usize]);
            to_end[node as usize] = (time.saturating_add(milliseconds[node as usize]), nodes + 1);
            next[node as usize] = longest;
        }
        let first = longest(self.roots(), &to_end);
        std::iter::successors(first, |&node| next[node as usize]).collect()
    }
}

/// The node from which the way to END is longest; the lowest place when several are.
fn longest(nodes: impl Iterator<Item = u32>, to_end: &[(u64, u32)]) -> Option<u32> {
    nodes.max_by_key(|&node| (to_end[node as usize], std::cmp::Reverse(node)))
}
