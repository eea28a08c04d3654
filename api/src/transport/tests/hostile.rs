//! Documents that were written to be expensive.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::world::*;
use crate::transport::limits::{MAX_ALIASES, MAX_DIRECTIVES, MAX_ROOT_FIELDS};

/// Refused with this code, and before it could have cost anything.
async fn refused(query: &str, code: &str) {
    let world = World::new();
    let begun = Instant::now();
    let answer = world.query(query).await;
    assert_eq!(answer.code(), code, "{}", &query[..query.len().min(200)]);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "took {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn twenty_thousand_aliases_are_refused() {
    let mut query = String::from("{");
    for number in 0..20_000 {
        write!(query, " a{number}: greeting").expect("a string");
    }
    refused(&(query + "}"), "QUERY_TOO_COMPLEX").await;
}

#[tokio::test]
async fn many_aliases_directives_root_fields_and_operations_are_refused() {
    let repeat = |times: usize, piece: &dyn Fn(usize) -> String| (0..=times).map(piece).collect::<String>();
    let aliases = repeat(MAX_ALIASES, &|n| format!("a{n}: greeting "));
    refused(&format!("{{ nested {{ {aliases} }} }}"), "QUERY_TOO_COMPLEX").await;
    let directives = repeat(MAX_DIRECTIVES, &|_| "@skip(if: false) ".into());
    refused(&format!("{{ greeting {directives} }}"), "QUERY_TOO_COMPLEX").await;
    let fields = repeat(MAX_ROOT_FIELDS, &|_| "greeting ".into());
    refused(&format!("{{ {fields} }}"), "QUERY_TOO_COMPLEX").await;
    let operations = repeat(100, &|n| format!("query Q{n} {{ greeting }} "));
    refused(&operations, "QUERY_TOO_COMPLEX").await;
}

#[tokio::test]
async fn fragments_that_unfold_without_end_are_refused_by_adding() {
    let mut query = String::from("{ ...F0 } ");
    for number in 0..40 {
        let next = number + 1;
        write!(query, "fragment F{number} on Query {{ ...F{next} ...F{next} }} ").expect("a string");
    }
    refused(
        &(query + "fragment F40 on Query { greeting }"),
        "QUERY_TOO_COMPLEX",
    )
    .await;
}

#[tokio::test]
async fn fragments_in_a_circle_are_refused() {
    refused(
        "{ ...A } fragment A on Query { nested { ...B } } fragment B on Query { ...A }",
        "GRAPHQL_VALIDATION_FAILED",
    )
    .await;
    refused(
        "{ greeting } fragment A on Query { ...A }",
        "GRAPHQL_VALIDATION_FAILED",
    )
    .await;
}

#[tokio::test]
async fn deep_documents_are_refused_before_they_cost_stack() {
    refused(&"{nested".repeat(100_000), "QUERY_TOO_COMPLEX").await;
    refused(
        &format!(
            "{{ length(list: {} 1 {}) }}",
            "[".repeat(50_000),
            "]".repeat(50_000)
        ),
        "QUERY_TOO_COMPLEX",
    )
    .await;
    let (open, close) = ("{ nested ".repeat(25), " }".repeat(26));
    refused(&format!("{open} {{ greeting {close}"), "QUERY_TOO_COMPLEX").await;
}

#[tokio::test]
async fn lists_of_lists_are_weighed() {
    let lists = "{ many(first: 100) { many(first: 100) { many(first: 100) { greeting } } } }";
    refused(lists, "QUERY_TOO_COMPLEX").await;
    let answer = World::new()
        .query("{ many(first: 100) { many(first: 100) { greeting } } }")
        .await;
    assert!(answer.json().get("errors").is_none(), "{}", answer.text);
}

#[tokio::test]
async fn many_errors_are_not_all_listed() {
    let fields: String = (0..90).fold(String::new(), |text, n| text + &format!("u{n} "));
    let nested = format!("{{ nested {{ {fields} nested {{ {fields} }} }} }}");
    let answer = World::new().query(&nested).await;
    assert_eq!(answer.json()["errors"].as_array().map(Vec::len), Some(100));
}

#[tokio::test]
async fn the_introspection_of_graphiql_passes() {
    let depth = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }}
           types {{ ...FullType }} directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name description specifiedByURL
           fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }}
           inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated deprecationReason }}
         fragment TypeRef on __Type {{ kind name {depth} }}"
    );
    let answer = World::new().ask(JSON, json!({ "query": query })).await;
    assert!(answer.json().get("errors").is_none(), "{}", answer.text);
}
