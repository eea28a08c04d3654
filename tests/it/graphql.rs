//! The product as its users meet it: through GraphQL.

use serde_json::{Value, json};
use waterclock_tests::api::Client;
use waterclock_tests::sources::root;
use waterclock_tests::{World, succeed};

#[test]
fn the_printed_schema_is_current() {
    let printed = waterclock_api::graphql::sdl();
    let path = root().join("schema.graphql");
    if std::env::var_os("WATERCLOCK_BLESS").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        printed == written,
        "schema.graphql is not current; WATERCLOCK_BLESS=1 writes it anew"
    );
}

/// A workflow of no-ops, made, published and known by its key.
pub(crate) async fn publish_no_ops(client: &Client, key: &str, nodes: &[&str], edges: &[(&str, &str)]) {
    let task_node = json!({ "key": key, "work": { "noOp": true } });
    client.mutate("createTaskNode", task_node, "").await;
    let nodes: Vec<Value> = nodes
        .iter()
        .map(|node| json!({ "key": node, "taskNode": { "key": key } }))
        .collect();
    let edges: Vec<Value> = edges
        .iter()
        .map(|(from, to)| json!({ "from": from, "to": to }))
        .collect();
    let workflow = json!({ "key": key, "nodes": nodes, "edges": edges, "publish": true });
    client.mutate("createWorkflow", workflow, "").await;
}

/// Starts a run and gives its id.
pub(crate) async fn start(client: &Client, workflow: &str) -> String {
    let payload = client
        .mutate("startRun", json!({ "workflow": workflow }), "run { id }")
        .await;
    payload["run"]["id"].as_str().expect("an id").to_owned()
}

/// A cursor of the client's tenant, behind which everything lies that happens from now on. Nobody tells when a subscription has
/// begun, so one that must not miss what comes next goes on from a cursor.
pub(crate) async fn cursor(client: &Client) -> Value {
    let key = format!("cursor-{}", uuid::Uuid::new_v4().simple());
    publish_no_ops(client, &key, &["a"], &[]).await;
    let run = start(client, &key).await;
    let mut following = client
        .follow(
            "subscription ($run: ID!) { runEvents(runId: $run) { cursor } }",
            json!({ "run": run }),
        )
        .await;
    let queued = following.next().await.expect("an event")["cursor"].take();
    client.mutate("cancelRun", json!({ "id": run }), "").await;
    following
        .rest()
        .await
        .pop()
        .map_or(queued, |mut last| last["cursor"].take())
}

#[tokio::test]
async fn a_workflow_is_made_published_run_and_watched() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(
        &client,
        "diamond",
        &["a", "b", "c", "d"],
        &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
    )
    .await;
    let run = start(&client, "diamond").await;
    let mut following = client
        .follow(
            "subscription ($run: ID!) { runEvents(runId: $run) { cursor kind taskRun { key } run { state } } }",
            json!({ "run": run }),
        )
        .await;
    assert_eq!(following.next().await.unwrap()["kind"], "RUN_QUEUED");
    let _scheduler = world.scheduler();
    let _executor = world.executor("one").slots(2).join().await.perform(succeed);
    let events = following.rest().await;
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds.first(), Some(&"RUN_STARTED"));
    assert_eq!(kinds.last(), Some(&"RUN_SUCCEEDED"));
    let ended = kinds.iter().filter(|kind| **kind == "TASK_RUN_SUCCEEDED").count();
    assert_eq!(ended, 4);
    let run = client
        .ask(
            "query ($run: ID!) { run(id: $run) { state taskRuns { nodes { key state } } } }",
            json!({ "run": run }),
        )
        .await;
    assert_eq!(run["run"]["state"], "SUCCEEDED");
}
