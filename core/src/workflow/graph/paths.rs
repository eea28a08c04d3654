//! The paths from START to END, counted without being listed, and listed from any place on.
//!
//! Twenty layers of three nodes have 3.5 billion paths, so nothing here may visit them all. How many ways lead from a node to
//! END is the sum over its children, found once for all nodes from the end to the start. Paths have an order (at every node
//! the children by place), hence each has a rank: how many come before it. The same sums lead from a rank to its path without
//! a look at those before, and from there each next path is one step back and a few forward.

use num_bigint::BigUint;

use super::Graph;

/// The paths of a graph without cycles.
#[derive(Debug)]
pub struct Paths {
    roots: Vec<u32>,
    /// The children of each node, by place.
    children: Vec<Vec<u32>>,
    /// How many ways lead from each node to END.
    ways: Vec<BigUint>,
    total: BigUint,
}

impl Paths {
    /// The paths of `graph`. A graph with cycles has endlessly many, and only those that meet none are counted.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let mut ways = vec![BigUint::ZERO; graph.len()];
        for &node in graph.order().iter().rev() {
            ways[node as usize] = match graph.children(node) {
                [] => BigUint::from(1_u8),
                children => children.iter().map(|&child| &ways[child as usize]).sum(),
            };
        }
        let in_order = |children: &Vec<u32>| {
            let mut children = children.clone();
            children.sort_unstable();
            children
        };
        let roots: Vec<u32> = graph.roots().collect();
        Self {
            total: roots.iter().map(|&root| &ways[root as usize]).sum(),
            children: graph.children.iter().map(in_order).collect(),
            roots,
            ways,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> &BigUint {
        &self.total
    }

    /// The paths from the one of this rank on, in order; none when there are no more than that.
    #[must_use]
    pub fn from(&self, rank: &BigUint) -> Walk<'_> {
        let mut walk = Walk {
            paths: self,
            turns: Vec::new(),
        };
        if *rank < self.total {
            walk.seek(rank.clone());
        }
        walk
    }

    fn ways(&self, node: u32) -> &BigUint {
        &self.ways[node as usize]
    }
}

/// A walk through paths in their order.
#[derive(Debug)]
pub struct Walk<'a> {
    paths: &'a Paths,
    /// The next path, as the choice that was made at START and at each node; empty when the walk is over.
    turns: Vec<usize>,
}

impl Walk<'_> {
    /// Goes to the path of a rank that there is.
    fn seek(&mut self, mut rank: BigUint) {
        let mut choices: &[u32] = &self.paths.roots;
        while !choices.is_empty() {
            let mut turn = 0;
            while rank >= *self.paths.ways(choices[turn]) {
                rank -= self.paths.ways(choices[turn]);
                turn += 1;
            }
            self.turns.push(turn);
            choices = &self.paths.children[choices[turn] as usize];
        }
    }

    /// The nodes of the path.
    fn nodes(&self) -> Vec<u32> {
        let mut choices: &[u32] = &self.paths.roots;
        let mut nodes = Vec::with_capacity(self.turns.len());
        for &turn in &self.turns {
            nodes.push(choices[turn]);
            choices = &self.paths.children[choices[turn] as usize];
        }
        nodes
    }

    /// Takes the last turn that can be taken otherwise, and from there the first ones to END.
    fn step(&mut self, nodes: &[u32]) {
        while let Some(turn) = self.turns.pop() {
            let choices: &[u32] = match self.turns.len() {
                0 => &self.paths.roots,
                depth => &self.paths.children[nodes[depth - 1] as usize],
            };
            if let Some(&node) = choices.get(turn + 1) {
                self.turns.push(turn + 1);
                self.descend(node);
                return;
            }
        }
    }

    fn descend(&mut self, mut node: u32) {
        while let Some(&child) = self.paths.children[node as usize].first() {
            self.turns.push(0);
            node = child;
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Vec<u32>;

    fn next(&mut self) -> Option<Vec<u32>> {
        if self.turns.is_empty() {
            return None;
        }
        let nodes = self.nodes();
        self.step(&nodes);
        Some(nodes)
    }
}
