//! Tells cycles so that they can be mended.
//!
//! A graph may have exponentially many cycles, and nobody wants to read them. What is looked for is, for each edge on a cycle,
//! a shortest cycle through it: whoever has broken all of these has broken all there are. Of each group of nodes that wait for
//! each other the shortest one found is told before any second one of another group, and what is told is told shortest first.
//!
//! Searching breadth first from every node of a group costs its nodes times its edges, so it ends when a fixed effort is spent.
//! Small groups come first and are searched whole; of each group at least one cycle is found whatever it costs, which is linear
//! over all groups, since a search never leaves its group.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::Graph;

/// The most cycles that are told.
pub(super) const MOST_CYCLES: usize = 50;
/// The most nodes of all cycles that are told after the first.
const MOST_NODES_TOLD: usize = 20_000;
/// The most edges that are looked at, and nodes that are written down, in search of further cycles.
const EFFORT: usize = 2_000_000;

/// The cycles of a graph, as far as they are told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cycles {
    /// The nodes of each in order, beginning with its lowest place; the shortest cycles first.
    pub(super) told: Vec<Vec<u32>>,
    /// How many more were found.
    pub(super) untold: usize,
    /// Whether each edge on a cycle is on one that was found.
    pub(super) is_exact: bool,
}

/// Cycles, the shortest first.
type Sorted = BTreeSet<(usize, Vec<u32>)>;

impl Graph {
    /// The cycles, as far as they are told.
    pub(super) fn cycles(&self) -> Cycles {
        let component = self.components();
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (node, &of) in (0_u32..).zip(&component) {
            groups.entry(of).or_default().push(node);
        }
        let mut groups: Vec<Vec<u32>> = groups.into_values().filter(|nodes| nodes.len() > 1).collect();
        groups.sort_by_key(Vec::len);
        let mut search = Search::over(self, &component);
        let (mut shortest, mut further) = (Sorted::new(), Sorted::new());
        for nodes in &groups {
            let mut found = search.within(nodes);
            shortest.extend(found.pop_first());
            further.append(&mut found);
        }
        tell(&shortest, &further, search.effort > 0)
    }
}

fn tell(shortest: &Sorted, further: &Sorted, is_exact: bool) -> Cycles {
    let mut room = MOST_NODES_TOLD;
    let mut told: Vec<&(usize, Vec<u32>)> = shortest
        .iter()
        .chain(further)
        .take(MOST_CYCLES)
        .take_while(|(length, _)| {
            let has_room = room > 0;
            room = room.saturating_sub(*length);
            has_room
        })
        .collect();
    told.sort();
    Cycles {
        untold: shortest.len() + further.len() - told.len(),
        told: told.into_iter().map(|(_, cycle)| cycle.clone()).collect(),
        is_exact,
    }
}

/// A search that is used over and over; what one search has seen is told from what the next sees by its number.
struct Search<'a> {
    graph: &'a Graph,
    component: &'a [u32],
    seen_in: Vec<u32>,
    came_from: Vec<u32>,
    number: u32,
    effort: usize,
}

impl<'a> Search<'a> {
    fn over(graph: &'a Graph, component: &'a [u32]) -> Self {
        Self {
            graph,
            component,
            seen_in: vec![0; graph.len()],
            came_from: vec![0; graph.len()],
            number: 0,
            effort: EFFORT,
        }
    }

    /// Cycles of the group: one in any case, and as many more as the effort allows.
    fn within(&mut self, nodes: &[u32]) -> Sorted {
        let mut found = Sorted::new();
        let effort = self.effort;
        self.walk(nodes[0], |_, cycle| {
            found.insert((cycle.len(), cycle));
            ControlFlow::Break(())
        });
        self.effort = effort;
        for &start in nodes {
            if self.effort == 0 {
                break;
            }
            self.walk(start, |search, cycle| {
                search.effort = search.effort.saturating_sub(cycle.len());
                found.insert((cycle.len(), cycle));
                match search.effort {
                    0 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            });
        }
        found
    }

    /// Gives a shortest cycle through each edge that leads to `start`, the shortest first, until told to break off.
    fn walk(&mut self, start: u32, mut take: impl FnMut(&mut Self, Vec<u32>) -> ControlFlow<()>) {
        self.number += 1;
        let (mut queue, mut next) = (vec![start], 0);
        while let Some(&node) = queue.get(next) {
            next += 1;
            self.effort = self.effort.saturating_sub(self.graph.children(node).len());
            for &child in self.graph.children(node) {
                if child == start {
                    let cycle = self.cycle(start, node);
                    if take(self, cycle).is_break() {
                        return;
                    }
                } else if self.component[child as usize] == self.component[start as usize]
                    && self.seen_in[child as usize] != self.number
                {
                    self.seen_in[child as usize] = self.number;
                    self.came_from[child as usize] = node;
                    queue.push(child);
                }
            }
        }
    }

    /// The way from `start` to `last`, turned so that the lowest place comes first.
    fn cycle(&self, start: u32, last: u32) -> Vec<u32> {
        let mut cycle = vec![last];
        let mut node = last;
        while node != start {
            node = self.came_from[node as usize];
            cycle.push(node);
        }
        cycle.reverse();
        let lowest = (0..cycle.len()).min_by_key(|&at| cycle[at]).unwrap_or(0);
        cycle.rotate_left(lowest);
        cycle
    }
}
