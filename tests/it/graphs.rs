//! Graphs of workflows, as clients give them, have them checked and look at them.

use serde_json::{Value, json};
use waterclock_core::run::Outcome;
use waterclock_core::workflow::WorkflowLimits;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::binary::command;
use waterclock_tests::{World, ended, succeed};

use crate::graphql::{publish_no_ops, start};

/// A task node that does nothing, known as `nothing`.
async fn nothing(client: &Client) {
    let input = json!({ "key": "nothing", "work": { "noOp": true } });
    client.mutate("createTaskNode", input, "").await;
}

/// A node as `key`, what it requires and what it produces.
fn node(key: &str, requires: &[&str], produces: &[&str]) -> Value {
    json!({ "key": key, "taskNode": { "key": "nothing" }, "requires": requires, "produces": produces })
}

fn plain(keys: &[&str]) -> Vec<Value> {
    keys.iter().map(|key| node(key, &[], &[])).collect()
}

fn edges(pairs: &[(&str, &str)]) -> Vec<Value> {
    pairs
        .iter()
        .map(|(from, to)| json!({ "from": from, "to": to }))
        .collect()
}

const VALIDATE: &str = "query ($input: CreateWorkflowInput!) { validateWorkflow(input: $input) {
    isValid problems { severity code message path cycle } } }";

const CRITICAL_PATH: &str = "criticalPath { duration unknownNodes nodes { key duration runs } }";

async fn validate(client: &Client, input: Value) -> Value {
    client.ask(VALIDATE, json!({ "input": input })).await["validateWorkflow"].take()
}

async fn ask_graph(client: &Client, key: &str, selection: &str) -> Value {
    let query = format!(
        "query ($key: String!) {{ workflow(key: $key) {{ graph(withVirtualNodes: true) {{ {selection} }} }} }}"
    );
    client.ask(&query, json!({ "key": key })).await["workflow"]["graph"].take()
}

#[tokio::test]
async fn a_workflow_is_derived_from_what_its_nodes_require() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    nothing(&client).await;
    let input = json!({
        "key": "etl",
        "publish": true,
        "nodes": [
            node("report", &["joined"], &[]),
            node("join", &["orders", "customers"], &["joined"]),
            node("extract", &[], &["orders", "customers"]),
            node("tidy", &[], &[]),
        ],
        "edges": edges(&[("extract", "join"), ("report", "tidy")]),
    });
    client.mutate("createWorkflow", input, "").await;

    let shown = client
        .ask(
            "{ workflow(key: \"etl\") {
                draft { edges { from to } nodes { key requires } }
                publishedVersion { edges { from to } nodes { key produces } graph { edges { from to names } } } } }",
            json!({}),
        )
        .await;
    let (draft, version) = (
        &shown["workflow"]["draft"],
        &shown["workflow"]["publishedVersion"],
    );
    assert_eq!(
        draft["edges"],
        json!(edges(&[("extract", "join"), ("report", "tidy")]))
    );
    assert_eq!(
        draft["nodes"][1],
        json!({ "key": "join", "requires": ["orders", "customers"] })
    );
    let all = edges(&[("extract", "join"), ("report", "tidy"), ("join", "report")]);
    assert_eq!(version["edges"], json!(all));
    assert_eq!(
        version["nodes"][2],
        json!({ "key": "extract", "produces": ["orders", "customers"] })
    );
    assert_eq!(
        version["graph"]["edges"],
        json!([
            { "from": "extract", "to": "join", "names": ["orders", "customers"] },
            { "from": "report", "to": "tidy", "names": [] },
            { "from": "join", "to": "report", "names": ["joined"] },
        ])
    );

    let run = start(&client, "etl").await;
    let executor = world.executor("one").slots(4).join().await;
    let mut order = Vec::new();
    for _ in 0..4 {
        let assignment = executor.take_one().await;
        order.push(assignment.node.key.clone());
        executor
            .exchange(vec![ended(&assignment, Outcome::Succeeded)], 0)
            .await;
    }
    assert_eq!(order, ["extract", "join", "report", "tidy"]);
    let state = client
        .ask(
            "query ($run: ID!) { run(id: $run) { state } }",
            json!({ "run": run }),
        )
        .await;
    assert_eq!(state["run"]["state"], "SUCCEEDED");
}

#[tokio::test]
async fn everything_wrong_is_told_at_once_and_nothing_is_saved() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    nothing(&client).await;
    let program = json!({
        "key": "echo", "runtime": "EXEC", "command": ["/bin/echo"], "arguments": ["${inputs.word}"],
    });
    client.mutate("registerProgram", program, "").await;
    let say = json!({ "key": "say", "work": { "program": { "key": "echo" } } });
    client.mutate("createTaskNode", say, "").await;
    let mut nodes = plain(&["a", "b", "c", "alone"]);
    nodes.push(node("d", &["nowhere"], &["x"]));
    nodes.push(node("e", &["x"], &["x"]));
    nodes.push(node("stray", &[], &["unwanted"]));
    nodes.push(json!({ "key": "f", "taskNode": { "key": "missing" } }));
    nodes.push(json!({ "key": "g", "taskNode": { "key": "say" } }));
    let input = json!({
        "key": "wrong",
        "nodes": nodes,
        "edges": edges(&[
            ("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("c", "c"), ("f", "x"), ("c", "g"), ("d", "f"),
        ]),
        "inputs": [{ "name": "other", "type": "STRING" }],
    });
    let told = validate(&client, input.clone()).await;
    assert_eq!(told["isValid"], false);
    let problems: Vec<String> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            let path: Vec<&str> = problem["path"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let text = |name: &str| problem[name].as_str().unwrap().to_owned();
            format!("{} {} {}", text("severity"), text("code"), path.join("."))
        })
        .collect();
    assert_eq!(
        problems,
        [
            "ERROR NOT_FOUND input.nodes.7.taskNode",
            "ERROR INVALID_INPUT input.edges.4",
            "ERROR NOT_FOUND input.edges.5.to",
            "ERROR INVALID_INPUT input.nodes.5.produces.0",
            "ERROR NOT_FOUND input.nodes.4.requires.0",
            "ERROR CYCLE input.edges.3",
            "ERROR CYCLE input.edges.2",
            "ERROR UNCONNECTED input.nodes.6.produces",
            "ERROR INVALID_INPUT input.nodes.8",
            "REMARK UNCONNECTED input.nodes.3",
            "REMARK UNCONNECTED input.nodes.8",
        ]
    );
    assert_eq!(told["problems"][5]["cycle"], json!(["a", "b", "a"]));
    assert_eq!(told["problems"][6]["cycle"], json!(["a", "b", "c", "a"]));

    // Saving refuses for the same, all at once.
    let errors = client.try_mutate("createWorkflow", input, "").await["userErrors"].take();
    let places = |problems: &Value| {
        let problems = problems.as_array().unwrap().iter();
        let refused = problems.filter(|problem| problem["severity"] != "REMARK");
        refused.map(|problem| problem["path"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(places(&errors), places(&told["problems"]));
    let found = client.ask("{ workflow(key: \"wrong\") { id } }", json!({})).await;
    assert_eq!(found["workflow"], Value::Null);
}

#[tokio::test]
async fn a_refused_cycle_is_written_down() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "good", &["a", "b"], &[("a", "b")]).await;
    let task_node = |key: &str| json!({ "key": key, "taskNode": { "key": "good" } });
    let nodes = json!([task_node("a"), task_node("b")]);
    let cyclic = edges(&[("a", "b"), ("b", "a")]);

    let id = client
        .ask("{ workflow(key: \"good\") { id revision } }", json!({}))
        .await;
    let edit = json!({
        "id": id["workflow"]["id"], "expectedRevision": id["workflow"]["revision"], "nodes": nodes, "edges": cyclic,
    });
    let answer = client
        .answer(
            "mutation ($input: UpdateWorkflowInput!) { updateWorkflow(input: $input) {
                userErrors { __typename ... on CycleError { cycle } } } }",
            json!({ "input": edit }),
        )
        .await;
    assert_eq!(
        answer["data"]["updateWorkflow"]["userErrors"],
        json!([{ "__typename": "CycleError", "cycle": ["a", "b", "a"] }])
    );
    let bad = json!({ "key": "bad", "nodes": nodes, "edges": cyclic });
    client.try_mutate("createWorkflow", bad.clone(), "").await;
    // Whoever only asks is no concern of others.
    validate(&client, bad).await;

    let details: Vec<String> = world
        .column(
            "SELECT data::text FROM events WHERE kind = 'WORKFLOW_REFUSED' ORDER BY seq",
            &[],
        )
        .await;
    let details: Vec<Value> = details
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let keys: Vec<&Value> = details.iter().map(|detail| &detail["workflow"]).collect();
    assert_eq!(keys, ["good", "bad"]);
    for detail in &details {
        assert_eq!(
            detail["cycles"],
            json!([{ "keys": ["a", "b", "a"], "nodeCount": 2 }])
        );
        assert_eq!(
            (&detail["by"], &detail["cycleCount"]),
            (&json!("somebody of acme"), &json!(1))
        );
    }
}

#[tokio::test]
async fn a_graph_shows_its_ends_levels_and_drawings() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(
        &client,
        "end",
        &["a", "b", "end"],
        &[("a", "b"), ("a", "end"), ("b", "end")],
    )
    .await;
    let graph = ask_graph(
        &client,
        "end",
        "nodeCount edgeCount nodes { key kind level } edges { from to } levels { level keys } mermaid dot",
    )
    .await;
    assert_eq!((&graph["nodeCount"], &graph["edgeCount"]), (&json!(3), &json!(3)));
    assert_eq!(
        graph["nodes"][0],
        json!({ "key": "START", "kind": "START", "level": 0 })
    );
    assert_eq!(
        graph["nodes"][4],
        json!({ "key": "END", "kind": "END", "level": 4 })
    );
    assert_eq!(
        graph["edges"],
        json!(edges(&[
            ("a", "b"),
            ("a", "end"),
            ("b", "end"),
            ("START", "a"),
            ("end", "END")
        ]))
    );
    let levels: Vec<&Value> = graph["levels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|level| &level["keys"])
        .collect();
    assert_eq!(
        levels,
        [
            &json!(["START"]),
            &json!(["a"]),
            &json!(["b"]),
            &json!(["end"]),
            &json!(["END"])
        ]
    );
    assert!(graph["mermaid"].as_str().unwrap().contains("n2[\"end\"]"));
    assert!(graph["dot"].as_str().unwrap().contains("n0 -> n2;"));

    let bare = client
        .ask(
            "{ workflow(key: \"end\") { graph { nodes { key } levels { level } } } }",
            json!({}),
        )
        .await;
    let bare = &bare["workflow"]["graph"];
    assert_eq!(
        (
            bare["nodes"].as_array().unwrap().len(),
            bare["levels"].as_array().unwrap().len()
        ),
        (3, 3)
    );
}

#[tokio::test]
async fn paths_are_counted_exactly_and_paged() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let keys: Vec<String> = (0..60).map(|node| format!("n{node:02}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let layered: Vec<(&str, &str)> = (0..57)
        .flat_map(|from| (0..3).map(move |to| (from, (from / 3 + 1) * 3 + to)))
        .map(|(from, to)| (names[from], names[to]))
        .collect();
    publish_no_ops(&client, "layers", &names, &layered).await;
    let page = async |after: Option<&Value>| {
        let query = "query ($after: String) { workflow(key: \"layers\") { graph {
            paths(first: 2, after: $after) { totalCount nodes { keys } pageInfo { hasNextPage endCursor } } } } }";
        client.ask(query, json!({ "after": after })).await["workflow"]["graph"]["paths"].take()
    };
    let first = page(None).await;
    assert_eq!(first["totalCount"], "3486784401");
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let last_keys = |page: &Value| -> Vec<Value> {
        let paths = page["nodes"].as_array().unwrap().iter();
        paths.map(|path| path["keys"][19].clone()).collect()
    };
    assert_eq!(last_keys(&first), ["n57", "n58"]);
    let cursor = first["pageInfo"]["endCursor"].clone();
    let second = page(Some(&cursor)).await;
    assert_eq!(last_keys(&second), ["n59", "n57"]);

    // A cursor is of one graph.
    let node = |key: &str| json!({ "key": key, "taskNode": { "key": "layers" } });
    let id = client
        .ask("{ workflow(key: \"layers\") { id revision } }", json!({}))
        .await;
    let edit = json!({
        "id": id["workflow"]["id"], "expectedRevision": id["workflow"]["revision"], "nodes": [node("a"), node("b")],
    });
    client.mutate("updateWorkflow", edit, "").await;
    let query = "query ($after: String) { workflow(key: \"layers\") { graph { paths(after: $after) { totalCount } } } }";
    for after in [cursor, json!("bm8")] {
        let answer = client.answer(query, json!({ "after": after })).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{answer}"
        );
    }
}

#[tokio::test]
async fn the_critical_path_follows_from_what_runs_took() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(
        &client,
        "diamond",
        &["a", "fast", "slow", "z"],
        &[("a", "fast"), ("a", "slow"), ("fast", "z"), ("slow", "z")],
    )
    .await;
    let unknown = ask_graph(&client, "diamond", CRITICAL_PATH).await["criticalPath"].take();
    assert_eq!(
        (&unknown["duration"], &unknown["unknownNodes"]),
        (&json!("PT0S"), &json!(4))
    );

    let _scheduler = world.scheduler();
    let _executor = world.executor("one").slots(2).join().await.perform(succeed);
    for _ in 0..3 {
        start(&client, "diamond").await;
    }
    world.until_all_ended().await;
    // What each node took: a 1 s, fast 2 s, z 4 s; slow 5, 6 and 70 s, whose median is 6 s.
    world
        .execute(
            "UPDATE attempts SET finished_at = started_at + CASE key
                WHEN 'a' THEN interval '1 s' WHEN 'fast' THEN interval '2 s' WHEN 'z' THEN interval '4 s'
                ELSE CASE run WHEN 1 THEN interval '5 s' WHEN 2 THEN interval '70 s' ELSE interval '6 s' END END
            FROM (SELECT id, key, dense_rank() OVER (ORDER BY run_id) AS run FROM task_runs) AS t
            WHERE t.id = task_run_id",
            &[],
        )
        .await;
    let known = ask_graph(&client, "diamond", CRITICAL_PATH).await["criticalPath"].take();
    assert_eq!(
        known,
        json!({
            "duration": "PT11S",
            "unknownNodes": 0,
            "nodes": [
                { "key": "a", "duration": "PT1S", "runs": 3 },
                { "key": "slow", "duration": "PT6S", "runs": 3 },
                { "key": "z", "duration": "PT4S", "runs": 3 },
            ],
        })
    );
}

#[tokio::test]
async fn a_workflow_beyond_the_limits_is_told_them() {
    let world = World::new().await;
    let api = world.serve_within(WorkflowLimits { nodes: 2, edges: 1 }).await;
    let client = api.admin("acme");
    nothing(&client).await;
    let input = json!({
        "key": "large", "nodes": plain(&["a", "b", "c"]), "edges": edges(&[("a", "b"), ("b", "c")]),
    });
    let answer = client
        .answer(
            "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) {
                userErrors { code path ... on QuotaExceededError { limit } } } }",
            json!({ "input": input }),
        )
        .await;
    assert_eq!(
        answer["data"]["createWorkflow"]["userErrors"],
        json!([
            { "code": "QUOTA_EXCEEDED", "path": ["input", "nodes"], "limit": 2 },
            { "code": "QUOTA_EXCEEDED", "path": ["input", "edges"], "limit": 1 },
        ])
    );
    assert_eq!(
        validate(&client, input).await["problems"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

/// What a command printed, and what it said beside.
async fn said(api: &Api, client: &Client, arguments: &[&str]) -> (String, String) {
    let output = command(api, client, arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

const FILE: &str = "\
kind: TaskNode
key: nothing
work: {noOp: true}
---
kind: Workflow
key: etl
publish: true
nodes:
  - {key: extract, taskNode: {key: nothing}, produces: [orders]}
  - {key: load, taskNode: {key: nothing}, requires: [orders]}
  - key: tidy
    taskNode: {key: nothing}
edges:
  - {from: load, to: tidy}
";

/// What was printed, without its columns.
fn words(printed: &str) -> String {
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_command_line_foresees_a_cycle_and_prints_graphs() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("etl.yaml");
    let file = path.display().to_string();
    let plan = ["apply", "-f", &file, "--dry-run"];

    std::fs::write(&path, format!("{FILE}  - {{from: tidy, to: extract}}\n")).unwrap();
    let (printed, faults) = said(&api, &client, &plan).await;
    assert!(
        words(&printed).contains("would create TaskNode nothing"),
        "{printed}"
    );
    assert!(words(&printed).contains("would refuse Workflow etl"), "{printed}");
    let cycle = "etl.yaml:15: edges.1: the nodes wait for each other: extract → load → tidy → extract";
    assert!(faults.contains(cycle), "{faults}");

    std::fs::write(&path, FILE).unwrap();
    let (printed, faults) = said(&api, &client, &plan).await;
    assert!(
        words(&printed).contains("would create Workflow etl") && faults.is_empty(),
        "{printed}{faults}"
    );
    said(&api, &client, &["apply", "-f", &file]).await;
    let (printed, _) = said(&api, &client, &plan).await;
    assert!(words(&printed).contains("unchanged Workflow etl"), "{printed}");

    let show = async |format: &str| {
        said(&api, &client, &["graph", "etl", "--ends", "--format", format])
            .await
            .0
    };
    assert!(show("mermaid").await.contains("source --> n0"));
    assert!(show("dot").await.contains("n1 -> n2;"));
    assert_eq!(
        show("levels").await,
        "    0  START\n    1  extract\n    2  load\n    3  tidy\n    4  END\n"
    );
    assert_eq!(show("paths").await, "extract → load → tidy\n");
    assert!(
        show("critical")
            .await
            .ends_with("PT0S in all; 3 nodes of the graph never succeeded yet\n")
    );
    let of_version = ["graph", "etl", "--version", "1", "--format"];
    let (levels, _) = said(&api, &client, &[&of_version[..], &["levels"]].concat()).await;
    assert!(levels.contains("extract"), "{levels}");
    for format in ["mermaid", "paths", "critical"] {
        let (shown, faults) = said(&api, &client, &[&of_version[..], &[format]].concat()).await;
        assert!(!shown.is_empty() && faults.is_empty(), "{shown}{faults}");
    }
    let (_, unknown) = said(&api, &client, &["graph", "etl", "--version", "9"]).await;
    assert!(
        unknown.contains("there is no version 9 of a workflow \"etl\""),
        "{unknown}"
    );
    let (_, unknown) = said(&api, &client, &["graph", "nowhere"]).await;
    assert!(unknown.contains("there is no workflow \"nowhere\""), "{unknown}");
}
