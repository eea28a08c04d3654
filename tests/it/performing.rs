//! Programs run and endpoints are called, by a real executor, as the API was told.

use std::time::Duration;

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::Client;
use waterclock_tests::endpoint::FakeEndpoint;

use crate::graphql::start;

/// A workflow of one node, which runs the program.
pub(crate) async fn publish_program(client: &Client, key: &str, program: Value) {
    publish_program_with(client, key, program, json!({})).await;
}

/// The same, with settings of the node.
async fn publish_program_with(client: &Client, key: &str, mut program: Value, mut node: Value) {
    program["key"] = json!(key);
    client.mutate("registerProgram", program, "").await;
    node["key"] = json!(key);
    node["work"] = json!({ "program": { "key": key } });
    client.mutate("createTaskNode", node, "").await;
    publish(client, key).await;
}

async fn publish(client: &Client, key: &str) {
    let nodes = json!([{ "key": key, "taskNode": { "key": key } }]);
    client
        .mutate(
            "createWorkflow",
            json!({ "key": key, "nodes": nodes, "publish": true }),
            "",
        )
        .await;
}

/// Runs the workflow to its end and gives its only task run with attempts and log.
pub(crate) async fn run(client: &Client, workflow: &str, inputs: Value) -> Value {
    let payload = client
        .mutate(
            "startRun",
            json!({ "workflow": workflow, "inputs": inputs }),
            "run { id }",
        )
        .await;
    finish(client, payload["run"]["id"].as_str().unwrap()).await
}

/// Follows the run to its end and gives its only task run.
async fn finish(client: &Client, run: &str) -> Value {
    let variables = json!({ "run": run });
    client
        .follow(
            "subscription ($run: ID!) { runEvents(runId: $run) { kind } }",
            variables.clone(),
        )
        .await
        .rest()
        .await;
    let mut answer = client
        .ask(
            "query ($run: ID!) { run(id: $run) { state stateReason taskRuns(first: 1) { nodes {
                state stateReason output log(first: 100) { nodes { stream text } }
                attempts(first: 5) { nodes { number outcome exitCode httpStatus message } } } } } }",
            variables,
        )
        .await;
    answer["run"]["taskRuns"]["nodes"][0].take()
}

/// What the task run printed on `stream`.
pub(crate) fn printed(task_run: &Value, stream: &str) -> Vec<String> {
    let lines = task_run["log"]["nodes"].as_array().expect("lines").iter();
    lines
        .filter(|line| line["stream"] == stream)
        .map(|line| line["text"].as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn a_command_gets_its_inputs_as_single_arguments() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let program = json!({
        "runtime": "EXEC",
        "command": ["/usr/bin/printf", "[%s]\\n"],
        "arguments": ["${inputs.what}", "$${inputs.what}", "${task.key} ${attempt} ${tenant}"],
    });
    publish_program(&client, "say", program).await;
    let said = run(
        &client,
        "say",
        json!({ "what": "a b; rm -rf / '$HOME' `x` \n two" }),
    )
    .await;
    assert_eq!(
        printed(&said, "STDOUT"),
        [
            "[a b; rm -rf / '$HOME' `x` ",
            " two]",
            "[${inputs.what}]",
            "[say 1 acme]"
        ]
    );
    assert_eq!(said["attempts"]["nodes"][0]["exitCode"], 0);
    executor.stop().await;
}

#[tokio::test]
async fn a_shell_script_sees_its_files_and_a_clean_environment() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let program = json!({
        "runtime": "SHELL",
        "entryPoint": "go.sh",
        "files": [
            { "path": "go.sh", "content": "cat data/in.txt; echo \"$GREETING $1\"; env | grep -c CARGO; exit 0\n" },
            { "path": "data/in.txt", "content": "in: ${inputs.n}\n" },
        ],
        "environment": [{ "name": "GREETING", "value": "hello ${inputs.n}" }],
        "arguments": ["x y"],
    });
    publish_program(&client, "script", program).await;
    let ran = run(&client, "script", json!({ "n": 7 })).await;
    assert_eq!(ran["state"], "SUCCEEDED", "{ran:#}");
    assert_eq!(printed(&ran, "STDOUT"), ["in: 7", "hello 7 x y", "0"]);
    executor.stop().await;
}

#[tokio::test]
async fn a_python_package_runs_from_its_module() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let source = b"import sys\nprint('package', *sys.argv[1:])\nprint('trouble', file=sys.stderr)\n";
    let digest = client.upload("job.py", source.to_vec()).await;
    let program = json!({
        "runtime": "PYTHON",
        "package": { "digest": digest },
        "entryPoint": "job.py",
        "arguments": ["${inputs.a}"],
    });
    publish_program(&client, "python", program).await;
    let ran = run(&client, "python", json!({ "a": [1, { "b": null }] })).await;
    assert_eq!(ran["state"], "SUCCEEDED", "{ran:#}");
    assert_eq!(printed(&ran, "STDOUT"), [r#"package [1,{"b":null}]"#]);
    assert_eq!(printed(&ran, "STDERR"), ["trouble"]);
    executor.stop().await;
}

#[tokio::test]
async fn a_program_that_fails_is_tried_again_and_says_what_it_printed_last() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let program = json!({
        "runtime": "EXEC",
        "command": ["/bin/sh", "-c", "echo try $0; echo 'no such table' >&2; exit 3"],
        "arguments": ["${attempt}"],
    });
    let node = json!({ "retry": { "maxAttempts": 2 } });
    publish_program_with(&client, "fails", program, node).await;
    let ran = run(&client, "fails", json!({})).await;
    assert_eq!(ran["state"], "FAILED");
    let reason = ran["stateReason"].as_str().unwrap();
    assert!(
        reason.contains('3') && reason.contains("no such table"),
        "{reason}"
    );
    let attempts = ran["attempts"]["nodes"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{attempts:#?}");
    assert!(attempts.iter().all(|attempt| attempt["exitCode"] == 3));
    assert_eq!(printed(&ran, "STDOUT"), ["try 1", "try 2"]);
    executor.stop().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_fault_that_names_it() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let program = json!({ "runtime": "EXEC", "command": ["/no/such/program"] });
    let node = json!({ "retry": { "maxFaults": 1 } });
    publish_program_with(&client, "missing", program, node).await;
    let ran = run(&client, "missing", json!({})).await;
    assert_eq!(ran["attempts"]["nodes"][0]["outcome"], "FAULT", "{ran:#}");
    let reason = ran["stateReason"].as_str().unwrap();
    assert!(reason.contains("/no/such/program"), "{reason}");
    executor.stop().await;
}

#[tokio::test]
async fn a_cancelled_program_is_gone_with_everything_it_started() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    // It ignores TERM, and so does what it starts in a session of its own.
    let script =
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' & echo $$; wait; sleep 1000";
    let program = json!({ "runtime": "EXEC", "command": ["/bin/sh", "-c", script] });
    publish_program_with(&client, "stubborn", program, json!({ "grace": "PT0.2S" })).await;
    let id = start(&client, "stubborn").await;
    let task_run = task_run_id(&client, &id).await;
    let mut log = client
        .follow(
            "subscription ($id: ID!) { taskRunLog(taskRunId: $id) { stream text } }",
            json!({ "id": task_run }),
        )
        .await;
    let mut processes = Vec::new();
    while processes.len() < 2 {
        let line = log.next().await.expect("a line");
        if line["stream"] == "STDOUT" {
            processes.push(line["text"].as_str().unwrap().parse::<i32>().unwrap());
        }
    }
    client.mutate("cancelRun", json!({ "id": id }), "").await;
    let ended = finish(&client, &id).await;
    assert_eq!(ended["state"], "CANCELLED", "{ended:#}");
    for process in processes {
        let gone = nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), None);
        assert_eq!(
            gone,
            Err(nix::errno::Errno::ESRCH),
            "process {process} is still there"
        );
    }
    executor.stop().await;
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_stopped() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let program = json!({ "runtime": "EXEC", "command": ["/bin/sleep", "1000"] });
    let node = json!({ "timeout": "PT0.2S", "grace": "PT0.2S" });
    publish_program_with(&client, "slow", program, node).await;
    let ran = run(&client, "slow", json!({})).await;
    assert_eq!(ran["attempts"]["nodes"][0]["outcome"], "TIMED_OUT", "{ran:#}");
    executor.stop().await;
}

#[tokio::test]
async fn an_executor_that_is_stopped_hands_back_what_it_cannot_finish() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let program = json!({
        "runtime": "EXEC",
        "command": ["/bin/sh", "-c", "echo started; test $0 = 2 || sleep 1000"],
        "arguments": ["${attempt}"],
    });
    publish_program_with(&client, "long", program, json!({ "grace": "PT0.2S" })).await;
    let first = world.real_executor_as("first", 1, |config| {
        config.drain_grace = Duration::from_millis(200);
    });
    let id = start(&client, "long").await;
    let task_run = task_run_id(&client, &id).await;
    let mut log = client
        .follow(
            "subscription ($id: ID!) { taskRunLog(taskRunId: $id) { text } }",
            json!({ "id": task_run }),
        )
        .await;
    while log.next().await.expect("a line")["text"] != "started" {}
    first.stop().await;
    let second = world.real_executor("second", 1);
    let ended = finish(&client, &id).await;
    let outcomes: Vec<&str> = ended["attempts"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["FAULT", "SUCCEEDED"]);
    second.stop().await;
}

async fn task_run_id(client: &Client, run: &str) -> String {
    let answer = client
        .ask(
            "query ($run: ID!) { run(id: $run) { taskRuns { nodes { id } } } }",
            json!({ "run": run }),
        )
        .await;
    answer["run"]["taskRuns"]["nodes"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A workflow of one node, which calls the endpoint.
pub(crate) async fn publish_endpoint(client: &Client, key: &str, mut endpoint: Value) {
    endpoint["key"] = json!(key);
    client.mutate("registerEndpoint", endpoint, "").await;
    let node = json!({ "key": key, "work": { "endpoint": { "key": key } } });
    client.mutate("createTaskNode", node, "").await;
    publish(client, key).await;
}

#[tokio::test]
async fn an_endpoint_is_called_with_the_runs_inputs_and_its_answer_is_the_output() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let endpoint = FakeEndpoint::answering(|_| (201, r#"{"made": 42}"#.to_owned())).await;
    let spec = json!({
        "method": "POST",
        "url": format!("{}/orders/${{inputs.order}}", endpoint.url),
        "headers": [{ "name": "X-Run", "value": "${run.id}" }, { "name": "Content-Type", "value": "application/json" }],
        "query": [{ "name": "q", "value": "a&b=${inputs.order}" }],
        "body": "{\"order\": \"${inputs.order}\"}",
    });
    publish_endpoint(&client, "order", spec).await;
    let ran = run(&client, "order", json!({ "order": "x/1 ü" })).await;
    assert_eq!(ran["state"], "SUCCEEDED", "{ran:#}");
    assert_eq!(ran["attempts"]["nodes"][0]["httpStatus"], 201);
    assert!(ran["output"].to_string().contains("42"), "{}", ran["output"]);
    let received = endpoint.received();
    assert_eq!(received.len(), 1);
    let request = &received[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.path(), "/orders/x%2F1%20%C3%BC");
    assert_eq!(request.body, r#"{"order": "x/1 ü"}"#);
    assert!(request.headers.contains_key("x-run"));
    assert!(!request.uri.query().unwrap().contains("a&b"), "{}", request.uri);
    executor.stop().await;
}

#[tokio::test]
async fn an_unexpected_status_is_a_failure_and_an_unreachable_endpoint_says_so() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let executor = world.real_executor("one", 2);
    let endpoint = FakeEndpoint::answering(|_| (503, "come back later".to_owned())).await;
    publish_endpoint(&client, "busy", json!({ "method": "GET", "url": endpoint.url })).await;
    let ran = run(&client, "busy", json!({})).await;
    assert_eq!(ran["state"], "FAILED");
    assert_eq!(ran["attempts"]["nodes"][0]["httpStatus"], 503);
    let expected =
        json!({ "method": "GET", "url": endpoint.url, "expectedStatus": [{ "from": 500, "to": 599 }] });
    publish_endpoint(&client, "expected", expected).await;
    assert_eq!(run(&client, "expected", json!({})).await["state"], "SUCCEEDED");

    let url = endpoint.url.clone();
    drop(endpoint);
    publish_endpoint(&client, "gone", json!({ "method": "GET", "url": url })).await;
    let ran = run(&client, "gone", json!({})).await;
    assert_eq!(ran["state"], "FAILED", "{ran:#}");
    assert!(
        ran["stateReason"].as_str().unwrap().contains("127.0.0.1"),
        "{ran:#}"
    );
    executor.stop().await;
}
