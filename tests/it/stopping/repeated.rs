//! A process of the API that dies between its commit and its answer: whoever asks again is told, and what was done is done once.

use serde_json::{Value, json};
use waterclock_tests::World;

use crate::graphql::publish_no_ops;

/// Asks a process of the API, which is gone as soon as `done` is true: nobody hears its answer. Gives what another process
/// answers to the same call.
async fn ask_again(
    world: &World,
    mutation: &'static str,
    input: &Value,
    selection: &'static str,
    done: &str,
) -> Value {
    let first = world.serve().await;
    let client = first.admin("acme");
    let asked = input.clone();
    let asking = tokio::spawn(async move { client.try_mutate(mutation, asked, selection).await });
    world.until_seen(done).await;
    asking.abort();
    drop(first);
    let second = world.serve().await;
    second
        .admin("acme")
        .try_mutate(mutation, input.clone(), selection)
        .await
}

/// How often each kind of event was told.
async fn told(world: &World, kind: &str) -> i64 {
    world
        .value("SELECT count(*) FROM events WHERE kind = $1", &[&kind])
        .await
}

#[tokio::test]
async fn what_was_done_is_done_once_although_nobody_heard_the_answer() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a", "b"], &[]).await;

    let start = json!({ "workflow": "flow", "idempotencyKey": "once" });
    let started = ask_again(
        &world,
        "startRun",
        &start,
        "run { id }",
        "SELECT count(*) = 1 FROM runs",
    )
    .await;
    let run = json!({ "id": started["run"]["id"] });
    assert_eq!(told(&world, "RUN_QUEUED").await, 1);

    let paused = "SELECT bool_and(state = 'PAUSED') FROM runs";
    let again = ask_again(&world, "pauseRun", &run, "run { state }", paused).await;
    assert_eq!(again, json!({ "run": { "state": "PAUSED" }, "userErrors": [] }));
    let resumed = "SELECT bool_and(state = 'QUEUED') FROM runs";
    let again = ask_again(&world, "resumeRun", &run, "run { state }", resumed).await;
    assert_eq!(again, json!({ "run": { "state": "QUEUED" }, "userErrors": [] }));
    for kind in ["RUN_PAUSED", "RUN_RESUMED"] {
        assert_eq!(told(&world, kind).await, 1, "{kind}");
    }

    let document = "query ($id: ID!) { run(id: $id) { taskRuns { nodes { id } } } }";
    let nodes = client.ask(document, run.clone()).await["run"]["taskRuns"]["nodes"].take();
    for (place, mutation, state) in [
        (0, "skipTaskRun", "SKIPPED"),
        (1, "markTaskRunSucceeded", "SUCCEEDED"),
    ] {
        let input = json!({ "id": nodes[place]["id"] });
        let done = format!("SELECT EXISTS (SELECT FROM task_runs WHERE state = '{state}')");
        let again = ask_again(&world, mutation, &input, "taskRun { id }", &done).await;
        let message = again["userErrors"][0]["message"].as_str().expect("a refusal");
        assert!(message.contains("has ended: it is S"), "{message}");
        assert_eq!(told(&world, &format!("TASK_RUN_{state}")).await, 1);
    }

    let rerun = json!({ "id": run["id"], "from": { "all": true }, "idempotencyKey": "again" });
    let again = ask_again(
        &world,
        "rerun",
        &rerun,
        "run { id }",
        "SELECT count(*) = 2 FROM runs",
    )
    .await;
    assert_eq!(told(&world, "RUN_QUEUED").await, 2);
    let run = json!({ "id": again["run"]["id"] });
    let cancelled = "SELECT EXISTS (SELECT FROM runs WHERE state = 'CANCELLED')";
    for mutation in ["cancelRun", "terminateRun"] {
        let again = ask_again(&world, mutation, &run, "run { state }", cancelled).await;
        assert_eq!(again["run"]["state"], "CANCELLED", "{again}");
    }
    assert_eq!(told(&world, "RUN_CANCEL_REQUESTED").await, 1);
}
