//! What two editions of a workflow do not have in common, as clients see it.
//!
//! The core compares what is stored. Clients know the names of the schema, so the names of fields are turned into those; the
//! names that users give (variables, headers, inputs) are left alone.

use async_graphql::{Enum, SimpleObject};
use serde_json::Value;
use waterclock_core::workflow;

use super::version::WorkflowVersion;
use crate::graphql::scalar::{Json, write_duration};

/// What became of something between two editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::Change")]
pub(crate) enum Change {
    /// Only the later has it.
    Added,
    /// Only the earlier has it.
    Removed,
    /// Both have it, and it is not the same.
    Changed,
}

/// A value that is not the same in two editions.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FieldDifference {
    /// Where it stands, outermost first. What a node does stands below `work`, and what it runs over below `spread`.
    path: Vec<String>,
    /// What it was; null for nothing, or the default.
    before: Option<Json>,
    /// What it is; null for nothing, or the default.
    after: Option<Json>,
}

/// A node or an input that is not the same in two editions.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct NamedDifference {
    /// The node's key, or the input's name.
    name: String,
    /// What became of it.
    change: Change,
    /// What is not the same, if both editions have it.
    fields: Vec<FieldDifference>,
}

/// An edge that only one of two editions has.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct EdgeDifference {
    /// The key of the node that comes first.
    from: String,
    /// The key of the node that waits for it.
    to: String,
    /// `ADDED` or `REMOVED`.
    change: Change,
}

/// What two editions of a workflow do not have in common.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WorkflowDiff {
    /// The earlier; absent for the draft.
    pub(super) from: Option<WorkflowVersion>,
    /// The later; absent for the draft.
    pub(super) to: Option<WorkflowVersion>,
    /// Whether both hold the same.
    is_empty: bool,
    /// The nodes, by key. Task nodes, programs and endpoints are compared as each edition has them, the draft as it would be
    /// published now.
    nodes: Vec<NamedDifference>,
    /// The edges, given and derived.
    edges: Vec<EdgeDifference>,
    /// The inputs, by name.
    inputs: Vec<NamedDifference>,
    /// What is said of the workflow as a whole.
    fields: Vec<FieldDifference>,
}

impl WorkflowDiff {
    pub(super) fn new(
        from: Option<WorkflowVersion>,
        to: Option<WorkflowVersion>,
        difference: workflow::Difference,
    ) -> Self {
        let edge = |edge: workflow::EdgeChange| EdgeDifference {
            from: edge.from,
            to: edge.to,
            change: if edge.is_added {
                Change::Added
            } else {
                Change::Removed
            },
        };
        Self {
            from,
            to,
            is_empty: difference.is_empty(),
            nodes: difference.nodes.into_iter().map(Into::into).collect(),
            edges: difference.edges.into_iter().map(edge).collect(),
            inputs: difference.inputs.into_iter().map(Into::into).collect(),
            fields: difference.fields.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<workflow::NamedChange> for NamedDifference {
    fn from(change: workflow::NamedChange) -> Self {
        Self {
            name: change.name,
            change: change.change.into(),
            fields: change.fields.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<workflow::FieldChange> for FieldDifference {
    fn from(change: workflow::FieldChange) -> Self {
        let last = change.path.last().map_or("", String::as_str);
        let is_users = change
            .path
            .iter()
            .rev()
            .skip(1)
            .any(|name| holds_users_names(name));
        let told = |value: &Value| {
            if is_users {
                value.clone()
            } else {
                value_of(last, value)
            }
        };
        let [before, after] =
            [&change.before, &change.after].map(|value| (!value.is_null()).then(|| Json(told(value))));
        let mut is_users = false;
        let step = |stored: &String| {
            let name = if is_users { stored.clone() } else { name_of(stored) };
            is_users |= holds_users_names(stored);
            name
        };
        Self {
            path: change.path.iter().map(step).collect(),
            before,
            after,
        }
    }
}

/// Whether what stands below the field has names that users gave.
fn holds_users_names(field: &str) -> bool {
    const FIELDS: [&str; 9] = [
        "environment",
        "files",
        "headers",
        "query",
        "inputs",
        "outputs",
        "parameters",
        "form",
        "default",
    ];
    FIELDS.contains(&field)
}

/// A field's name in the schema: `max_delay_ms` is `maxDelay`.
fn name_of(stored: &str) -> String {
    let mut words = stored.strip_suffix("_ms").unwrap_or(stored).split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

/// What the field that is stored as `stored` holds, as the schema would show it.
fn value_of(stored: &str, value: &Value) -> Value {
    match value {
        Value::Number(number) if stored.ends_with("_ms") => number
            .as_i64()
            .map_or_else(|| value.clone(), |length| write_duration(length).into()),
        Value::Object(_) if holds_users_names(stored) => value.clone(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name_of(name), value_of(name, value)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| value_of("", item)).collect(),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(path: &[&str], value: Value) -> (String, Value) {
        let change = workflow::FieldChange {
            path: path.iter().map(|&step| step.to_owned()).collect(),
            before: Value::Null,
            after: value,
        };
        let told = FieldDifference::from(change);
        (told.path.join("."), told.after.expect("a value").0)
    }

    #[test]
    fn fields_have_the_names_and_forms_of_the_schema() {
        assert_eq!(
            told(&["retry", "max_delay_ms"], json!(90_000)),
            ("retry.maxDelay".to_owned(), json!("PT1M30S"))
        );
        assert_eq!(
            told(&["timeout"], json!({"after_ms": 1_000, "overdue": "WARN"})),
            ("timeout".to_owned(), json!({"after": "PT1S", "overdue": "WARN"}))
        );
    }

    #[test]
    fn names_that_users_gave_are_left_alone() {
        assert_eq!(
            told(&["work", "environment", "wait_ms"], json!("5")),
            ("work.environment.wait_ms".to_owned(), json!("5"))
        );
        assert_eq!(
            told(
                &["work"],
                json!({"kind": "APPROVAL", "form": {"some_name_ms": 1}})
            )
            .1,
            json!({"kind": "APPROVAL", "form": {"some_name_ms": 1}})
        );
    }
}
