//! Workflows as their authors write them: everything that can be said is kept, shown, compared and gone back to.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::Client;

use crate::graphql::start;

/// Everything that a node can say, in the order in which it is shown.
pub(crate) const NODE: &str = "
    key taskNode { key } workflow { key inputs { name value } }
    branch { cases { when then } otherwise mode }
    approval { question scope form deadline default barsStarter }
    wait { duration until event { name key deadline } }
    requires produces triggerRule condition disabled
    map { items parallelism toleratedFailures } sharding { count strategy parameters } broadcast
    arguments environment { name value } requiredLabels priority cost timeout onTimeout
    startDeadline { after overdue } allowFailure grace
    retry { maxAttempts delay factor maxDelay jitter maxDuration maxFaults
        rules { exitCodes httpStatuses { from to } outcomes message then } }";

const WHOLE: &str = "
    priority inputs { name type required default description } failureStrategy
    timeout { after overdue } outputs { name value } edges { from to }";

/// The task nodes that the workflows of these tests use: `sh` runs a program, `call` calls an endpoint, `nothing` does nothing.
pub(crate) async fn task_nodes(client: &Client) {
    let program =
        json!({ "key": "sh", "runtime": "EXEC", "command": ["/bin/sh"], "arguments": ["${inputs.region}"] });
    client.mutate("registerProgram", program, "").await;
    let endpoint = json!({ "key": "call", "method": "GET", "url": "http://127.0.0.1/${inputs.region}" });
    client.mutate("registerEndpoint", endpoint, "").await;
    for (key, work) in [
        ("sh", json!({ "program": { "key": "sh" } })),
        ("call", json!({ "endpoint": { "key": "call" } })),
        ("nothing", json!({ "noOp": true })),
    ] {
        client
            .mutate("createTaskNode", json!({ "key": key, "work": work }), "")
            .await;
    }
    let child = json!({
        "key": "child",
        "inputs": [{ "name": "city", "type": "STRING", "required": true }, { "name": "rows", "type": "INTEGER" }],
        "nodes": [{ "key": "only", "taskNode": { "key": "nothing" } }],
        "publish": true,
    });
    client.mutate("createWorkflow", child, "").await;
}

/// A node that says nothing, with what `says` says.
pub(crate) fn node(key: &str, says: Value) -> Value {
    let mut node = json!({ "key": key, "triggerRule": "ALL_SUCCESS", "disabled": false, "broadcast": false });
    let Value::Object(says) = says else {
        panic!("a node says fields")
    };
    node.as_object_mut().expect("an object").extend(says);
    node
}

/// A workflow that says everything that can be said.
#[expect(clippy::too_many_lines, reason = "there is so much to say")]
fn everything() -> Value {
    let uses = |key: &str| json!({ "key": key });
    let nodes = [
        node(
            "load",
            json!({
                "taskNode": uses("sh"),
                "arguments": ["${inputs.region}"],
                "environment": [{ "name": "RUN", "value": "${run.id}" }],
                "requiredLabels": ["linux"], "priority": 3, "cost": 2, "timeout": "PT1H", "onTimeout": "WARN",
                "startDeadline": { "after": "PT10M", "overdue": "WARN" }, "allowFailure": true, "grace": "PT5S",
                "retry": {
                    "maxAttempts": 4, "delay": "PT1S", "factor": 2.0, "maxDelay": "PT1M", "jitter": 0.25,
                    "maxDuration": "PT2H", "maxFaults": 3,
                    "rules": [
                        { "exitCodes": [2, 3], "then": "FAIL" },
                        { "outcomes": ["TIMED_OUT"], "message": "busy", "then": "RETRY" },
                        { "then": "SKIP" },
                    ],
                },
                "produces": ["rows"],
            }),
        ),
        node(
            "choose",
            json!({
                "branch": {
                    "cases": [{ "when": "inputs.amount > 100 && nodes.load.state == 'SUCCEEDED'", "then": ["ask"] }],
                    "otherwise": ["pause", "call"], "mode": "ALL",
                },
                "requires": ["rows"],
            }),
        ),
        node(
            "ask",
            json!({
                "approval": {
                    "question": "Ship ${nodes.load.outputs.rows} rows?", "scope": "DEVELOPER",
                    "form": { "type": "object", "properties": { "why": { "type": "string" } } },
                    "deadline": "P2D", "default": "APPROVE", "barsStarter": true,
                },
            }),
        ),
        node(
            "pause",
            json!({ "wait": { "duration": "PT1M" }, "condition": "inputs.amount < 5" }),
        ),
        node(
            "until",
            json!({ "wait": { "until": "run.startedAt + duration('1h')" } }),
        ),
        node(
            "hear",
            json!({ "wait": { "event": {
                "name": "payment.received", "key": "nodes.load.outputs.order", "deadline": "P1D",
            } } }),
        ),
        node(
            "call",
            json!({
                "taskNode": uses("call"),
                "retry": {
                    "maxAttempts": 2, "delay": "PT0S", "factor": 1.0, "maxDelay": "PT1H", "jitter": 0.0, "maxFaults": 5,
                    "rules": [{ "httpStatuses": [{ "from": 500, "to": 599 }], "then": "RETRY" }],
                },
                "sharding": { "count": 3, "strategy": "ODEVITY", "parameters": "0=Beijing,1=Shanghai" },
            }),
        ),
        node(
            "each",
            json!({
                "taskNode": uses("sh"), "arguments": ["${item.name}", "${index}"],
                "map": { "items": "nodes.load.outputs.items", "parallelism": 5, "toleratedFailures": 0.5 },
            }),
        ),
        node(
            "ship",
            json!({
                "workflow": {
                    "key": "child",
                    "inputs": [{ "name": "city", "value": "item.city" }, { "name": "rows", "value": "index + 1" }],
                },
                "map": { "items": "[{'city': 'Xi’an'}]", "toleratedFailures": 0.0 },
                "triggerRule": "NONE_FAILED_MIN_ONE_SUCCESS", "disabled": true,
            }),
        ),
        node("sweep", json!({ "taskNode": uses("nothing"), "broadcast": true })),
    ];
    json!({
        "nodes": nodes,
        "edges": [
            { "from": "choose", "to": "ask" }, { "from": "choose", "to": "pause" }, { "from": "choose", "to": "call" },
            { "from": "pause", "to": "until" }, { "from": "ask", "to": "hear" },
            { "from": "load", "to": "each" }, { "from": "hear", "to": "ship" }, { "from": "each", "to": "ship" },
            { "from": "ship", "to": "sweep" },
        ],
        "inputs": [
            { "name": "amount", "type": "NUMBER", "required": true, "default": 7, "description": "How much." },
            { "name": "region", "type": "STRING", "required": false },
        ],
        "priority": 4,
        "failureStrategy": "END_AND_STOP",
        "timeout": { "after": "P1D", "overdue": "WARN" },
        "outputs": [{ "name": "rows", "value": "nodes.load.outputs.rows" }],
    })
}

/// What is shown, without what is absent or empty.
fn shown(value: &Value) -> Value {
    let says_something = |value: &Value| !matches!(value, Value::Null) && value != &json!([]) && value != "";
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| says_something(value))
            .map(|(name, value)| (name.clone(), shown(value)))
            .collect(),
        Value::Array(items) => items.iter().map(shown).collect(),
        value => value.clone(),
    }
}

async fn edit(client: &Client, key: &str, mut input: Value, publish: bool) {
    let found = client
        .ask(
            "query ($key: String!) { workflow(key: $key) { id revision } }",
            json!({ "key": key }),
        )
        .await;
    input["id"] = found["workflow"]["id"].clone();
    input["expectedRevision"] = found["workflow"]["revision"].clone();
    input["publish"] = json!(publish);
    client.mutate("updateWorkflow", input, "").await;
}

async fn diff(client: &Client, key: &str, arguments: &str) -> Value {
    let document = format!(
        "query ($key: String!) {{ workflow(key: $key) {{ diff{arguments} {{
            isEmpty from {{ number }} to {{ number }} nodes {{ name change fields {{ path before after }} }}
            edges {{ from to change }} inputs {{ name change fields {{ path before after }} }}
            fields {{ path before after }} }} }} }}"
    );
    client.ask(&document, json!({ "key": key })).await["workflow"]["diff"].take()
}

#[tokio::test]
async fn everything_that_is_said_is_kept_and_shown() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    task_nodes(&client).await;
    let mut input = everything();
    input["key"] = json!("everything");
    input["publish"] = json!(true);
    client.mutate("createWorkflow", input.clone(), "").await;
    let document =
        format!("{{ workflow(key: \"everything\") {{ draft {{ {WHOLE} nodes {{ {NODE} }} }} }} }}");
    let answer = client.ask(&document, json!({})).await;
    assert_eq!(shown(&answer["workflow"]["draft"]), shown(&everything()));

    let pinned = client
        .ask(
            "{ workflow(key: \"everything\") { publishedVersion {
                failureStrategy timeout { after } outputs { name }
                nodes { key kind triggerRule disabled allowFailure onTimeout startDeadline { after }
                    map { items } sharding { parameters } broadcast workflow { key } branch { mode }
                    approval { scope } wait { until } retry { rules { then } } } } } }",
            json!({}),
        )
        .await;
    let version = &pinned["workflow"]["publishedVersion"];
    assert_eq!(version["failureStrategy"], "END_AND_STOP");
    let kinds: Vec<&str> = version["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|node| node["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "PROGRAM", "BRANCH", "APPROVAL", "WAIT", "WAIT", "WAIT", "ENDPOINT", "PROGRAM", "WORKFLOW",
            "NO_OP"
        ]
    );
    let load = &version["nodes"][0];
    assert_eq!(load["allowFailure"], true);
    assert_eq!(load["onTimeout"], "WARN");
    assert_eq!(load["startDeadline"], json!({ "after": "PT10M" }));
    assert_eq!(load["retry"]["rules"][2], json!({ "then": "SKIP" }));

    edit(&client, "everything", everything(), false).await;
    let answer = client
        .ask("{ workflow(key: \"everything\") { revision } }", json!({}))
        .await;
    assert_eq!(
        answer["workflow"]["revision"], 2,
        "the same once more changes nothing"
    );
}

#[tokio::test]
async fn a_task_node_in_use_cannot_be_deleted() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    task_nodes(&client).await;
    let found = client
        .ask("{ taskNode(key: \"nothing\") { id revision } }", json!({}))
        .await;
    let input = json!({ "id": found["taskNode"]["id"], "expectedRevision": found["taskNode"]["revision"] });
    let refused = client.try_mutate("deleteTaskNode", input, "deletedId").await;
    assert_eq!(refused["userErrors"][0]["code"], "CONFLICT", "{refused}");
}

#[tokio::test]
async fn two_editions_are_compared_down_to_their_values() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    task_nodes(&client).await;
    let uses = json!({ "taskNode": { "key": "nothing" } });
    let first = json!({
        "nodes": [node("a", uses.clone()), node("b", uses.clone())],
        "edges": [{ "from": "a", "to": "b" }],
    });
    let mut created = first.clone();
    created["key"] = json!("w");
    client.mutate("createWorkflow", created, "").await;
    assert_eq!(
        diff(&client, "w", "").await,
        Value::Null,
        "nothing is published yet"
    );
    edit(&client, "w", first, true).await;
    assert_eq!(diff(&client, "w", "").await["isEmpty"], true);

    let mut b = node("b", uses.clone());
    b["timeout"] = json!("PT90S");
    let second = json!({
        "nodes": [b, node("c", uses)],
        "edges": [{ "from": "b", "to": "c" }],
        "inputs": [{ "name": "day", "type": "STRING" }],
        "failureStrategy": "END",
    });
    edit(&client, "w", second.clone(), false).await;
    let to_draft = diff(&client, "w", "").await;
    edit(&client, "w", second, true).await;
    let between = diff(&client, "w", "(from: 1, to: 2)").await;
    assert_eq!(
        between,
        json!({
            "isEmpty": false,
            "from": { "number": 1 },
            "to": { "number": 2 },
            "nodes": [
                { "name": "a", "change": "REMOVED", "fields": [] },
                { "name": "b", "change": "CHANGED",
                  "fields": [{ "path": ["timeout"], "before": null, "after": "PT1M30S" }] },
                { "name": "c", "change": "ADDED", "fields": [] },
            ],
            "edges": [
                { "from": "a", "to": "b", "change": "REMOVED" },
                { "from": "b", "to": "c", "change": "ADDED" },
            ],
            "inputs": [{ "name": "day", "change": "ADDED", "fields": [] }],
            "fields": [{ "path": ["failureStrategy"], "before": "CONTINUE", "after": "END" }],
        })
    );
    assert_eq!(to_draft["to"], Value::Null);
    assert_eq!(to_draft["nodes"], between["nodes"]);
    assert_eq!(diff(&client, "w", "(from: 1, to: 9)").await, Value::Null);
}

#[tokio::test]
async fn going_back_makes_a_version_of_what_there_was() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    task_nodes(&client).await;
    let of = |key: &str| json!({ "nodes": [node(key, json!({ "taskNode": { "key": "nothing" } }))] });
    let mut created = of("old");
    created["key"] = json!("w");
    created["publish"] = json!(true);
    client.mutate("createWorkflow", created, "").await;
    edit(&client, "w", of("wrong"), true).await;
    let under_way = start(&client, "w").await;

    let found = client
        .ask("{ workflow(key: \"w\") { id revision } }", json!({}))
        .await;
    let (id, revision) = (&found["workflow"]["id"], &found["workflow"]["revision"]);
    let back =
        |number: i32, revision: &Value| json!({ "id": id, "number": number, "expectedRevision": revision });
    let missing = client
        .try_mutate("rollBackWorkflow", back(7, revision), "workflow { id }")
        .await;
    assert_eq!(missing["userErrors"][0]["path"], json!(["input", "number"]));
    let selection = "workflow { revision publishedVersion { number nodes { key } } draft { nodes { key } } }";
    let done = client
        .mutate("rollBackWorkflow", back(1, revision), selection)
        .await;
    let workflow = &done["workflow"];
    assert_eq!(
        workflow["publishedVersion"],
        json!({ "number": 3, "nodes": [{ "key": "old" }] })
    );
    assert_eq!(workflow["draft"]["nodes"], json!([{ "key": "wrong" }]));
    let again = client
        .mutate("rollBackWorkflow", back(1, &workflow["revision"]), selection)
        .await;
    assert_eq!(
        again["workflow"]["publishedVersion"]["number"], 3,
        "the latest version holds that already"
    );
    let stale = client
        .try_mutate("rollBackWorkflow", back(2, revision), "workflow { id }")
        .await;
    assert_eq!(stale["userErrors"][0]["code"], "REVISION_CONFLICT");

    let runs = client
        .ask(
            "query ($id: ID!) { run(id: $id) { version { number } } }",
            json!({ "id": under_way }),
        )
        .await;
    assert_eq!(runs["run"]["version"]["number"], 2, "it keeps the version it has");
    client.mutate("cancelRun", json!({ "id": under_way }), "").await;
}
