//! The schema, as a client finds it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use waterclock_tests::api::Client;

/// The schema as introspection tells it.
pub(crate) struct Schema {
    pub(crate) types: BTreeMap<String, Value>,
}

impl Schema {
    pub(crate) async fn read(client: &Client) -> Self {
        let answer = client
            .ask(
                "{ __schema { types { name kind possibleTypes { name }
                    fields { name args { name type { ...t } } type { ...t } } } } }
                fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }",
                json!({}),
            )
            .await;
        let types = answer["__schema"]["types"].as_array().expect("types").clone();
        let named = |kind: Value| (kind["name"].as_str().expect("a name").to_owned(), kind);
        Self {
            types: types.into_iter().map(named).collect(),
        }
    }

    pub(crate) fn fields(&self, kind: &str) -> &[Value] {
        self.types[kind]["fields"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn field_names(&self, kind: &str) -> BTreeSet<String> {
        self.fields(kind)
            .iter()
            .map(|field| field["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    pub(crate) fn node_kinds(&self) -> BTreeSet<String> {
        self.types["Node"]["possibleTypes"]
            .as_array()
            .expect("kinds of nodes")
            .iter()
            .map(|kind| kind["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    /// A selection of everything that can be had without arguments, so many levels down.
    pub(crate) fn selection(&self, kind: &str, depth: usize) -> String {
        let mut selected = vec!["__typename".to_owned()];
        if depth > 0 {
            for field in self.fields(kind) {
                let name = field["name"].as_str().expect("a name");
                let inner = named(&field["type"]);
                let asks = field["args"]
                    .as_array()
                    .expect("arguments")
                    .iter()
                    .any(is_required);
                if asks {
                    continue;
                }
                if self.fields(inner).is_empty() {
                    if self.types[inner]["kind"] != "UNION" {
                        selected.push(name.to_owned());
                    }
                } else {
                    let pages = field["args"]
                        .as_array()
                        .is_some_and(|args| args.iter().any(|arg| arg["name"] == "first"));
                    let page = if pages { "(first: 2)" } else { "" };
                    selected.push(format!("{name}{page} {{ {} }}", self.selection(inner, depth - 1)));
                }
            }
        }
        selected.join(" ")
    }
}

/// The type inside its wrappers.
pub(crate) fn named(mut kind: &Value) -> &str {
    while !kind["ofType"].is_null() {
        kind = &kind["ofType"];
    }
    kind["name"].as_str().expect("a name")
}

pub(crate) fn is_required(argument: &Value) -> bool {
    argument["type"]["kind"] == "NON_NULL"
}
