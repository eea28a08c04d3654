//! Random graphs, each question answered once more by trying everything.

use std::collections::BTreeSet;

use num_bigint::BigUint;
use proptest::prelude::*;

use super::{Edge, Graph, Paths, Vertex, check};
use crate::check::Severity;
use crate::workflow::graph::GraphFault;

const NODES: u32 = 9;

fn digraph() -> impl Strategy<Value = Vec<Edge>> {
    prop::collection::btree_set((0..NODES, 0..NODES), 0..30)
        .prop_map(|pairs| edges(pairs, |from, to| from != to))
}

/// A graph without cycles, whose nodes are in no order.
fn dag() -> impl Strategy<Value = Vec<Edge>> {
    let order = Just((0..NODES).collect::<Vec<_>>()).prop_shuffle();
    let pairs = prop::collection::btree_set((0..NODES, 0..NODES), 0..24);
    (pairs, order).prop_map(|(pairs, order)| {
        let mut edges = edges(pairs, |from, to| from < to);
        for edge in &mut edges {
            *edge = Edge {
                from: order[edge.from as usize],
                to: order[edge.to as usize],
            };
        }
        edges
    })
}

fn edges(pairs: BTreeSet<(u32, u32)>, wanted: impl Fn(u32, u32) -> bool) -> Vec<Edge> {
    let wanted = pairs.into_iter().filter(|&(from, to)| wanted(from, to));
    wanted.map(|(from, to)| Edge { from, to }).collect()
}

/// Every path from one of `starts` that goes on as long as it can, by trying, in the order of places.
fn every_path(graph: &Graph) -> Vec<Vec<u32>> {
    fn go_on(graph: &Graph, path: &mut Vec<u32>, found: &mut Vec<Vec<u32>>) {
        let mut children = graph.children(path[path.len() - 1]).to_vec();
        children.sort_unstable();
        if children.is_empty() {
            found.push(path.clone());
        }
        for child in children {
            path.push(child);
            go_on(graph, path, found);
            path.pop();
        }
    }
    let mut found = Vec::new();
    for root in graph.roots() {
        go_on(graph, &mut vec![root], &mut found);
    }
    found
}

/// Every elementary cycle, beginning with its lowest place, by trying.
fn every_cycle(graph: &Graph) -> BTreeSet<Vec<u32>> {
    fn go_on(graph: &Graph, path: &mut Vec<u32>, found: &mut BTreeSet<Vec<u32>>) {
        for &child in graph.children(path[path.len() - 1]) {
            if child == path[0] {
                found.insert(path.clone());
            } else if child > path[0] && !path.contains(&child) {
                path.push(child);
                go_on(graph, path, found);
                path.pop();
            }
        }
    }
    let mut found = BTreeSet::new();
    for start in 0..NODES {
        go_on(graph, &mut vec![start], &mut found);
    }
    found
}

/// Whether each node leads to each, over at least one edge.
fn reach(graph: &Graph) -> Vec<BTreeSet<u32>> {
    (0..NODES)
        .map(|node| graph.descendants([node]).into_iter().collect())
        .collect()
}

proptest! {
    #[test]
    fn nodes_are_of_one_component_when_each_leads_to_the_other(edges in digraph()) {
        let graph = Graph::of(NODES as usize, &edges);
        let (component, reach) = (graph.components(), reach(&graph));
        for one in 0..NODES {
            for other in 0..NODES {
                let together = one == other
                    || reach[one as usize].contains(&other) && reach[other as usize].contains(&one);
                prop_assert_eq!(component[one as usize] == component[other as usize], together);
            }
        }
    }

    #[test]
    fn told_cycles_are_cycles_shortest_first_and_break_every_edge_of_one(edges in digraph()) {
        let graph = Graph::of(NODES as usize, &edges);
        let (cycles, every) = (graph.cycles(), every_cycle(&graph));
        prop_assert!(cycles.told.iter().all(|cycle| every.contains(cycle)));
        prop_assert!(cycles.told.is_sorted_by_key(Vec::len));
        prop_assert_eq!(cycles.told.first().map(Vec::len), every.iter().map(Vec::len).min());
        prop_assert_eq!(cycles.told.iter().collect::<BTreeSet<_>>().len(), cycles.told.len());
        if cycles.untold == 0 {
            let ring = |cycle: &Vec<u32>| {
                let next = cycle.iter().skip(1).chain(cycle.first()).copied();
                cycle.iter().copied().zip(next).collect::<Vec<_>>()
            };
            let told: BTreeSet<_> = cycles.told.iter().flat_map(ring).collect();
            let all: BTreeSet<_> = every.iter().flat_map(ring).collect();
            prop_assert_eq!(told, all);
        }
    }

    #[test]
    fn a_graph_is_refused_exactly_when_a_cycle_is_in_it(edges in digraph()) {
        let graph = Graph::of(NODES as usize, &edges);
        let keys: Vec<String> = (0..NODES).map(|node| format!("n{node}")).collect();
        let vertices: Vec<Vertex<'_>> = keys.iter().map(|key| Vertex::plain(key)).collect();
        let key = |place: u32| keys[place as usize].as_str();
        let named: Vec<_> = edges.iter().map(|edge| (key(edge.from), key(edge.to))).collect();
        let checked = check(&vertices, &named);
        let is_refused = checked.faults.iter().any(|fault| fault.severity() == Severity::Error);
        prop_assert_eq!(is_refused, !every_cycle(&graph).is_empty());
        prop_assert_eq!(&checked.edges, &edges);

        let reach = reach(&graph);
        for node in 0..NODES {
            let is_reached = graph.roots().any(|root| root == node || reach[root as usize].contains(&node));
            let is_behind = !is_reached && !reach[node as usize].contains(&node);
            let is_told = checked.faults.iter().any(|fault| {
                matches!(fault, GraphFault::Unreachable { node: place, .. } if *place == node as usize)
            });
            prop_assert_eq!(is_told, is_behind);
        }
    }

    #[test]
    fn paths_are_counted_and_paged_as_trying_lists_them(edges in dag(), size in 1_usize..7) {
        let graph = Graph::of(NODES as usize, &edges);
        let (paths, every) = (Paths::of(&graph), every_path(&graph));
        prop_assert_eq!(paths.total(), &BigUint::from(every.len()));
        let mut pages = Vec::new();
        while pages.len() < every.len() {
            pages.extend(paths.from(&BigUint::from(pages.len())).take(size));
        }
        prop_assert_eq!(pages, every);
        prop_assert_eq!(paths.from(paths.total()).next(), None);
    }

    #[test]
    fn levels_and_the_critical_path_are_those_of_the_longest_paths(
        edges in dag(),
        times in prop::collection::vec(0_u64..50, NODES as usize)
    ) {
        let graph = Graph::of(NODES as usize, &edges);
        let every = every_path(&graph);
        for (node, level) in (0..NODES).zip(graph.levels()) {
            let places = every.iter().filter_map(|path| path.iter().position(|&on| on == node));
            prop_assert_eq!(level as usize, places.max().unwrap() + 1);
        }
        let takes = |path: &Vec<u32>| path.iter().map(|&node| times[node as usize]).sum::<u64>();
        let longest = graph.critical_path(&times);
        prop_assert!(every.contains(&longest));
        prop_assert_eq!(takes(&longest), every.iter().map(takes).max().unwrap());
    }
}
