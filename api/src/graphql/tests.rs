//! What must hold of every element of the schema, whoever adds it.

use std::collections::BTreeMap;

use async_graphql::Request;
use chrono::DateTime;
use serde_json::{Value, json};
use waterclock_core::id::TenantId;

use super::builder;
use crate::auth::{Caller, Scopes};

/// The schema as clients see it, by the name of the type.
struct Introspected {
    types: BTreeMap<String, Value>,
}

/// GraphQL's own scalars.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

const INTROSPECTION: &str = "{ __schema { types { kind name description isOneOf specifiedByURL
    fields(includeDeprecated: true) { name description args { ...input } type { ...type } }
    inputFields { ...input } enumValues(includeDeprecated: true) { name description } } } }
    fragment input on __InputValue { name description defaultValue type { ...type } }
    fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap_or_default()
}

impl Introspected {
    async fn read() -> Self {
        // The limits are for clients; this asks for everything at once.
        let schema = async_graphql::Schema::new(
            super::Query::default(),
            super::Mutation::default(),
            subscription(),
        );
        let response = schema.execute(INTROSPECTION).await;
        assert_eq!(response.errors, []);
        let data = response.data.into_json().unwrap();
        let types = list(&data["__schema"], "types").iter();
        let own = types.filter(|of| !name(of).starts_with("__"));
        Self {
            types: own.map(|of| (name(of).to_owned(), of.clone())).collect(),
        }
    }

    /// A value that the type takes, with no more in it than it must have.
    fn value_of(&self, of: &Value) -> Option<Value> {
        match of["kind"].as_str().unwrap() {
            "NON_NULL" => Some(self.some_value(&of["ofType"])),
            _ => None,
        }
    }

    fn some_value(&self, of: &Value) -> Value {
        let named = &self.types.get(name(of));
        match of["kind"].as_str().unwrap() {
            "LIST" => json!([]),
            "ENUM" => list(named.unwrap(), "enumValues")[0]["name"].clone(),
            "INPUT_OBJECT" => self.some_object(named.unwrap()),
            _ => match name(of) {
                "Int" | "Float" => json!(1),
                "Boolean" => json!(true),
                "Duration" => json!("PT1S"),
                "DateTime" => json!("2026-11-21T08:00:00Z"),
                "Date" => json!("2026-11-21"),
                "TimeOfDay" => json!("08:00:00"),
                "TimeZone" => json!("UTC"),
                _ => json!("x"),
            },
        }
    }

    fn some_object(&self, of: &Value) -> Value {
        let fields = list(of, "inputFields");
        if of["isOneOf"] == json!(true) {
            return json!({ name(&fields[0]): self.some_value(&fields[0]["type"]) });
        }
        fields
            .iter()
            .filter_map(|field| Some((name(field).to_owned(), self.value_of(&field["type"])?)))
            .collect()
    }

    /// A document that asks for one field at the root, with its variables.
    fn document(&self, operation: &str, field: &Value) -> (String, Value) {
        let (mut declared, mut given, mut variables) = (Vec::new(), Vec::new(), serde_json::Map::new());
        for argument in list(field, "args") {
            let Some(value) = self.value_of(&argument["type"]) else {
                continue;
            };
            let argument_name = name(argument);
            declared.push(format!("${argument_name}: {}", written(&argument["type"])));
            given.push(format!("{argument_name}: ${argument_name}"));
            variables.insert(argument_name.to_owned(), value);
        }
        let parenthesised = |list: &[String]| match list {
            [] => String::new(),
            list => format!("({})", list.join(", ")),
        };
        let selection = if is_leaf(&field["type"]) {
            ""
        } else {
            "{ __typename }"
        };
        let head = format!("{operation}{}", parenthesised(&declared));
        let text = format!(
            "{head} {{ {}{} {selection} }}",
            name(field),
            parenthesised(&given)
        );
        (text, Value::Object(variables))
    }
}

fn is_leaf(of: &Value) -> bool {
    match of["kind"].as_str().unwrap() {
        "NON_NULL" | "LIST" => is_leaf(&of["ofType"]),
        kind => matches!(kind, "SCALAR" | "ENUM"),
    }
}

fn written(of: &Value) -> String {
    match of["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&of["ofType"])),
        "LIST" => format!("[{}]", written(&of["ofType"])),
        _ => name(of).to_owned(),
    }
}

fn subscription() -> super::Subscription {
    super::Subscription::default()
}

#[tokio::test]
async fn every_element_of_the_schema_is_described() {
    let mut bare = Vec::new();
    let mut look = |path: String, element: &Value| {
        if element["description"]
            .as_str()
            .is_none_or(|text| text.trim().is_empty())
        {
            bare.push(path);
        }
    };
    for (type_name, of) in &Introspected::read().await.types {
        if !BUILT_IN.contains(&type_name.as_str()) {
            look(type_name.clone(), of);
        }
        for part in ["fields", "inputFields", "enumValues"] {
            for element in list(of, part) {
                look(format!("{type_name}.{}", name(element)), element);
                for argument in list(element, "args") {
                    look(
                        format!("{type_name}.{}({})", name(element), name(argument)),
                        argument,
                    );
                }
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new());
}

#[tokio::test]
async fn every_scalar_of_ours_names_its_specification() {
    let types = Introspected::read().await.types;
    let scalars = types
        .values()
        .filter(|of| of["kind"] == json!("SCALAR") && !BUILT_IN.contains(&name(of)));
    let bare: Vec<_> = scalars
        .filter(|of| of["specifiedByURL"].is_null())
        .map(name)
        .collect();
    assert_eq!(bare, Vec::<&str>::new());
}

#[tokio::test]
async fn every_field_at_the_root_refuses_a_token_without_scopes() {
    let introspected = Introspected::read().await;
    let caller = Caller {
        subject: "nobody".into(),
        tenant_key: "acme".into(),
        tenant_id: TenantId::generate(),
        scopes: Scopes::NONE,
        expires_at: DateTime::UNIX_EPOCH,
    };
    let schema = builder().finish();
    let mut open = Vec::new();
    for (operation, root) in [
        ("query", "Query"),
        ("mutation", "Mutation"),
        ("subscription", "Subscription"),
    ] {
        let Some(root) = introspected.types.get(root) else {
            continue;
        };
        for field in list(root, "fields") {
            let (document, variables) = introspected.document(operation, field);
            let variables = async_graphql::Variables::from_json(variables);
            let request = Request::new(&document).variables(variables).data(caller.clone());
            let errors = first_response(&schema, request).await.errors;
            let code = errors
                .first()
                .and_then(|error| error.extensions.as_ref()?.get("code").cloned());
            if code != Some("FORBIDDEN".into()) {
                open.push(format!("{document}: {errors:?}"));
            }
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

async fn first_response(schema: &super::Schema, request: Request) -> async_graphql::Response {
    use futures_util::StreamExt as _;

    let mut responses = std::pin::pin!(schema.execute_stream(request));
    responses.next().await.expect("an operation has a response")
}

#[test]
fn the_printed_schema_is_current() {
    let printed = include_str!("../../../schema.graphql");
    assert!(
        printed == super::sdl(),
        "the schema has changed; print it anew: waterclock schema > schema.graphql"
    );
}
