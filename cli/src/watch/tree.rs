//! The shape in which a graph is shown: a tree in which every task node stands once.
//!
//! A node is placed below the nearest one that every way to it passes (its immediate dominator). So what runs in parallel
//! stands side by side below where it forks, and a join stands after all that it waits for and not below one of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    /// The node, by its place in the graph.
    pub(super) node: usize,
    /// What is drawn before its name.
    pub(super) prefix: String,
}

/// Deeper levels are not indented any more.
const DEEPEST: usize = 12;

/// Arranges the nodes whose parents are given, by place. What lies on a cycle, which no published workflow has, is left out.
pub(super) fn arrange(parents: &[Vec<usize>]) -> Vec<Branch> {
    let order = topological_order(parents);
    let mut above: Vec<Option<usize>> = vec![None; parents.len()];
    let mut level = vec![0_usize; parents.len()];
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
    let mut roots = Vec::new();
    for &node in &order {
        let dominator = parents[node]
            .iter()
            .map(|&parent| Some(parent))
            .reduce(|one, other| nearest_above_both(one, other, &above, &level))
            .flatten();
        above[node] = dominator;
        match dominator {
            Some(dominator) => {
                level[node] = level[dominator] + 1;
                below[dominator].push(node);
            }
            None => roots.push(node),
        }
    }
    draw(&roots, &below)
}

fn nearest_above_both(
    one: Option<usize>,
    other: Option<usize>,
    above: &[Option<usize>],
    level: &[usize],
) -> Option<usize> {
    let (mut one, mut other) = (one?, other?);
    while one != other {
        if level[one] >= level[other] {
            one = above[one]?;
        } else {
            other = above[other]?;
        }
    }
    Some(one)
}

/// Parents before children, and the earlier first among those that may stand anywhere.
fn topological_order(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut waiting: Vec<usize> = parents.iter().map(Vec::len).collect();
    for (node, parents) in parents.iter().enumerate() {
        for &parent in parents {
            children[parent].push(node);
        }
    }
    let mut free: BinaryHeap<Reverse<usize>> = (0..parents.len())
        .filter(|&node| waiting[node] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(parents.len());
    while let Some(Reverse(node)) = free.pop() {
        order.push(node);
        for &child in &children[node] {
            waiting[child] -= 1;
            if waiting[child] == 0 {
                free.push(Reverse(child));
            }
        }
    }
    order
}

fn draw(roots: &[usize], below: &[Vec<usize>]) -> Vec<Branch> {
    let mut drawn = Vec::with_capacity(below.len());
    // What is still to be drawn, the next first: a node, what stands before it, what stands before those below it.
    let mut open: VecDeque<(usize, String, String)> = roots
        .iter()
        .map(|&root| (root, String::new(), String::new()))
        .collect();
    while let Some((node, prefix, before)) = open.pop_front() {
        drawn.push(Branch { node, prefix });
        for (place, &child) in below[node].iter().enumerate().rev() {
            let is_last = place + 1 == below[node].len();
            let (fork, rail) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let is_deepest = before.chars().count() >= 3 * DEEPEST;
            let deeper = if is_deepest {
                before.clone()
            } else {
                format!("{before}{rail}")
            };
            open.push_front((child, format!("{before}{fork}"), deeper));
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(nodes: &[(&str, &[usize])]) -> String {
        let parents: Vec<Vec<usize>> = nodes.iter().map(|(_, parents)| parents.to_vec()).collect();
        let lines = arrange(&parents);
        let lines = lines
            .iter()
            .map(|branch| [&branch.prefix, nodes[branch.node].0, "\n"].concat());
        lines.collect()
    }

    #[test]
    fn a_join_stands_after_what_it_waits_for() {
        let tree = drawn(&[
            ("extract", &[]),
            ("sizes", &[0]),
            ("sections", &[0]),
            ("join", &[1, 2]),
            ("report", &[3]),
        ]);
        assert_eq!(tree, "extract\n├─ sizes\n├─ sections\n└─ join\n   └─ report\n");
    }

    #[test]
    fn a_join_of_two_beginnings_stands_beside_them() {
        let tree = drawn(&[("a", &[]), ("b", &[]), ("c", &[0, 1]), ("a2", &[0])]);
        assert_eq!(tree, "a\n└─ a2\nb\nc\n");
    }

    #[test]
    fn every_node_stands_once_however_the_graph_is_given() {
        let tree = drawn(&[("d", &[1, 2]), ("b", &[3]), ("c", &[3]), ("a", &[])]);
        assert_eq!(tree, "a\n├─ b\n├─ c\n└─ d\n");
    }

    #[test]
    fn a_long_chain_does_not_leave_the_screen() {
        let parents: Vec<Vec<usize>> = (0..5000_usize)
            .map(|node| node.checked_sub(1).into_iter().collect())
            .collect();
        let tree = arrange(&parents);
        assert_eq!(tree.len(), 5000);
        assert!(
            tree.iter()
                .all(|branch| branch.prefix.chars().count() <= 3 * DEEPEST + 3)
        );
    }
}
