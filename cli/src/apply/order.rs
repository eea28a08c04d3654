//! The order in which workflows are made.
//!
//! A workflow that runs another can be made when that one is there. Files do not say in which order that is, so workflows go out
//! in ranks: first those that run none of the others, then those that run only such, and so on.

use std::collections::HashMap;

use serde_json::Value;

use super::document::{Kind, Proposal};

/// Gives every workflow its rank. Those that run each other in a ring have none that would do, and get any.
pub(super) fn rank(proposals: &mut [Proposal]) {
    let of_key: HashMap<String, usize> = proposals
        .iter()
        .enumerate()
        .filter(|(_, proposal)| proposal.kind == Kind::Workflow)
        .map(|(place, proposal)| (proposal.key.clone(), place))
        .collect();
    let runs: Vec<Vec<usize>> = proposals
        .iter()
        .map(|proposal| {
            let keys = sub_workflows(&proposal.fields);
            keys.filter_map(|key| of_key.get(key).copied()).collect()
        })
        .collect();
    // A chain of workflows is no longer than there are workflows, so the ranks of all that are in no ring stand by then.
    for _ in 0..of_key.len() {
        let mut is_settled = true;
        for (place, runs) in runs.iter().enumerate() {
            let others = runs.iter().filter(|&&other| other != place);
            let rank = others.map(|&other| proposals[other].rank + 1).max().unwrap_or(0);
            is_settled &= proposals[place].rank == rank;
            proposals[place].rank = rank;
        }
        if is_settled {
            return;
        }
    }
}

/// The keys of the workflows that the nodes of a workflow run.
fn sub_workflows(fields: &Value) -> impl Iterator<Item = &str> {
    let nodes = fields["nodes"].as_array().into_iter().flatten();
    nodes.filter_map(|node| node["workflow"]["key"].as_str())
}
