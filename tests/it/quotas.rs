//! A tenant has as many live runs as it may, and not one more.

use futures_util::future::join_all;
use serde_json::{Value, json};
use waterclock_api::auth::Scope;
use waterclock_core::command::start_run::RunStarter;
use waterclock_core::schedule::overlap::Overlap;
use waterclock_core::schedule::preset::Policies;
use waterclock_core::signal::Signals;
use waterclock_tests::World;
use waterclock_tests::api::{Api, Client};
use waterclock_tests::clockwork::Clockwork;
use waterclock_tests::world::{SUBJECT, request};

use crate::graphql::publish_no_ops;

/// Sets the quota of `acme`.
pub(crate) async fn allow(api: &Api, most: Value) -> Value {
    let platform = api.client("operations", &[Scope::Platform]);
    let input = json!({ "tenant": "acme", "mostLiveRuns": most });
    platform
        .try_mutate("setQuotas", input, "tenant { key mostLiveRuns }")
        .await
}

/// What starting `count` runs of `flow` comes to: how many, or what is wrong.
async fn start(client: &Client, count: usize) -> Value {
    let input = json!({ "runs": vec![json!({ "workflow": "flow" }); count] });
    let payload = client.try_mutate("startRuns", input, "runs { id }").await;
    if payload["userErrors"] == json!([]) {
        return json!(payload["runs"].as_array().expect("runs").len());
    }
    let error = &payload["userErrors"][0];
    json!([error["code"], error["path"], error["message"]])
}

fn reached() -> &'static str {
    "the tenant has 3 live runs already, as many as it may; wait until some have ended, or cancel some"
}

#[tokio::test]
async fn what_would_be_one_run_too_many_is_refused_until_another_has_ended() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["only"], &[]).await;
    let set = allow(&api, json!(3)).await;
    assert_eq!(set["tenant"], json!({ "key": "acme", "mostLiveRuns": 3 }));
    assert_eq!(start(&client, 2).await, 2);
    // All of a call or none of it, with the place of the first that has no room.
    assert_eq!(
        start(&client, 2).await,
        json!(["QUOTA_EXCEEDED", ["input", "runs", "1"], reached()])
    );
    let named = json!({ "workflow": "flow", "idempotencyKey": "monday" });
    let first = client.mutate("startRun", named.clone(), "run { id }").await;
    let over = json!({ "workflow": "flow", "idempotencyKey": "tuesday" });
    let refused = client.try_mutate("startRun", over.clone(), "run { id }").await;
    assert_eq!(refused["userErrors"][0]["message"], reached());
    let again = client.mutate("startRun", named, "run { id }").await;
    assert_eq!(first, again, "a call that is made again asks for no room");
    let run = first["run"]["id"].clone();
    client.mutate("cancelRun", json!({ "id": run }), "").await;
    let later = client.mutate("startRun", over, "run { id }").await;
    assert_ne!(later["run"], Value::Null, "the key of a refused call is free");
    let rerun = client
        .try_mutate(
            "rerun",
            json!({ "id": run, "from": { "all": true } }),
            "run { id }",
        )
        .await;
    assert_eq!(rerun["userErrors"][0]["code"], "QUOTA_EXCEEDED", "{rerun}");
    allow(&api, Value::Null).await;
    assert_eq!(start(&client, 10).await, 10);
}

#[tokio::test]
async fn a_quota_is_the_platforms_to_set_and_within_bounds() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    client.ask("{ viewer { tenant { key } } }", json!({})).await;
    let answer = client
        .answer(
            "mutation { setQuotas(input: { tenant: \"acme\", mostLiveRuns: 1 }) { userErrors { message } } }",
            json!({}),
        )
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let refused = allow(&api, json!(0)).await;
    assert_eq!(
        refused["userErrors"][0]["message"],
        "1 to 1000000 runs may be live at once, not 0; leave it out for no bound"
    );
    let platform = api.client("operations", &[Scope::Platform]);
    let unknown = json!({ "tenant": "nobody", "mostLiveRuns": 1 });
    let refused = platform.try_mutate("setQuotas", unknown, "").await;
    assert_eq!(refused["userErrors"][0]["code"], "NOT_FOUND");
    let shown = client
        .ask("{ viewer { tenant { mostLiveRuns } } }", json!({}))
        .await;
    assert_eq!(shown["viewer"]["tenant"]["mostLiveRuns"], Value::Null);
}

#[tokio::test]
async fn of_many_callers_in_several_processes_as_many_start_a_run_as_may() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["only"], &[]).await;
    allow(&api, json!(10)).await;
    let tenant: String = world
        .value("SELECT id::text FROM tenants WHERE key = 'acme'", &[])
        .await;
    let tenant = tenant.parse().expect("an id");
    let processes: Vec<RunStarter> = (0..3)
        .map(|_| RunStarter::new(world.another_pool(), Signals::new()))
        .collect();
    let calls = (0..60).map(|call| processes[call % 3].start(tenant, SUBJECT, vec![request("flow")]));
    let started = join_all(calls).await.into_iter().flatten().count();
    let live: i64 = world
        .value("SELECT count(*) FROM runs WHERE finished_at IS NULL", &[])
        .await;
    assert_eq!((started, live), (10, 10));
}

#[tokio::test]
async fn an_occurrence_for_which_there_is_no_room_is_rejected_and_says_so() {
    let clockwork = Clockwork::new().await;
    let api = clockwork.world.serve().await;
    allow(&api, json!(3)).await;
    let _scheduler = clockwork.world.scheduler();
    let side_by_side = Policies {
        overlap: Overlap::Allow,
        ..Policies::default()
    };
    let mut outcomes = Vec::new();
    let mut schedules = Vec::new();
    for key in ["a", "b"] {
        schedules.push(clockwork.schedule(key, clockwork.hourly(), side_by_side).await);
    }
    clockwork.until_settled().await;
    clockwork.pass(std::time::Duration::from_mins(1)).await;
    clockwork.pass(waterclock_tests::clockwork::HOUR).await;
    for schedule in &schedules {
        outcomes.extend(clockwork.outcomes(schedule).await);
    }
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["FIRED", "FIRED", "FIRED", "REJECTED_QUOTA"]);
    let reason: String = clockwork
        .world
        .value(
            "SELECT reason FROM occurrences WHERE outcome = 'REJECTED_QUOTA'",
            &[],
        )
        .await;
    assert_eq!(reason, reached());
}
