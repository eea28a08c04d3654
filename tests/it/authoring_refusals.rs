//! What is wrong with a workflow is told when it is saved: all at once, each with its place and what to do about it.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::{Api, Client};

use crate::authoring::{node, task_nodes};

async fn author(world: &World) -> (Api, Client) {
    let api = world.serve().await;
    let client = api.admin("acme");
    task_nodes(&client).await;
    (api, client)
}

/// A workflow of a node `first`, which does nothing, and behind it a node `it` that says what `says` says.
fn about(says: Value) -> Value {
    let nothing = json!({ "taskNode": { "key": "nothing" } });
    json!({
        "key": "w",
        "nodes": [node("first", nothing.clone()), node("it", says), node("other", nothing)],
        "edges": [{ "from": "first", "to": "it" }],
        "inputs": [{ "name": "amount", "type": "NUMBER" }, { "name": "region", "type": "STRING" }],
    })
}

/// What is refused, as `path: message`.
async fn refusals(client: &Client, input: Value) -> Vec<String> {
    let document = "query ($input: CreateWorkflowInput!) { validateWorkflow(input: $input) {
        problems { severity path message } } }";
    let answer = client.ask(document, json!({ "input": input })).await;
    let problems = answer["validateWorkflow"]["problems"].as_array().cloned();
    let told = |problem: &Value| {
        let path: Vec<&str> = problem["path"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        format!(
            "{}: {}",
            path[1..].join("."),
            problem["message"].as_str().unwrap_or_default()
        )
    };
    problems
        .unwrap_or_default()
        .iter()
        .filter(|problem| problem["severity"] == "ERROR")
        .map(told)
        .collect()
}

/// Asserts that every input is refused for one thing alone, at a place and with words that are given.
async fn assert_refused(cases: Vec<(Value, &str, &str)>) {
    let world = World::new().await;
    let (_api, client) = author(&world).await;
    let mut wrong = Vec::new();
    for (input, path, words) in cases {
        let told = refusals(&client, input).await;
        let is_told = told.len() == 1 && told[0].starts_with(&format!("{path}: ")) && told[0].contains(words);
        if !is_told {
            wrong.push(format!("{path}: …{words}… was wanted, and told was {told:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn branch(cases: &Value, otherwise: &[&str]) -> Value {
    json!({ "branch": { "cases": cases, "otherwise": otherwise } })
}

fn uses(key: &str, says: Value) -> Value {
    let mut node = json!({ "taskNode": { "key": key } });
    if let (Value::Object(node), Value::Object(says)) = (&mut node, says) {
        node.extend(says);
    }
    node
}

#[tokio::test]
async fn a_node_does_one_thing() {
    let wait = json!({ "wait": { "duration": "PT1S" } });
    let both = uses("nothing", wait.clone());
    let spread_twice = uses(
        "nothing",
        json!({ "broadcast": true, "sharding": { "count": 2 } }),
    );
    assert_refused(vec![
        (about(json!({})), "nodes.1", "exactly one of `taskNode`"),
        (about(both), "nodes.1.wait", "exactly one of `taskNode`"),
        (
            about(spread_twice),
            "nodes.1.broadcast",
            "one of `map`, `sharding` and `broadcast`",
        ),
        (
            about(uses("none", json!({}))),
            "nodes.1.taskNode",
            "no task node with the key \"none\"",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_branch_leads_to_those_that_wait_for_it() {
    let yes = |then: &[&str]| json!([{ "when": "true", "then": then }]);
    let mut chosen = about(branch(&yes(&["other"]), &[]));
    chosen["edges"] = json!([{ "from": "first", "to": "it" }, { "from": "it", "to": "other" }]);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut input = chosen.clone();
        change(&mut input["nodes"][1]["branch"]);
        input
    };
    let world = World::new().await;
    let (_api, client) = author(&world).await;
    assert_eq!(refusals(&client, chosen.clone()).await, Vec::<String>::new());
    drop(world);
    assert_refused(vec![
        (
            with(&|branch| branch["cases"][0]["then"] = json!(["other", "none"])),
            "nodes.1.branch.cases.0.then.1",
            "no node has the key \"none\"",
        ),
        (
            with(&|branch| branch["otherwise"] = json!(["first"])),
            "nodes.1.branch.otherwise.0",
            "does not wait for this branch",
        ),
        (
            with(&|branch| branch["cases"][0]["then"] = json!(["other", "other"])),
            "nodes.1.branch.cases.0.then.1",
            "named twice",
        ),
        (
            with(&|branch| {
                branch["cases"] = json!([{ "when": "true", "then": [] }, { "when": "true", "then": ["other"] }]);
            }),
            "nodes.1.branch.cases.0.then",
            "at least one node",
        ),
        (
            with(&|branch| branch["cases"][0]["when"] = json!("inputs.amount")),
            "nodes.1.branch.cases.0.when",
            "bool",
        ),
        (
            {
                let mut input = chosen.clone();
                input["edges"] = json!([
                    { "from": "first", "to": "it" }, { "from": "it", "to": "other" }, { "from": "it", "to": "third" },
                ]);
                let third = node("third", uses("nothing", json!({})));
                input["nodes"].as_array_mut().unwrap().push(third);
                input
            },
            "nodes.1.branch",
            "no case leads to third",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_rule_can_hold_and_what_is_spread_can_be() {
    let mut root = about(uses("nothing", json!({ "triggerRule": "ONE_SUCCESS" })));
    root["edges"] = json!([]);
    let spread = |work: Value, spread: Value| {
        let mut says = work;
        says.as_object_mut()
            .unwrap()
            .extend(spread.as_object().unwrap().clone());
        about(says)
    };
    let map = json!({ "map": { "items": "[1]" } });
    let sharding = |count: i32, parameters: &str| {
        about(uses(
            "nothing",
            json!({ "sharding": { "count": count, "parameters": parameters } }),
        ))
    };
    let mapped = |map: Value| about(uses("nothing", json!({ "map": map })));
    let child = json!({ "workflow": { "key": "child", "inputs": [{ "name": "city", "value": "'a'" }] } });
    assert_refused(vec![
        (root, "nodes.1.triggerRule", "ONE_SUCCESS could never hold"),
        (
            spread(json!({ "wait": { "duration": "PT1S" } }), map.clone()),
            "nodes.1.map",
            "done once",
        ),
        (
            spread(json!({ "approval": {} }), json!({ "broadcast": true })),
            "nodes.1.broadcast",
            "done once",
        ),
        (
            spread(child.clone(), json!({ "broadcast": true })),
            "nodes.1.broadcast",
            "goes to no executor",
        ),
        (
            spread(child, json!({ "sharding": { "count": 2 } })),
            "nodes.1.sharding",
            "goes to no executor",
        ),
        (sharding(0, ""), "nodes.1.sharding.count", "1 to 1000"),
        (sharding(1_001, ""), "nodes.1.sharding.count", "1 to 1000"),
        (sharding(2, "2=c"), "nodes.1.sharding.parameters", "no shard 2"),
        (
            sharding(2, "a"),
            "nodes.1.sharding.parameters",
            "0=Beijing,1=Shanghai",
        ),
        (
            mapped(json!({ "items": "[1]", "parallelism": 0 })),
            "nodes.1.map.parallelism",
            "1 to",
        ),
        (
            mapped(json!({ "items": "[1]", "toleratedFailures": 1.5 })),
            "nodes.1.map.toleratedFailures",
            "0 to 1",
        ),
        (
            mapped(json!({ "items": "inputs.region" })),
            "nodes.1.map.items",
            "list",
        ),
    ])
    .await;
}

#[tokio::test]
async fn settings_mean_something() {
    let wait = |says: Value| {
        let mut node = json!({ "wait": { "duration": "PT1S" } });
        node.as_object_mut()
            .unwrap()
            .extend(says.as_object().unwrap().clone());
        about(node)
    };
    let retry = |rules: Value| json!({ "retry": { "maxAttempts": 2, "rules": rules } });
    let sh = |says: Value| about(uses("sh", says));
    assert_refused(vec![
        (
            wait(json!({ "arguments": ["a"] })),
            "nodes.1.arguments",
            "a wait has no arguments",
        ),
        (
            wait(json!({ "requiredLabels": ["a"] })),
            "nodes.1.requiredLabels",
            "never given to an executor",
        ),
        (
            wait(json!({ "cost": 2 })),
            "nodes.1.cost",
            "never given to an executor",
        ),
        (
            wait(json!({ "timeout": "PT1S" })),
            "nodes.1.timeout",
            "leave `timeout` out",
        ),
        (
            wait(json!({ "retry": { "maxAttempts": 2 } })),
            "nodes.1.retry",
            "leave `retry` out",
        ),
        (
            about(json!({ "approval": {}, "startDeadline": { "after": "PT1S" } })),
            "nodes.1.startDeadline",
            "`approval.deadline`",
        ),
        (
            about(json!({ "workflow": { "key": "w" }, "cost": 2 })),
            "nodes.1.cost",
            "a run of its own",
        ),
        (
            sh(json!({ "onTimeout": "WARN" })),
            "nodes.1.onTimeout",
            "no `timeout` to warn of",
        ),
        (
            sh(json!({ "startDeadline": { "after": "P400D" } })),
            "nodes.1.startDeadline.after",
            "start deadline",
        ),
        (
            sh(json!({ "retry": { "jitter": 2.0 } })),
            "nodes.1.retry.jitter",
            "0 to 1",
        ),
        (
            sh(json!({ "retry": { "maxDuration": "PT0S" } })),
            "nodes.1.retry.maxDuration",
            "1 to",
        ),
        (
            sh(retry(
                json!([{ "then": "FAIL" }, { "exitCodes": [1], "then": "RETRY" }]),
            )),
            "nodes.1.retry.rules.0",
            "put it last",
        ),
        (
            sh(retry(
                json!([{ "httpStatuses": [{ "from": 500 }], "then": "RETRY" }]),
            )),
            "nodes.1.retry.rules.0.httpStatuses",
            "would never fit",
        ),
        (
            sh(retry(json!([{ "outcomes": ["SUCCEEDED"], "then": "RETRY" }]))),
            "nodes.1.retry.rules.0.outcomes.0",
            "SUCCEEDED",
        ),
        (
            sh(retry(json!([{ "exitCodes": [0], "then": "RETRY" }]))),
            "nodes.1.retry.rules.0.exitCodes.0",
            "1 to 255",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_the_service_does_itself_is_sane() {
    let approval = |approval: Value| about(json!({ "approval": approval }));
    let wait = |wait: Value| about(json!({ "wait": wait }));
    let event = |event: Value| wait(json!({ "event": event }));
    assert_refused(vec![
        (
            approval(json!({ "form": ["a"] })),
            "nodes.1.approval.form",
            "an object",
        ),
        (
            approval(json!({ "form": { "type": "thing" } })),
            "nodes.1.approval.form",
            "not a JSON Schema",
        ),
        (
            approval(json!({ "deadline": "PT0S" })),
            "nodes.1.approval.deadline",
            "the deadline",
        ),
        (
            approval(json!({ "question": "${inputs.none}?" })),
            "nodes.1.approval.question",
            "declares amount, region",
        ),
        (
            approval(json!({ "question": "${item}" })),
            "nodes.1.approval.question",
            "once per item",
        ),
        (
            wait(json!({ "duration": "P366D" })),
            "nodes.1.wait.duration",
            "the wait",
        ),
        (
            wait(json!({ "until": "true" })),
            "nodes.1.wait.until",
            "timestamp",
        ),
        (
            event(json!({ "name": "two words" })),
            "nodes.1.wait.event.name",
            "not the name of an event",
        ),
        (
            event(json!({ "name": "e", "key": "nodes.other.state" })),
            "nodes.1.wait.event.key",
            "does not come before",
        ),
        (
            event(json!({ "name": "e", "deadline": "P366D" })),
            "nodes.1.wait.event.deadline",
            "the deadline",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_sub_workflow_is_there_and_takes_what_it_is_given() {
    let runs = |key: &str, inputs: Value| about(json!({ "workflow": { "key": key, "inputs": inputs } }));
    let city = |value: &str| json!([{ "name": "city", "value": value }]);
    assert_refused(vec![
        (
            runs("none", json!([])),
            "nodes.1.workflow",
            "no workflow with the key \"none\"",
        ),
        (
            runs("child", json!([])),
            "nodes.1.workflow.inputs",
            "cannot start without the input \"city\"",
        ),
        (
            runs(
                "child",
                json!([{ "name": "city", "value": "'a'" }, { "name": "none", "value": "1" }]),
            ),
            "nodes.1.workflow.inputs",
            "declares no input \"none\"; it has city, rows",
        ),
        (
            runs("child", city("inputs.amount")),
            "nodes.1.workflow.inputs",
            "the input \"city\"",
        ),
        (
            runs("child", city("string(item)")),
            "nodes.1.workflow.inputs",
            "item",
        ),
        (
            runs("w", json!([{ "name": "amount", "value": "'a'" }])),
            "nodes.1.workflow.inputs",
            "the input \"amount\"",
        ),
    ])
    .await;
}

#[tokio::test]
async fn expressions_and_templates_read_what_comes_before() {
    let condition = |source: &str| about(uses("nothing", json!({ "condition": source })));
    let argument = |template: &str| about(uses("sh", json!({ "arguments": [template] })));
    let output = |source: &str| {
        let mut input = about(uses("nothing", json!({})));
        input["outputs"] = json!([{ "name": "rows", "value": source }]);
        input
    };
    let mut undeclared = about(uses("sh", json!({})));
    undeclared["inputs"] = json!([{ "name": "amount", "type": "NUMBER" }]);
    let world = World::new().await;
    let (_api, client) = author(&world).await;
    for good in [
        condition("nodes.first.state == 'SUCCEEDED' && inputs.amount > 1"),
        argument("${nodes.first.outputs.rows}"),
        output("nodes.other.outputs.rows"),
    ] {
        assert_eq!(refusals(&client, good).await, Vec::<String>::new());
    }
    drop(world);
    assert_refused(vec![
        (condition("1 +"), "nodes.1.condition", "1:"),
        (condition(""), "nodes.1.condition", ""),
        (condition("inputs.amount"), "nodes.1.condition", "bool"),
        (
            condition("inputs.amont > 1"),
            "nodes.1.condition",
            "did you mean `amount`",
        ),
        (condition("item == 1"), "nodes.1.condition", "item"),
        (
            condition("nodes.frist.state == 'a'"),
            "nodes.1.condition",
            "did you mean `first`",
        ),
        (
            condition("nodes.other.state == 'a'"),
            "nodes.1.condition",
            "does not come before this one",
        ),
        (
            condition("nodes.it.state == 'a'"),
            "nodes.1.condition",
            "does not come before this one",
        ),
        (
            argument("${nodes.other.outputs.rows}"),
            "nodes.1.arguments.0",
            "does not come before",
        ),
        (
            argument("${inputs.amont}"),
            "nodes.1.arguments.0",
            "declares amount, region",
        ),
        (argument("${item}"), "nodes.1.arguments.0", "once per item"),
        (argument("${shard.index}"), "nodes.1.arguments.0", "sharded"),
        (undeclared, "nodes.1", "the program \"sh\", as this node uses it"),
        (
            output("nodes.none.outputs.rows"),
            "outputs",
            "the output \"rows\"",
        ),
    ])
    .await;
}

#[tokio::test]
async fn everything_wrong_is_told_at_once_and_nothing_is_saved() {
    let world = World::new().await;
    let (_api, client) = author(&world).await;
    let mut input = about(json!({ "wait": { "duration": "PT0S" }, "cost": 3, "condition": "1" }));
    input["nodes"][0]["taskNode"]["key"] = json!("none");
    input["nodes"][2]["workflow"] = json!({ "key": "none" });
    input["timeout"] = json!({ "after": "PT0S" });
    let refused = client
        .try_mutate("createWorkflow", input, "workflow { id }")
        .await;
    assert_eq!(refused["workflow"], Value::Null);
    let mut paths: Vec<String> = refused["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let path = error["path"].as_array().unwrap().iter().filter_map(Value::as_str);
            path.skip(1).collect::<Vec<_>>().join(".")
        })
        .collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "nodes.0.taskNode",
            "nodes.1.condition",
            "nodes.1.cost",
            "nodes.1.wait.duration",
            "nodes.2.workflow",
            "timeout.after",
        ]
    );
    let kept = client.ask("{ workflow(key: \"w\") { id } }", json!({})).await;
    assert_eq!(kept["workflow"], Value::Null);
}

#[tokio::test]
async fn a_large_workflow_in_which_everybody_reads_is_checked_in_time() {
    let world = World::new().await;
    let (_api, client) = author(&world).await;
    // Each node reads the one at the beginning of its chain and waits for ten others.
    let count = 1_500;
    let key = |place: usize| format!("n{place}");
    let nodes: Vec<Value> = (0..count)
        .map(|place| {
            let condition = (place > 0).then(|| format!("nodes.n{}.state == 'SUCCEEDED'", place / 2));
            let mut node = node(&key(place), uses("nothing", json!({})));
            node["condition"] = json!(condition);
            node
        })
        .collect();
    let edges: Vec<Value> = (1..count)
        .flat_map(|place| {
            (place.saturating_sub(10)..place)
                .map(move |before| json!({ "from": key(before), "to": key(place) }))
        })
        .collect();
    let input = json!({ "key": "large", "nodes": nodes, "edges": edges });
    assert_eq!(refusals(&client, input).await, Vec::<String>::new());
}
