//! What is run of a schedule's past: planned first, within its cap, once, and beside what is due now.

mod live;
mod refused;
mod room;
mod survival;
mod terminal;

use serde_json::{Value, json};
use waterclock_core::run::Outcome;
use waterclock_core::work::Assignment;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::script::Scripted;
use waterclock_tests::{World, ended, succeed};

use crate::graphql::publish_no_ops;

/// The midnight from which the schedules of these tests count their hours.
const MIDNIGHT: &str = "2025-03-01T00:00:00Z";

/// An hour of that day.
fn hour(number: u32) -> String {
    format!("2025-03-01T{number:02}:00:00Z")
}

/// The first hours of that day.
fn first_hours(count: u32) -> Value {
    json!({ "range": { "from": MIDNIGHT, "until": hour(count) } })
}

/// A tenant with the workflow `report`, and somebody of it.
struct Stage {
    world: World,
    api: Api,
    client: Client,
}

impl Stage {
    async fn set() -> Self {
        let world = World::new().await;
        let api = world.serve().await;
        let client = api.admin("acme");
        publish_no_ops(&client, "report", &["only"], &[]).await;
        Self { world, api, client }
    }

    /// A schedule of every hour, which is stopped and tells its runs the hour; gives its id.
    async fn schedule(&self, more: Value) -> String {
        let mut input = json!({
            "key": "hourly", "workflow": { "key": "report" }, "start": false,
            "timing": { "rule": { "interval": { "every": "PT1H", "anchor": MIDNIGHT } } },
            "computedInputs": [{ "name": "hour", "value": "occurrence.instant.getHours()" }],
        });
        let more = more.as_object().expect("fields").clone();
        input.as_object_mut().expect("fields").extend(more);
        let made = self
            .client
            .mutate("createSchedule", input, "schedule { id }")
            .await;
        made["schedule"]["id"].as_str().expect("an id").to_owned()
    }

    /// Asks for a backfill and gives its id.
    async fn backfill(&self, schedule: &str, scope: Value, more: Value) -> String {
        let mut input = json!({ "id": schedule, "scope": scope });
        let more = more.as_object().expect("fields").clone();
        input.as_object_mut().expect("fields").extend(more);
        let made = self
            .client
            .mutate("backfillSchedule", input, "backfill { id state }")
            .await;
        assert_eq!(made["backfill"]["state"], "QUEUED");
        made["backfill"]["id"].as_str().expect("an id").to_owned()
    }

    async fn shown(&self, id: &str) -> Value {
        let document = "query ($id: ID!) { backfill(id: $id) {
            state stateReason createdBy cancelledBy
            progress { total pending running succeeded failed cancelled rejected passedOver } } }";
        self.client.ask(document, json!({ "id": id })).await["backfill"].take()
    }

    /// The steps as `hour STATE`, in their order.
    async fn steps(&self, id: &str) -> Vec<String> {
        let document = "query ($id: ID!) { backfill(id: $id) { steps { nodes { instant state } } } }";
        let shown = self.client.ask(document, json!({ "id": id })).await;
        let steps = shown["backfill"]["steps"]["nodes"].as_array().expect("steps");
        let told = |step: &Value| {
            let (instant, state) = (step["instant"].as_str(), step["state"].as_str());
            format!(
                "{} {}",
                &instant.expect("an instant")[11..13],
                state.expect("a state")
            )
        };
        steps.iter().map(told).collect()
    }

    /// Follows the backfill until it has ended, and gives all that was seen of it.
    async fn follow(&self, id: &str) -> Vec<Value> {
        let document = "subscription ($id: ID!) { backfill(id: $id) {
            state progress { pending running succeeded failed rejected } } }";
        let mut following = self.client.follow(document, json!({ "id": id })).await;
        following.rest().await
    }

    /// Waits until so many of its runs are under way.
    async fn until_running(&self, id: &str, count: i64) {
        self.world
            .until("runs are under way", async || {
                self.shown(id).await["progress"]["running"] == count
            })
            .await;
    }

    async fn executor(&self) -> Scripted {
        self.world.executor("worker").slots(50).join().await
    }

    /// Runs these hours, each to the end that `script` says.
    async fn have_run(&self, schedule: &str, hours: &[u32], script: fn(&Assignment) -> Outcome) -> String {
        let instants: Vec<String> = hours.iter().map(|&number| hour(number)).collect();
        let scope = json!({ "instants": instants });
        let id = self
            .backfill(schedule, scope, json!({ "reprocess": "COMPLETED" }))
            .await;
        let scheduler = self.world.scheduler();
        let executor = self.executor().await;
        let working = executor.perform(move |assignment| ended(assignment, script(assignment)));
        self.follow(&id).await;
        working.stop().await;
        scheduler.stop().await;
        id
    }

    /// What a backfill would do, as `hour runs` or `hour reason`.
    async fn foreseen(&self, schedule: &str, scope: &Value, reprocess: &str) -> Vec<String> {
        let document = "query ($input: PreviewBackfillInput!) { previewBackfill(input: $input) {
            total wouldRun steps { nodes { instant runs reason } } userErrors { message } } }";
        let input = json!({ "id": schedule, "scope": scope, "reprocess": reprocess });
        let shown = self.client.ask(document, json!({ "input": input })).await;
        let preview = &shown["previewBackfill"];
        let steps = preview["steps"]["nodes"].as_array().expect("steps");
        assert_eq!(preview["total"], steps.len());
        let running = steps.iter().filter(|step| step["runs"] == true).count();
        assert_eq!(preview["wouldRun"], running);
        let told = |step: &Value| {
            let instant = step["instant"].as_str().expect("an instant");
            format!(
                "{} {}",
                &instant[11..13],
                step["reason"].as_str().unwrap_or("runs")
            )
        };
        steps.iter().map(told).collect()
    }
}

/// The hour that a run was told.
fn told_hour(assignment: &Assignment) -> i64 {
    assignment.inputs["hour"].as_i64().expect("an hour")
}

#[tokio::test]
async fn a_plan_says_what_would_run_and_why_the_rest_would_not() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let fails_at_first = |assignment: &Assignment| match told_hour(assignment) {
        0 => Outcome::Failed,
        _ => Outcome::Succeeded,
    };
    stage.have_run(&schedule, &[0, 1], fails_at_first).await;
    let scope = json!({ "instants": [hour(2), hour(3)] });
    let open = stage.backfill(&schedule, scope, json!({})).await;
    let scheduler = stage.world.scheduler();
    stage.until_running(&open, 1).await;
    scheduler.stop().await;
    let rest = [
        "02 its run is under way",
        "03 it waits to start already",
        "04 runs",
    ];
    for (reprocess, first, second) in [
        (
            "NONE",
            "00 its run failed, and failed ones are not run again",
            "01 its run succeeded, and completed ones are not run again",
        ),
        (
            "FAILED",
            "00 runs",
            "01 its run succeeded, and completed ones are not run again",
        ),
        ("COMPLETED", "00 runs", "01 runs"),
    ] {
        let foreseen = stage.foreseen(&schedule, &first_hours(5), reprocess).await;
        assert_eq!(foreseen[..2], [first, second], "{reprocess}");
        assert_eq!(foreseen[2..], rest, "{reprocess}");
    }
    let backfills: i64 = stage.world.value("SELECT count(*) FROM backfills", &[]).await;
    assert_eq!(backfills, 2, "a plan is not kept");
}

#[tokio::test]
async fn steps_start_in_the_order_that_was_asked_for() {
    for (order, expected) in [("OLDEST_FIRST", [0, 1, 2, 3]), ("NEWEST_FIRST", [3, 2, 1, 0])] {
        let stage = Stage::set().await;
        let schedule = stage.schedule(json!({})).await;
        let backfill = stage
            .backfill(&schedule, first_hours(4), json!({ "order": order }))
            .await;
        let _scheduler = stage.world.scheduler();
        let executor = stage.executor().await;
        let mut seen = Vec::new();
        for _ in 0..4 {
            let work = executor.wait_for_one().await;
            seen.push(told_hour(&work));
            assert_eq!(executor.take(10).await.len(), 0, "one after the other");
            executor.report(&work, Outcome::Succeeded).await;
        }
        assert_eq!(seen, expected, "{order}");
        assert_eq!(
            stage.follow(&backfill).await.last().expect("its end")["state"],
            "SUCCEEDED"
        );
    }
}

#[tokio::test]
async fn no_more_runs_are_under_way_than_the_cap_allows() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let backfill = stage
        .backfill(&schedule, first_hours(20), json!({ "mostRunning": 3 }))
        .await;
    let _scheduler = stage.world.scheduler();
    stage.until_running(&backfill, 3).await;
    let executor = stage.executor().await;
    let mut held = executor.take(50).await;
    assert_eq!(held.len(), 3);
    let mut done = 0;
    while done < 17 {
        // One ends, or two do together, and as many take their places.
        let ends: Vec<Assignment> = held.drain(..=(done % 2)).collect();
        done += ends.len();
        executor.exchange(ends.iter().map(succeed).collect(), 0).await;
        while held.len() < 3.min(20 - done) {
            held.push(executor.wait_for_one().await);
        }
        assert_eq!(executor.take(50).await.len(), 0, "{done} have ended");
    }
    executor.exchange(held.iter().map(succeed).collect(), 0).await;
    let seen = stage.follow(&backfill).await;
    assert_eq!(
        *seen.last().expect("its end"),
        json!({ "state": "SUCCEEDED", "progress": {
            "pending": 0, "running": 0, "succeeded": 20, "failed": 0, "rejected": 0 } })
    );
}

#[tokio::test]
async fn whoever_follows_a_backfill_sees_it_come_further_and_end() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let backfill = stage.backfill(&schedule, first_hours(5), json!({})).await;
    let executor = stage.executor().await;
    let fails_at_last = |assignment: &Assignment| match told_hour(assignment) {
        4 => ended(assignment, Outcome::Failed),
        _ => succeed(assignment),
    };
    let _working = executor.perform(fails_at_last);
    let _scheduler = stage.world.scheduler();
    let seen = stage.follow(&backfill).await;
    let done: Vec<i64> = seen
        .iter()
        .map(|seen| seen["progress"]["succeeded"].as_i64().expect("a number"))
        .collect();
    assert!(done.is_sorted(), "{done:?}");
    assert_eq!(
        stage.shown(&backfill).await,
        json!({
            "state": "FAILED", "stateReason": "failed: 1", "createdBy": "somebody of acme", "cancelledBy": null,
            "progress": {
                "total": 5, "pending": 0, "running": 0, "succeeded": 4, "failed": 1, "cancelled": 0, "rejected": 0,
                "passedOver": 0,
            },
        })
    );
}

#[tokio::test]
async fn what_is_run_again_is_one_occurrence_with_its_last_run() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    stage.have_run(&schedule, &[0, 1], |_| Outcome::Failed).await;
    stage.have_run(&schedule, &[1], |_| Outcome::Succeeded).await;
    let again = stage
        .backfill(&schedule, first_hours(2), json!({ "reprocess": "FAILED" }))
        .await;
    assert_eq!(stage.steps(&again).await, ["00 PENDING", "01 PASSED_OVER"]);
    let document = "query { schedule(key: \"hourly\") {
        occurrences { nodes { outcome reason run { trigger startedBy state occurrence { outcome } } } }
        backfills(filter: { states: [FAILED, SUCCEEDED] }) { nodes { state } } } }";
    let shown = stage.client.ask(document, json!({})).await;
    let run = |state: &str| {
        json!({
            "trigger": "BACKFILL", "startedBy": "backfill:somebody of acme", "state": state,
            "occurrence": { "outcome": "BACKFILLED" },
        })
    };
    assert_eq!(
        shown["schedule"],
        json!({
            "occurrences": { "nodes": [
                { "outcome": "BACKFILLED", "run": run("SUCCEEDED"),
                  "reason": "backfilled by somebody of acme; it was BACKFILLED: backfilled by somebody of acme" },
                { "outcome": "BACKFILLED", "run": run("FAILED"), "reason": "backfilled by somebody of acme" },
            ] },
            "backfills": { "nodes": [{ "state": "SUCCEEDED" }, { "state": "FAILED" }] },
        })
    );
}

#[tokio::test]
async fn a_step_whose_run_cannot_be_made_says_why_and_the_others_go_on() {
    let stage = Stage::set().await;
    let breaks_at_one = json!([{ "name": "hour", "value": "6 / (occurrence.instant.getHours() - 1)" }]);
    let schedule = stage.schedule(json!({ "computedInputs": breaks_at_one })).await;
    let backfill = stage.backfill(&schedule, first_hours(3), json!({})).await;
    let _scheduler = stage.world.scheduler();
    let _working = stage.executor().await.perform(succeed);
    stage.follow(&backfill).await;
    assert_eq!(
        stage.steps(&backfill).await,
        ["00 SUCCEEDED", "01 REJECTED", "02 SUCCEEDED"]
    );
    let shown = stage.shown(&backfill).await;
    assert_eq!(
        (&shown["state"], &shown["stateReason"]),
        (&json!("FAILED"), &json!("could not start: 1"))
    );
    let told: String = stage
        .world
        .value("SELECT reason FROM backfill_steps WHERE state = 'REJECTED'", &[])
        .await;
    assert!(told.starts_with("the input \"hour\" cannot be told: "), "{told}");
    let recorded: i64 = stage.world.value("SELECT count(*) FROM occurrences", &[]).await;
    assert_eq!(recorded, 2, "what could not start is as it was");
}

#[tokio::test]
async fn of_a_workflow_that_is_not_published_no_step_starts() {
    let stage = Stage::set().await;
    let nodes = json!([{ "key": "a", "taskNode": { "key": "report" } }]);
    let draft = json!({ "key": "draft", "nodes": nodes });
    stage.client.mutate("createWorkflow", draft, "").await;
    let schedule = stage
        .schedule(json!({ "workflow": { "key": "draft" }, "computedInputs": [] }))
        .await;
    let backfill = stage.backfill(&schedule, first_hours(2), json!({})).await;
    let _scheduler = stage.world.scheduler();
    stage.follow(&backfill).await;
    assert_eq!(stage.steps(&backfill).await, ["00 REJECTED", "01 REJECTED"]);
}

/// Has two of five runs under way, both with an executor, and cancels the backfill; gives what the executor is told to stop.
async fn cancelled(stage: &Stage, runs: &str) -> (String, Scripted, Vec<Assignment>, usize) {
    let schedule = stage.schedule(json!({})).await;
    let backfill = stage
        .backfill(&schedule, first_hours(5), json!({ "mostRunning": 2 }))
        .await;
    let scheduler = stage.world.scheduler();
    stage.until_running(&backfill, 2).await;
    let executor = stage.executor().await;
    let held = executor.take(50).await;
    executor.exchange(Vec::new(), 0).await;
    let input = json!({ "id": backfill, "runs": runs });
    let payload = stage
        .client
        .mutate("cancelBackfill", input, "backfill { state cancelledBy }")
        .await;
    assert_eq!(
        payload["backfill"],
        json!({ "state": "CANCELLED", "cancelledBy": "somebody of acme" })
    );
    let told = executor.cancellations().await.len();
    assert_eq!(
        stage.steps(&backfill).await,
        [
            "00 RUNNING",
            "01 RUNNING",
            "02 CANCELLED",
            "03 CANCELLED",
            "04 CANCELLED"
        ]
    );
    scheduler.stop().await;
    (backfill, executor, held, told)
}

#[tokio::test]
async fn a_cancelled_backfill_starts_nothing_more_and_its_runs_go_on() {
    let stage = Stage::set().await;
    let (backfill, executor, held, told) = cancelled(&stage, "KEEP").await;
    assert_eq!(told, 0);
    let again = json!({ "id": backfill });
    stage.client.mutate("cancelBackfill", again, "").await;
    let _scheduler = stage.world.scheduler();
    executor.exchange(held.iter().map(succeed).collect(), 0).await;
    stage.until_running(&backfill, 0).await;
    let shown = stage.shown(&backfill).await;
    assert_eq!(
        (&shown["state"], &shown["stateReason"]),
        (&json!("CANCELLED"), &json!("cancelled by somebody of acme"))
    );
    assert_eq!(
        (&shown["progress"]["succeeded"], &shown["progress"]["cancelled"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(executor.take(50).await.len(), 0);
}

#[tokio::test]
async fn a_cancelled_backfill_stops_its_runs_if_that_is_asked_for() {
    for (runs, at_once) in [("CANCEL", false), ("TERMINATE", true)] {
        let stage = Stage::set().await;
        let (backfill, executor, held, told) = cancelled(&stage, runs).await;
        assert_eq!(told, 2, "{runs}");
        let asked: i64 = stage
            .world
            .value(
                "SELECT count(*) FROM events
                WHERE kind = 'RUN_CANCEL_REQUESTED' AND (data ->> 'atOnce' IS NOT NULL) = $1",
                &[&at_once],
            )
            .await;
        assert_eq!(asked, 2, "{runs}");
        let _scheduler = stage.world.scheduler();
        let stopped = held.iter().map(|held| ended(held, Outcome::Cancelled)).collect();
        executor.exchange(stopped, 0).await;
        stage.until_running(&backfill, 0).await;
        assert_eq!(stage.shown(&backfill).await["progress"]["cancelled"], 5, "{runs}");
    }
}

#[tokio::test]
async fn the_backfills_of_a_schedule_that_is_deleted_are_cancelled() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let backfill = stage.backfill(&schedule, first_hours(3), json!({})).await;
    let scheduler = stage.world.scheduler();
    stage.until_running(&backfill, 1).await;
    scheduler.stop().await;
    let input = json!({ "id": schedule, "expectedRevision": 1 });
    stage.client.mutate("deleteSchedule", input, "").await;
    let shown = stage.shown(&backfill).await;
    assert_eq!(
        (&shown["state"], &shown["stateReason"]),
        (
            &json!("CANCELLED"),
            &json!("its schedule was deleted by somebody of acme")
        )
    );
    let _scheduler = stage.world.scheduler();
    let _working = stage.executor().await.perform(succeed);
    stage.until_running(&backfill, 0).await;
    assert_eq!(
        stage.steps(&backfill).await,
        ["00 SUCCEEDED", "01 CANCELLED", "02 CANCELLED"]
    );
}
