//! What a run may be given is said in JSON Schema, and held to.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::Client;

/// A workflow of one no-op with one input of any JSON.
fn workflow(key: &str, schema: &Value, default: &Value) -> Value {
    let mut input = json!({ "name": "order", "type": "JSON", "schema": schema });
    if !default.is_null() {
        input["default"] = default.clone();
    }
    json!({
        "key": key,
        "nodes": [{ "key": "a", "taskNode": { "key": "idle" } }],
        "inputs": [input],
        "publish": true,
    })
}

fn order() -> Value {
    json!({
        "type": "object",
        "required": ["region"],
        "properties": {
            "region": { "enum": ["eu", "us"] },
            "rows": { "type": "array", "items": { "$ref": "#/$defs/row" } },
        },
        "$defs": { "row": { "type": "integer", "minimum": 1 } },
    })
}

/// What was refused: where, and why.
fn refusals(payload: &Value) -> Vec<String> {
    let errors = payload["userErrors"].as_array().expect("a list of errors").iter();
    errors
        .map(|error| {
            let path = error["path"].as_array().expect("a path").iter();
            let path: Vec<&str> = path.filter_map(Value::as_str).collect();
            let message = error["message"].as_str().expect("a message");
            format!("{}: {message}", path.join("."))
        })
        .collect()
}

async fn create(client: &Client, input: Value) -> Vec<String> {
    refusals(
        &client
            .try_mutate("createWorkflow", input, "workflow { id }")
            .await,
    )
}

async fn start(client: &Client, order: Value) -> Vec<String> {
    let input = json!({ "workflow": "orders", "inputs": { "order": order } });
    refusals(&client.try_mutate("startRun", input, "run { id }").await)
}

#[tokio::test]
async fn a_run_is_given_what_the_schema_of_its_workflow_allows() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let task_node = json!({ "key": "idle", "work": { "noOp": true } });
    client.mutate("createTaskNode", task_node, "").await;
    let default = json!({ "region": "us" });
    assert_eq!(
        create(&client, workflow("orders", &order(), &default)).await,
        [""; 0]
    );
    assert_eq!(
        start(&client, json!({ "region": "eu", "rows": [1, 2] })).await,
        [""; 0]
    );
    let told = start(&client, json!({ "rows": [1, 0, "two"] })).await;
    insta::assert_snapshot!(told.join("\n"), @r#"
    input.inputs.order: "region" is a required property
    input.inputs.order.rows.1: value is less than the minimum of 1
    input.inputs.order.rows.2: value is not of type "integer"
    "#);
    let shown = client
        .ask(
            "query ($key: String!) { workflow(key: $key) { draft { inputs { name schema default } } } }",
            json!({ "key": "orders" }),
        )
        .await;
    let input = &shown["workflow"]["draft"]["inputs"][0];
    assert_eq!((&input["schema"], &input["default"]), (&order(), &default));
}

#[tokio::test]
async fn a_schema_that_cannot_be_held_to_is_refused_when_it_is_saved() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let task_node = json!({ "key": "idle", "work": { "noOp": true } });
    client.mutate("createTaskNode", task_node, "").await;
    let mut told = Vec::new();
    for (schema, default) in [
        (json!({ "type": "text" }), Value::Null),
        (
            json!({ "items": { "$ref": "https://example.com/row" } }),
            Value::Null,
        ),
        (json!({ "items": { "$ref": "#" } }), Value::Null),
        (order(), json!({ "region": "moon" })),
    ] {
        told.extend(create(&client, workflow("orders", &schema, &default)).await);
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    input.inputs.0.schema.type: value is not valid under any of the schemas listed in the 'anyOf' keyword
    input.inputs.0.schema.items.$ref: a reference stays within the schema, as `#/$defs/NAME`
    input.inputs.0.schema.items.$ref: this reference leads back to itself; a schema must end
    input.inputs.0.default.region: value is not one of "eu" or "us"
    "#);
}
