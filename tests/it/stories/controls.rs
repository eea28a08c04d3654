//! Every control at every state of a task run and of a run: what it answers, and what becomes of both.

use std::fmt::Write as _;

use serde_json::{Value, json};
use waterclock_core::id::RunId;
use waterclock_tests::World;

use super::join;
use super::story::Story;
use super::telling::Telling;

/// Where a control finds a run, and the share or node `node` of it.
struct Scene {
    name: &'static str,
    node: &'static str,
    /// The workflow's nodes; those that follow from `nodes` are in `edges`.
    nodes: Value,
    edges: Value,
    attempts: Value,
    slots: u32,
    /// What is done before.
    before: Value,
    when: Value,
}

fn scene(name: &'static str, nodes: Value, when: Value) -> Scene {
    Scene {
        name,
        node: "a",
        nodes,
        edges: json!([]),
        attempts: json!({}),
        slots: 9,
        before: json!([]),
        when,
    }
}

/// The states that a control can meet. `a` is what it is about; `z` is what keeps the run from ending.
fn scenes() -> Vec<Scene> {
    [
        before_executors(),
        in_the_hands_of_the_service(),
        ended_or_ending(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn two() -> Value {
    json!([{"key": "z"}, {"key": "a"}])
}

/// A node over two items.
fn items(parallelism: &Value) -> Value {
    json!([{"key": "a", "map": {"items": "[1, 2]", "parallelism": parallelism}}])
}

fn before_executors() -> Vec<Scene> {
    let hour = json!({"maxAttempts": 2, "delay": "PT1H"});
    vec![
        Scene {
            edges: json!([{"from": "z", "to": "a"}]),
            ..scene("BLOCKED", two(), json!({"z": "RUNNING", "a": "BLOCKED"}))
        },
        Scene {
            slots: 1,
            ..scene("READY", two(), json!({"z": "RUNNING", "a": "READY"}))
        },
        scene(
            "ASSIGNED, of a run that is QUEUED",
            json!([{"key": "a"}]),
            json!({"run": "QUEUED", "a": "ASSIGNED"}),
        ),
        scene("RUNNING", json!([{"key": "a"}]), json!({"a": "RUNNING"})),
        Scene {
            attempts: json!({"a": [{"outcome": "FAILED"}, {"outcome": "SUCCEEDED"}]}),
            ..scene(
                "RETRY_WAIT",
                json!([{"key": "a", "retry": hour}]),
                json!({"a": "RETRY_WAIT"}),
            )
        },
    ]
}

fn in_the_hands_of_the_service() -> Vec<Scene> {
    vec![
        scene(
            "waiting for its items",
            items(&Value::Null),
            json!({"a": "ITEMS", "a[0]": "RUNNING"}),
        ),
        Scene {
            node: "a[0]",
            ..scene(
                "a share that is RUNNING",
                items(&Value::Null),
                json!({"a[0]": "RUNNING"}),
            )
        },
        Scene {
            node: "a[1]",
            ..scene(
                "a share that is BLOCKED",
                items(&json!(1)),
                json!({"a[0]": "RUNNING", "a[1]": "BLOCKED"}),
            )
        },
        scene(
            "waiting for its run",
            json!([{"key": "a", "workflow": {"key": "child"}}]),
            json!({"a": "RUN", "only": "RUNNING"}),
        ),
        scene(
            "waiting for people",
            json!([{"key": "a", "approval": {"question": "Go on?", "deadline": "PT1H", "default": "APPROVE"}}]),
            json!({"a": "APPROVAL"}),
        ),
        scene(
            "waiting for an event",
            json!([{"key": "a", "wait": {"event": {"name": "go", "deadline": "PT1H"}}}]),
            json!({"a": "WAIT"}),
        ),
        Scene {
            attempts: json!({"a": [{"defers": true}]}),
            ..scene(
                "waiting for a callback",
                json!([{"key": "a", "taskNode": {"key": "call"}}]),
                json!({"a": "CALLBACK"}),
            )
        },
    ]
}

fn ended_or_ending() -> Vec<Scene> {
    vec![
        scene("SUCCEEDED", two(), json!({"z": "RUNNING", "a": "SUCCEEDED"})),
        Scene {
            attempts: json!({"a": [{"outcome": "FAILED"}]}),
            ..scene("FAILED", two(), json!({"z": "RUNNING", "a": "FAILED"}))
        },
        scene(
            "SKIPPED",
            json!([{"key": "z"}, {"key": "a", "condition": "1 > 2"}]),
            json!({"z": "RUNNING", "a": "SKIPPED"}),
        ),
        Scene {
            slots: 1,
            before: json!([{"when": {"z": "RUNNING", "a": "READY"}, "do": "pauseRun"}]),
            ..scene(
                "READY, of a run that is PAUSED",
                two(),
                json!({"run": "PAUSED", "a": "READY", "z": "RUNNING"}),
            )
        },
        Scene {
            before: json!([{"when": {"a": "RUNNING"}, "do": "cancelRun"}]),
            ..scene(
                "RUNNING, of a run that was cancelled",
                json!([{"key": "a"}]),
                json!({"a": "RUNNING"}),
            )
        },
        scene(
            "SUCCEEDED, of a run that SUCCEEDED",
            json!([{"key": "a"}]),
            json!({"run": "SUCCEEDED"}),
        ),
        Scene {
            before: json!([{"when": {"a": "RUNNING"}, "do": "cancelRun"}]),
            ..scene(
                "CANCELLED, of a run that is CANCELLED",
                json!([{"key": "a"}]),
                json!({"run": "CANCELLED"}),
            )
        },
    ]
}

/// The controls, and whether they are about a task run.
const CONTROLS: [(&str, bool); 10] = [
    ("cancelRun", false),
    ("terminateRun", false),
    ("pauseRun", false),
    ("resumeRun", false),
    ("retryTaskRun", true),
    ("skipTaskRun", true),
    ("markTaskRunSucceeded", true),
    ("answerApproval", true),
    ("rerun", false),
    ("publishEvent", false),
];

impl Scene {
    /// The story of a control that comes upon this.
    fn story(&self, control: &str, of_a_task_run: bool) -> Story {
        let mut steps = self.before.clone();
        let list = steps.as_array_mut().expect("steps");
        let mut step = json!({"when": self.when, "do": control});
        if of_a_task_run {
            step["node"] = json!(self.node);
        }
        match control {
            "answerApproval" => step["input"] = json!({"answer": "APPROVE"}),
            "rerun" => step["input"] = json!({"from": {"all": true}}),
            "publishEvent" => step["input"] = json!({"name": "go"}),
            _ => {}
        }
        list.push(step);
        let resume = json!({"when": {"run": "PAUSED"}, "do": "resumeRun", "perhaps": true});
        list.push(resume);
        let story = json!({
            "story": format!("{control} of what is {}", self.name),
            "workflows": [
                {"key": "child", "nodes": [{"key": "only"}]},
                {"key": "main", "nodes": self.nodes, "edges": self.edges},
            ],
            "attempts": self.attempts,
            "slots": self.slots,
            "steps": steps,
        });
        serde_json::from_value(story).expect("a story")
    }
}

/// What the control was answered, and what became of the run.
fn outcome(told: &str, control: &str, before: usize) -> String {
    let answers: Vec<&str> = told.lines().filter(|line| line.contains(" when ")).collect();
    let (_, answer) = answers[before].split_once(": ").expect("an answer");
    assert!(answers[before].starts_with(control), "{told}");
    let (tree, _): (Vec<&str>, Vec<&str>) = told.lines().partition(|line| !line.contains(" when "));
    let ends: Vec<&str> = tree.iter().map(|line| line.trim()).collect();
    format!("{answer}\n      {}", ends.join("; "))
}

#[tokio::test]
async fn each_control_does_at_each_state_what_it_says() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let scheduler = world.scheduler();
    let mut table = String::new();
    for (place, scene) in scenes().iter().enumerate() {
        let tenant = format!("scene-{place}");
        let client = api.admin(&tenant);
        let first = scene.story("cancelRun", false);
        let workflow = first.author(&client).await;
        let executors = join(&world, &first, &tenant).await;
        let _ = writeln!(table, "{}", scene.name);
        for (control, of_a_task_run) in CONTROLS {
            let story = scene.story(control, of_a_task_run);
            let telling = Telling::start(&world, &client, &story, &executors, &workflow).await;
            let run = telling.run();
            let told = telling.tell().await;
            let before = scene.before.as_array().map_or(0, Vec::len);
            let _ = writeln!(table, "  {control}: {}", outcome(&told, control, before));
            if told.contains(&format!("{control} when")) && matches!(control, "cancelRun" | "terminateRun") {
                nothing_started_after_its_stop(&world, run).await;
            }
        }
        for executor in &executors {
            executor.leave().await;
        }
    }
    insta::assert_snapshot!(table);
    scheduler.stop().await;
}

/// Checks by the events that the run started nothing after it was told to stop.
async fn nothing_started_after_its_stop(world: &World, run: RunId) {
    let started: Vec<String> = world
        .column(
            "SELECT s.kind || ' ' || s.seq FROM events AS s
            WHERE s.run_id = $1::text::uuid AND s.kind IN ('TASK_RUN_STARTED', 'TASK_RUN_READY')
                AND s.seq > (SELECT min(seq) FROM events WHERE run_id = s.run_id AND kind = 'RUN_CANCEL_REQUESTED')",
            &[&run.to_string()],
        )
        .await;
    assert_eq!(started, [""; 0], "after the stop of run {run}");
}
