//! Why something does not run: each reason, true at the moment of asking, and gone with its cause.

mod held;

use serde_json::{Value, json};
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::retry::RetryPolicy;
use waterclock_core::run::Outcome;
use waterclock_core::workflow::Definition;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::story::with;
use waterclock_tests::{World, graph};

/// Everything that is told of waiting.
const WAITS: &str = "fragment waits on WaitReason { __typename message taskRunCount taskRuns { key item }
    ... on ParentsWait { triggerRule parents { key state taskRun { key } } openParentCount parentCount }
    ... on TurnWait { parallelism underWay }
    ... on LabelsWait { labels missingLabels goneExecutor executorCount }
    ... on ExecutorsWait { cost executorCount executors { key shared hindrance slots used cpu executor { key } } }
    ... on QueueWait { ahead }
    ... on AssignmentWait { executor { key } }
    ... on StartWait { executor { key } since leaseUntil }
    ... on RetryWait { at attempt outcome attemptMessage }
    ... on TimeWait { until since }
    ... on EventWait { name key deadline }
    ... on ApprovalWait { question scope deadline default }
    ... on CallbackWait { since deadline }
    ... on ItemsWait { open count failed underWay parallelism }
    ... on ChildRunWait { run { id } state }
    ... on PausedWait { by since }
    ... on StoppingWait { by endsAs open { key state } } }";

/// A run of the workflow `flow` of the tenant `flow`.
struct Stage {
    world: World,
    _api: Api,
    client: Client,
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
            _api: api,
            tenant,
            run: world.start(tenant, "flow").await,
            world,
        }
    }

    /// What the latest run waits for, and what each of its task runs does.
    async fn look(&self) -> Value {
        let document = format!(
            "{{ runs(first: 1) {{ nodes {{ id state waitReasons {{ ...waits }}
                taskRuns(first: 5) {{ nodes {{ id key state waitReasons {{ ...waits }}
                    items(first: 3) {{ nodes {{ item state waitReasons {{ ...waits }} }} }} }} }} }} }} }} {WAITS}"
        );
        let mut asked = self.client.ask(&document, json!({})).await;
        asked["runs"]["nodes"][0].take()
    }

    /// The kinds of reasons that the run has.
    async fn kinds(&self) -> Vec<String> {
        kinds(&self.look().await["waitReasons"])
    }

    /// The only reason of the task run of a node.
    async fn reason(&self, key: &str) -> Value {
        let mut reasons = self.reasons(key).await;
        assert_eq!(reasons.as_array().map(Vec::len), Some(1), "{key}: {reasons:#}");
        reasons[0].take()
    }

    async fn reasons(&self, key: &str) -> Value {
        let mut seen = self.look().await;
        let nodes = seen["taskRuns"]["nodes"].as_array_mut().expect("task runs");
        let found = nodes.iter_mut().find(|node| node["key"] == key);
        found.expect("a task run of the node")["waitReasons"].take()
    }

    async fn say(&self, mutation: &str) {
        let id = self.look().await["id"].take();
        self.client.mutate(mutation, json!({ "id": id }), "").await;
    }

    async fn cancel(&self) {
        self.world
            .cancel(self.tenant, self.run)
            .await
            .expect("it can be cancelled");
    }
}

fn kinds(reasons: &Value) -> Vec<String> {
    let reasons = reasons.as_array().expect("reasons").iter();
    reasons
        .map(|reason| reason["__typename"].as_str().expect("a name").to_owned())
        .collect()
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[tokio::test]
async fn a_node_waits_for_those_before_it_that_have_not_ended() {
    let stage = Stage::set(&graph("a b -> c")).await;
    let executor = stage.world.executor("one").slots(2).join().await;
    let taken = executor.take(2).await;
    let told = stage.reason("c").await;
    assert_eq!(told["__typename"], "ParentsWait", "{told:#}");
    assert_eq!(
        (&told["openParentCount"], &told["parentCount"]),
        (&json!(2), &json!(2))
    );
    executor.report(&taken[0], Outcome::Succeeded).await;
    let told = stage.reason("c").await;
    assert_eq!(
        told["message"],
        "it waits for 1 of the 2 task runs before it: b (RUNNING); its rule is all_success"
    );
    assert_eq!(
        told["parents"],
        json!([{ "key": "b", "state": "RUNNING", "taskRun": { "key": "b" } }])
    );
    assert_eq!(
        stage.kinds().await,
        nothing(),
        "an executor is at b, and c waits for b alone"
    );
    executor.report(&taken[1], Outcome::Succeeded).await;
    assert_eq!(stage.reason("c").await["__typename"], "AssignmentWait");
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    assert_eq!(stage.reasons("c").await, json!([]));
    assert_eq!(stage.kinds().await, nothing());
}

#[tokio::test]
async fn a_label_that_nobody_offers_is_named_until_somebody_does() {
    let definition = with(graph("a b"), "a", |node| {
        node.required_labels = vec!["gpu".to_owned(), "zone=eu".to_owned()];
    });
    let stage = Stage::set(&definition).await;
    assert_eq!(
        stage.reason("a").await["message"],
        "no executor is alive that works for this tenant"
    );
    let near = stage.world.executor("near").labels(&["zone=eu"]).join().await;
    let told = stage.reason("a").await;
    assert_eq!(told["missingLabels"], json!(["gpu"]), "{told:#}");
    assert_eq!(
        told["message"],
        "the only executor that is alive does not offer \"gpu\""
    );
    assert_eq!(stage.kinds().await, ["LabelsWait", "AssignmentWait"]);
    let _far = stage.world.executor("far").labels(&["gpu"]).join().await;
    let told = stage.reason("a").await;
    assert_eq!(
        told["message"],
        "none of the 2 executors that are alive offers \"gpu\", \"zone=eu\" together"
    );
    let able = stage
        .world
        .executor("able")
        .labels(&["gpu", "zone=eu"])
        .join()
        .await;
    let told = stage.reason("a").await;
    assert_eq!(told["__typename"], "AssignmentWait", "{told:#}");
    assert_eq!(told["executor"]["key"], "able");
    near.report(&near.take_one().await, Outcome::Succeeded).await;
    able.report(&able.take_one().await, Outcome::Succeeded).await;
    assert_eq!(stage.kinds().await, nothing());
}

#[tokio::test]
async fn executors_that_match_and_take_nothing_are_told_with_their_figures() {
    let mut definition = graph("a b");
    for node in &mut definition.nodes {
        node.cost = 2;
    }
    let stage = Stage::set(&definition).await;
    let small = stage.world.executor("small").only_for("flow").join().await;
    let told = stage.reason("a").await;
    assert_eq!(told["__typename"], "ExecutorsWait", "{told:#}");
    assert_eq!(
        told["message"],
        "the only executor that may have it takes it not now: small is too small (1 slots, and it takes 2)"
    );
    small.leave().await;

    let own = stage.world.executor("own").slots(3).only_for("flow").join().await;
    own.beat_as(|heartbeat| {
        heartbeat.overloaded = true;
        heartbeat.cpu = 0.97;
    })
    .await;
    assert_eq!(
        stage.reason("a").await["message"],
        "the only executor that may have it takes it not now: own is overloaded (97 % of its processors and 10 % of its \
         memory in use)"
    );
    own.beat_as(|heartbeat| heartbeat.draining = true).await;
    let told = stage.reason("a").await;
    assert_eq!(told["executors"][0]["hindrance"], "DRAINING", "{told:#}");
    own.beat().await;
    let first = own.take(3).await;
    assert_eq!(first.len(), 1);
    let told = stage.reason("b").await;
    assert_eq!(
        told["executors"],
        json!([{ "key": "own", "shared": false, "hindrance": "FULL", "slots": 3, "used": 2,
            "cpu": told["executors"][0]["cpu"], "executor": { "key": "own" } }])
    );
    own.report(&first[0], Outcome::Succeeded).await;
    assert_eq!(stage.reason("b").await["__typename"], "AssignmentWait");
    own.report(&own.take(3).await[0], Outcome::Succeeded).await;
    assert_eq!(stage.kinds().await, nothing());
}

#[tokio::test]
async fn a_shared_executor_that_is_full_of_others_work_does_not_tell_of_it() {
    let stage = Stage::set(&graph("a")).await;
    let theirs = stage.world.tenant_with("theirs", &graph("x y")).await;
    stage.cancel().await;
    stage.world.start(theirs, "theirs").await;
    let shared = stage.world.executor("shared").slots(2).join().await;
    let hidden = stage.world.executor("hidden").only_for("theirs").join().await;
    let taken = shared.take(2).await;
    assert_eq!(taken.len(), 2);
    stage.world.start(stage.tenant, "flow").await;
    let told = stage.reason("a").await;
    assert_eq!(
        told["message"],
        "the only executor that may have it takes it not now: shared is full (2 slots, 0 of them used by this tenant)"
    );
    assert_eq!(told["executorCount"], 1, "another tenant's own is not to be seen");
    for attempt in &taken {
        shared.report(attempt, Outcome::Succeeded).await;
    }
    assert_eq!(stage.reason("a").await["__typename"], "AssignmentWait");
    shared.report(&shared.take_one().await, Outcome::Succeeded).await;
    hidden.leave().await;
}

#[tokio::test]
async fn what_goes_first_is_counted_and_what_was_assigned_waits_for_its_executor() {
    let definition = with(graph("a b c"), "c", |node| node.priority = Some(9));
    let stage = Stage::set(&definition).await;
    let executor = stage.world.executor("one").join().await;
    assert_eq!(stage.reason("c").await["__typename"], "AssignmentWait");
    assert_eq!(stage.reason("a").await["ahead"], 1);
    assert_eq!(stage.reason("b").await["ahead"], 2);
    assert_eq!(
        stage.kinds().await,
        ["QueueWait", "AssignmentWait"],
        "a and b together"
    );

    let scheduler = stage.world.scheduler();
    stage
        .world
        .until_true("SELECT EXISTS (SELECT FROM dispatch WHERE state = 'ASSIGNED')")
        .await;
    scheduler.stop().await;
    let told = stage.reason("c").await;
    assert_eq!(told["__typename"], "StartWait", "{told:#}");
    assert_eq!(told["executor"]["key"], "one");
    assert!(told["leaseUntil"].is_string(), "{told:#}");
    let waits = stage.reasons("a").await;
    assert_eq!(
        kinds(&waits),
        ["ExecutorsWait"],
        "c holds the slot, and nothing is ready before a"
    );
    for key in ["c", "a", "b"] {
        let taken = executor.take_one().await;
        assert_eq!(taken.node.key, key);
        assert_eq!(stage.reasons(key).await, json!([]), "an executor is at {key}");
        executor.report(&taken, Outcome::Succeeded).await;
    }
}

#[tokio::test]
async fn the_next_attempt_is_told_with_the_instant_and_the_last_ones_end() {
    let definition = with(graph("a"), "a", |node| {
        node.retry = RetryPolicy {
            max_attempts: 2,
            delay_ms: 3_600_000,
            ..RetryPolicy::default()
        };
    });
    let stage = Stage::set(&definition).await;
    let executor = stage.world.executor("one").join().await;
    executor.report(&executor.take_one().await, Outcome::Failed).await;
    let told = stage.reason("a").await;
    assert_eq!(told["__typename"], "RetryWait", "{told:#}");
    assert_eq!(
        (&told["attempt"], &told["outcome"], &told["attemptMessage"]),
        (&json!(1), &json!("FAILED"), &json!("exit code 1"))
    );
    let message = told["message"].as_str().expect("a message");
    assert!(
        message.ends_with(": attempt 1 ended as FAILED: exit code 1"),
        "{message}"
    );
    assert_eq!(stage.kinds().await, ["RetryWait"]);
    stage
        .client
        .mutate("retryTaskRun", json!({ "id": first(&stage).await }), "")
        .await;
    executor.beat().await;
    assert_eq!(stage.reason("a").await["__typename"], "AssignmentWait");
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
}

/// The id of the first task run.
async fn first(stage: &Stage) -> Value {
    stage.look().await["taskRuns"]["nodes"][0]["id"].take()
}

#[tokio::test]
async fn a_paused_run_names_who_paused_it_and_a_stopping_one_what_still_runs() {
    let stage = Stage::set(&graph("a b -> c")).await;
    let executor = stage.world.executor("one").slots(2).join().await;
    let a = executor.take_one().await;
    stage.say("pauseRun").await;
    let seen = stage.look().await;
    assert_eq!(kinds(&seen["waitReasons"]), ["PausedWait"], "{seen:#}");
    assert_eq!(seen["waitReasons"][0]["by"], "somebody of flow");
    assert_eq!(
        seen["waitReasons"][0]["taskRuns"],
        json!([{ "key": "b", "item": null }])
    );
    assert_eq!(kinds(&stage.reasons("b").await), ["PausedWait"]);
    assert_eq!(kinds(&stage.reasons("c").await), ["ParentsWait", "PausedWait"]);
    stage.say("resumeRun").await;
    assert_eq!(stage.kinds().await, ["AssignmentWait"]);

    stage.say("cancelRun").await;
    let seen = stage.look().await;
    let told = &seen["waitReasons"][0];
    assert_eq!(told["__typename"], "StoppingWait", "{seen:#}");
    assert_eq!(
        (&told["by"], &told["endsAs"]),
        (&json!("somebody of flow"), &json!("CANCELLED"))
    );
    assert_eq!(told["open"], json!([{ "key": "a", "state": "RUNNING" }]));
    assert_eq!(kinds(&stage.reasons("a").await), ["StoppingWait"]);
    executor.report(&a, Outcome::Cancelled).await;
    assert_eq!(stage.kinds().await, nothing());
}
