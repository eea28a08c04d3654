//! Groups of nodes that wait for each other: strongly connected components, by Tarjan's algorithm (1972) with a stack of its own,
//! so that a chain of 10,000 nodes needs no deep one.

use super::{Graph, place};

const UNSEEN: u32 = u32::MAX;

impl Graph {
    /// The component of each node, named by one of its members.
    pub(super) fn components(&self) -> Vec<u32> {
        let mut search = Search::over(self);
        for root in 0..place(self.len()) {
            if search.index[root as usize] == UNSEEN {
                search.visit(root);
            }
        }
        search.component
    }

    /// Whether each node is on a cycle.
    pub(super) fn is_on_cycle(&self) -> Vec<bool> {
        let components = self.components();
        let mut members = vec![0_u32; self.len()];
        for &component in &components {
            members[component as usize] += 1;
        }
        components
            .iter()
            .map(|&component| members[component as usize] > 1)
            .collect()
    }
}

struct Search<'a> {
    graph: &'a Graph,
    index: Vec<u32>,
    low: Vec<u32>,
    component: Vec<u32>,
    is_open: Vec<bool>,
    open: Vec<u32>,
    next: u32,
}

impl<'a> Search<'a> {
    fn over(graph: &'a Graph) -> Self {
        let nodes = graph.len();
        Self {
            graph,
            index: vec![UNSEEN; nodes],
            low: vec![0; nodes],
            component: vec![UNSEEN; nodes],
            is_open: vec![false; nodes],
            open: Vec::new(),
            next: 0,
        }
    }

    /// Visits all that is reached from `root`. A call is a node and how many of its children were looked at.
    fn visit(&mut self, root: u32) {
        let mut calls = vec![(root, 0_usize)];
        while let Some((node, looked_at)) = calls.pop() {
            let at = node as usize;
            if looked_at == 0 {
                self.enter(node);
            } else {
                let returned = self.graph.children[at][looked_at - 1] as usize;
                self.low[at] = self.low[at].min(self.low[returned]);
            }
            match self.next_unseen(node, looked_at) {
                Some(child_at) => {
                    calls.push((node, child_at + 1));
                    calls.push((self.graph.children[at][child_at], 0));
                }
                None if self.low[at] == self.index[at] => self.close(node),
                None => {}
            }
        }
    }

    fn enter(&mut self, node: u32) {
        let at = node as usize;
        self.index[at] = self.next;
        self.low[at] = self.next;
        self.next += 1;
        self.open.push(node);
        self.is_open[at] = true;
    }

    /// The next child that was not seen; what lies before it and is open draws the node into its component.
    fn next_unseen(&mut self, node: u32, from: usize) -> Option<usize> {
        let at = node as usize;
        for (child_at, &child) in self.graph.children[at].iter().enumerate().skip(from) {
            let child = child as usize;
            if self.index[child] == UNSEEN {
                return Some(child_at);
            }
            if self.is_open[child] {
                self.low[at] = self.low[at].min(self.index[child]);
            }
        }
        None
    }

    fn close(&mut self, node: u32) {
        while let Some(member) = self.open.pop() {
            self.is_open[member as usize] = false;
            self.component[member as usize] = node;
            if member == node {
                break;
            }
        }
    }
}
