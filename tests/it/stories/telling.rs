//! Tells a story: who takes what and how it ends, who steps in and when, and how time passes.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use waterclock_core::id::RunId;
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, Lease};
use waterclock_tests::World;
use waterclock_tests::api::Client;
use waterclock_tests::script::{Scripted, ended};

use super::story::{Step, Story};

/// How many rounds a story may take.
const ROUNDS: usize = 20_000;

/// A run on its way, and all who have a hand in it.
pub(super) struct Telling<'a> {
    world: &'a World,
    client: &'a Client,
    story: &'a Story,
    executors: Vec<Hands<'a>>,
    steps: VecDeque<Step>,
    /// The run as the API knows it, and as the database does.
    run: (String, RunId),
    /// What people were answered, and what became of the runs before the last one.
    told: String,
}

/// An executor, and what it is at.
struct Hands<'a> {
    executor: &'a Scripted,
    held: Vec<Assignment>,
    stopped: BTreeSet<Lease>,
}

impl<'a> Telling<'a> {
    /// Starts a run of the workflow.
    pub(super) async fn start(
        world: &'a World,
        client: &'a Client,
        story: &'a Story,
        executors: &'a [Scripted],
        workflow: &str,
    ) -> Self {
        let input = json!({"workflow": workflow, "inputs": story.inputs()});
        let started = client.mutate("startRun", input, "run { id }").await;
        let mut telling = Self {
            world,
            client,
            story,
            executors: executors
                .iter()
                .map(|executor| Hands {
                    executor,
                    held: Vec::new(),
                    stopped: BTreeSet::new(),
                })
                .collect(),
            steps: story.steps.clone().into(),
            run: (String::new(), RunId::generate()),
            told: String::new(),
        };
        telling.follow(&started).await;
        telling
    }

    /// Follows the run that a mutation answered.
    async fn follow(&mut self, payload: &Value) {
        let latest: String = self
            .world
            .value(
                "SELECT id::text FROM runs WHERE parent_run_id IS NULL ORDER BY id DESC LIMIT 1",
                &[],
            )
            .await;
        let shown = payload["run"]["id"].as_str();
        let shown = shown.unwrap_or_else(|| panic!("a run in {payload}"));
        self.run = (shown.to_owned(), latest.parse().expect("a run"));
    }

    /// The run that it begins with.
    pub(super) fn run(&self) -> RunId {
        self.run.1
    }

    /// Lets everything happen until the run has ended and nobody has anything left to do. Gives what people were answered and
    /// the run, as a tree.
    pub(super) async fn tell(mut self) -> String {
        let mut receiver = self.world.signals.receiver();
        for _ in 0..ROUNDS {
            if self.step_in().await {
                continue;
            }
            if self.is_over().await && !self.comes_to_a_step().await {
                break;
            }
            if self.work().await || self.is_over().await {
                continue;
            }
            // Whoever decides may have ended it, or brought it to a step, just now.
            let goes_on = self.move_time().await || self.is_over().await || self.comes_to_a_step().await;
            assert!(goes_on, "nothing can happen any more in {}", self.so_far().await);
            // A scheduler looks at it; whatever it does is signalled.
            let _ = tokio::time::timeout(Duration::from_millis(20), receiver.next()).await;
        }
        self.steps.retain(|step| !step.perhaps);
        assert!(
            self.steps.is_empty(),
            "it never came to {:?} in {}",
            self.steps,
            self.so_far().await
        );
        assert!(
            self.is_over().await,
            "no end is in sight of {}",
            self.so_far().await
        );
        format!("{}{}", self.told, self.world.tree(self.run.1).await)
    }

    async fn so_far(&self) -> String {
        let tree = self.world.tree(self.run.1).await;
        format!("{:?}:\n{}{tree}", self.story.shows, self.told)
    }

    async fn is_over(&self) -> bool {
        let over = "SELECT finished_at IS NOT NULL FROM runs WHERE id = $1::text::uuid";
        self.world.value(over, &[&self.run.1.to_string()]).await
    }

    async fn comes_to_a_step(&self) -> bool {
        match self.steps.front() {
            Some(step) => self.has_come_to(step).await,
            None => false,
        }
    }

    async fn has_come_to(&self, step: &Step) -> bool {
        for (name, wanted) in &step.when {
            if !self.states(name).await.contains(wanted) {
                return false;
            }
        }
        true
    }

    /// What can be said of a task node, a share or the run: its state, and what it waits for.
    async fn states(&self, name: &str) -> Vec<String> {
        let run = self.run.1.to_string();
        if name == "run" {
            let state = "SELECT state FROM runs WHERE id = $1::text::uuid";
            return self.world.column(state, &[&run]).await;
        }
        let (key, item) = place(name);
        // The node may be one of a run within.
        let found = self
            .world
            .sql
            .query(
                "SELECT coalesce(d.state, t.state), d.hold
                FROM task_runs AS t
                JOIN runs AS r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
                LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
                WHERE r.tenant_id = (SELECT tenant_id FROM runs WHERE id = $1::text::uuid) AND r.id >= $1::text::uuid
                    AND t.key = $2 AND t.item IS NOT DISTINCT FROM $3
                ORDER BY r.id LIMIT 1",
                &[&run, &key, &item],
            )
            .await
            .expect("the task run");
        let Some(row) = found.first() else {
            return Vec::new();
        };
        match row.get::<_, Option<String>>(1) {
            Some(hold) => vec![hold],
            None => vec![row.get(0)],
        }
    }

    /// Does the next step, if the run has come to it. Whether it did.
    async fn step_in(&mut self) -> bool {
        if !self.comes_to_a_step().await {
            return false;
        }
        let step = self.steps.pop_front().expect("the step");
        let payload = self.call(&step).await;
        let error = &payload["userErrors"][0];
        let about = step
            .node
            .as_deref()
            .map(|node| format!(" {node}"))
            .unwrap_or_default();
        let when: Vec<String> = step
            .when
            .iter()
            .map(|(name, state)| format!("{name} is {state}"))
            .collect();
        let answer = if error.is_null() {
            "done".to_owned()
        } else {
            let message = error["message"].as_str().unwrap_or_default();
            format!(
                "refused as {}: {message}",
                error["code"].as_str().unwrap_or_default()
            )
        };
        let line = format!("{}{about} when {}: {answer}\n", step.call, when.join(" and "));
        if step.call == "rerun" && error.is_null() {
            self.told.push_str(&self.world.tree(self.run.1).await);
            self.follow(&payload).await;
        }
        self.told.push_str(&line);
        true
    }

    async fn call(&self, step: &Step) -> Value {
        let mut input = if step.input.is_null() {
            json!({})
        } else {
            step.input.clone()
        };
        let of_a_task_run = [
            "retryTaskRun",
            "skipTaskRun",
            "markTaskRunSucceeded",
            "answerApproval",
        ];
        let about = step.node.as_deref();
        let selection = match step.call.as_str() {
            "publishEvent" => "event { id }",
            call if of_a_task_run.contains(&call) => {
                input["id"] = self.task_run_id(about.expect("a node")).await;
                "taskRun { id }"
            }
            _ => {
                input["id"] = match about {
                    Some(node) => self.run_within(node).await,
                    None => json!(self.run.0),
                };
                "run { id }"
            }
        };
        self.client.try_mutate(&step.call, input, selection).await
    }

    /// The id of the task run of a node or share.
    async fn task_run_id(&self, name: &str) -> Value {
        const DOCUMENT: &str = "query ($id: ID!) { run(id: $id) { taskRuns(first: 20) { nodes {
            key id items(first: 5) { nodes { id item } } } } } }";
        let (key, item) = place(name);
        let asked = self.client.ask(DOCUMENT, json!({"id": self.run.0})).await;
        let nodes = asked["run"]["taskRuns"]["nodes"].as_array().expect("task runs");
        let node = nodes.iter().find(|node| node["key"] == key);
        let node = node.unwrap_or_else(|| panic!("{name} in {asked:#}"));
        let Some(item) = item else {
            return node["id"].clone();
        };
        let mut items = node["items"]["nodes"].as_array().expect("shares").iter();
        items.find(|share| share["item"] == item).expect("the share")["id"].clone()
    }

    /// The id of the run within a node.
    async fn run_within(&self, node: &str) -> Value {
        const DOCUMENT: &str = "{ runs(first: 20) { nodes { id parentTaskRun { id } } } }";
        let task_run = self.task_run_id(node).await;
        let asked = self.client.ask(DOCUMENT, json!({})).await;
        let mut runs = asked["runs"]["nodes"].as_array().expect("runs").iter();
        let within = runs.find(|run| run["parentTaskRun"]["id"] == task_run);
        within.unwrap_or_else(|| panic!("a run within {node} in {asked:#}"))["id"].clone()
    }

    /// Lets the executors do what there is to do. Whether there was anything.
    async fn work(&mut self) -> bool {
        let next = self.steps.front();
        let waits_for =
            |state: &str| next.is_some_and(|step| step.when.values().any(|wanted| wanted == state));
        let takes = !waits_for("ASSIGNED");
        let mut did = false;
        for hands in &mut self.executors {
            let held = u32::try_from(hands.held.len()).expect("a few");
            let free = if takes { hands.executor.slots - held } else { 0 };
            let exchanged = hands.executor.exchange(Vec::new(), free).await;
            did |= !exchanged.assignments.is_empty();
            hands.held.extend(exchanged.assignments);
            hands.stopped = exchanged.cancellations.iter().map(|told| told.lease).collect();
        }
        // What was just taken may be what the next step waits for.
        if did && !self.steps.is_empty() && self.comes_to_a_step().await {
            return true;
        }
        let next = self.steps.front();
        for hands in &mut self.executors {
            let ends = |assignment: &mut Assignment| {
                !next.is_some_and(|step| {
                    step.when
                        .iter()
                        .any(|(name, state)| keeps(name, state, assignment))
                })
            };
            let done: Vec<Assignment> = hands.held.extract_if(.., ends).collect();
            did |= !done.is_empty();
            let mut reports = Vec::new();
            for assignment in &done {
                if self.story.defers(assignment) {
                    hands.executor.defer(assignment).await;
                } else if hands.stopped.contains(&assignment.lease()) {
                    reports.push(ended(assignment, Outcome::Cancelled));
                } else {
                    reports.push(self.story.report(assignment));
                }
            }
            hands.executor.exchange(reports, 0).await;
        }
        did
    }

    /// Moves time to the next instant at which something is due, when nothing can happen before. Whether there is one.
    async fn move_time(&self) -> bool {
        let busy: bool = self
            .world
            .value(
                "SELECT EXISTS (SELECT FROM dispatch
                        WHERE state IN ('READY', 'ASSIGNED') AND NOT paused AND NOT labels @> '{gpu}')
                    OR EXISTS (SELECT FROM timers WHERE due_at <= present())
                    OR EXISTS (SELECT FROM dispatch WHERE state = 'RETRY_WAIT' AND NOT paused AND ready_at <= present())",
                &[],
            )
            .await;
        if busy {
            return true;
        }
        let next: Option<i64> = self
            .world
            .value(
                "SELECT ceil(extract(epoch FROM least(
                    (SELECT min(due_at) FROM timers),
                    (SELECT min(ready_at) FROM dispatch WHERE state = 'RETRY_WAIT' AND NOT paused)) - present()) * 1000)::bigint",
                &[],
            )
            .await;
        let Some(next) = next else { return false };
        let step = u64::try_from(next.max(1)).expect("a step");
        self.world.advance(Duration::from_millis(step)).await;
        true
    }
}

/// The key of a node, and the item of `key[item]`.
fn place(name: &str) -> (&str, Option<i32>) {
    match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((key, item)) => (key, Some(item.parse().expect("a number"))),
        None => (name, None),
    }
}

/// Whether a step that waits for `name` to be `state` keeps the attempt from ending.
fn keeps(name: &str, state: &str, assignment: &Assignment) -> bool {
    let (key, item) = place(name);
    let share = assignment.item.as_ref().map(|item| item.index);
    state == "RUNNING"
        && key == assignment.node.key
        && item == share.map(|share| i32::try_from(share).expect("a place"))
}
