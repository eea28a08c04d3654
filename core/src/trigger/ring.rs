//! Workflows that would start each other without end.
//!
//! A trigger leads from the workflow whose ends it waits for to the workflow that it starts. If a way leads back, one run would be
//! followed by another for ever. What a filter lets through is not foreseen: it may be everything.

use std::collections::{HashMap, VecDeque};

use crate::id::WorkflowId;

/// A trigger that leads from one workflow to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The workflow whose ends it waits for.
    pub watched: WorkflowId,
    /// The workflow that it starts.
    pub started: WorkflowId,
}

/// The shortest ring that `link` would close with the others: the workflows on it in order, the first repeated at the end.
#[must_use]
pub fn ring_closed_by(link: Link, others: &[Link]) -> Option<Vec<WorkflowId>> {
    let mut next: HashMap<WorkflowId, Vec<WorkflowId>> = HashMap::new();
    for other in others {
        next.entry(other.watched).or_default().push(other.started);
    }
    let mut came_from = HashMap::from([(link.started, link.watched)]);
    let mut reached = VecDeque::from([link.started]);
    while let Some(workflow) = reached.pop_front() {
        if workflow == link.watched {
            return Some(way_back(link, &came_from));
        }
        for &started in next.get(&workflow).into_iter().flatten() {
            came_from.entry(started).or_insert_with(|| {
                reached.push_back(started);
                workflow
            });
        }
    }
    None
}

fn way_back(link: Link, came_from: &HashMap<WorkflowId, WorkflowId>) -> Vec<WorkflowId> {
    let mut ring = vec![link.watched];
    let mut at = came_from[&link.watched];
    while at != link.watched {
        ring.push(at);
        at = came_from[&at];
    }
    ring.push(link.watched);
    ring.reverse();
    ring
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn link(watched: u128, started: u128) -> Link {
        Link {
            watched: Uuid::from_u128(watched).into(),
            started: Uuid::from_u128(started).into(),
        }
    }

    fn ring(new: Link, others: &[Link]) -> Option<Vec<u128>> {
        let ring = ring_closed_by(new, others)?;
        Some(ring.into_iter().map(|workflow| workflow.0.as_u128()).collect())
    }

    #[test]
    fn a_workflow_that_would_start_itself_is_a_ring() {
        assert_eq!(ring(link(1, 1), &[]), Some(vec![1, 1]));
    }

    #[test]
    fn the_shortest_way_back_is_told_in_order() {
        let others = [
            link(2, 3),
            link(3, 1),
            link(2, 4),
            link(4, 5),
            link(5, 1),
            link(1, 6),
        ];
        assert_eq!(ring(link(1, 2), &others), Some(vec![1, 2, 3, 1]));
    }

    #[test]
    fn what_joins_again_or_leads_away_is_none() {
        let others = [link(1, 3), link(3, 4), link(2, 4), link(4, 5)];
        assert_eq!(ring(link(1, 2), &others), None);
        assert_eq!(
            ring(link(6, 1), &[link(7, 7)]),
            None,
            "another's ring is not its own"
        );
    }
}
