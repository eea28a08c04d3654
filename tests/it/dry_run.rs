//! What a run would do, told without doing it.

use serde_json::{Value, json};
use waterclock_tests::api::Client;
use waterclock_tests::story::with;
use waterclock_tests::{World, graph};

/// The nodes as `key level prospect`, or the first thing that is wrong.
async fn foreseen(client: &Client, input: Value) -> Vec<String> {
    let document = "query ($input: DryRunInput!) { dryRun(input: $input) {
        nodes { key level prospect reason } userErrors { code message path } } }";
    let answer = client.ask(document, json!({ "input": input })).await;
    let payload = &answer["dryRun"];
    if let Some(error) = payload["userErrors"].get(0) {
        return vec![error["message"].as_str().expect("a message").to_owned()];
    }
    let nodes = payload["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .map(|node| {
            let told = |field: &str| node[field].as_str().unwrap_or_default().to_owned();
            let line = format!(
                "{} {} {} {}",
                told("key"),
                node["level"],
                told("prospect"),
                told("reason")
            );
            line.trim_end().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_run_is_foreseen_by_its_inputs_and_what_is_assumed() {
    let world = World::that_comes_to_rest().await;
    let asks = with(graph("a -> b c -> d"), "b", |node| {
        node.condition = Some("inputs.full == true".to_owned());
    });
    world.tenant_with("flow", &asks).await;
    let api = world.serve().await;
    let client = api.admin("flow");
    assert_eq!(
        foreseen(
            &client,
            json!({ "workflow": "flow", "inputs": { "full": false } })
        )
        .await,
        [
            "a 0 RUNS",
            "b 1 SKIPPED its condition is not true: inputs.full == true",
            "c 1 RUNS",
            "d 2 SKIPPED its trigger rule all_success cannot hold",
        ]
    );
    let assume = json!([{ "node": "a", "state": "FAILED" }]);
    let failing = json!({ "workflow": "flow", "inputs": { "full": true }, "assume": assume });
    assert_eq!(
        foreseen(&client, failing).await[3],
        "d 1 UPSTREAM_FAILED its trigger rule all_success cannot hold"
    );
    assert_eq!(
        foreseen(
            &client,
            json!({ "workflow": "flow", "assume": [{ "node": "a", "state": "RUNNING" }] })
        )
        .await,
        ["assume that it ends as SUCCEEDED, FAILED or SKIPPED, not RUNNING"]
    );
    assert_eq!(
        foreseen(&client, json!({ "workflow": "none" })).await,
        ["there is no workflow with the key \"none\""]
    );
    let runs: i64 = world.value("SELECT count(*) FROM runs", &[]).await;
    assert_eq!(runs, 0, "nothing was made");
}
