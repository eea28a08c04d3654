//! A story as it is written down.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, Report};
use waterclock_tests::api::Client;
use waterclock_tests::script::ended;

/// A file of `tests/stories`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    /// What it shows, as a sentence.
    #[serde(rename = "story")]
    pub(super) shows: String,
    /// The workflows, as `createWorkflow` takes them; the last one is run. A node that says nothing of its work runs a program.
    pub(super) workflows: Vec<Value>,
    /// What the run is given.
    #[serde(default)]
    inputs: Value,
    /// How the attempts of nodes end, one after the other; the last way stays. Whatever is not named succeeds.
    #[serde(default)]
    attempts: BTreeMap<String, Vec<Ending>>,
    /// The keys of the executors.
    #[serde(default = "one_executor")]
    pub(super) executors: Vec<String>,
    /// How much each of them does at once.
    #[serde(default = "many")]
    pub(super) slots: u32,
    /// What people do, one after the other.
    #[serde(default)]
    pub(super) steps: Vec<Step>,
    /// What people were answered, and the run as a tree.
    #[serde(default)]
    pub(super) tree: String,
}

/// Something that somebody does when the run has come to a point.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// The point: states of task nodes, of shares (`each[0]`) and of the run (`run`). Instead of RUNNING, what the service itself
    /// waits for can be named: ITEMS, RUN, APPROVAL, WAIT, CALLBACK. Until the step is done no attempt of what is named ends, and
    /// nothing starts if something is to be ASSIGNED.
    pub(super) when: BTreeMap<String, String>,
    /// The mutation.
    #[serde(rename = "do")]
    pub(super) call: String,
    /// The node or share that it is about; for a mutation of runs, the run within this node. The run itself when absent.
    pub(super) node: Option<String>,
    /// What else it is told.
    #[serde(default)]
    pub(super) input: Value,
    /// The run need not come to this point.
    #[serde(default)]
    pub(super) perhaps: bool,
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
    /// It does not end: its endpoint is to call back.
    #[serde(default)]
    defers: bool,
}

fn succeeded() -> Outcome {
    Outcome::Succeeded
}

fn one_executor() -> Vec<String> {
    vec!["one".to_owned()]
}

fn many() -> u32 {
    2_000
}

impl Story {
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a story");
        serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What the run is given.
    pub(super) fn inputs(&self) -> Value {
        if self.inputs.is_null() {
            json!({})
        } else {
            self.inputs.clone()
        }
    }

    fn ending(&self, assignment: &Assignment) -> Option<&Ending> {
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
        endings.get(at).or(endings.last()).copied()
    }

    /// Whether the endpoint of an attempt is to call back.
    pub(super) fn defers(&self, assignment: &Assignment) -> bool {
        self.ending(assignment).is_some_and(|ending| ending.defers)
    }

    /// The report of an attempt.
    pub(super) fn report(&self, assignment: &Assignment) -> Report {
        let Some(ending) = self.ending(assignment) else {
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

    /// Writes its workflows down; a node that says nothing of its work runs a program. Gives the key of the last one.
    pub(super) async fn author(&self, client: &Client) -> String {
        register_work(client).await;
        let mut last = String::new();
        for workflow in &self.workflows {
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
}

/// Registers the task nodes `work`, a program, and `call`, an endpoint that calls back.
async fn register_work(client: &Client) {
    let program = json!({"key": "true", "runtime": "EXEC", "command": ["true"]});
    client.mutate("registerProgram", program, "").await;
    let endpoint = json!({"key": "later", "method": "POST", "url": "http://127.0.0.1/", "callback": {"deadline": "PT1M"}});
    client.mutate("registerEndpoint", endpoint, "").await;
    for (key, work) in [
        ("work", json!({"program": {"key": "true"}})),
        ("call", json!({"endpoint": {"key": "later"}})),
    ] {
        let node = json!({"key": key, "work": work});
        client.mutate("createTaskNode", node, "").await;
    }
}
