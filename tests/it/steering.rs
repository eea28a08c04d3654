//! Single task runs in the hands of people: hurried, skipped, marked as done.

use insta::assert_snapshot;
use serde_json::{Value, json};
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::retry::RetryPolicy;
use waterclock_core::run::Outcome;
use waterclock_core::workflow::{Definition, WaitSpec, Work};
use waterclock_tests::api::{Api, Client};
use waterclock_tests::script::Scripted;
use waterclock_tests::story::with;
use waterclock_tests::{World, graph};

/// A run of a workflow of its tenant, of which nothing has started.
struct Stage {
    world: World,
    _api: Api,
    client: Client,
    executor: Scripted,
    tenant: TenantId,
    run: RunId,
}

impl Stage {
    async fn set(definition: &Definition) -> Self {
        let world = World::that_comes_to_rest().await;
        let tenant = world.tenant_with("flow", definition).await;
        let api = world.serve().await;
        Self {
            client: api.admin("flow"),
            executor: world.executor("one").join().await,
            _api: api,
            tenant,
            run: world.start(tenant, "flow").await,
            world,
        }
    }

    /// The id of the task run of a node.
    async fn id(&self, key: &str) -> Value {
        let asked = self
            .client
            .ask(
                "{ runs(first: 1) { nodes { taskRuns { nodes { key id } } } } }",
                json!({}),
            )
            .await;
        let found = asked["runs"]["nodes"][0]["taskRuns"]["nodes"].as_array();
        let mut found = found.expect("task runs").iter();
        found.find(|node| node["key"] == key).expect("a task run")["id"].clone()
    }

    async fn steer(&self, mutation: &str, key: &str, more: Value) {
        let input = self.input(key, more).await;
        self.client.mutate(mutation, input, "taskRun { id }").await;
    }

    async fn refused(&self, mutation: &str, key: &str) -> String {
        let input = self.input(key, json!({})).await;
        let payload = self.client.try_mutate(mutation, input, "taskRun { id }").await;
        assert_eq!(payload["userErrors"][0]["code"], "CONFLICT", "{payload}");
        payload["userErrors"][0]["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }

    async fn input(&self, key: &str, mut more: Value) -> Value {
        more["id"] = self.id(key).await;
        more
    }

    async fn perform_one(&self, key: &str) {
        let taken = self.executor.take_one().await;
        assert_eq!(taken.node.key, key);
        self.executor.report(&taken, Outcome::Succeeded).await;
    }

    async fn tree(&self) -> String {
        self.world.tree(self.run).await
    }
}

/// A node that is tried again after an hour.
fn patient(definition: Definition, key: &str) -> Definition {
    with(definition, key, |node| {
        node.retry = RetryPolicy {
            max_attempts: 3,
            delay_ms: 3_600_000,
            max_delay_ms: 3_600_000,
            ..RetryPolicy::default()
        };
    })
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_is_tried_at_once() {
    let stage = Stage::set(&patient(graph("a"), "a")).await;
    stage
        .executor
        .report(&stage.executor.take_one().await, Outcome::Failed)
        .await;
    assert!(stage.executor.take(1).await.is_empty());
    stage.steer("retryTaskRun", "a", json!({})).await;
    stage.perform_one("a").await;
    assert_snapshot!(stage.tree().await, @r"
    run SUCCEEDED
      a SUCCEEDED [FAILED, SUCCEEDED]
    ");
}

#[tokio::test]
async fn what_has_no_executor_is_skipped_and_its_rule_decides_of_what_follows() {
    let stage = Stage::set(&graph("a b -> c")).await;
    stage
        .steer("skipTaskRun", "a", json!({ "reason": "not today" }))
        .await;
    stage.perform_one("b").await;
    assert_snapshot!(stage.tree().await, @r#"
    run SUCCEEDED
      a SKIPPED: skipped by somebody of flow: not today
        c (and after b) SKIPPED: its trigger rule all_success cannot hold any more: the task node "a" before it was skipped
      b SUCCEEDED
    "#);
}

#[tokio::test]
async fn what_waits_for_others_is_skipped_before_its_turn() {
    let stage = Stage::set(&graph("a -> b")).await;
    stage.steer("skipTaskRun", "b", json!({})).await;
    stage.perform_one("a").await;
    assert_snapshot!(stage.tree().await, @r"
    run SUCCEEDED
      a SUCCEEDED
        b SKIPPED: skipped by somebody of flow
    ");
}

#[tokio::test]
async fn what_is_marked_as_succeeded_gives_what_it_is_said_to_give() {
    let asks = with(patient(graph("a -> b"), "a"), "b", |node| {
        node.condition = Some("nodes.a.outputs.rows == 3".to_owned());
    });
    let stage = Stage::set(&asks).await;
    stage
        .executor
        .report(&stage.executor.take_one().await, Outcome::Failed)
        .await;
    let mark = json!({ "outputs": { "rows": 3 }, "reason": "done by hand" });
    stage.steer("markTaskRunSucceeded", "a", mark).await;
    stage.perform_one("b").await;
    assert_snapshot!(stage.tree().await, @r"
    run SUCCEEDED
      a SUCCEEDED [FAILED]: marked as succeeded by somebody of flow: done by hand
        b SUCCEEDED
    ");
}

#[tokio::test]
async fn a_wait_need_not_be_waited_for() {
    let waits = with(graph("a -> b"), "a", |node| {
        node.work = Work::Wait(WaitSpec::Duration { for_ms: 3_600_000 });
    });
    let stage = Stage::set(&waits).await;
    stage.steer("markTaskRunSucceeded", "a", json!({})).await;
    stage.perform_one("b").await;
    assert!(stage.tree().await.starts_with("run SUCCEEDED"));
}

#[tokio::test]
async fn what_an_executor_has_or_what_has_ended_is_refused_with_the_remedy() {
    let stage = Stage::set(&graph("a -> b")).await;
    let taken = stage.executor.take_one().await;
    assert_eq!(
        stage.refused("skipTaskRun", "a").await,
        "the task run is RUNNING: an executor has it; wait for its end, or cancel the run"
    );
    assert_eq!(
        stage.refused("retryTaskRun", "b").await,
        "the task run is BLOCKED: only one that is RETRY_WAIT has a next attempt to bring forward"
    );
    stage.executor.report(&taken, Outcome::Succeeded).await;
    assert_eq!(
        stage.refused("retryTaskRun", "a").await,
        "the task run has ended: it is SUCCEEDED, and what has ended stays so; once the run has ended, run the task node \
         again with rerun"
    );
    stage.perform_one("b").await;
    assert_eq!(
        stage.refused("markTaskRunSucceeded", "b").await,
        "the run has ended: it is SUCCEEDED; run it again with rerun, from this task node or from what failed"
    );
}

#[tokio::test]
async fn a_start_that_meets_a_skip_starts_nothing() {
    let stage = Stage::set(&graph("a b")).await;
    // The run has started with its first node, so that its row is not what holds the second one up.
    let first = stage.executor.take_one().await;
    let left = if first.node.key == "a" { "b" } else { "a" };
    let input = stage.input(left, json!({})).await;
    let mut other = stage.world.connect().await;
    // Somebody who is just looking at the row holds the skip up, with the row of the run in its hands.
    let look = other.transaction().await.unwrap();
    look.execute("SELECT FROM dispatch WHERE state = 'READY' FOR UPDATE", &[])
        .await
        .unwrap();
    let second = stage.world.executor("two").join().await;
    let ((), ()) = tokio::join!(
        async {
            stage.client.mutate("skipTaskRun", input, "").await;
        },
        async {
            stage.world.until_somebody_waits().await;
            look.commit().await.unwrap();
        }
    );
    assert!(second.take(1).await.is_empty());
    stage.executor.report(&first, Outcome::Succeeded).await;
    assert!(stage.tree().await.contains(&format!("{left} SKIPPED")));
}

#[tokio::test]
async fn a_skip_that_meets_a_start_is_refused() {
    let stage = Stage::set(&graph("a")).await;
    let input = stage.input("a", json!({})).await;
    let mut other = stage.world.connect().await;
    // An exchange that has started the attempt and not committed yet.
    let exchange = other.transaction().await.unwrap();
    let id = stage.executor.id.to_string();
    exchange
        .execute(
            "UPDATE dispatch SET state = 'RUNNING', executor_id = $1::text::uuid, assigned_at = present(),
                started_at = present(), fence = 1",
            &[&id],
        )
        .await
        .unwrap();
    let (answer, ()) = tokio::join!(
        stage.client.try_mutate("skipTaskRun", input, "taskRun { id }"),
        async {
            stage.world.until_somebody_waits().await;
            exchange.commit().await.unwrap();
        }
    );
    assert_eq!(answer["userErrors"][0]["code"], "CONFLICT", "{answer}");
    stage.world.cancel(stage.tenant, stage.run).await.unwrap();
    let told = stage.executor.cancellations().await;
    let report = waterclock_core::work::Report {
        lease: told[0],
        outcome: Outcome::Cancelled,
        exit_code: None,
        http_status: None,
        message: None,
        output: None,
        retry_after: None,
    };
    stage.executor.exchange(vec![report], 0).await;
}
