//! Runs that are run again, as a whole or in part; the run before stays as it is.

use insta::assert_snapshot;
use serde_json::{Value, json};
use waterclock_core::id::RunId;
use waterclock_core::run::Outcome;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::script::Scripted;
use waterclock_tests::story::with;
use waterclock_tests::{World, ended, graph};

/// A tenant with one workflow, `flow`, and somebody who performs what there is.
struct Stage {
    world: World,
    _api: Api,
    client: Client,
    executor: Scripted,
}

impl Stage {
    async fn set(definition: &waterclock_core::workflow::Definition) -> Self {
        let world = World::that_comes_to_rest().await;
        world.tenant_with("flow", definition).await;
        let api = world.serve().await;
        Self {
            client: api.admin("flow"),
            executor: world.executor("one").slots(9).join().await,
            _api: api,
            world,
        }
    }

    /// Starts a run of the workflow, lets the nodes `failing` fail and all others succeed, and gives the run's id.
    async fn run(&self, failing: &[&str]) -> String {
        let run = crate::graphql::start(&self.client, "flow").await;
        self.perform(failing).await;
        run
    }

    /// Performs all there is, and gives the keys in the order in which they came.
    async fn perform(&self, failing: &[&str]) -> Vec<String> {
        let mut performed = Vec::new();
        loop {
            let mut taken = self.executor.take(9).await;
            if taken.is_empty() {
                return performed;
            }
            taken.sort_by(|one, other| one.node.key.cmp(&other.node.key));
            let mut reports = Vec::new();
            for assignment in &taken {
                let key = assignment.node.key.as_str();
                let outcome = if failing.contains(&key) {
                    Outcome::Failed
                } else {
                    Outcome::Succeeded
                };
                let mut report = ended(assignment, outcome);
                report.output = (outcome == Outcome::Succeeded).then(|| json!({ "by": key }));
                reports.push(report);
                performed.push(key.to_owned());
            }
            self.executor.exchange(reports, 0).await;
        }
    }

    async fn rerun(&self, run: &str, from: Value) -> String {
        let input = json!({ "id": run, "from": from });
        let payload = self.client.mutate("rerun", input, "run { id trigger }").await;
        assert_eq!(payload["run"]["trigger"], "RERUN");
        payload["run"]["id"].as_str().expect("an id").to_owned()
    }

    /// The first thing that is wrong with a rerun.
    async fn refused(&self, input: Value) -> Value {
        let mut payload = self.client.try_mutate("rerun", input, "run { id }").await;
        assert_eq!(payload["run"], Value::Null);
        let error = payload["userErrors"][0].take();
        json!([error["code"], error["path"], error["message"]])
    }

    /// The run that was started last.
    async fn latest(&self) -> RunId {
        let id: String = self
            .world
            .value("SELECT id::text FROM runs ORDER BY id DESC LIMIT 1", &[])
            .await;
        id.parse().expect("an id")
    }

    async fn tree(&self) -> String {
        self.world.tree(self.latest().await).await
    }
}

#[tokio::test]
async fn from_a_failure_nothing_runs_that_had_succeeded() {
    let stage = Stage::set(&graph("a -> b c -> d")).await;
    let run = stage.run(&["b"]).await;
    let (before, earlier) = (stage.tree().await, stage.latest().await);
    stage.rerun(&run, json!({ "failed": true })).await;
    assert_eq!(stage.perform(&[]).await, ["b", "d"]);
    assert_snapshot!(stage.tree().await, @r"
    run SUCCEEDED
      a SUCCEEDED: kept from the run that is run again
        b SUCCEEDED
          d (and after c) SUCCEEDED
        c SUCCEEDED: kept from the run that is run again
    ");
    assert_eq!(
        stage.world.tree(earlier).await,
        before,
        "what has ended stays as it is"
    );
}

#[tokio::test]
async fn a_run_that_was_cancelled_goes_on_where_it_was() {
    let stage = Stage::set(&graph("a -> b -> c")).await;
    let run = crate::graphql::start(&stage.client, "flow").await;
    let first = stage.executor.take_one().await;
    stage.executor.report(&first, Outcome::Succeeded).await;
    stage.client.mutate("cancelRun", json!({ "id": run }), "").await;
    stage.rerun(&run, json!({ "failed": true })).await;
    assert_eq!(stage.perform(&[]).await, ["b", "c"]);
}

#[tokio::test]
async fn all_of_it_runs_again_when_all_is_wanted() {
    let stage = Stage::set(&graph("a -> b -> c")).await;
    let run = stage.run(&[]).await;
    stage.rerun(&run, json!({ "all": true })).await;
    assert_eq!(stage.perform(&[]).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_node_out_of_the_middle_runs_alone() {
    let stage = Stage::set(&graph("a -> b -> c -> d, e")).await;
    let run = stage.run(&["b"]).await;
    let from = json!({ "nodes": { "keys": ["c"], "with": "ONLY" } });
    stage.rerun(&run, from).await;
    assert_eq!(stage.perform(&[]).await, ["c"]);
    assert_snapshot!(stage.tree().await, @r"
    run SUCCEEDED
      a SUCCEEDED: kept from the run that is run again
        b SKIPPED: left out of this rerun
          c SUCCEEDED
            d SKIPPED: left out of this rerun
      e SUCCEEDED: kept from the run that is run again
    ");
}

#[tokio::test]
async fn what_is_before_or_after_a_node_comes_along() {
    let stage = Stage::set(&graph("a -> b -> c -> d")).await;
    let run = stage.run(&[]).await;
    stage
        .rerun(&run, json!({ "nodes": { "keys": ["b"], "with": "UPSTREAM" } }))
        .await;
    assert_eq!(stage.perform(&[]).await, ["a", "b"]);
    stage
        .rerun(&run, json!({ "nodes": { "keys": ["b"], "with": "DOWNSTREAM" } }))
        .await;
    assert_eq!(stage.perform(&[]).await, ["b", "c", "d"]);
}

#[tokio::test]
async fn what_was_left_out_holds_up_no_rerun_of_the_rerun() {
    let stage = Stage::set(&graph("a -> b -> c")).await;
    let run = stage.run(&["a"]).await;
    let only = json!({ "nodes": { "keys": ["b"] } });
    let second = stage.rerun(&run, only).await;
    stage.perform(&["b"]).await;
    stage.rerun(&second, json!({ "failed": true })).await;
    assert_eq!(stage.perform(&[]).await, ["b"]);
    assert_snapshot!(stage.tree().await, @r"
    run SUCCEEDED
      a SKIPPED: left out of this rerun
        b SUCCEEDED
          c SKIPPED: left out of this rerun
    ");
}

#[tokio::test]
async fn what_is_kept_keeps_its_outputs() {
    let asks = with(graph("a -> b"), "b", |node| {
        node.condition = Some("nodes.a.outputs.by == 'a'".to_owned());
    });
    let stage = Stage::set(&asks).await;
    let run = stage.run(&["b"]).await;
    stage.rerun(&run, json!({ "failed": true })).await;
    assert_eq!(stage.perform(&[]).await, ["b"]);
}

#[tokio::test]
async fn the_latest_version_is_matched_by_key() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("flow");
    crate::graphql::publish_no_ops(&client, "flow", &["a", "b"], &[("a", "b")]).await;
    let stage = Stage {
        executor: world.executor("one").slots(9).join().await,
        client,
        _api: api,
        world,
    };
    let run = stage.run(&["b"]).await;
    let found = stage
        .client
        .ask("{ workflow(key: \"flow\") { id revision } }", json!({}))
        .await;
    let node = |key: &str| json!({ "key": key, "taskNode": { "key": "flow" } });
    let edit = json!({
        "id": found["workflow"]["id"], "expectedRevision": found["workflow"]["revision"], "publish": true,
        "nodes": [node("b"), node("new"), node("a")],
        "edges": [{ "from": "a", "to": "new" }, { "from": "new", "to": "b" }],
    });
    stage.client.mutate("updateWorkflow", edit, "").await;
    let input = json!({ "id": run, "from": { "failed": true }, "version": "LATEST" });
    stage.client.mutate("rerun", input, "").await;
    assert_eq!(stage.perform(&[]).await, ["new", "b"]);
    let same = json!({ "id": run, "from": { "failed": true } });
    stage.client.mutate("rerun", same, "").await;
    assert_eq!(stage.perform(&[]).await, ["b"]);
}

#[tokio::test]
async fn a_call_that_is_made_again_answers_the_same_run() {
    let stage = Stage::set(&graph("a")).await;
    let run = stage.run(&["a"]).await;
    let input = json!({ "id": run, "from": { "all": true }, "idempotencyKey": "once" });
    let first = stage.client.mutate("rerun", input.clone(), "run { id }").await;
    let second = stage.client.mutate("rerun", input, "run { id }").await;
    assert_eq!(first["run"], second["run"]);
    assert_eq!(stage.perform(&[]).await, ["a"]);
}

#[tokio::test]
async fn what_cannot_be_run_again_is_refused_with_the_remedy() {
    let stage = Stage::set(&graph("a")).await;
    let run = crate::graphql::start(&stage.client, "flow").await;
    let all = json!({ "all": true });
    assert_eq!(
        stage.refused(json!({ "id": run, "from": all })).await,
        json!([
            "CONFLICT",
            ["input", "id"],
            "the run has not ended: it is QUEUED; wait for its end or stop it with cancelRun, and run it again then"
        ])
    );
    stage.perform(&[]).await;
    assert_eq!(
        stage
            .refused(json!({ "id": run, "from": { "failed": true } }))
            .await,
        json!([
            "CONFLICT",
            ["input", "from"],
            "nothing of the run failed, so nothing would run; run all of it again, or name task nodes"
        ])
    );
    let nodes = json!({ "nodes": { "keys": ["a", "b"] } });
    assert_eq!(
        stage.refused(json!({ "id": run, "from": nodes })).await,
        json!([
            "NOT_FOUND",
            ["input", "from", "nodes", "keys", "1"],
            "the workflow has no task node with the key \"b\""
        ])
    );
    assert_eq!(
        stage
            .refused(json!({ "id": run, "from": { "all": false } }))
            .await[1],
        json!(["input", "from"])
    );
}
