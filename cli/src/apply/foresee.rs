//! What the service would find wrong with a workflow, asked without saving it.
//!
//! A workflow may name what the same files define and the service does not have yet. That is no fault: by the time the workflow
//! is sent, it is there.

use serde_json::Value;

use super::document::{Kind, Proposal};
use crate::client::{Api, ClientError, Problem};

/// What would be wrong with `proposal` once all of `proposals` that it may name are applied.
pub(super) async fn foresee(
    api: &Api,
    proposal: &Proposal,
    proposals: &[Proposal],
) -> Result<Vec<Problem>, ClientError> {
    if proposal.kind != Kind::Workflow {
        return Ok(Vec::new());
    }
    let mut problems = api.validate(proposal.fields.clone()).await?;
    problems.retain(|problem| {
        let named = reference_at(&proposal.fields, &problem.error.path);
        let is_to_come = named.is_some_and(|(kind, key)| {
            proposals
                .iter()
                .any(|other| (other.kind, other.key.as_str()) == (kind, key))
        });
        !(problem.is_missing() && is_to_come)
    });
    Ok(problems)
}

/// What is named at `path`, which begins with the argument, when it is named by its key.
fn reference_at<'a>(input: &'a Value, path: &[String]) -> Option<(Kind, &'a str)> {
    let kind = match path.last()?.as_str() {
        "program" => Kind::Program,
        "endpoint" => Kind::Endpoint,
        "taskNode" => Kind::TaskNode,
        "workflow" => Kind::Workflow,
        _ => return None,
    };
    let mut at = input;
    for step in &path[1..] {
        at = match (at, step.parse::<usize>()) {
            (Value::Array(items), Ok(place)) => items.get(place)?,
            (value, _) => value.get(step)?,
        };
    }
    Some((kind, at.get("key")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_found_by_its_path() {
        let input =
            json!({ "nodes": [{ "key": "a", "taskNode": { "key": "say" } }], "edges": [{ "from": "x" }] });
        let at = |path: &str| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            reference_at(&input, &path)
        };
        assert_eq!(at("input.nodes.0.taskNode"), Some((Kind::TaskNode, "say")));
        assert_eq!(at("input.nodes.1.taskNode"), None);
        assert_eq!(at("input.edges.0.from"), None);
    }
}
