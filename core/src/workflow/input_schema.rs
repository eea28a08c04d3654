//! What an input may be, beyond its type, said in JSON Schema.
//!
//! A schema is written by a tenant and applied by whoever starts a run, so it must not be able to ask for more time than a
//! start may take, nor for anything from elsewhere. References stay within the schema and never lead back to where they came
//! from, so a schema written out in full is finite, and its *weight*, the number of its parts, is known when it is saved. Each
//! part looks at each part of a value at most once, so their product bounds the time; patterns are those of an engine that
//! never goes back in the text. What would look at a part again and again (`unevaluatedProperties`, dynamic references) is
//! refused.

use std::collections::BTreeMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::InputSpec;
use crate::check::quoted;

/// The longest schema, in bytes of JSON.
const LONGEST_SCHEMA: usize = 16 * 1024;
/// How deep a schema is nested, its references followed.
const DEEPEST: usize = 32;
/// The most parts of a schema, its references followed.
const MOST_PARTS: usize = 2_000;
/// The most meetings of a part of a schema with a part of a value.
const MOST_MEETINGS: usize = 10_000_000;
/// The most bytes that patterns go through, each pattern by itself.
const MOST_SEARCHED: usize = 8 * 1024 * 1024;
/// The most bytes that a compiled pattern takes.
const LARGEST_PATTERN: usize = 32 * 1024;
/// How many faults of a value are told.
const MOST_TOLD: usize = 20;

/// A schema that was found to be right.
///
/// ```
/// use serde_json::json;
/// use waterclock_core::workflow::InputSchema;
///
/// let schema = InputSchema::parse(&json!({
///     "properties": { "region": { "enum": ["eu", "us"] } },
///     "required": ["region"],
/// })).unwrap();
/// assert!(schema.check(&json!({ "region": "eu" })).is_empty());
/// let faults = schema.check(&json!({ "region": "moon" }));
/// assert_eq!((faults[0].path.join("."), faults[0].message.as_str()), ("region".to_owned(), "value is not one of \"eu\" or \"us\""));
/// ```
#[derive(Debug)]
pub struct InputSchema {
    validator: Validator,
    weight: Weight,
}

/// Why a schema is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", place(.at))]
pub struct InputSchemaError {
    /// Where in the schema.
    pub at: Vec<String>,
    /// Why, as a sentence.
    pub reason: String,
}

fn place(at: &[String]) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!("at {}: ", quoted(&at.join(".")))
    }
}

/// One thing that is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFault {
    /// Where in the value: the names and places that lead there.
    pub path: Vec<String>,
    /// What, as a sentence about `value`.
    pub message: String,
}

impl InputSchema {
    /// Reads a schema: draft 2020-12 unless its `$schema` names another one.
    pub fn parse(schema: &Value) -> Result<Self, InputSchemaError> {
        let refuse = |reason: String| InputSchemaError {
            at: Vec::new(),
            reason,
        };
        if !schema.is_object() {
            return Err(refuse("a schema is an object".to_owned()));
        }
        let length = schema.to_string().len();
        if length > LONGEST_SCHEMA {
            return Err(refuse(format!(
                "the schema takes {length} bytes as JSON; at most {LONGEST_SCHEMA} are taken"
            )));
        }
        let weight = Weighing::of(schema)?;
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(LARGEST_PATTERN)
                    .dfa_size_limit(8 * LARGEST_PATTERN),
            )
            .build(schema)
            .map_err(|error| InputSchemaError {
                at: segments(error.instance_path().as_str()),
                reason: error.masked().to_string(),
            })?;
        Ok(Self { validator, weight })
    }

    /// Everything that is wrong with a value, as far as it is worth telling; nothing when the value is right.
    #[must_use]
    pub fn check(&self, value: &Value) -> Vec<InputFault> {
        let size = Size::of(value);
        let meetings = self.weight.parts.saturating_mul(size.parts);
        let searched = self.weight.patterns.saturating_mul(size.bytes);
        if meetings > MOST_MEETINGS || searched > MOST_SEARCHED {
            let message =
                "value is too large to be checked against its schema; let either be smaller".to_owned();
            return vec![InputFault {
                path: Vec::new(),
                message,
            }];
        }
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        let told = |error: jsonschema::ValidationError<'_>| InputFault {
            path: segments(error.instance_path().as_str()),
            message: error.masked().to_string(),
        };
        self.validator
            .iter_errors(value)
            .take(MOST_TOLD)
            .map(told)
            .collect()
    }
}

/// The schemas of a workflow's inputs, by name.
#[derive(Debug, Default)]
pub struct InputSchemas(BTreeMap<String, Result<InputSchema, InputSchemaError>>);

impl InputSchemas {
    /// Reads the schemas of inputs that have one.
    #[must_use]
    pub fn of(inputs: &BTreeMap<String, InputSpec>) -> Self {
        let read = |(name, spec): (&String, &InputSpec)| {
            let schema = spec.schema.as_ref()?;
            Some((name.clone(), InputSchema::parse(schema)))
        };
        Self(inputs.iter().filter_map(read).collect())
    }

    /// Everything that is wrong with the value of an input.
    #[must_use]
    pub fn check(&self, name: &str, value: &Value) -> Vec<InputFault> {
        match self.0.get(name) {
            None => Vec::new(),
            Some(Ok(schema)) => schema.check(value),
            // It was right when it was saved, by the release of then.
            Some(Err(error)) => vec![InputFault {
                path: Vec::new(),
                message: format!(
                    "value cannot be checked, since the schema of the input cannot be read: {error}"
                ),
            }],
        }
    }
}

/// The parts of a JSON pointer.
fn segments(pointer: &str) -> Vec<String> {
    let plain = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
    pointer.split('/').skip(1).map(plain).collect()
}

/// How much there is of a value.
struct Size {
    parts: usize,
    bytes: usize,
}

impl Size {
    fn of(value: &Value) -> Self {
        let mut size = Self { parts: 0, bytes: 0 };
        let mut left = vec![value];
        while let Some(value) = left.pop() {
            size.parts += 1;
            match value {
                Value::String(text) => size.bytes += text.len(),
                Value::Array(items) => left.extend(items),
                Value::Object(fields) => {
                    size.bytes += fields.keys().map(String::len).sum::<usize>();
                    left.extend(fields.values());
                }
                _ => {}
            }
        }
        size
    }
}

/// How much there is of a schema, its references followed.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    parts: usize,
    patterns: usize,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.parts = self.parts.saturating_add(other.parts);
        self.patterns = self.patterns.saturating_add(other.patterns);
    }
}

/// Weighs a schema part by part. What a part means is not asked: a reference is one wherever it stands.
struct Weighing<'s> {
    schema: &'s Value,
    at: Vec<String>,
    /// The references that are being followed.
    following: Vec<&'s str>,
    /// What was weighed before, and how deep it goes.
    known: BTreeMap<&'s str, (Weight, usize)>,
}

impl<'s> Weighing<'s> {
    fn of(schema: &'s Value) -> Result<Weight, InputSchemaError> {
        let mut weighing = Self {
            schema,
            at: Vec::new(),
            following: Vec::new(),
            known: BTreeMap::new(),
        };
        let (weight, _) = weighing.weigh(schema, 0)?;
        Ok(weight)
    }

    /// The weight of a part that stands so deep, and how much deeper it goes.
    fn weigh(&mut self, part: &'s Value, depth: usize) -> Result<(Weight, usize), InputSchemaError> {
        let mut weight = Weight {
            parts: 1,
            patterns: 0,
        };
        let mut deepest = 0;
        if depth > DEEPEST {
            return Err(self.refusal(format!(
                "the schema is nested more than {DEEPEST} deep, its references followed"
            )));
        }
        let children: Vec<(String, &'s Value)> = match part {
            Value::Array(items) => (0..).map(|place: usize| place.to_string()).zip(items).collect(),
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
            _ => Vec::new(),
        };
        for (name, child) in children {
            self.at.push(name);
            weight.patterns += self.patterns(child)?;
            let (more, below) = self.weigh(child, depth + 1)?;
            weight.add(more);
            deepest = deepest.max(below + 1);
            if let (Some("$ref"), Value::String(reference)) = (self.at.last().map(String::as_str), child) {
                let (more, below) = self.follow(reference, depth + 1)?;
                weight.add(more);
                deepest = deepest.max(below + 1);
            }
            if weight.parts > MOST_PARTS {
                return Err(self.refusal(format!(
                    "the schema has more than {MOST_PARTS} parts, its references followed"
                )));
            }
            self.at.pop();
        }
        Ok((weight, deepest))
    }

    /// The patterns that the member at hand brings, once it is known to be one that may stand here.
    fn patterns(&self, member: &Value) -> Result<usize, InputSchemaError> {
        let name = self.at.last().map_or("", String::as_str);
        let is_inner = self.at.len() > 1;
        match (name, member) {
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                Err(self.refusal("dynamic references are not taken; use `$ref`"))
            }
            ("unevaluatedProperties" | "unevaluatedItems", Value::Bool(_) | Value::Object(_)) => {
                Err(self.refusal("this is not taken; use `additionalProperties` or `items`"))
            }
            ("$id" | "id" | "$schema", Value::String(_)) if is_inner && name != "id" => {
                Err(self.refusal("this may only stand at the top of the schema"))
            }
            ("pattern" | "format", Value::String(_)) => Ok(1),
            ("patternProperties", Value::Object(patterns)) => Ok(patterns.len()),
            _ => Ok(0),
        }
    }

    fn follow(&mut self, reference: &'s str, depth: usize) -> Result<(Weight, usize), InputSchemaError> {
        if self.following.contains(&reference) || reference == "#" {
            return Err(self.refusal("this reference leads back to itself; a schema must end"));
        }
        if let Some((weight, below)) = self.known.get(reference).copied() {
            if depth + below > DEEPEST {
                return Err(self.refusal(format!(
                    "the schema is nested more than {DEEPEST} deep, its references followed"
                )));
            }
            return Ok((weight, below));
        }
        let target = reference
            .strip_prefix('#')
            .filter(|pointer| pointer.starts_with('/') && !pointer.contains('%'))
            .ok_or_else(|| self.refusal("a reference stays within the schema, as `#/$defs/NAME`"))?;
        let target = self.schema.pointer(target);
        let target =
            target.ok_or_else(|| self.refusal("there is nothing in the schema where this refers to"))?;
        self.following.push(reference);
        let weighed = self.weigh(target, depth)?;
        self.following.pop();
        self.known.insert(reference, weighed);
        Ok(weighed)
    }

    fn refusal(&self, reason: impl Into<String>) -> InputSchemaError {
        InputSchemaError {
            at: self.at.clone(),
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    fn refused(schema: &Value) -> String {
        InputSchema::parse(schema).expect_err("a refusal").to_string()
    }

    #[test]
    fn every_violation_is_told_at_its_place() {
        let schema = InputSchema::parse(&json!({
            "type": "object",
            "properties": {
                "mail": { "format": "email" },
                "day": { "type": "string", "pattern": "^\\d{4}-\\d{2}$" },
                "rows": { "items": { "$ref": "#/$defs/row" }, "maxItems": 2 },
            },
            "required": ["mail"],
            "additionalProperties": false,
            "$defs": { "row": { "type": "object", "properties": { "a/b": { "minimum": 1 } } } },
        }))
        .unwrap();
        assert_eq!(
            schema.check(&json!({"mail": "a@example.com", "day": "2026-01", "rows": [{}]})),
            []
        );
        let faults = schema.check(&json!({"day": "x".repeat(1000), "rows": [{"a/b": 0}, 1], "more": 1}));
        let mut told = String::new();
        for fault in faults {
            writeln!(told, "{}: {}", fault.path.join("."), fault.message).unwrap();
        }
        for expected in [
            "day: value does not match",
            "rows.0.a/b: value is less than the minimum of 1",
            "rows.1: value is not of type \"object\"",
            "\"mail\" is a required property",
            "'more' was unexpected",
        ] {
            assert!(told.contains(expected), "{expected} is not in\n{told}");
        }
    }

    #[test]
    fn a_schema_that_is_none_is_told_where() {
        assert_eq!(refused(&json!(true)), "a schema is an object");
        assert!(
            refused(&json!({"properties": {"a": {"type": "text"}}}))
                .starts_with("at \"properties.a.type\": ")
        );
        assert!(refused(&json!({"pattern": "("})).contains("pattern"));
        assert!(!refused(&json!({"$schema": "https://example.com/mine"})).is_empty());
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for reference in [
            "https://example.com/schema",
            "file:///etc/passwd",
            "other.json",
            "#row",
            "//host/x",
        ] {
            let told = refused(&json!({"items": {"$ref": reference}}));
            assert_eq!(
                told,
                "at \"items.$ref\": a reference stays within the schema, as `#/$defs/NAME`"
            );
        }
        assert!(refused(&json!({"items": {"$id": "https://example.com/"}})).contains("at the top"));
        assert!(refused(&json!({"$dynamicRef": "#a"})).contains("dynamic references"));
        assert!(refused(&json!({"$ref": "#/$defs/nowhere"})).contains("there is nothing"));
    }

    #[test]
    fn a_schema_must_end() {
        let told = "leads back to itself";
        assert!(refused(&json!({"$ref": "#"})).contains(told));
        assert!(refused(&json!({"properties": {"next": {"$ref": "#/properties/next"}}})).contains(told));
        let ring =
            json!({"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}});
        assert!(refused(&ring).contains(told));
    }

    #[test]
    fn a_schema_that_doubles_is_refused_by_its_weight() {
        let mut defs = serde_json::Map::new();
        for level in 0..25 {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            defs.insert(format!("d{level}"), json!({"allOf": [next, next]}));
        }
        defs.insert("d25".to_owned(), json!({"type": "string"}));
        let told = refused(&json!({"$ref": "#/$defs/d0", "$defs": defs}));
        assert!(told.contains("deep") || told.contains("parts"), "{told}");
        let mut deep = json!({});
        for _ in 0..40 {
            deep = json!({"not": deep});
        }
        assert!(refused(&deep).contains("nested more than 32 deep"));
        let wide: Vec<Value> = (0..2_000).map(|number| json!(number)).collect();
        assert!(refused(&json!({"enum": wide})).contains("more than 2000 parts"));
        assert!(refused(&json!({"pattern": "((a{100}){100}){100}"})).contains("pattern"));
        assert!(refused(&json!({"description": "a".repeat(LONGEST_SCHEMA)})).contains("at most 16384"));
    }

    #[test]
    fn a_value_that_is_too_large_for_its_schema_is_refused_unread() {
        let parts: Vec<Value> = (0..400).map(|number| json!({"minimum": number})).collect();
        let schema = InputSchema::parse(&json!({"items": {"allOf": parts}})).unwrap();
        let faults = schema.check(&json!(vec![0; 50_000]));
        assert!(
            faults[0].message.contains("too large to be checked"),
            "{faults:?}"
        );
        assert!(schema.check(&json!([400, 500])).is_empty());
    }
}
