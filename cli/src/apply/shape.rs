//! What the schema says that a definition may hold.
//!
//! A definition is checked against the input type of its kind before anything is sent, so that every fault of every file is
//! told at once, each at its line; the service would see one definition at a time, and no files. The rules are read from
//! `schema.graphql` itself, so nothing here names a field.

use std::collections::HashMap;

use async_graphql_parser::types::{
    BaseType, ConstDirective, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql_parser::{Positioned, parse_schema};
use chrono::DateTime;
use serde_json::{Map, Value};

use super::source::Step;

/// Something that does not fit, and where.
pub(super) type Misfit = (Vec<Step>, String);

/// The types of the schema.
pub(super) struct Shapes {
    types: HashMap<String, TypeKind>,
    alternatives: Vec<String>,
}

impl Shapes {
    /// Those of the schema that this release was built with.
    pub(super) fn of_schema() -> Self {
        let text = include_str!("../../../schema.graphql");
        let document = parse_schema(text).expect("a test keeps schema.graphql equal to the schema");
        let mut shapes = Self {
            types: HashMap::new(),
            alternatives: Vec::new(),
        };
        for definition in document.definitions {
            if let TypeSystemDefinition::Type(definition) = definition {
                let definition = definition.node;
                let name = definition.name.node.to_string();
                if is_one_of(&definition.directives) {
                    shapes.alternatives.push(name.clone());
                }
                shapes.types.insert(name, definition.kind);
            }
        }
        shapes
    }

    /// Checks `value` against the input type `name`, puts defaults in, and notes all that does not fit.
    pub(super) fn check(&self, name: &str, value: &mut Value, misfits: &mut Vec<Misfit>) {
        self.check_named(name, value, &mut Vec::new(), misfits);
    }

    fn check_type(&self, r#type: &Type, value: &mut Value, at: &mut Vec<Step>, misfits: &mut Vec<Misfit>) {
        if value.is_null() {
            if !r#type.nullable {
                misfits.push((at.clone(), "it may not be empty".to_owned()));
            }
            return;
        }
        match (&r#type.base, value) {
            (BaseType::Named(name), value) => self.check_named(name, value, at, misfits),
            (BaseType::List(item), Value::Array(items)) => {
                for (place, value) in items.iter_mut().enumerate() {
                    at.push(Step::Item(place));
                    self.check_type(item, value, at, misfits);
                    at.pop();
                }
            }
            (BaseType::List(_), value) => misfits.push((at.clone(), mismatch("a list", value))),
        }
    }

    fn check_named(&self, name: &str, value: &mut Value, at: &mut Vec<Step>, misfits: &mut Vec<Misfit>) {
        match self.types.get(name) {
            Some(TypeKind::InputObject(object)) => match value {
                Value::Object(fields) => self.check_fields(name, &object.fields, fields, at, misfits),
                value => misfits.push((at.clone(), mismatch("a map", value))),
            },
            Some(TypeKind::Enum(list)) => {
                let known: Vec<&str> = list
                    .values
                    .iter()
                    .map(|value| value.node.value.node.as_str())
                    .collect();
                if !value.as_str().is_some_and(|word| known.contains(&word)) {
                    misfits.push((
                        at.clone(),
                        mismatch(&format!("one of {}", known.join(", ")), value),
                    ));
                }
            }
            _ => {
                if let Some(expected) = unlike_scalar(name, value) {
                    misfits.push((at.clone(), mismatch(expected, value)));
                }
            }
        }
    }

    fn check_fields(
        &self,
        name: &str,
        known: &[Positioned<InputValueDefinition>],
        fields: &mut Map<String, Value>,
        at: &mut Vec<Step>,
        misfits: &mut Vec<Misfit>,
    ) {
        for key in fields.keys() {
            if !known.iter().any(|field| field.node.name.node == key.as_str()) {
                let steps = [at.as_slice(), &[Step::Key(key.clone())]].concat();
                misfits.push((steps, format!("there is no such field{}", nearest(key, known))));
            }
        }
        if self.alternatives.iter().any(|alternative| alternative == name) && fields.len() != 1 {
            misfits.push((
                at.clone(),
                format!("exactly one of {} is given here", names(known)),
            ));
        }
        for field in known {
            let InputValueDefinition {
                name,
                ty,
                default_value,
                ..
            } = &field.node;
            match (fields.get_mut(name.node.as_str()), default_value) {
                (Some(value), _) => {
                    at.push(Step::Key(name.node.to_string()));
                    self.check_type(&ty.node, value, at, misfits);
                    at.pop();
                }
                (None, Some(default)) => {
                    let default = default.node.clone().into_json().unwrap_or_default();
                    fields.insert(name.node.to_string(), default);
                }
                (None, None) if !ty.node.nullable => {
                    misfits.push((at.clone(), format!("`{}` is missing", name.node)));
                }
                (None, None) => {}
            }
        }
    }

    /// Whether an object of the type `name`, as the service shows it, would be another if it were made as `wanted`.
    ///
    /// What is not wanted in particular takes the service's default. Where that is nothing, a field that says something
    /// differs; where it is something, the field can never be empty, and what it says is taken for the default.
    pub(super) fn differ(&self, name: &str, wanted: &Value, shown: &Value) -> bool {
        let Some(TypeKind::Object(object)) = self.types.get(name) else {
            return wanted != shown;
        };
        object.fields.iter().any(|field| {
            let (key, r#type) = (field.node.name.node.as_str(), &field.node.ty.node);
            match (&wanted[key], &shown[key]) {
                (_, Value::Null) if shown.get(key).is_none() => false,
                (wanted, shown) if is_nothing(wanted) => {
                    let may_be_empty = r#type.nullable || matches!(r#type.base, BaseType::List(_));
                    may_be_empty && !is_nothing(shown)
                }
                (wanted, shown) => self.differ_in(&r#type.base, wanted, shown),
            }
        })
    }

    fn differ_in(&self, base: &BaseType, wanted: &Value, shown: &Value) -> bool {
        match (base, wanted, shown) {
            (BaseType::Named(name), wanted, shown) => match wanted {
                Value::Object(_) => self.differ(name, wanted, shown),
                wanted => wanted != shown && !is_same_time(name, wanted, shown),
            },
            (BaseType::List(item), Value::Array(wanted), Value::Array(shown)) => {
                let (wanted, shown) = (in_order(wanted), in_order(shown));
                wanted.len() != shown.len()
                    || wanted
                        .iter()
                        .zip(&shown)
                        .any(|(wanted, shown)| self.differ_in(&item.base, wanted, shown))
            }
            _ => true,
        }
    }
}

/// Whether two texts write the same instant, or the same time of the day.
fn is_same_time(name: &str, one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_str(), other.as_str()) else {
        return false;
    };
    match name {
        "DateTime" => {
            let instants = [one, other].map(DateTime::parse_from_rfc3339);
            matches!(instants, [Ok(one), Ok(other)] if one == other)
        }
        "TimeOfDay" => format!("{one}:00") == other,
        _ => false,
    }
}

/// Lists of named things mean the same in any order, and are shown by name.
fn in_order(items: &[Value]) -> Vec<&Value> {
    let mut items: Vec<&Value> = items.iter().collect();
    items.sort_by_key(|item| {
        let name = item.get("name").or_else(|| item.get("path"));
        name.and_then(Value::as_str).map(str::to_owned)
    });
    items
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn is_one_of(directives: &[Positioned<ConstDirective>]) -> bool {
    directives
        .iter()
        .any(|directive| directive.node.name.node == "oneOf")
}

/// What a value of the scalar would be, when this is none. Scalars of the service's own are the service's to judge.
fn unlike_scalar(name: &str, value: &Value) -> Option<&'static str> {
    let (expected, fits) = match name {
        "String" => ("text", value.is_string()),
        "ID" => ("an id", value.is_string() || value.is_i64()),
        "Boolean" => ("true or false", value.is_boolean()),
        "Int" => (
            "a whole number",
            value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ),
        "Float" => ("a number", value.is_number()),
        _ => return None,
    };
    (!fits).then_some(expected)
}

fn mismatch(expected: &str, value: &Value) -> String {
    let text = value.to_string();
    let shown: String = text.chars().take(60).collect();
    let hint = match expected {
        "text" if value.is_number() || value.is_boolean() => "; put it in quotes",
        _ => "",
    };
    format!("{expected} is expected, and this is {shown}{hint}")
}

fn names(fields: &[Positioned<InputValueDefinition>]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.node.name.node.as_str()).collect();
    names.join(", ")
}

/// The field that was probably meant, or else all that there are.
fn nearest(key: &str, known: &[Positioned<InputValueDefinition>]) -> String {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect()
    };
    let meant = known
        .iter()
        .map(|field| field.node.name.node.as_str())
        .find(|name| is_near(&letters(name), &letters(key)));
    match meant {
        Some(name) => format!("; `{name}` is one"),
        None => format!("; there are {}", names(known)),
    }
}

/// Whether one text becomes the other by one letter more, less or changed.
fn is_near(one: &str, other: &str) -> bool {
    let alike = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one.as_bytes()[alike..], &other.as_bytes()[alike..]);
    let rest = |text: &'_ [u8]| text.get(1..).unwrap_or_default().to_vec();
    rest(one) == rest(other) || rest(one) == other || one == rest(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn misfits(name: &str, mut value: Value) -> Vec<String> {
        let mut misfits = Vec::new();
        Shapes::of_schema().check(name, &mut value, &mut misfits);
        misfits
            .iter()
            .map(|(steps, message)| {
                let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
                format!("{}: {message}", steps.join("."))
            })
            .collect()
    }

    #[test]
    fn what_fits_gets_its_defaults() {
        let mut value = json!({"key": "a", "nodes": [{"key": "n", "taskNode": {"key": "t"}}]});
        let mut misfits = Vec::new();
        Shapes::of_schema().check("CreateWorkflowInput", &mut value, &mut misfits);
        assert_eq!(misfits, []);
        assert_eq!(value["description"], "");
        assert_eq!(value["publish"], false);
    }

    #[test]
    fn all_that_does_not_fit_is_told_at_once() {
        let told = misfits(
            "RegisterProgramInput",
            json!({
                "key": "a",
                "enviroment": [],
                "runtime": "RUBY",
                "arguments": ["x", 3],
                "files": {"a": "b"},
                "package": {"fileName": "a.jar"},
            }),
        );
        assert_eq!(
            told,
            [
                "enviroment: there is no such field; `environment` is one",
                "runtime: one of EXEC, SHELL, PYTHON, JAVA, NODE is expected, and this is \"RUBY\"",
                "package: `digest` is missing",
                "arguments.1: text is expected, and this is 3; put it in quotes",
                "files: a list is expected, and this is {\"a\":\"b\"}",
            ]
        );
    }

    #[test]
    fn of_alternatives_exactly_one_is_taken() {
        let told = misfits(
            "CreateTaskNodeInput",
            json!({"key": "a", "work": {"noOp": true, "program": {"key": "p"}}}),
        );
        assert_eq!(
            told,
            ["work: exactly one of program, endpoint, noOp is given here"]
        );
    }

    #[test]
    fn a_difference_is_seen_where_there_is_one() {
        let shapes = Shapes::of_schema();
        let shown = json!({
            "key": "a", "description": "", "runtime": "EXEC", "command": ["true"], "package": null, "entryPoint": null,
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "outputLimitKib": 16384,
            "revision": 3,
        });
        let wanted = json!({
            "key": "a", "runtime": "EXEC", "command": ["true"],
            "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
        });
        assert!(!shapes.differ("Program", &wanted, &shown));
        for (field, value) in [
            ("command", json!(["false"])),
            ("environment", json!(null)),
            ("entryPoint", json!("main")),
            ("outputLimitKib", json!(8)),
        ] {
            let mut wanted = wanted.clone();
            wanted[field] = value;
            assert!(shapes.differ("Program", &wanted, &shown), "{field}");
        }
    }
}
