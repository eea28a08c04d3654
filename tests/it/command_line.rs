//! Runs in the hands of people at a terminal: every control of a run as a command, with its words and its exit code.

use serde_json::json;
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::retry::RetryPolicy;
use waterclock_core::run::Outcome;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::binary::command;
use waterclock_tests::script::Scripted;
use waterclock_tests::story::with;
use waterclock_tests::{World, graph};

/// A tenant with the workflow `flow`, `a -> b`, of which `a` is tried again after an hour.
struct Stage {
    world: World,
    api: Api,
    client: Client,
    tenant: TenantId,
    executor: Scripted,
}

impl Stage {
    async fn set() -> Self {
        let world = World::new().await;
        let patient = with(graph("a -> b"), "a", |node| {
            node.retry = RetryPolicy {
                max_attempts: 3,
                delay_ms: 3_600_000,
                max_delay_ms: 3_600_000,
                ..RetryPolicy::default()
            };
        });
        let tenant = world.tenant_with("flow", &patient).await;
        let api = world.serve().await;
        Self {
            client: api.admin("flow"),
            executor: world.executor("one").join().await,
            api,
            tenant,
            world,
        }
    }

    /// What a command printed, on standard output and on standard error, and its exit code.
    async fn said(&self, line: &str) -> (String, String, Option<i32>) {
        let words: Vec<&str> = line.split(' ').collect();
        let output = command(&self.api, &self.client, &words).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    }

    /// What a command printed that went well.
    async fn ask(&self, line: &str) -> String {
        let (printed, faults, code) = self.said(line).await;
        assert_eq!(code, Some(0), "{line}: {printed}{faults}");
        printed
    }

    /// Starts a run, and gives the id that the command printed and the run's own.
    async fn start(&self) -> (String, RunId) {
        let printed = self.ask("run flow").await.trim().to_owned();
        let id: String = self
            .world
            .value("SELECT id::text FROM runs ORDER BY id DESC LIMIT 1", &[])
            .await;
        (printed, id.parse().expect("an id"))
    }

    async fn state(&self, run: RunId) -> String {
        let state = "SELECT state FROM runs WHERE id = $1::text::uuid";
        self.world.value(state, &[&run.to_string()]).await
    }
}

#[tokio::test]
async fn a_run_is_paused_resumed_and_stopped() {
    let stage = Stage::set().await;
    let (run, id) = stage.start().await;
    stage.ask(&format!("pause {run}")).await;
    assert_eq!(stage.state(id).await, "PAUSED");
    stage.ask(&format!("resume {run}")).await;
    assert_eq!(stage.state(id).await, "QUEUED");
    stage.ask(&format!("cancel {run} --reason enough")).await;
    let told = "run CANCELLED: cancelled by somebody of flow: enough";
    assert!(
        stage.world.tree(id).await.starts_with(told),
        "{}",
        stage.world.tree(id).await
    );
    let (_, faults, code) = stage.said(&format!("pause {run}")).await;
    assert_eq!(code, Some(2));
    assert!(
        faults.contains("the run has ended already: it is CANCELLED"),
        "{faults}"
    );
    let (other, id) = stage.start().await;
    stage.ask(&format!("terminate {other}")).await;
    assert_eq!(stage.state(id).await, "CANCELLED");
    let (_, faults, code) = stage.said("cancel nothing").await;
    assert_eq!(code, Some(2));
    assert!(faults.contains("there is no run with this id"), "{faults}");
}

#[tokio::test]
async fn a_task_run_is_hurried_skipped_and_answered_for() {
    let stage = Stage::set().await;
    let (run, id) = stage.start().await;
    let first = stage.executor.take_one().await;
    stage.executor.report(&first, Outcome::Failed).await;
    stage.ask(&format!("retry {run} a")).await;
    let second = stage.executor.take_one().await;
    stage.executor.report(&second, Outcome::Failed).await;
    stage
        .ask(&format!(
            "mark-succeeded {run} a --output rows=3 --reason by-hand"
        ))
        .await;
    stage.ask(&format!("skip {run} b")).await;
    let tree = stage.world.tree(id).await;
    assert!(
        tree.contains("a SUCCEEDED [FAILED, FAILED]: marked as succeeded"),
        "{tree}"
    );
    assert!(tree.contains("b SKIPPED: skipped by somebody of flow"), "{tree}");
    let (_, faults, code) = stage.said(&format!("skip {run} nowhere")).await;
    assert_eq!(code, Some(2));
    assert!(faults.contains("with a task node \"nowhere\""), "{faults}");
    let again = stage.ask(&format!("rerun {run} --from b")).await;
    let taken = stage.executor.take_one().await;
    assert_eq!(taken.node.key, "b", "what was before it is kept: {again}");
    stage.executor.report(&taken, Outcome::Succeeded).await;
}

#[tokio::test]
async fn what_a_run_would_do_is_told_in_order() {
    let stage = Stage::set().await;
    assert_eq!(
        stage.ask("dry-run flow").await,
        "    0  a  runs\n    1  b  runs\n"
    );
    let foreseen = stage.ask("dry-run flow --assume a=failed").await;
    assert!(foreseen.contains("b  upstream failed"), "{foreseen}");
    let (_, faults, code) = stage.said("dry-run nowhere").await;
    assert_eq!(code, Some(2), "{faults}");
    let (_, faults, code) = stage.said("dry-run flow --assume a=late").await;
    assert_eq!(code, Some(2));
    assert!(faults.contains("succeeded, failed or skipped"), "{faults}");
    let runs: i64 = stage.world.value("SELECT count(*) FROM runs", &[]).await;
    assert_eq!(runs, 0);
}

#[tokio::test]
async fn questions_are_answered_and_events_published() {
    let stage = Stage::set().await;
    let asks = json!({
        "key": "asking", "publish": true,
        "nodes": [
            { "key": "may-i", "approval": { "question": "Shall we?", "form": {
                "type": "object", "properties": { "rows": { "type": "integer" } }, "required": ["rows"] } } },
            { "key": "paid", "wait": { "event": { "name": "paid" } } },
        ],
    });
    stage.client.mutate("createWorkflow", asks, "").await;
    let run = stage.ask("run asking").await.trim().to_owned();
    let asked = stage.ask("approvals").await;
    assert!(
        asked.contains(&run) && asked.contains("may-i") && asked.contains("Shall we?"),
        "{asked}"
    );
    let (_, faults, code) = stage
        .said(&format!("approve {run} may-i --answer rows=many"))
        .await;
    assert_eq!(code, Some(2), "{faults}");
    stage
        .ask(&format!("approve {run} may-i --answer rows=3 --comment fine"))
        .await;
    assert_eq!(
        stage.ask("publish-event paid --payload {\"amount\":12}").await,
        "1 task run waited for it and goes on\n"
    );
    assert_eq!(
        stage.ask("publish-event unheard-of").await,
        "0 task runs waited for it\n"
    );
    let (_, faults, code) = stage.said("publish-event paid --payload {").await;
    assert_eq!(code, Some(2));
    assert!(faults.contains("it is not JSON"), "{faults}");
    let _scheduler = stage.world.scheduler();
    stage.world.until_all_ended().await;
    let run = stage.ask("run asking").await.trim().to_owned();
    stage.ask(&format!("reject {run} may-i --comment no")).await;
    stage.ask(&format!("cancel {run}")).await;
}

#[tokio::test]
async fn many_runs_are_steered_together() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 3).await;
    let (_, faults, code) = stage.said("bulk cancel").await;
    assert_eq!(code, Some(2));
    assert!(
        faults.contains("say which runs") && faults.contains("--all"),
        "{faults}"
    );
    assert_eq!(
        stage.ask("bulk cancel --workflow flow --dry-run").await,
        "3 runs match\n"
    );
    let job = stage.ask("bulk pause --all").await.trim().to_owned();
    stage.ask(&format!("bulk cancel-job {job}")).await;
    let (_, _, code) = stage.said(&format!("bulk watch {job}")).await;
    assert_eq!(code, Some(3), "the exit code of what was cancelled");
    let scheduler = stage.world.scheduler();
    assert_eq!(
        stage
            .ask("bulk cancel --workflow flow --state queued --reason enough --wait")
            .await,
        "SUCCEEDED: 3 of 3 runs, 3 done, 0 refused\n"
    );
    let (printed, faults, code) = stage.said("bulk resume --all --wait").await;
    assert_eq!(code, Some(0));
    assert_eq!(printed, "SUCCEEDED: 3 of 3 runs, 0 done, 3 refused\n");
    assert!(
        faults.contains("the run has ended already: it is CANCELLED"),
        "{faults}"
    );
    let rerun = "bulk rerun --state cancelled --started-by tester --from-failed --wait";
    assert_eq!(
        stage.ask(rerun).await,
        "SUCCEEDED: 3 of 3 runs, 3 done, 0 refused\n"
    );
    let listed = stage.ask("bulk jobs").await;
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert!(listed.lines().nth(1).unwrap().contains("RERUN"), "{listed}");
    scheduler.stop().await;
}
