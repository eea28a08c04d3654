//! What two editions of a workflow do not have in common.
//!
//! Nodes are told apart by their keys and edges by the keys of their nodes, so that an edition whose nodes stand in another
//! order differs in nothing. Within a node, the difference goes down to the values: maps are compared name by name, lists as
//! they are, since an argument that was put in moves all behind it.
//!
//! Values are compared as versions are stored. A field that is absent has its default, and is compared as such: as `null`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Definition, Edge, NodeSpec};

/// What became of something between two editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the later has it.
    Added,
    /// Only the earlier has it.
    Removed,
    /// Both have it, and it is not the same.
    Changed,
}

/// A value that is not the same.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Where it stands, outermost first.
    pub path: Vec<String>,
    /// What it was; null for nothing.
    pub before: Value,
    /// What it is; null for nothing.
    pub after: Value,
}

/// A node or an input that is not the same.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedChange {
    /// The node's key, or the input's name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// What is not the same, if both editions have it.
    pub fields: Vec<FieldChange>,
}

/// An edge that only one edition has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeChange {
    /// The key of the node that comes first.
    pub from: String,
    /// The key of the node that waits for it.
    pub to: String,
    /// Whether it is the later edition that has it.
    pub is_added: bool,
}

/// What two editions do not have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// The nodes, by key.
    pub nodes: Vec<NamedChange>,
    /// The edges, by the keys of their nodes.
    pub edges: Vec<EdgeChange>,
    /// The inputs, by name.
    pub inputs: Vec<NamedChange>,
    /// How runs go as a whole, and their priority.
    pub fields: Vec<FieldChange>,
}

impl Difference {
    /// What became of `before`, with the priority of its runs, on the way to `after`.
    #[must_use]
    pub fn between(before: (&Definition, i16), after: (&Definition, i16)) -> Self {
        let ((before, priority_before), (after, priority_after)) = (before, after);
        let mut fields = changes(&json(&before.conduct), &json(&after.conduct));
        if priority_before != priority_after {
            fields.push(FieldChange {
                path: vec!["priority".to_owned()],
                before: priority_before.into(),
                after: priority_after.into(),
            });
        }
        Self {
            nodes: named(&nodes_of(before), &nodes_of(after)),
            edges: edges(&edges_of(before), &edges_of(after)),
            inputs: named(&jsons(&before.inputs), &jsons(&after.inputs)),
            fields,
        }
    }

    /// Whether both are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty() && self.inputs.is_empty() && self.fields.is_empty()
    }
}

fn json(part: &impl serde::Serialize) -> Value {
    serde_json::to_value(part).expect("a part of a definition is JSON")
}

fn jsons<T: serde::Serialize>(parts: &BTreeMap<String, T>) -> BTreeMap<&str, Value> {
    parts
        .iter()
        .map(|(name, part)| (name.as_str(), json(part)))
        .collect()
}

/// The nodes by key, without it.
fn nodes_of(definition: &Definition) -> BTreeMap<&str, Value> {
    let node = |node: &NodeSpec| {
        let mut value = json(node);
        if let Value::Object(fields) = &mut value {
            fields.remove("key");
        }
        value
    };
    definition
        .nodes
        .iter()
        .map(|spec| (spec.key.as_str(), node(spec)))
        .collect()
}

fn edges_of(definition: &Definition) -> BTreeSet<(&str, &str)> {
    let key = |place: u32| definition.nodes[place as usize].key.as_str();
    let ends = |edge: &Edge| (key(edge.from), key(edge.to));
    definition.edges.iter().map(ends).collect()
}

fn edges(before: &BTreeSet<(&str, &str)>, after: &BTreeSet<(&str, &str)>) -> Vec<EdgeChange> {
    before
        .symmetric_difference(after)
        .map(|&(from, to)| EdgeChange {
            from: from.to_owned(),
            to: to.to_owned(),
            is_added: after.contains(&(from, to)),
        })
        .collect()
}

fn named(before: &BTreeMap<&str, Value>, after: &BTreeMap<&str, Value>) -> Vec<NamedChange> {
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let change = |name: &str| {
        let (change, fields) = match (before.get(name), after.get(name)) {
            (None, _) => (Change::Added, Vec::new()),
            (_, None) => (Change::Removed, Vec::new()),
            (Some(before), Some(after)) => (Change::Changed, changes(before, after)),
        };
        let is_same = change == Change::Changed && fields.is_empty();
        (!is_same).then(|| NamedChange {
            name: name.to_owned(),
            change,
            fields,
        })
    };
    names.into_iter().filter_map(change).collect()
}

/// The values that are not the same.
fn changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(before, after, &mut Vec::new(), &mut found);
    found
}

fn compare(before: &Value, after: &Value, path: &mut Vec<String>, found: &mut Vec<FieldChange>) {
    match (before, after) {
        (before, after) if before == after => {}
        // A value of another kind has other fields, and those of one mean nothing beside those of the other.
        (Value::Object(one), Value::Object(other)) if one.get("kind") == other.get("kind") => {
            let (none, names) = (Value::Null, names_in(one, other));
            for name in names {
                path.push(name.clone());
                let value = |fields: &Map<String, Value>| fields.get(name).cloned();
                compare(
                    value(one).as_ref().unwrap_or(&none),
                    value(other).as_ref().unwrap_or(&none),
                    path,
                    found,
                );
                path.pop();
            }
        }
        (before, after) => found.push(FieldChange {
            path: path.clone(),
            before: before.clone(),
            after: after.clone(),
        }),
    }
}

fn names_in<'a>(one: &'a Map<String, Value>, other: &'a Map<String, Value>) -> BTreeSet<&'a String> {
    one.keys().chain(other.keys()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workflow::{Deadline, Overdue, Work};

    fn workflow(keys: &[&str], edges: &[(u32, u32)]) -> Definition {
        Definition {
            nodes: keys.iter().map(|key| NodeSpec::new(*key, Work::NoOp)).collect(),
            edges: edges.iter().map(|&(from, to)| Edge { from, to }).collect(),
            ..Definition::default()
        }
    }

    #[test]
    fn the_order_of_nodes_makes_no_difference() {
        let one = workflow(&["a", "b"], &[(0, 1)]);
        let other = workflow(&["b", "a"], &[(1, 0)]);
        assert!(Difference::between((&one, 5), (&other, 5)).is_empty());
    }

    #[test]
    fn a_difference_goes_down_to_the_values() {
        let before = workflow(&["a", "b", "c"], &[(0, 1), (1, 2)]);
        let mut after = workflow(&["a", "b", "d"], &[(0, 1), (0, 2)]);
        after.nodes[1].retry.max_attempts = 3;
        after.nodes[1].timeout_ms = Some(1_000);
        after.conduct.timeout = Some(Deadline {
            after_ms: 9,
            overdue: Overdue::Warn,
        });
        let difference = Difference::between((&before, 5), (&after, 6));
        let told: Vec<_> = difference
            .nodes
            .iter()
            .map(|node| (node.name.as_str(), node.change))
            .collect();
        assert_eq!(
            told,
            [
                ("b", Change::Changed),
                ("c", Change::Removed),
                ("d", Change::Added)
            ]
        );
        let field = |path: &[&str], before: Value, after: Value| FieldChange {
            path: path.iter().map(|&step| step.to_owned()).collect(),
            before,
            after,
        };
        assert_eq!(
            difference.nodes[0].fields,
            [
                field(&["retry", "max_attempts"], json!(1), json!(3)),
                field(&["timeout_ms"], json!(null), json!(1_000)),
            ]
        );
        assert_eq!(
            difference.fields,
            [
                field(
                    &["timeout"],
                    json!(null),
                    json!({"after_ms": 9, "overdue": "WARN"})
                ),
                field(&["priority"], json!(5), json!(6)),
            ]
        );
        let edge = |to: &str, from: &str, is_added| EdgeChange {
            from: from.to_owned(),
            to: to.to_owned(),
            is_added,
        };
        assert_eq!(difference.edges, [edge("d", "a", true), edge("c", "b", false)]);
    }
}
