//! What programs and endpoints give, as the API shows it.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::Client;
use waterclock_tests::endpoint::FakeEndpoint;

use crate::performing::{printed, publish_endpoint, publish_program, run};

/// A program that runs this script.
fn script(text: &str) -> Value {
    json!({ "runtime": "SHELL", "entryPoint": "go.sh", "files": [{ "path": "go.sh", "content": text }] })
}

#[tokio::test]
async fn a_program_gives_values_and_its_log_tells_which_lines_gave_none() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let text = "echo rows=7 >> \"$WATERCLOCK_OUTPUT\"\necho 'ids:=[1, 2]' >> \"$WATERCLOCK_OUTPUT\"\n\
                echo nonsense >> \"$WATERCLOCK_OUTPUT\"\necho 50 half > \"$WATERCLOCK_PROGRESS\"\n";
    publish_program(&client, "count", script(text)).await;
    let ran = run(&client, "count", json!({})).await;
    assert_eq!(ran["state"], "SUCCEEDED", "{ran:#}");
    assert_eq!(ran["output"], json!({ "rows": "7", "ids": [1, 2] }));
    let remarks = printed(&ran, "SYSTEM");
    assert!(
        remarks.iter().any(|remark| remark.contains("line 3 is neither")),
        "{remarks:?}"
    );

    let text = "echo 'report<<END' > \"$WATERCLOCK_OUTPUT\"";
    publish_program(&client, "broken", script(text)).await;
    let ran = run(&client, "broken", json!({})).await;
    assert_eq!(ran["state"], "FAILED", "{ran:#}");
    assert!(ran["stateReason"].as_str().unwrap().contains("<<END"), "{ran:#}");
    executor.stop().await;
}

#[tokio::test]
async fn expressions_say_what_an_endpoint_gives() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let endpoint = FakeEndpoint::answering(|_| (200, r#"{"id": 42, "rows": [1, 2]}"#.to_owned())).await;
    let outputs = json!([
        { "name": "id", "value": "response.body.id" },
        { "name": "rows", "value": "size(response.body.rows)" },
    ]);
    let spec = json!({ "method": "GET", "url": endpoint.url, "outputs": outputs });
    publish_endpoint(&client, "made", spec).await;
    let ran = run(&client, "made", json!({})).await;
    assert_eq!(ran["output"], json!({ "id": 42, "rows": 2 }), "{ran:#}");

    let outputs = json!([{ "name": "name", "value": "response.body.name" }]);
    let spec = json!({ "method": "GET", "url": endpoint.url, "outputs": outputs });
    publish_endpoint(&client, "unnamed", spec).await;
    let ran = run(&client, "unnamed", json!({})).await;
    assert_eq!(ran["state"], "FAILED", "{ran:#}");
    assert!(
        ran["stateReason"]
            .as_str()
            .unwrap()
            .contains("\"name\" has no value"),
        "{ran:#}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn an_endpoint_is_read_back_with_its_outputs_and_its_callback() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let spec = json!({
        "key": "later", "method": "POST", "url": "http://h/", "body": "${callback.url}",
        "outputs": [{ "name": "id", "value": "response.body.id" }], "callback": { "deadline": "PT2H" },
    });
    client.mutate("registerEndpoint", spec, "").await;
    let query = "{ endpoint(key: \"later\") { outputs { name value } callback { deadline } } }";
    let read = client.ask(query, json!({})).await;
    assert_eq!(
        read["endpoint"],
        json!({
            "outputs": [{ "name": "id", "value": "response.body.id" }],
            "callback": { "deadline": "PT2H" },
        })
    );
    refuses(&client).await;
}

/// What is wrong with outputs and callbacks is told at its place.
async fn refuses(client: &Client) {
    let spec = json!({
        "key": "wrong", "method": "GET", "url": "http://h/${callback.url}",
        "outputs": [{ "name": "a.b", "value": "response.boddy" }],
    });
    let answer = client.try_mutate("registerEndpoint", spec, "").await;
    let errors = answer["userErrors"].as_array().expect("a list");
    let paths: Vec<Value> = errors.iter().map(|error| error["path"].clone()).collect();
    let expected = [
        json!(["input", "url"]),
        json!(["input", "outputs", "0", "name"]),
        json!(["input", "outputs", "0", "value"]),
    ];
    assert_eq!(paths, expected);
}
