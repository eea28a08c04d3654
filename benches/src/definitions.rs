//! What the scenarios run, as documents for `waterclock apply`.

use serde_json::{Value, json};

/// The key of the task node that does nothing.
const NOTHING: &str = "nothing";

/// A task node that ends as soon as an executor starts it. Every other definition here needs it.
pub(crate) fn no_op() -> Value {
    json!({"kind": "TaskNode", "key": NOTHING, "work": {"noOp": true}})
}

/// A workflow of one no-op node; only executors that offer `label`, if one is given, may have it.
pub(crate) fn single(key: &str, label: Option<&str>) -> Value {
    let mut node = json!({"key": "only", "taskNode": {"key": NOTHING}});
    if let Some(label) = label {
        node["requiredLabels"] = json!([label]);
    }
    json!({"kind": "Workflow", "key": key, "nodes": [node], "edges": []})
}

/// A workflow of `length` no-op nodes, one after the other.
pub(crate) fn chain(key: &str, length: usize) -> Value {
    let nodes: Vec<Value> = (0..length).map(|place| node(&place.to_string())).collect();
    let edges: Vec<Value> = (1..length)
        .map(|place| edge(&(place - 1).to_string(), &place.to_string()))
        .collect();
    workflow(key, &nodes, &edges)
}

/// A workflow of a root, `width` nodes that wait for it, and one that waits for all of them.
pub(crate) fn fan(key: &str, width: usize) -> Value {
    let leaf = |place| format!("leaf-{place}");
    let mut nodes = vec![node("root")];
    nodes.extend((0..width).map(|place| node(&leaf(place))));
    nodes.push(node("join"));
    let out = (0..width).map(|place| edge("root", &leaf(place)));
    let back = (0..width).map(|place| edge(&leaf(place), "join"));
    workflow(key, &nodes, &out.chain(back).collect::<Vec<_>>())
}

/// A workflow of `depth` layers of `width` no-op nodes, each of which waits for every node of the layer before it.
pub(crate) fn layers(key: &str, depth: usize, width: usize) -> Value {
    let name = |layer: usize, place: usize| format!("n{}", layer * width + place);
    let nodes: Vec<Value> = (0..depth)
        .flat_map(|layer| (0..width).map(move |place| node(&name(layer, place))))
        .collect();
    let between = |from: usize, to: usize| {
        (0..width).flat_map(move |one| (0..width).map(move |other| edge(&name(from, one), &name(to, other))))
    };
    let edges: Vec<Value> = (1..depth).flat_map(|layer| between(layer - 1, layer)).collect();
    workflow(key, &nodes, &edges)
}

/// An endpoint at `url`, and a workflow of one call of it, for executors that offer `label`.
pub(crate) fn call(key: &str, url: &str, label: &str) -> [Value; 3] {
    let node = json!({"key": "call", "taskNode": {"key": key}, "requiredLabels": [label]});
    [
        json!({"kind": "Endpoint", "key": key, "method": "GET", "url": url, "timeout": "PT5M"}),
        json!({"kind": "TaskNode", "key": key, "work": {"endpoint": {"key": key}}}),
        json!({"kind": "Workflow", "key": key, "nodes": [node], "edges": []}),
    ]
}

fn node(key: &str) -> Value {
    json!({"key": key, "taskNode": {"key": NOTHING}})
}

fn edge(from: &str, to: &str) -> Value {
    json!({"from": from, "to": to})
}

fn workflow(key: &str, nodes: &[Value], edges: &[Value]) -> Value {
    json!({"kind": "Workflow", "key": key, "nodes": nodes, "edges": edges})
}
