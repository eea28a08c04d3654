//! Small graphs and what becomes of them: a file each in `tests/stories`, with the run as a printed tree.
//!
//! A story says its workflows as their authors write them, how the attempts of each node end, and the tree of the run that
//! follows. Time moves to the next instant at which something is due whenever nothing else can happen. With
//! `WATERCLOCK_BLESS=1` the trees are written anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use waterclock_core::id::RunId;
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, Report};
use waterclock_tests::World;
use waterclock_tests::api::Client;
use waterclock_tests::script::{Scripted, ended};

/// A file of `tests/stories`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// What it shows, as a sentence.
    #[serde(rename = "story")]
    shows: String,
    /// The workflows, as `createWorkflow` takes them; the last one is run. A node that says nothing of its work runs a program.
    workflows: Vec<Value>,
    /// What the run is given.
    #[serde(default)]
    inputs: Value,
    /// How the attempts of nodes end, one after the other; the last way stays. Whatever is not named succeeds.
    #[serde(default)]
    attempts: BTreeMap<String, Vec<Ending>>,
    /// The keys of the executors.
    #[serde(default = "one_executor")]
    executors: Vec<String>,
    /// The run, as a tree.
    #[serde(default)]
    tree: String,
}

/// How an attempt ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    #[serde(default = "succeeded")]
    outcome: Outcome,
    output: Option<Value>,
    exit_code: Option<i32>,
    http_status: Option<u16>,
    retry_after_ms: Option<u64>,
    /// The items whose attempts end so; all of them when absent.
    items: Option<Vec<u32>>,
}

fn succeeded() -> Outcome {
    Outcome::Succeeded
}

fn one_executor() -> Vec<String> {
    vec!["one".to_owned()]
}

impl Story {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a story");
        serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The report of an attempt.
    fn report(&self, assignment: &Assignment) -> Report {
        let item = assignment.item.as_ref().map(|item| item.index);
        let share = item.or(assignment.shard.as_ref().map(|shard| shard.index));
        let endings: Vec<&Ending> = self
            .attempts
            .get(&assignment.node.key)
            .into_iter()
            .flatten()
            .filter(|ending| {
                ending
                    .items
                    .as_ref()
                    .is_none_or(|items| share.is_some_and(|share| items.contains(&share)))
            })
            .collect();
        let at = usize::try_from(assignment.fence).expect("an attempt's number") - 1;
        let Some(ending) = endings.get(at).or(endings.last()) else {
            return ended(assignment, Outcome::Succeeded);
        };
        let report = ended(assignment, ending.outcome);
        Report {
            exit_code: ending.exit_code.or(report.exit_code),
            http_status: ending.http_status,
            output: ending.output.clone(),
            retry_after: ending.retry_after_ms.map(Duration::from_millis),
            ..report
        }
    }
}

/// Writes the workflows of a story down; a node that says nothing of its work runs a program.
async fn author(client: &Client, story: &Story) -> String {
    let program = json!({"key": "true", "runtime": "EXEC", "command": ["true"]});
    client.mutate("registerProgram", program, "").await;
    client
        .mutate(
            "createTaskNode",
            json!({"key": "work", "work": {"program": {"key": "true"}}}),
            "",
        )
        .await;
    let mut last = String::new();
    for workflow in &story.workflows {
        let mut workflow = workflow.clone();
        last = workflow["key"].as_str().unwrap_or("main").to_owned();
        let fields = workflow.as_object_mut().expect("a workflow");
        fields.entry("key").or_insert(json!("main"));
        fields.insert("publish".to_owned(), json!(true));
        for node in fields["nodes"].as_array_mut().expect("nodes") {
            let node = node.as_object_mut().expect("a node");
            let works = ["taskNode", "workflow", "branch", "approval", "wait"];
            if !works.iter().any(|work| node.contains_key(*work)) {
                node.insert("taskNode".to_owned(), json!({"key": "work"}));
            }
        }
        client.mutate("createWorkflow", workflow, "").await;
    }
    last
}

/// Moves time to the next instant at which something is due, when nothing can happen before. Whether there is one.
async fn move_time(world: &World) -> bool {
    let busy: bool = world
        .value(
            "SELECT EXISTS (SELECT FROM dispatch
                    WHERE state IN ('READY', 'ASSIGNED') AND NOT paused AND NOT labels @> '{gpu}')
                OR EXISTS (SELECT FROM timers WHERE due_at <= present())
                OR EXISTS (SELECT FROM dispatch WHERE state = 'RETRY_WAIT' AND ready_at <= present())",
            &[],
        )
        .await;
    if busy {
        return true;
    }
    let next: Option<i64> = world
        .value(
            "SELECT ceil(extract(epoch FROM least(
                (SELECT min(due_at) FROM timers),
                (SELECT min(ready_at) FROM dispatch WHERE state = 'RETRY_WAIT')) - present()) * 1000)::bigint",
            &[],
        )
        .await;
    let Some(next) = next else { return false };
    world
        .advance(Duration::from_millis(u64::try_from(next.max(1)).expect("a step")))
        .await;
    true
}

/// Lets the executors do what there is to do, until the run has ended.
async fn play(world: &World, story: &Story, executors: &[Scripted], run: RunId) {
    let over = format!("SELECT finished_at IS NOT NULL FROM runs WHERE id = '{run}'");
    let mut receiver = world.signals.receiver();
    while !world.value::<bool>(&over, &[]).await {
        let mut did = false;
        for executor in executors {
            let taken = executor.take(executor.slots).await;
            did |= !taken.is_empty();
            let reports = taken.iter().map(|assignment| story.report(assignment)).collect();
            executor.exchange(reports, 0).await;
        }
        if did || world.value::<bool>(&over, &[]).await {
            continue;
        }
        // Whoever decides may have ended it just now.
        assert!(
            move_time(world).await || world.value::<bool>(&over, &[]).await,
            "nothing can happen any more in {:?}:\n{}",
            story.shows,
            world.tree(run).await
        );
        // A scheduler looks at it; whatever it does is signalled.
        let _ = tokio::time::timeout(Duration::from_millis(20), receiver.next()).await;
    }
}

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of stories")
        .map(|entry| entry.expect("a story").path())
        .collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn every_story_ends_as_it_says() {
    let world = World::new().await;
    let api = world.serve().await;
    let scheduler = world.scheduler();
    let blesses = std::env::var_os("WATERCLOCK_BLESS").is_some();
    let mut wrong = Vec::new();
    let paths = stories();
    assert!(paths.len() >= 60, "{} stories", paths.len());
    for path in paths {
        let story = Story::read(&path);
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let tenant = name.replace('_', "-");
        let client = api.admin(&tenant);
        let workflow = author(&client, &story).await;
        let mut executors = Vec::new();
        for key in &story.executors {
            executors.push(world.executor(key).slots(2_000).only_for(&tenant).join().await);
        }
        // Hours pass within a story, and nobody is to be lost in them.
        world
            .execute(
                "UPDATE executors SET lease_until = 'infinity' WHERE ended_at IS NULL",
                &[],
            )
            .await;
        let inputs = if story.inputs.is_null() {
            json!({})
        } else {
            story.inputs.clone()
        };
        let started = client
            .mutate(
                "startRun",
                json!({"workflow": workflow, "inputs": inputs}),
                "run { id }",
            )
            .await;
        assert!(started["run"]["id"].is_string(), "{name}: {started}");
        let run: String = world
            .value(
                "SELECT id::text FROM runs WHERE parent_run_id IS NULL ORDER BY id DESC LIMIT 1",
                &[],
            )
            .await;
        let run: RunId = run.parse().expect("a run");
        play(&world, &story, &executors, run).await;
        for executor in &executors {
            executor.leave().await;
        }
        let tree = world.tree(run).await;
        if tree.trim_end() != story.tree.trim_end() {
            if blesses {
                bless(&path, &tree);
            } else {
                wrong.push(format!(
                    "{name}: {}\n{tree}\ninstead of\n{}",
                    story.shows, story.tree
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    scheduler.stop().await;
}

/// Writes the tree of a story anew.
fn bless(path: &Path, tree: &str) {
    let text = std::fs::read_to_string(path).expect("a story");
    let kept = text.split("\ntree: |\n").next().unwrap_or_default().trim_end();
    let lines: Vec<String> = tree.trim_end().lines().map(|line| format!("  {line}")).collect();
    std::fs::write(path, format!("{kept}\ntree: |\n{}\n", lines.join("\n"))).expect("a story is written");
}
