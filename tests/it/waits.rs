//! People, events and endpoints that have a say in how a run goes on.

use std::time::Duration;

use serde_json::{Value, json};
use waterclock_api::auth::Scope;
use waterclock_core::run::Outcome;
use waterclock_tests::World;
use waterclock_tests::api::{Api, Client};

use crate::graphql::{publish_no_ops, start};
use crate::performing::publish_endpoint;

/// A workflow of the node `first`, which is as `what` says, and `then`, which waits for it and does nothing.
async fn publish_before(client: &Client, key: &str, mut what: Value) {
    what["key"] = json!("first");
    client
        .mutate(
            "createTaskNode",
            json!({ "key": key, "work": { "noOp": true } }),
            "",
        )
        .await;
    let workflow = json!({
        "key": key, "publish": true,
        "nodes": [what, { "key": "then", "taskNode": { "key": key } }],
        "edges": [{ "from": "first", "to": "then" }],
    });
    client.mutate("createWorkflow", workflow, "").await;
}

/// The run with its task runs, the first of the definition first.
async fn look(client: &Client, run: &str) -> Value {
    let document = "query ($id: ID!) { run(id: $id) { state stateReason
        taskRuns { nodes { id key state stateReason output } } } }";
    client.ask(document, json!({ "id": run })).await["run"].take()
}

/// The id of the run's first task run.
async fn first_of(client: &Client, run: &str) -> String {
    let seen = look(client, run).await;
    let id = seen["taskRuns"]["nodes"][0]["id"].as_str();
    id.unwrap_or_else(|| panic!("a task run in {seen:#}")).to_owned()
}

async fn answer(client: &Client, task_run: &str, answer: Value) -> Value {
    let mut input = answer;
    input["id"] = json!(task_run);
    client
        .try_mutate("answerApproval", input, "taskRun { state }")
        .await
}

#[tokio::test]
async fn an_approval_lets_what_waits_for_it_go_on_and_is_given_once() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_before(&client, "ask", json!({ "approval": { "question": "Go on?" } })).await;
    let run = start(&client, "ask").await;
    let asks = first_of(&client, &run).await;
    let executor = world.executor("one").join().await;
    assert!(
        executor.take(1).await.is_empty(),
        "nothing starts before the answer"
    );

    let given = json!({ "answer": "APPROVE", "comment": "fine" });
    let answered = answer(&client, &asks, given.clone()).await;
    assert_eq!(
        answered,
        json!({ "taskRun": { "state": "SUCCEEDED" }, "userErrors": [] })
    );
    let again = answer(&client, &asks, given).await;
    assert_eq!(again["userErrors"][0]["code"], "CONFLICT", "{again}");

    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    let seen = look(&client, &run).await;
    assert_eq!(seen["state"], "SUCCEEDED", "{seen:#}");
    let output = &seen["taskRuns"]["nodes"][0]["output"];
    assert_eq!(output["by"], "somebody of acme");
    assert_eq!(output["comment"], "fine");
}

#[tokio::test]
async fn a_rejection_fails_the_run_and_says_who_and_why() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_before(&client, "ask", json!({ "approval": { "question": "Go on?" } })).await;
    let run = start(&client, "ask").await;
    let asks = first_of(&client, &run).await;
    answer(
        &client,
        &asks,
        json!({ "answer": "REJECT", "comment": "too late" }),
    )
    .await;
    let seen = look(&client, &run).await;
    assert_eq!(seen["state"], "FAILED", "{seen:#}");
    let nodes = &seen["taskRuns"]["nodes"];
    assert_eq!(nodes[0]["stateReason"], "rejected by somebody of acme: too late");
    assert_eq!(nodes[1]["state"], "UPSTREAM_FAILED");
}

#[tokio::test]
async fn a_question_is_answered_by_those_whom_it_is_for() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let approval = json!({ "approval": { "question": "Go on?", "scope": "DEVELOPER", "barsStarter": true } });
    publish_before(&client, "ask", approval).await;
    let yes = json!({ "answer": "APPROVE" });

    let run = start(&client, "ask").await;
    let asks = first_of(&client, &run).await;
    let barred = answer(&client, &asks, yes.clone()).await;
    assert!(
        barred["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("somebody else"),
        "{barred}"
    );
    let operator = api.client("acme", &[Scope::Operator]);
    let beneath = answer(&operator, &asks, yes.clone()).await;
    assert!(
        beneath["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("the scope developer"),
        "{beneath}"
    );
    answer(&client, &asks, json!({ "answer": "REJECT" })).await;
    client.mutate("cancelRun", json!({ "id": run }), "").await;
    assert_eq!(look(&client, &run).await["state"], "CANCELLED");
}

#[tokio::test]
async fn an_approval_fills_in_what_the_form_asks_for() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let form =
        json!({ "type": "object", "required": ["amount"], "properties": { "amount": { "type": "number" } } });
    publish_before(
        &client,
        "ask",
        json!({ "approval": { "question": "How much?", "form": form } }),
    )
    .await;
    let run = start(&client, "ask").await;
    let asks = first_of(&client, &run).await;
    let wrong = json!({ "answer": "APPROVE", "form": { "amount": "much" } });
    let refused = answer(&client, &asks, wrong).await;
    assert_eq!(
        refused["userErrors"][0]["path"],
        json!(["input", "form", "amount"])
    );
    let right = json!({ "answer": "APPROVE", "form": { "amount": 7 } });
    let answered = answer(&client, &asks, right).await;
    assert_eq!(answered["userErrors"], json!([]));
    let executor = world.executor("one").join().await;
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    let seen = look(&client, &run).await;
    assert_eq!(
        seen["taskRuns"]["nodes"][0]["output"]["form"],
        json!({ "amount": 7 })
    );
}

/// Publishes an event and gives how many task runs waited for it.
async fn publish_event(client: &Client, name: &str, key: &str, payload: Value) -> i64 {
    let event = json!({ "name": name, "key": key, "payload": payload });
    let published = client
        .mutate("publishEvent", event, "event { id wokenTaskRunCount }")
        .await;
    assert!(published["event"]["id"].is_string());
    published["event"]["wokenTaskRunCount"]
        .as_i64()
        .expect("a number")
}

#[tokio::test]
async fn an_event_ends_the_wait_for_it_whichever_comes_first() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let scheduler = world.scheduler();
    let executor = world.executor("one").join().await;
    let wait = json!({ "wait": { "event": { "name": "paid", "key": "'7'" } } });
    publish_before(&client, "wait", wait.clone()).await;
    let waits = start(&client, "wait").await;
    assert_eq!(publish_event(&client, "paid", "8", Value::Null).await, 0);
    assert_eq!(publish_event(&client, "paid", "7", json!({ "sum": 3 })).await, 1);
    executor
        .report(&executor.wait_for_one().await, Outcome::Succeeded)
        .await;
    let seen = look(&client, &waits).await;
    assert_eq!(seen["state"], "SUCCEEDED", "{seen:#}");
    assert_eq!(
        seen["taskRuns"]["nodes"][0]["output"]["payload"],
        json!({ "sum": 3 })
    );

    // The event comes while a node before the wait still runs.
    let mut late = wait;
    late["key"] = json!("late");
    let workflow = json!({
        "key": "late", "publish": true,
        "nodes": [{ "key": "before", "taskNode": { "key": "wait" } }, late],
        "edges": [{ "from": "before", "to": "late" }],
    });
    client.mutate("createWorkflow", workflow, "").await;
    let run = start(&client, "late").await;
    let before = executor.wait_for_one().await;
    assert_eq!(publish_event(&client, "paid", "7", Value::Null).await, 0);
    executor.report(&before, Outcome::Succeeded).await;
    world.until_all_ended().await;
    assert_eq!(look(&client, &run).await["state"], "SUCCEEDED");
    scheduler.stop().await;
}

/// Calls back as an endpoint does; gives the status and the body.
async fn call_back(api: &Api, path: &str, body: &str) -> (u16, String) {
    let request = reqwest::Client::new()
        .post(format!("http://{}{path}", api.address))
        .body(body.to_owned());
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

/// A workflow whose only node calls an endpoint that calls back within a minute.
async fn publish_later(client: &Client) {
    let spec = json!({ "method": "POST", "url": "http://127.0.0.1/", "callback": { "deadline": "PT1M" } });
    publish_endpoint(client, "later", spec).await;
}

#[tokio::test]
async fn an_endpoint_that_calls_back_ends_its_attempt_once() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_later(&client).await;
    let executor = world.executor("one").called_back_at("http://api/").join().await;
    let done = r#"{"outcome": "SUCCEEDED", "outputs": {"rows": 3}}"#;
    let mut used = Vec::new();
    for answers_first in [false, true] {
        let run = start(&client, "later").await;
        let attempt = executor.take_one().await;
        let url = attempt.callback_url.clone().expect("an address");
        let path = url.strip_prefix("http://api").expect("below the base").to_owned();
        let (status, told) = call_back(&api, &path, "{").await;
        assert_eq!(status, 400, "{told}");
        if answers_first {
            assert_eq!(call_back(&api, &path, done).await, (204, String::new()));
            executor.defer(&attempt).await;
        } else {
            executor.defer(&attempt).await;
            assert_eq!(call_back(&api, &path, done).await, (204, String::new()));
        }
        let seen = look(&client, &run).await;
        assert_eq!(seen["state"], "SUCCEEDED", "{seen:#}");
        assert_eq!(seen["taskRuns"]["nodes"][0]["output"], json!({ "rows": 3 }));
        used.push(path);
    }
    used.extend(["/callbacks/x".to_owned()]);
    for path in used {
        let (status, told) = call_back(&api, &path, done).await;
        assert_eq!(status, 404, "{told}");
        assert!(told.contains("NOT_FOUND"), "{told}");
    }
}

#[tokio::test]
async fn an_endpoint_that_says_it_failed_fails_its_attempt() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_later(&client).await;
    let executor = world.executor("one").called_back_at("http://api").join().await;
    let run = start(&client, "later").await;
    let attempt = executor.take_one().await;
    executor.defer(&attempt).await;
    let url = attempt.callback_url.clone().expect("an address");
    let said = r#"{"outcome": "FAILED", "message": "no such order"}"#;
    let path = url.strip_prefix("http://api").expect("below the base");
    assert_eq!(call_back(&api, path, said).await.0, 204);
    let seen = look(&client, &run).await;
    assert_eq!(seen["state"], "FAILED", "{seen:#}");
    assert!(
        seen["stateReason"].as_str().unwrap().contains("no such order"),
        "{seen:#}"
    );
}

#[tokio::test]
async fn an_endpoint_that_calls_back_too_late_is_told_so() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let scheduler = world.scheduler();
    publish_later(&client).await;
    let executor = world.executor("one").called_back_at("http://api").join().await;
    let run = start(&client, "later").await;
    let attempt = executor.wait_for_one().await;
    executor.defer(&attempt).await;
    world.advance(Duration::from_secs(61)).await;
    world.until_all_ended().await;
    let seen = look(&client, &run).await;
    assert_eq!(seen["state"], "FAILED", "{seen:#}");
    let url = attempt.callback_url.clone().expect("an address");
    let path = url.strip_prefix("http://api").expect("below the base");
    assert_eq!(call_back(&api, path, "").await.0, 404);
    scheduler.stop().await;
}

async fn say(client: &Client, mutation: &str, run: &str) {
    client.mutate(mutation, json!({ "id": run }), "").await;
}

#[tokio::test]
async fn a_paused_run_finishes_what_runs_and_starts_nothing_until_it_is_resumed() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a", "b", "c"], &[("a", "c")]).await;
    let run = start(&client, "flow").await;
    let executor = world.executor("one").slots(3).join().await;
    let a = executor.take_one().await;
    say(&client, "pauseRun", &run).await;
    say(&client, "pauseRun", &run).await;
    executor.report(&a, Outcome::Succeeded).await;
    assert!(executor.take(3).await.is_empty(), "b and c wait for the resume");
    let seen = look(&client, &run).await;
    assert_eq!(seen["state"], "PAUSED", "{seen:#}");
    assert_eq!(seen["taskRuns"]["nodes"][0]["state"], "SUCCEEDED");

    say(&client, "resumeRun", &run).await;
    assert_eq!(look(&client, &run).await["state"], "RUNNING");
    for attempt in executor.take(3).await {
        executor.report(&attempt, Outcome::Succeeded).await;
    }
    assert_eq!(look(&client, &run).await["state"], "SUCCEEDED");
    let told: Vec<String> = world
        .column(
            "SELECT kind FROM events WHERE kind IN ('RUN_PAUSED', 'RUN_RESUMED') ORDER BY seq",
            &[],
        )
        .await;
    assert_eq!(told, ["RUN_PAUSED", "RUN_RESUMED"]);
}

#[tokio::test]
async fn what_was_assigned_and_had_not_started_waits_again_under_the_same_number() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a"], &[]).await;
    let executor = world.executor("one").join().await;
    let scheduler = world.scheduler();
    let run = start(&client, "flow").await;
    world
        .until_true("SELECT EXISTS (SELECT FROM dispatch WHERE state = 'ASSIGNED')")
        .await;
    say(&client, "pauseRun", &run).await;
    assert!(executor.take(1).await.is_empty());
    assert_eq!(look(&client, &run).await["state"], "PAUSED");
    say(&client, "resumeRun", &run).await;
    let attempt = executor.wait_for_one().await;
    assert_eq!(attempt.lease().fence, 1);
    executor.report(&attempt, Outcome::Succeeded).await;
    assert_eq!(look(&client, &run).await["state"], "SUCCEEDED");
    scheduler.stop().await;
}

#[tokio::test]
async fn a_failure_while_paused_is_tried_again_after_the_resume() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let task_node =
        json!({ "key": "twice", "work": { "noOp": true }, "retry": { "maxAttempts": 2, "delay": "PT1S" } });
    client.mutate("createTaskNode", task_node, "").await;
    let nodes = json!([{ "key": "a", "taskNode": { "key": "twice" } }]);
    let workflow = json!({ "key": "twice", "nodes": nodes, "publish": true });
    client.mutate("createWorkflow", workflow, "").await;
    let executor = world.executor("one").join().await;
    let run = start(&client, "twice").await;
    let first = executor.take_one().await;
    say(&client, "pauseRun", &run).await;
    executor.report(&first, Outcome::Failed).await;
    let scheduler = world.scheduler();
    world.advance(Duration::from_mins(1)).await;
    assert!(executor.take(1).await.is_empty(), "its run is paused");
    say(&client, "resumeRun", &run).await;
    let second = executor.wait_for_one().await;
    executor.report(&second, Outcome::Succeeded).await;
    assert_eq!(look(&client, &run).await["state"], "SUCCEEDED");
    scheduler.stop().await;
}

#[tokio::test]
async fn what_the_service_itself_begins_begins_with_the_resume() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    client
        .mutate(
            "createTaskNode",
            json!({ "key": "work", "work": { "noOp": true } }),
            "",
        )
        .await;
    let workflow = json!({
        "key": "ask", "publish": true,
        "nodes": [
            { "key": "before", "taskNode": { "key": "work" } },
            { "key": "ask", "approval": { "question": "Go on?" } },
        ],
        "edges": [{ "from": "before", "to": "ask" }],
    });
    client.mutate("createWorkflow", workflow, "").await;
    let run = start(&client, "ask").await;
    let executor = world.executor("one").join().await;
    let before = executor.take_one().await;
    say(&client, "pauseRun", &run).await;
    executor.report(&before, Outcome::Succeeded).await;
    let asks = look(&client, &run).await["taskRuns"]["nodes"][1].take();
    assert_eq!(asks["state"], "BLOCKED", "{asks:#}");
    say(&client, "resumeRun", &run).await;
    let id = asks["id"].as_str().expect("an id");
    let answered = answer(&client, id, json!({ "answer": "APPROVE" })).await;
    assert_eq!(answered["userErrors"], json!([]));
    assert_eq!(look(&client, &run).await["state"], "SUCCEEDED");
}

#[tokio::test]
async fn the_runs_within_a_run_pause_and_resume_with_it() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "inner", &["a"], &[]).await;
    let nodes = json!([{ "key": "within", "workflow": { "key": "inner" } }]);
    let workflow = json!({ "key": "outer", "nodes": nodes, "publish": true });
    client.mutate("createWorkflow", workflow, "").await;
    let run = start(&client, "outer").await;
    say(&client, "pauseRun", &run).await;
    let executor = world.executor("one").join().await;
    assert!(executor.take(1).await.is_empty(), "the run within is paused too");
    say(&client, "resumeRun", &run).await;
    let scheduler = world.scheduler();
    executor
        .report(&executor.wait_for_one().await, Outcome::Succeeded)
        .await;
    world.until_all_ended().await;
    assert_eq!(look(&client, &run).await["state"], "SUCCEEDED");
    scheduler.stop().await;
}

#[tokio::test]
async fn a_paused_run_can_be_cancelled_and_one_that_has_ended_cannot_be_paused() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a"], &[]).await;
    let run = start(&client, "flow").await;
    say(&client, "pauseRun", &run).await;
    client.mutate("cancelRun", json!({ "id": run }), "").await;
    assert_eq!(look(&client, &run).await["state"], "CANCELLED");
    for mutation in ["pauseRun", "resumeRun"] {
        let refused = client.try_mutate(mutation, json!({ "id": run }), "").await;
        assert_eq!(refused["userErrors"][0]["code"], "CONFLICT", "{refused}");
    }
}
