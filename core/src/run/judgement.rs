//! What a run comes to when all its nodes have ended.
//!
//! It is not what its last nodes came to. A clean-up that runs in any case succeeds after a failure as well, and must not
//! make the failure pass. So every failed node counts, unless it may fail, or a node that starts *because* of failures
//! (`one_failed`, `all_failed`) started because of it and succeeded. Such a node may stand further down, behind nodes that the
//! failure kept from starting.

use super::TaskRunState;
use crate::workflow::{PinnedVersion, TriggerRule};

/// The places of the nodes whose failure nobody handled, in order. `states` are those of the nodes, by place.
#[must_use]
pub fn unhandled_failures(version: &PinnedVersion, states: &[TaskRunState]) -> Vec<i32> {
    let mut handled = vec![None; states.len()];
    (0..)
        .zip(states)
        .filter(|&(place, &state)| {
            state == TaskRunState::Failed
                && !version.node(place).allow_failure
                && !is_handled(version, states, place, &mut handled)
        })
        .map(|(place, _)| place)
        .collect()
}

/// Whether a node that handles failures was reached from `from`. What is known of nodes on the way is kept in `known`.
fn is_handled(
    version: &PinnedVersion,
    states: &[TaskRunState],
    from: i32,
    known: &mut [Option<bool>],
) -> bool {
    let at = |place: i32| usize::try_from(place).expect("places of nodes are not negative");
    let mut seen = Vec::new();
    let mut open = vec![from];
    let mut found = false;
    while let Some(place) = open.pop() {
        for child in version.children(place) {
            match states[at(child)] {
                TaskRunState::Succeeded if handles_failures(version, child) => found = true,
                TaskRunState::UpstreamFailed => match known[at(child)] {
                    Some(true) => found = true,
                    Some(false) => {}
                    None => {
                        known[at(child)] = Some(false);
                        seen.push(child);
                        open.push(child);
                    }
                },
                _ => {}
            }
        }
    }
    // What lies behind a node that was passed on the way is known only when nothing was found at all: found things may lie
    // behind another one.
    if found {
        for place in seen {
            known[at(place)] = None;
        }
    }
    found
}

/// Whether the node starts because of failures.
fn handles_failures(version: &PinnedVersion, place: i32) -> bool {
    matches!(
        version.node(place).trigger_rule,
        TriggerRule::OneFailed | TriggerRule::AllFailed
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{WorkflowId, WorkflowVersionId};
    use crate::workflow::{Definition, Edge, NodeSpec, Work};

    fn edge(keys: &[&str], from: &str, to: &str) -> Edge {
        let place = |key| u32::try_from(keys.iter().position(|known| *known == key).unwrap()).unwrap();
        Edge {
            from: place(from),
            to: place(to),
        }
    }

    fn version(edges: &[(&str, &str)], rules: &[(&str, TriggerRule)]) -> PinnedVersion {
        let keys = ["a", "b", "c", "d"];
        let mut definition = Definition {
            nodes: keys.iter().map(|&key| NodeSpec::new(key, Work::NoOp)).collect(),
            edges: edges.iter().map(|(from, to)| edge(&keys, from, to)).collect(),
            ..Definition::default()
        };
        for node in &mut definition.nodes {
            if let Some((_, rule)) = rules.iter().find(|(key, _)| *key == node.key) {
                node.trigger_rule = *rule;
            }
        }
        PinnedVersion::new(
            WorkflowVersionId::generate(),
            WorkflowId::generate(),
            "w",
            1,
            5,
            definition,
        )
    }

    fn unhandled(version: &PinnedVersion, states: &str) -> Vec<i32> {
        let states: Vec<TaskRunState> = states
            .chars()
            .map(|state| match state {
                's' => TaskRunState::Succeeded,
                'f' => TaskRunState::Failed,
                'u' => TaskRunState::UpstreamFailed,
                _ => TaskRunState::Skipped,
            })
            .collect();
        unhandled_failures(version, &states)
    }

    #[test]
    fn what_runs_in_any_case_makes_no_failure_pass() {
        let cleaned = version(&[("a", "b")], &[("b", TriggerRule::AllDone)]);
        assert_eq!(unhandled(&cleaned, "fsss"), [0]);
    }

    #[test]
    fn what_runs_because_of_a_failure_handles_it_if_it_succeeds() {
        let handled = version(&[("a", "b")], &[("b", TriggerRule::OneFailed)]);
        assert_eq!(unhandled(&handled, "fsss"), Vec::<i32>::new());
        assert_eq!(unhandled(&handled, "ffss"), [0, 1]);
        assert_eq!(unhandled(&handled, "fsfs"), [2]);
    }

    #[test]
    fn a_failure_is_handled_behind_what_it_kept_from_starting() {
        let far = version(
            &[("a", "b"), ("b", "c"), ("d", "c")],
            &[("c", TriggerRule::OneFailed)],
        );
        assert_eq!(unhandled(&far, "fuss"), Vec::<i32>::new());
        assert_eq!(unhandled(&far, "fukf"), [0, 3]);
    }

    #[test]
    fn a_failure_that_may_be_counts_for_nothing() {
        let mut allowed = version(&[], &[]);
        std::sync::Arc::get_mut(&mut allowed.nodes[0])
            .unwrap()
            .allow_failure = true;
        assert_eq!(unhandled(&allowed, "ffss"), [1]);
    }
}
