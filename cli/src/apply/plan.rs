//! Whether applying a definition would change what is registered, as far as it can be told from outside.

use serde_json::{Value, json};

use super::document::Kind;
use super::shape::Shapes;

/// Whether what is `shown` would be another if it were made as `wanted`.
pub(super) fn differs(shapes: &Shapes, kind: Kind, wanted: &Value, shown: &Value) -> bool {
    match kind {
        Kind::Program => shapes.differ("Program", wanted, shown),
        Kind::Endpoint => shapes.differ("Endpoint", wanted, shown),
        Kind::TaskNode => shapes.differ("TaskNode", &work_as_shown(wanted), shown),
        Kind::Workflow => {
            shapes.differ("Workflow", wanted, shown)
                || shapes.differ("WorkflowDraft", wanted, &shown["draft"])
        }
    }
}

/// A task node's work is given as one of three and shown as a kind with what it runs or calls.
fn work_as_shown(wanted: &Value) -> Value {
    let mut shown = wanted.clone();
    let work = shown["work"].take();
    for (name, kind) in [
        ("program", "PROGRAM"),
        ("endpoint", "ENDPOINT"),
        ("noOp", "NO_OP"),
    ] {
        if let Some(reference) = work.get(name) {
            shown["kind"] = json!(kind);
            shown[name] = reference.clone();
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_node_of_another_program_differs() {
        let shapes = Shapes::of_schema();
        let shown = json!({
            "key": "a", "description": "", "kind": "PROGRAM", "program": {"id": "x", "key": "p"}, "endpoint": null,
            "arguments": null, "environment": [], "retry": {"maxAttempts": 3, "delay": "PT0S", "factor": 1.0},
        });
        let wanted = |work: Value| json!({"key": "a", "work": work, "retry": {"maxAttempts": 3}});
        let same = wanted(json!({"program": {"key": "p"}}));
        assert!(!differs(&shapes, Kind::TaskNode, &same, &shown));
        for other in [json!({"program": {"key": "q"}}), json!({"noOp": true})] {
            assert!(differs(&shapes, Kind::TaskNode, &wanted(other), &shown));
        }
        let once = json!({"key": "a", "work": {"program": {"key": "p"}}});
        assert!(differs(&shapes, Kind::TaskNode, &once, &shown));
    }

    #[test]
    fn a_workflow_with_another_edge_differs() {
        let shapes = Shapes::of_schema();
        let node = |key: &str| json!({"key": key, "taskNode": {"key": "t"}});
        let shown_node = |key: &str| json!({"key": key, "taskNode": {"id": "x", "key": "t"}, "arguments": null, "environment": []});
        let shown = json!({
            "key": "w", "description": "",
            "draft": {
                "priority": 5, "inputs": [], "nodes": [shown_node("a"), shown_node("b")],
                "edges": [{"from": "a", "to": "b"}],
            },
        });
        let mut wanted = json!({
            "key": "w", "publish": true, "nodes": [node("a"), node("b")], "edges": [{"from": "a", "to": "b"}],
        });
        assert!(!differs(&shapes, Kind::Workflow, &wanted, &shown));
        wanted["edges"] = json!([{"from": "b", "to": "a"}]);
        assert!(differs(&shapes, Kind::Workflow, &wanted, &shown));
    }
}
