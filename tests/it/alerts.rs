//! What rules say of what happens: once for each cause, folded where causes are alike.

use std::time::Duration;

use serde_json::{Value, json};
use waterclock_core::run::Outcome;
use waterclock_core::signal::Signal;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::world::Running;
use waterclock_tests::{World, ended, succeed};

use crate::graphql::{cursor, publish_no_ops, start};

/// A tenant with the workflow `etl`, an executor on which it fails, and somebody who raises alerts.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) client: Client,
    api: Api,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        Self::of(World::new().await).await
    }

    pub(crate) async fn of(world: World) -> Self {
        let api = world.serve().await;
        let client = api.admin("acme");
        publish_no_ops(&client, "etl", &["load"], &[]).await;
        Self { world, client, api }
    }

    /// Registers the rule `key` with this condition.
    pub(crate) async fn rule(&self, key: &str, condition: Value, more: Value) {
        let mut input = json!({ "key": key, "condition": condition });
        let more = more.as_object().expect("fields").clone();
        input.as_object_mut().expect("fields").extend(more);
        self.client
            .mutate("registerAlertRule", input, "alertRule { key }")
            .await;
    }

    /// Performs one run of `etl`, which ends so.
    pub(crate) async fn run(&self, outcome: Outcome) {
        start(&self.client, "etl").await;
        let executor = self.world.executor("one").join().await;
        let assignment = executor.take_one().await;
        executor.exchange(vec![ended(&assignment, outcome)], 0).await;
        self.world.let_executors_leave().await;
    }

    /// Waits until everything that happened was looked at.
    pub(crate) async fn until_looked(&self) {
        // A failed run of another tenant's, whose alert comes after all that was before.
        let mark = format!("mark-{}", uuid::Uuid::new_v4().simple());
        let marker = self.api.admin(&mark);
        let input = json!({ "key": "mark", "condition": { "workflowRefused": true } });
        marker.mutate("registerAlertRule", input, "").await;
        self.world
            .execute(
                "INSERT INTO events (tenant_id, kind, data)
                SELECT id, 'WORKFLOW_REFUSED', '{\"workflow\": \"mark\"}' FROM tenants WHERE key = $1",
                &[&mark],
            )
            .await;
        self.world.signals.raise([Signal::Everything]);
        let seen = format!(
            "SELECT EXISTS (SELECT FROM alerts JOIN tenants ON tenants.id = tenant_id WHERE tenants.key = '{mark}')"
        );
        self.world.until_true(&seen).await;
    }

    /// The tenant's alerts, the oldest first, each in a line.
    pub(crate) async fn told(&self) -> Vec<String> {
        self.until_looked().await;
        self.world
            .column(
                "SELECT concat_ws(' ', rule_key, count, CASE WHEN resolved_at IS NOT NULL THEN 'resolved' END,
                    CASE WHEN silence_id IS NOT NULL THEN 'silenced' END)
                FROM alerts JOIN tenants ON tenants.id = tenant_id WHERE tenants.key = 'acme' ORDER BY alerts.id",
                &[],
            )
            .await
    }
}

#[tokio::test]
async fn a_failed_run_is_told_with_the_place_where_it_failed_and_resolved_by_a_success() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    scene
        .rule("failures", json!({ "runFailed": true }), json!({}))
        .await;
    scene.run(Outcome::Failed).await;
    scene.run(Outcome::Failed).await;
    assert_eq!(scene.told().await, ["failures 2"]);
    let message: String = scene
        .world
        .value("SELECT message FROM alerts WHERE rule_key = 'failures'", &[])
        .await;
    assert_eq!(
        message,
        "a run of the workflow \"etl\" failed: the task node \"load\" failed: exit code 1, on the executor \"one\""
    );
    scene.run(Outcome::Succeeded).await;
    assert_eq!(scene.told().await, ["failures 2 resolved"]);
    scene.run(Outcome::Failed).await;
    assert_eq!(scene.told().await, ["failures 2 resolved", "failures 1"]);
}

#[tokio::test]
async fn no_attempt_makes_an_alert() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    let node = json!({ "key": "stubborn", "work": { "noOp": true }, "retry": { "maxAttempts": 3 } });
    scene.client.mutate("createTaskNode", node, "").await;
    let nodes = json!([{ "key": "a", "taskNode": { "key": "stubborn" } }]);
    let workflow = json!({ "key": "stubborn", "nodes": nodes, "publish": true });
    scene.client.mutate("createWorkflow", workflow, "").await;
    scene
        .rule(
            "failures",
            json!({ "runFailed": true }),
            json!({ "groupFor": "PT0S" }),
        )
        .await;
    start(&scene.client, "stubborn").await;
    let _scheduler = scene.world.scheduler();
    let executor = scene.world.executor("one").join().await;
    let _performing = executor.perform(|assignment| ended(assignment, Outcome::Failed));
    scene.world.until_all_ended().await;
    assert_eq!(scene.told().await, ["failures 1"]);
}

#[tokio::test]
async fn a_recovery_is_told_after_the_failures_that_it_ends() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    scene
        .rule("well", json!({ "runRecovered": true }), json!({}))
        .await;
    for outcome in [
        Outcome::Succeeded,
        Outcome::Failed,
        Outcome::Failed,
        Outcome::Succeeded,
        Outcome::Succeeded,
    ] {
        scene.run(outcome).await;
        scene.until_looked().await;
    }
    assert_eq!(scene.told().await, ["well 2 resolved"]);
}

#[tokio::test]
async fn failures_are_told_when_there_are_enough_of_them_within_the_window() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    let condition = json!({ "runsFailing": { "failures": 3, "within": "PT1H" } });
    scene
        .rule(
            "storm",
            condition,
            json!({ "workflow": { "key": "etl" }, "groupFor": "PT0S" }),
        )
        .await;
    scene.run(Outcome::Failed).await;
    scene.run(Outcome::Failed).await;
    scene.world.advance(Duration::from_hours(2)).await;
    scene.run(Outcome::Failed).await;
    scene.run(Outcome::Failed).await;
    assert_eq!(scene.told().await, [""; 0], "two and two, hours apart");
    scene.run(Outcome::Failed).await;
    assert_eq!(scene.told().await, ["storm 3"]);
}

#[tokio::test]
async fn a_rule_speaks_of_its_workflow_only_and_of_nothing_while_it_is_disabled() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    publish_no_ops(&scene.client, "other", &["a"], &[]).await;
    let other = json!({ "workflow": { "key": "other" } });
    scene.rule("elsewhere", json!({ "runFailed": true }), other).await;
    scene
        .rule("quiet", json!({ "runFailed": true }), json!({ "enabled": false }))
        .await;
    scene.run(Outcome::Failed).await;
    assert_eq!(scene.told().await, [""; 0]);
}

#[tokio::test]
async fn a_lost_executor_is_told_to_all_whom_it_served_and_resolved_when_it_is_back() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    let _scheduler = scene.world.scheduler();
    scene
        .rule("lost", json!({ "executorLost": true }), json!({}))
        .await;
    scene.until_looked().await;
    let _silent = scene.world.executor("one").join().await;
    scene.world.advance(Duration::from_mins(10)).await;
    scene
        .world
        .until_true("SELECT EXISTS (SELECT FROM alerts WHERE rule_key = 'lost')")
        .await;
    assert_eq!(scene.told().await, ["lost 1"]);
    let message: String = scene
        .world
        .value("SELECT message FROM alerts WHERE rule_key = 'lost'", &[])
        .await;
    assert_eq!(message, "the executor \"one\" was lost: its heartbeat ended");
    let _back = scene.world.executor("one").join().await;
    assert_eq!(scene.told().await, ["lost 1 resolved"]);
}

#[tokio::test]
async fn a_refused_cycle_is_told_with_its_nodes_in_order() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    scene
        .rule("cycles", json!({ "workflowRefused": true }), json!({}))
        .await;
    let nodes: Vec<Value> = ["a", "b"]
        .iter()
        .map(|node| json!({ "key": node, "taskNode": { "key": "etl" } }))
        .collect();
    let edges = json!([{ "from": "a", "to": "b" }, { "from": "b", "to": "a" }]);
    let refused = json!({ "key": "ring", "nodes": nodes, "edges": edges, "publish": true });
    scene.client.try_mutate("createWorkflow", refused, "").await;
    assert_eq!(scene.told().await, ["cycles 1"]);
    let message: String = scene
        .world
        .value("SELECT message FROM alerts WHERE rule_key = 'cycles'", &[])
        .await;
    assert_eq!(
        message,
        "the workflow \"ring\" was refused: its nodes wait for each other: a → b → a"
    );
}

#[tokio::test]
async fn what_waits_or_runs_too_long_is_told_once() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    let no_folding = json!({ "groupFor": "PT0S" });
    scene
        .rule(
            "waits",
            json!({ "taskWaits": { "longerThan": "PT5M" } }),
            no_folding.clone(),
        )
        .await;
    scene
        .rule(
            "long",
            json!({ "runLate": { "longerThan": "PT10M" } }),
            no_folding.clone(),
        )
        .await;
    scene
        .rule("slow", json!({ "runLate": { "timesUsual": 3.0 } }), no_folding)
        .await;
    for _ in 0..3 {
        start(&scene.client, "etl").await;
        let executor = scene.world.executor("quick").join().await;
        let assignment = executor.take_one().await;
        scene.world.advance(Duration::from_secs(20)).await;
        executor.exchange(vec![succeed(&assignment)], 0).await;
        scene.world.let_executors_leave().await;
    }
    start(&scene.client, "etl").await;
    scene.world.advance(Duration::from_mins(6)).await;
    assert_eq!(scene.told().await, ["waits 1"]);
    scene.world.advance(Duration::from_mins(6)).await;
    assert_eq!(scene.told().await, ["waits 1"], "once, however long it goes on");
    let executor = scene.world.executor("one").join().await;
    executor.take_one().await;
    scene.world.advance(Duration::from_secs(90)).await;
    assert_eq!(
        scene.told().await,
        ["waits 1", "slow 1"],
        "the usual is 20 seconds"
    );
    scene.world.advance(Duration::from_mins(10)).await;
    assert_eq!(scene.told().await, ["waits 1", "slow 1", "long 1"]);
}

#[tokio::test]
async fn what_is_silenced_is_recorded_until_the_silence_ends() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    scene
        .rule("failures", json!({ "runFailed": true }), json!({}))
        .await;
    let silence =
        json!({ "workflow": { "key": "etl" }, "reason": "moving house", "until": "2999-01-01T00:00:00Z" });
    let refused = scene.client.try_mutate("createSilence", silence, "").await;
    assert_eq!(refused["userErrors"][0]["path"], json!(["input", "until"]));
    let until: String = scene
        .world
        .value("SELECT to_json(present() + interval '1 day') #>> '{}'", &[])
        .await;
    let silence = json!({ "workflow": { "key": "etl" }, "reason": "moving house", "until": until });
    let made = scene
        .client
        .mutate("createSilence", silence, "silence { id createdBy }")
        .await;
    assert_eq!(made["silence"]["createdBy"], "somebody of acme");
    scene.run(Outcome::Failed).await;
    assert_eq!(scene.told().await, ["failures 1 silenced"]);
    let end = json!({ "id": made["silence"]["id"] });
    scene
        .client
        .mutate("endSilence", end, "silence { endedBy }")
        .await;
    scene.run(Outcome::Failed).await;
    assert_eq!(scene.told().await, ["failures 1 silenced", "failures 1"]);
    let answer = scene
        .client
        .ask(
            "{ alerts(filter: {silenced: true}) { nodes { rule { key } workflow { key } silence { reason } run { state } } }
                silences(filter: {lasting: true}) { nodes { id } } }",
            json!({}),
        )
        .await;
    let shown = json!([{ "rule": { "key": "failures" }, "workflow": { "key": "etl" },
        "silence": { "reason": "moving house" }, "run": { "state": "FAILED" } }]);
    assert_eq!(answer["alerts"]["nodes"], shown);
    assert_eq!(answer["silences"]["nodes"], json!([]));
}

#[tokio::test]
async fn each_cause_counts_once_whoever_dies_in_between() {
    let scene = Scene::set().await;
    scene
        .rule(
            "failures",
            json!({ "runFailed": true }),
            json!({ "groupFor": "PT0S" }),
        )
        .await;
    let elsewhere: Vec<Running> = (0..3).map(|_| scene.world.raiser()).collect();
    for raiser in elsewhere {
        scene.run(Outcome::Failed).await;
        scene.run(Outcome::Failed).await;
        raiser.kill().await;
    }
    let _raising = scene.world.raiser();
    assert_eq!(scene.told().await, ["failures 1"; 6]);
}

#[tokio::test]
async fn alerts_are_followed_from_any_cursor() {
    const ALERTS: &str =
        "subscription ($after: String) { alerts(after: $after) { cursor kind alert { ruleKey message } } }";
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    scene
        .rule("failures", json!({ "runFailed": true }), json!({}))
        .await;
    let after = json!({ "after": cursor(&scene.client).await });
    let mut live = scene.client.follow(ALERTS, after).await;
    for outcome in [Outcome::Failed, Outcome::Succeeded, Outcome::Failed] {
        scene.run(outcome).await;
        scene.until_looked().await;
    }
    let mut heard = Vec::new();
    for kind in ["ALERT_RAISED", "ALERT_RESOLVED", "ALERT_RAISED"] {
        let event = live.next().await.expect("an event");
        assert_eq!(
            (&event["kind"], &event["alert"]["ruleKey"]),
            (&json!(kind), &json!("failures"))
        );
        heard.push(event);
    }
    let resumed = json!({ "after": heard[0]["cursor"] });
    let mut resumed = scene.client.follow(ALERTS, resumed).await;
    for event in &heard[1..] {
        assert_eq!(resumed.next().await.expect("an event")["cursor"], event["cursor"]);
    }
}
