//! Values of the tests: how they are written, and what in them names the owner's things.

use serde_json::{Value, json};

use super::SECRET_WORD;

/// A word that takes the secret one's place where something is to be named that nobody has.
const UNKNOWN_WORD: &str = "nonexistent";

/// A value as GraphQL writes it, which differs from JSON in the names of fields.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", literal(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        value => value.to_string(),
    }
}

/// The words in an input by which the owner's things are named: ids, digests, keys.
pub(super) fn names(input: &Value) -> Vec<String> {
    match input {
        Value::String(text) if [SECRET_WORD, UNKNOWN_WORD].iter().any(|word| text.contains(word)) => {
            vec![text.clone()]
        }
        Value::String(text) if text.len() >= 20 && !is_instant(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Object(fields) => fields.values().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

fn is_instant(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

/// The input with every id, digest and key changed into one that names nothing.
pub(super) fn with_unknown_names(input: &Value) -> Value {
    match input {
        Value::String(text) if text.contains(SECRET_WORD) => json!(text.replace(SECRET_WORD, UNKNOWN_WORD)),
        Value::String(text) if text.len() == 64 => json!("0".repeat(64)),
        // The last letters of an id are random; these two are no less of an id.
        Value::String(text) if text.len() >= 20 && !is_instant(text) => {
            let kept = &text[..text.len() - 4];
            json!(format!("{kept}AAAA"))
        }
        Value::Array(items) => items.iter().map(with_unknown_names).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), with_unknown_names(value)))
            .collect(),
        value => value.clone(),
    }
}
