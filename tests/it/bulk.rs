//! What is done to many runs: a job that survives whoever works it off, and touches each run once.

use serde_json::{Value, json};
use waterclock_core::id::TenantId;
use waterclock_core::retry::RetryPolicy;
use waterclock_core::run::Outcome;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::story::with;
use waterclock_tests::{World, ended, graph};

/// A tenant with the workflow `flow`, and somebody of it.
struct Stage {
    world: World,
    api: Api,
    client: Client,
    tenant: TenantId,
}

impl Stage {
    async fn set() -> Self {
        let world = World::new().await;
        let tenant = world.tenant_with("flow", &graph("a")).await;
        let api = world.serve().await;
        Self {
            client: api.admin("flow"),
            api,
            tenant,
            world,
        }
    }

    /// Asks for something to be done to the runs of the workflow, and gives the job's id.
    async fn ask_for(&self, action: Value) -> String {
        self.ask_for_all_of(json!({ "matching": { "workflow": "flow" } }), action)
            .await
    }

    async fn ask_for_all_of(&self, runs: Value, action: Value) -> String {
        let input = json!({ "runs": runs, "action": action });
        let payload = self
            .client
            .mutate("bulkRuns", input, "bulkJob { id state }")
            .await;
        assert_eq!(payload["bulkJob"]["state"], "QUEUED");
        payload["bulkJob"]["id"].as_str().expect("an id").to_owned()
    }

    async fn job(&self, id: &str) -> Value {
        let document = "query ($id: ID!) { bulkJob(id: $id) {
            state matched matchesMore done succeeded refused createdBy cancelledBy
            refusals(first: 2) { pageInfo { hasNextPage } nodes { code message run { state } } } } }";
        self.client.ask(document, json!({ "id": id })).await["bulkJob"].take()
    }

    /// Follows the job until it has ended, and gives all that was seen of it.
    async fn follow(&self, id: &str) -> Vec<Value> {
        let document = "subscription ($id: ID!) { bulkJob(id: $id) { state done } }";
        let mut following = self.client.follow(document, json!({ "id": id })).await;
        following.rest().await
    }

    async fn work_off(&self, id: &str) -> Value {
        let scheduler = self.world.scheduler();
        let seen = self.follow(id).await;
        assert_eq!(seen.last().expect("the job as it was")["state"], "SUCCEEDED");
        scheduler.stop().await;
        self.job(id).await
    }

    async fn states(&self) -> Vec<String> {
        let counted = "SELECT state || ' ' || count(*) FROM runs GROUP BY state ORDER BY state";
        self.world.column(counted, &[]).await
    }

    async fn end_runs(&self, count: i64) {
        let ended = "WITH ended AS (
                UPDATE runs SET state = 'SUCCEEDED', open_task_runs = 0, finished_at = present()
                WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM runs) AS r
                    WHERE place % 2 = 0 LIMIT $1)
                RETURNING id
            ), gone AS (
                UPDATE task_runs SET state = 'SUCCEEDED', finished_at = present()
                WHERE run_id IN (SELECT id FROM ended)
            )
            DELETE FROM dispatch WHERE run_id IN (SELECT id FROM ended)";
        self.world.execute(ended, &[&count]).await;
    }

    async fn refused(&self, input: Value) -> Value {
        let mut payload = self.client.try_mutate("bulkRuns", input, "bulkJob { id }").await;
        assert_eq!(payload["bulkJob"], Value::Null);
        let error = payload["userErrors"][0].take();
        json!([error["code"], error["path"], error["message"]])
    }
}

#[tokio::test]
async fn a_thousand_runs_are_cancelled_and_those_that_had_ended_refuse() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 1_000).await;
    stage.end_runs(500).await;
    let other = stage.world.tenant_with("other", &graph("a")).await;
    stage.world.start_many(other, "other", 3).await;
    let id = stage.ask_for(json!({ "cancel": { "reason": "enough" } })).await;
    let later = stage.world.start(stage.tenant, "flow").await;
    let job = stage.work_off(&id).await;
    assert_eq!(
        job,
        json!({
            "state": "SUCCEEDED", "matched": 1000, "matchesMore": false, "done": 1000, "succeeded": 500, "refused": 500,
            "createdBy": "somebody of flow", "cancelledBy": null,
            "refusals": { "pageInfo": { "hasNextPage": true }, "nodes": vec![json!({
                "code": "CONFLICT", "message": "the run has ended already: it is SUCCEEDED", "run": { "state": "SUCCEEDED" },
            }); 2] },
        })
    );
    assert_eq!(
        stage.states().await,
        ["CANCELLED 500", "QUEUED 4", "SUCCEEDED 500"]
    );
    let untouched: bool = stage
        .world
        .value(
            "SELECT stop_requested_at IS NULL FROM runs WHERE id = $1::text::uuid",
            &[&later.to_string()],
        )
        .await;
    assert!(untouched, "a run that was not there when the job was made");
    let told: Vec<String> = stage
        .world
        .column(
            "SELECT DISTINCT stop_requested_by || ': ' || state_reason FROM runs WHERE state = 'CANCELLED'",
            &[],
        )
        .await;
    assert_eq!(told, ["somebody of flow: cancelled by somebody of flow: enough"]);
}

#[tokio::test]
async fn a_job_whose_scheduler_dies_goes_on_where_it_was() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 400).await;
    let id = stage.ask_for(json!({ "cancel": {} })).await;
    let mut deaths = 0;
    loop {
        let scheduler = stage.world.scheduler();
        let before = stage.job(&id).await["done"].clone();
        stage
            .world
            .until("the job has come further", async || {
                let job = stage.job(&id).await;
                job["state"] == "SUCCEEDED" || job["done"] != before
            })
            .await;
        scheduler.kill().await;
        if stage.job(&id).await["state"] == "SUCCEEDED" {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 0, "a scheduler died in the middle");
    let job = stage.job(&id).await;
    assert_eq!((&job["succeeded"], &job["refused"]), (&json!(400), &json!(0)));
    let asked: i64 = stage
        .world
        .value(
            "SELECT count(*) FROM events WHERE kind = 'RUN_CANCEL_REQUESTED'",
            &[],
        )
        .await;
    assert_eq!(asked, 400, "no run was touched twice");
}

#[tokio::test]
async fn what_was_undone_half_way_is_done_once() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 30).await;
    stage.end_runs(30).await;
    let id = stage
        .ask_for_all_of(
            json!({ "matching": { "states": ["SUCCEEDED"] } }),
            json!({ "rerun": { "from": { "all": true } } }),
        )
        .await;
    // Somebody holds the last of the runs, so that the turn waits with all others of it behind it; then its scheduler is lost.
    let mut other = stage.world.connect().await;
    let holding = other.transaction().await.unwrap();
    holding
        .execute(
            "SELECT FROM runs WHERE state = 'SUCCEEDED' ORDER BY id DESC LIMIT 1 FOR UPDATE",
            &[],
        )
        .await
        .unwrap();
    let scheduler = stage.world.scheduler();
    stage.world.until_somebody_waits().await;
    scheduler.kill().await;
    holding.rollback().await.unwrap();
    assert_eq!(stage.work_off(&id).await["succeeded"], 15);
    assert_eq!(stage.states().await, ["QUEUED 30", "SUCCEEDED 15"]);
    let reruns: i64 = stage
        .world
        .value(
            "SELECT count(DISTINCT rerun_of) FROM runs WHERE trigger = 'RERUN'",
            &[],
        )
        .await;
    assert_eq!(reruns, 15, "each run was run again once");
}

#[tokio::test]
async fn a_cancelled_job_touches_nothing_more() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 600).await;
    let id = stage.ask_for(json!({ "terminate": {} })).await;
    let scheduler = stage.world.scheduler();
    stage
        .world
        .until("the job has begun", async || {
            stage.job(&id).await["state"] == "RUNNING"
        })
        .await;
    let input = json!({ "id": id });
    let payload = stage
        .client
        .mutate(
            "cancelBulkJob",
            input.clone(),
            "bulkJob { state done cancelledBy }",
        )
        .await;
    let job = &payload["bulkJob"];
    assert_eq!(
        (&job["state"], &job["cancelledBy"]),
        (&json!("CANCELLED"), &json!("somebody of flow"))
    );
    let done = job["done"].as_i64().expect("a number");
    assert!(0 < done && done < 600, "{done}");
    // Another job is worked off meanwhile, so there were turns to be had.
    let next = stage.ask_for(json!({ "pause": true })).await;
    stage.follow(&next).await;
    scheduler.stop().await;
    assert_eq!(stage.job(&id).await["done"], done);
    assert_eq!(
        stage.states().await,
        [format!("CANCELLED {done}"), format!("PAUSED {}", 600 - done)]
    );
    stage.client.mutate("cancelBulkJob", input, "").await;
    let ended = stage
        .client
        .try_mutate("cancelBulkJob", json!({ "id": next }), "")
        .await;
    assert_eq!(
        ended["userErrors"][0]["message"],
        "the bulk job has ended already: it is SUCCEEDED"
    );
}

#[tokio::test]
async fn runs_are_paused_and_resumed_and_run_again_together() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 4).await;
    let pause = stage.ask_for(json!({ "pause": true })).await;
    stage.work_off(&pause).await;
    assert_eq!(stage.states().await, ["PAUSED 4"]);
    let resume = json!({ "matching": { "states": ["PAUSED"], "startedBy": "tester" } });
    let resume = stage.ask_for_all_of(resume, json!({ "resume": true })).await;
    assert_eq!(stage.work_off(&resume).await["succeeded"], 4);
    let executor = stage.world.executor("one").slots(4).join().await;
    let taken = executor.take(4).await;
    let reports = taken.iter().map(|taken| ended(taken, Outcome::Failed)).collect();
    executor.exchange(reports, 0).await;
    let rerun = json!({ "rerun": { "from": { "failed": true }, "version": "LATEST" } });
    let rerun = stage.ask_for_all_of(json!({ "all": true }), rerun).await;
    assert_eq!(stage.work_off(&rerun).await["succeeded"], 4);
    assert_eq!(stage.states().await, ["FAILED 4", "QUEUED 4"]);
}

#[tokio::test]
async fn one_task_node_of_many_runs_is_hurried_or_skipped() {
    let stage = Stage::set().await;
    let patient = with(graph("a -> b"), "a", |node| {
        node.retry = RetryPolicy {
            max_attempts: 2,
            delay_ms: 3_600_000,
            max_delay_ms: 3_600_000,
            ..RetryPolicy::default()
        };
    });
    stage.world.publish(stage.tenant, "patient", &patient).await;
    stage.world.start_many(stage.tenant, "patient", 3).await;
    let executor = stage.world.executor("one").slots(3).join().await;
    let failed = executor
        .take(3)
        .await
        .iter()
        .map(|taken| ended(taken, Outcome::Failed))
        .collect();
    executor.exchange(failed, 0).await;
    let runs = json!({ "matching": { "workflow": "patient" } });
    let retry = json!({ "retryTaskRun": { "node": "a" } });
    let hurried = stage.ask_for_all_of(runs.clone(), retry).await;
    assert_eq!(stage.work_off(&hurried).await["succeeded"], 3);
    let skip = json!({ "skipTaskRun": { "node": "b", "reason": "not today" } });
    let skipped = stage.ask_for_all_of(runs.clone(), skip).await;
    assert_eq!(stage.work_off(&skipped).await["succeeded"], 3);
    let unknown = json!({ "skipTaskRun": { "node": "nowhere" } });
    let unknown = stage.ask_for_all_of(runs, unknown).await;
    let refused = stage.work_off(&unknown).await;
    assert_eq!(refused["refused"], 3);
    assert_eq!(
        refused["refusals"]["nodes"][0]["message"],
        "the run has no task node with the key \"nowhere\""
    );
    let done = executor
        .take(3)
        .await
        .iter()
        .map(|taken| ended(taken, Outcome::Succeeded))
        .collect();
    executor.exchange(done, 0).await;
    assert_eq!(stage.states().await, ["SUCCEEDED 3"]);
}

#[tokio::test]
async fn a_dry_run_counts_and_does_nothing() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 7).await;
    let input = json!({ "runs": { "matching": { "states": ["QUEUED"] } }, "action": { "cancel": {} }, "dryRun": true });
    let told = stage
        .client
        .mutate("bulkRuns", input, "bulkJob { id } matched matchesMore")
        .await;
    assert_eq!(
        (&told["bulkJob"], &told["matched"], &told["matchesMore"]),
        (&Value::Null, &json!(7), &json!(false))
    );
    let jobs = stage.client.ask("{ bulkJobs { nodes { id } } }", json!({})).await;
    assert_eq!(jobs["bulkJobs"]["nodes"], json!([]));
}

#[tokio::test]
async fn every_run_is_meant_only_when_it_is_said() {
    let stage = Stage::set().await;
    let cancel = json!({ "cancel": {} });
    for nothing in [json!({}), json!({ "states": [] })] {
        let input = json!({ "runs": { "matching": nothing }, "action": cancel });
        assert_eq!(
            stage.refused(input).await,
            json!([
                "INVALID_INPUT",
                ["input", "runs", "matching"],
                "this matches every run; if that is what you mean, say `all: true`"
            ])
        );
    }
    let input = json!({ "runs": { "matching": { "workflow": "nowhere" } }, "action": cancel });
    assert_eq!(
        stage.refused(input).await,
        json!([
            "NOT_FOUND",
            ["input", "runs", "matching", "workflow"],
            "there is no workflow with this key"
        ])
    );
    let input = json!({ "runs": { "all": true }, "action": { "cancel": { "reason": "x".repeat(1001) } } });
    assert_eq!(
        stage.refused(input).await[1],
        json!(["input", "action", "cancel", "reason"])
    );
}

#[tokio::test]
async fn a_call_that_is_made_again_makes_one_job() {
    let stage = Stage::set().await;
    let call = async |reason: &str| {
        let input = json!({
            "runs": { "all": true }, "action": { "cancel": { "reason": reason } }, "idempotencyKey": "once",
        });
        let document = "mutation ($input: BulkRunsInput!) { bulkRuns(input: $input) { bulkJob { id } } }";
        stage.client.answer(document, json!({ "input": input })).await
    };
    let first = call("enough").await;
    assert!(first["data"]["bulkRuns"]["bulkJob"]["id"].is_string(), "{first}");
    assert_eq!(call("enough").await, first);
    let other = call("something else").await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "IDEMPOTENCY_CONFLICT");
}

#[tokio::test]
async fn jobs_of_one_tenant_take_turns_and_are_bounded() {
    let stage = Stage::set().await;
    stage.world.start_many(stage.tenant, "flow", 300).await;
    let large = stage.ask_for(json!({ "pause": true })).await;
    let small = json!({ "matching": { "workflow": "flow", "states": ["CANCELLED"] } });
    let small = stage.ask_for_all_of(small, json!({ "pause": true })).await;
    let scheduler = stage.world.scheduler();
    stage.follow(&small).await;
    stage.follow(&large).await;
    scheduler.stop().await;
    let order: Vec<i32> = stage
        .world
        .column("SELECT matched FROM bulk_jobs ORDER BY finished_at", &[])
        .await;
    assert_eq!(order, [0, 300], "the small job did not wait for the large one");
    for _ in 0..20 {
        stage.ask_for(json!({ "pause": true })).await;
    }
    let input = json!({ "runs": { "all": true }, "action": { "pause": true } });
    assert_eq!(stage.refused(input).await[0], "QUOTA_EXCEEDED");
    let viewer = stage.api.client("flow", &[waterclock_api::auth::Scope::Viewer]);
    let answer = viewer
        .answer(
            "{ bulkJobs(first: 1) { nodes { state runs { all workflow { key } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        answer["data"]["bulkJobs"]["nodes"][0],
        json!({ "state": "QUEUED", "runs": { "all": false, "workflow": { "key": "flow" } } })
    );
}

#[tokio::test]
async fn a_job_that_cannot_be_read_ends_and_holds_up_no_other() {
    let stage = Stage::set().await;
    stage.world.start(stage.tenant, "flow").await;
    let broken = stage.ask_for(json!({ "pause": true })).await;
    let good = stage.ask_for(json!({ "pause": true })).await;
    stage
        .world
        .execute(
            "UPDATE bulk_jobs SET action = '\"Unheard\"' WHERE id = (SELECT id FROM bulk_jobs ORDER BY id LIMIT 1)",
            &[],
        )
        .await;
    stage.work_off(&good).await;
    stage
        .world
        .until_true("SELECT count(*) = 1 FROM bulk_jobs WHERE state = 'FAILED'")
        .await;
    drop(broken);
}
