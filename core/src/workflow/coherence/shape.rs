//! What nodes say about the graph: whom a branch leads to, whether a rule can ever hold, who can be spread.

use std::collections::{HashMap, HashSet};

use super::{Resolved, Whole};
use crate::check::{Faults, quoted};
use crate::workflow::graph::Graph;
use crate::workflow::{BranchSpec, Spread, TriggerRule, Work};

/// How many keys a message lists.
const LISTED: usize = 10;

impl Whole<'_> {
    /// Tells what does not fit the graph.
    pub(super) fn check_shape(&self, places: &HashMap<&str, u32>, graph: &Graph, faults: &mut Faults) {
        self.every_node(faults, |faults, place, resolved| {
            check_spread(resolved, faults);
            if self.has_sound_edges && graph.parent_counts()[place as usize] == 0 {
                check_root(resolved.spec.trigger_rule, faults);
            }
            if let Work::Branch(branch) = &resolved.spec.work {
                let reach = Reach {
                    keys: &self.keys,
                    places,
                    successors: self.has_sound_edges.then(|| graph.children(place)),
                };
                faults.within("branch", |faults| reach.check(branch, faults));
            }
        });
    }
}

/// A rule that wants something of a node before it can hold only where there is one.
fn check_root(rule: TriggerRule, faults: &mut Faults) {
    let can_hold = match rule {
        TriggerRule::AllSuccess
        | TriggerRule::AllFailed
        | TriggerRule::AllDone
        | TriggerRule::AllSkipped
        | TriggerRule::NoneFailed
        | TriggerRule::NoneSkipped
        | TriggerRule::Always => true,
        TriggerRule::AllDoneMinOneSuccess
        | TriggerRule::OneFailed
        | TriggerRule::OneSuccess
        | TriggerRule::OneDone
        | TriggerRule::NoneFailedMinOneSuccess => false,
    };
    if !can_hold {
        let message = format!(
            "the node waits for nobody, so {} could never hold; add an edge, or take ALL_SUCCESS",
            rule.as_str().to_ascii_uppercase()
        );
        faults.within("triggerRule", |faults| faults.invalid(message));
    }
}

fn check_spread(resolved: &Resolved<'_>, faults: &mut Faults) {
    let Some(spread) = &resolved.spec.spread else {
        return;
    };
    let field = match spread {
        Spread::Map(_) => "map",
        Spread::Shards(_) => "sharding",
        Spread::Broadcast => "broadcast",
    };
    let reason = match (&resolved.spec.work, spread) {
        (Work::Program(_) | Work::Endpoint(_) | Work::NoOp, _) | (Work::Workflow(_), Spread::Map(_)) => {
            return;
        }
        (Work::Workflow(_), _) => {
            "a sub-workflow is a run of its own and goes to no executor; spread it with `map`, or spread its nodes"
        }
        _ => {
            "branches, approvals and waits are done once, by the service; only programs, endpoints and sub-workflows are spread"
        }
    };
    faults.within(field, |faults| faults.invalid(reason));
}

/// Where a branch may lead.
struct Reach<'a> {
    keys: &'a [&'a str],
    places: &'a HashMap<&'a str, u32>,
    /// The nodes that wait for it, where that is known.
    successors: Option<&'a [u32]>,
}

impl Reach<'_> {
    fn check(&self, branch: &BranchSpec, faults: &mut Faults) {
        faults.within("cases", |faults| {
            faults.every(&branch.cases, |faults, case| {
                self.check_list("then", &case.then, faults);
            });
        });
        self.check_list("otherwise", &branch.otherwise, faults);
        self.check_complete(branch, faults);
    }

    fn check_list(&self, list: &str, keys: &[String], faults: &mut Faults) {
        faults.within(list, |faults| {
            faults.every(keys, |faults, key| match self.places.get(key.as_str()) {
                None => faults.missing(format!("no node has the key {}", quoted(key))),
                Some(place) => {
                    if self.successors.is_some_and(|nodes| !nodes.contains(place)) {
                        let message = format!(
                            "the node {} does not wait for this branch, so the branch cannot choose it; add an edge from \
                             the branch to it",
                            quoted(key)
                        );
                        faults.invalid(message);
                    }
                }
            });
        });
    }

    /// A node that waits for a branch and is in none of its cases would be skipped in every run.
    fn check_complete(&self, branch: &BranchSpec, faults: &mut Faults) {
        let lists = branch.cases.iter().map(|case| &case.then);
        let named: HashSet<&str> = lists
            .chain([&branch.otherwise])
            .flatten()
            .map(String::as_str)
            .collect();
        let unnamed: Vec<&str> = self
            .successors
            .unwrap_or_default()
            .iter()
            .map(|&place| self.keys[place as usize])
            .filter(|key| !named.contains(key))
            .collect();
        if unnamed.is_empty() {
            return;
        }
        let more = if unnamed.len() > LISTED { ", …" } else { "" };
        let listed = unnamed[..unnamed.len().min(LISTED)].join(", ");
        faults.invalid(format!(
            "no case leads to {listed}{more}, which would be skipped in every run; name them in a case or in `otherwise`, or \
             remove the edge"
        ));
    }
}
