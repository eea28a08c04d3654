//! What of a run is run again, and what keeps the end that it had.
//!
//! A rerun is a run of its own: the one that ended is never opened again, so what it did can always be read. Of its nodes, those
//! that were chosen run again. What succeeded or was skipped is kept, with its outputs, as long as nothing before it runs again:
//! an end must not rest on what is about to be replaced. All else is left out. What is left out is skipped, and holds nobody up:
//! whoever chose one node out of the middle of a graph wants it run, not skipped because of what was not chosen.

use std::collections::{BTreeMap, BTreeSet};

use super::TaskRunState;
use crate::workflow::{PinnedVersion, TriggerRule};

/// The reason of nodes that a rerun leaves out. A rerun of a rerun knows them by it.
pub(crate) const LEFT_OUT: &str = "left out of this rerun";

/// Which nodes are to run again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Selection {
    /// All of them.
    All,
    /// Those that neither succeeded nor were skipped.
    Failed,
    /// Those with these keys, and perhaps what is before or after them.
    Nodes {
        /// Their keys.
        keys: Vec<String>,
        /// What else.
        with: Extent,
    },
}

/// What runs again besides the nodes that were named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Extent {
    /// Nothing.
    Only,
    /// All that is before them.
    Upstream,
    /// All that is after them.
    Downstream,
}

/// How a node ended in the earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierEnd {
    /// What it was.
    pub state: TaskRunState,
    /// Why.
    pub reason: Option<String>,
}

/// What becomes of a node in a rerun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs, as soon as what is before it has ended and its rule holds.
    Runs,
    /// It begins with the run, whatever its rule.
    RunsAtOnce,
    /// It keeps the end that it had.
    Kept,
    /// It is skipped, and holds nobody up.
    LeftOut,
}

impl Fate {
    /// Whether the node runs again.
    #[must_use]
    pub fn runs(self) -> bool {
        matches!(self, Self::Runs | Self::RunsAtOnce)
    }
}

/// The fates of the nodes of `version`, by place. `earlier` tells how the nodes of the earlier run ended, by key; a node that it
/// did not have is new.
#[must_use]
pub fn plan_rerun(
    version: &PinnedVersion,
    earlier: &BTreeMap<String, EarlierEnd>,
    selection: &Selection,
) -> Vec<Fate> {
    let again = chosen(version, earlier, selection);
    let parents = parents(version);
    let replaced: BTreeSet<i32> = match selection {
        // What succeeded is never run again from a failure, so its end stands whatever runs before it.
        Selection::All | Selection::Failed => BTreeSet::new(),
        Selection::Nodes { .. } => again
            .iter()
            .flat_map(|&place| version.descendants(place))
            .collect(),
    };
    (0..)
        .zip(&version.nodes)
        .map(|(place, node)| {
            if !again.contains(&place) {
                let kept = earlier.get(&node.key).is_some_and(|end| {
                    end.state == TaskRunState::Succeeded
                        || end.state == TaskRunState::Skipped && end.reason.as_deref() != Some(LEFT_OUT)
                });
                return if kept && !replaced.contains(&place) {
                    Fate::Kept
                } else {
                    Fate::LeftOut
                };
            }
            let before = &parents[at(place)];
            let was_named = matches!(selection, Selection::Nodes { .. });
            let waits = before.iter().any(|parent| again.contains(parent));
            if before.is_empty() || node.trigger_rule == TriggerRule::Always || was_named && !waits {
                Fate::RunsAtOnce
            } else {
                Fate::Runs
            }
        })
        .collect()
}

/// The places of the nodes that run again.
fn chosen(
    version: &PinnedVersion,
    earlier: &BTreeMap<String, EarlierEnd>,
    selection: &Selection,
) -> BTreeSet<i32> {
    let places = (0..).zip(&version.nodes);
    match selection {
        Selection::All => places.map(|(place, _)| place).collect(),
        Selection::Failed => places
            .filter(|(_, node)| {
                !earlier
                    .get(&node.key)
                    .is_some_and(|end| matches!(end.state, TaskRunState::Succeeded | TaskRunState::Skipped))
            })
            .map(|(place, _)| place)
            .collect(),
        Selection::Nodes { keys, with } => {
            let named: BTreeSet<i32> = keys.iter().filter_map(|key| version.place_of(key)).collect();
            let mut chosen = named.clone();
            match with {
                Extent::Only => {}
                Extent::Downstream => {
                    chosen.extend(named.iter().flat_map(|&place| version.descendants(place)));
                }
                Extent::Upstream => chosen.extend(ancestors(version, &named)),
            }
            chosen
        }
    }
}

/// All nodes that one of `named` waits for, directly or not.
fn ancestors(version: &PinnedVersion, named: &BTreeSet<i32>) -> BTreeSet<i32> {
    let parents = parents(version);
    let mut open: Vec<i32> = named.iter().copied().collect();
    let mut found = BTreeSet::new();
    while let Some(place) = open.pop() {
        open.extend(parents[at(place)].iter().filter(|&&parent| found.insert(parent)));
    }
    found
}

/// The nodes that each node waits for, by place.
fn parents(version: &PinnedVersion) -> Vec<Vec<i32>> {
    let mut parents = vec![Vec::new(); version.nodes.len()];
    for (place, _) in (0..).zip(&version.nodes) {
        for child in version.children(place) {
            parents[at(child)].push(place);
        }
    }
    parents
}

fn at(place: i32) -> usize {
    usize::try_from(place).expect("places of nodes are not negative")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{WorkflowId, WorkflowVersionId};
    use crate::workflow::{Definition, Edge, NodeSpec, Work};

    /// `a -> b -> c`, and `d` after `a`.
    fn version() -> PinnedVersion {
        let edge = |from, to| Edge { from, to };
        let definition = Definition {
            nodes: ["a", "b", "c", "d"]
                .map(|key| NodeSpec::new(key, Work::NoOp))
                .into(),
            edges: vec![edge(0, 1), edge(1, 2), edge(0, 3)],
            ..Definition::default()
        };
        let (id, workflow) = (WorkflowVersionId::generate(), WorkflowId::generate());
        PinnedVersion::new(id, workflow, "w", 1, 5, definition)
    }

    fn earlier(states: &str) -> BTreeMap<String, EarlierEnd> {
        ["a", "b", "c", "d"]
            .iter()
            .zip(states.chars())
            .map(|(key, state)| {
                let (state, reason) = match state {
                    's' => (TaskRunState::Succeeded, None),
                    'f' => (TaskRunState::Failed, Some("exit code 1")),
                    'u' => (TaskRunState::UpstreamFailed, None),
                    'l' => (TaskRunState::Skipped, Some(LEFT_OUT)),
                    _ => (TaskRunState::Skipped, Some("a rule")),
                };
                let end = EarlierEnd {
                    state,
                    reason: reason.map(ToOwned::to_owned),
                };
                ((*key).to_owned(), end)
            })
            .collect()
    }

    /// A letter for each node: runs (`r`), runs at once (`!`), kept (`k`), left out (`-`).
    fn fates(states: &str, selection: &Selection) -> String {
        plan_rerun(&version(), &earlier(states), selection)
            .into_iter()
            .map(|fate| match fate {
                Fate::Runs => 'r',
                Fate::RunsAtOnce => '!',
                Fate::Kept => 'k',
                Fate::LeftOut => '-',
            })
            .collect()
    }

    fn nodes(keys: &[&str], with: Extent) -> Selection {
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        Selection::Nodes { keys, with }
    }

    #[test]
    fn from_a_failure_nothing_runs_that_had_succeeded() {
        assert_eq!(fates("sfus", &Selection::Failed), "krrk");
        assert_eq!(fates("fsks", &Selection::Failed), "!kkk");
        assert_eq!(fates("ssss", &Selection::Failed), "kkkk");
        assert_eq!(fates("ssss", &Selection::All), "!rrr");
    }

    #[test]
    fn a_chosen_node_begins_at_once_unless_something_before_it_runs_again() {
        assert_eq!(fates("ssss", &nodes(&["b"], Extent::Only)), "k!-k");
        assert_eq!(fates("fuuu", &nodes(&["c"], Extent::Only)), "--!-");
        assert_eq!(fates("ssss", &nodes(&["a", "c"], Extent::Only)), "!-!-");
        assert_eq!(fates("ssss", &nodes(&["b", "c"], Extent::Only)), "k!rk");
    }

    #[test]
    fn what_is_before_or_after_comes_along() {
        assert_eq!(fates("ssss", &nodes(&["c"], Extent::Upstream)), "!rr-");
        assert_eq!(fates("ssss", &nodes(&["b"], Extent::Downstream)), "k!rk");
    }

    #[test]
    fn what_was_left_out_before_is_left_out_again_and_holds_nobody_up() {
        assert_eq!(fates("lfus", &Selection::Failed), "-rrk");
    }
}
