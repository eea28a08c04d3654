//! The nodes of a run that wait, in memory: where a cascade of ends is followed.

use std::collections::{HashMap, HashSet};

use super::Hand;
use crate::id::{RunId, TaskRunId};
use crate::run::{ParentEnd, Parents};
use crate::store::flow::{Counted, Recount};

/// The waiting nodes of the runs that were read.
#[derive(Default)]
pub(super) struct Front {
    read: HashSet<RunId>,
    waiting: HashMap<(RunId, i32), Waiting>,
}

/// A node that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) task_run_id: TaskRunId,
    pub(super) parents: Parents,
    /// Its parents have ended since it was read.
    changed: bool,
}

impl Front {
    /// Whether the run was read.
    pub(super) fn knows(&self, run: RunId) -> bool {
        self.read.contains(&run)
    }

    /// All that waits of the run is about to be added.
    pub(super) fn read(&mut self, run: RunId) {
        self.read.insert(run);
    }

    pub(super) fn add(&mut self, node: Counted) {
        let waiting = Waiting {
            task_run_id: node.task_run_id,
            parents: node.parents,
            changed: false,
        };
        self.waiting.insert((node.run_id, node.node), waiting);
    }

    /// Counts the end of a parent; gives the node, if it still waits.
    pub(super) fn count(&mut self, run: RunId, node: i32, end: ParentEnd) -> Option<Waiting> {
        let waiting = self.waiting.get_mut(&(run, node))?;
        waiting.parents.count(end);
        waiting.changed = true;
        Some(*waiting)
    }

    /// The node, if it still waits.
    pub(super) fn get(&self, run: RunId, node: i32) -> Option<Waiting> {
        self.waiting.get(&(run, node)).copied()
    }

    /// The node begins.
    pub(super) fn take(&mut self, run: RunId, node: i32) {
        self.waiting.remove(&(run, node));
    }

    /// The node has ended.
    pub(super) fn remove(&mut self, run: RunId, node: i32, is_share: bool) {
        if !is_share {
            self.waiting.remove(&(run, node));
        }
    }

    /// What is to be written down of the nodes that wait on.
    pub(super) fn take_recounts(&mut self, hands: &HashMap<RunId, Hand>) -> Vec<Recount> {
        let changed = self.waiting.iter_mut().filter(|(_, waiting)| waiting.changed);
        changed
            .map(|((run, _), waiting)| {
                waiting.changed = false;
                Recount {
                    tenant_id: hands[run].tenant_id,
                    task_run_id: waiting.task_run_id,
                    parents: waiting.parents,
                }
            })
            .collect()
    }
}
