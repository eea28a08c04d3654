//! What task runs wait for that are in the service's own hands: times, events, people, endpoints, runs and shares.

use std::time::Duration;

use serde_json::{Value, json};
use waterclock_core::id::TenantId;
use waterclock_core::run::Outcome;
use waterclock_core::workflow::{
    ApprovalSpec, Definition, MapSpec, ShardingSpec, ShardingStrategy, Spread, SubWorkflowSpec, WaitSpec,
    Work,
};
use waterclock_tests::story::with;
use waterclock_tests::{World, graph};

use super::{Stage, WAITS, first, kinds, nothing};
use crate::performing::publish_endpoint;

fn doing(work: Work) -> Definition {
    with(graph("a"), "a", |node| node.work = work)
}

#[tokio::test]
async fn a_wait_tells_its_instant_and_an_event_its_name_and_key() {
    let definition = with(graph("a b"), "a", |node| {
        node.work = Work::Wait(WaitSpec::Duration { for_ms: 60_000 });
    });
    let definition = with(definition, "b", |node| {
        node.work = Work::Wait(WaitSpec::Event {
            name: "paid".to_owned(),
            key: Some("'7'".to_owned()),
            deadline_ms: Some(120_000),
        });
    });
    let stage = Stage::set(&definition).await;
    let told = stage.reason("a").await;
    assert_eq!(told["__typename"], "TimeWait", "{told:#}");
    assert!(
        told["until"].is_string() && told["until"] != told["since"],
        "{told:#}"
    );
    let told = stage.reason("b").await;
    assert_eq!(
        (&told["name"], &told["key"]),
        (&json!("paid"), &json!("7")),
        "{told:#}"
    );
    assert!(told["deadline"].is_string(), "{told:#}");
    assert_eq!(stage.kinds().await, ["TimeWait", "EventWait"]);

    let _scheduler = stage.world.scheduler();
    stage
        .client
        .mutate("publishEvent", json!({ "name": "paid", "key": "7" }), "")
        .await;
    stage.world.until_true("SELECT count(*) = 1 FROM dispatch").await;
    assert_eq!(stage.kinds().await, ["TimeWait"]);
    stage.world.advance(Duration::from_mins(1)).await;
    stage.world.until_all_ended().await;
    assert_eq!(stage.kinds().await, nothing());
}

#[tokio::test]
async fn an_approval_tells_what_is_asked_of_whom_and_afterwards_who_answered() {
    let definition = doing(Work::Approval(ApprovalSpec {
        question: "Go on with ${run.workflow} of ${tenant}?".to_owned(),
        scope: "developer".to_owned(),
        deadline_ms: Some(60_000),
        ..ApprovalSpec::default()
    }));
    let stage = Stage::set(&definition).await;
    let told = stage.reason("a").await;
    assert_eq!(told["__typename"], "ApprovalWait", "{told:#}");
    assert_eq!(told["question"], "Go on with flow of flow?");
    assert_eq!(
        (&told["scope"], &told["default"]),
        (&json!("DEVELOPER"), &json!("REJECT"))
    );
    assert_eq!(stage.kinds().await, ["ApprovalWait"]);
    let document = "query ($id: ID!) { node(id: $id) { ... on TaskRun { waitReasons { message } approval {
        question scope deadline default barsStarter form answer { answer by comment form } } } } }";
    let id = first(&stage).await;
    let asked = stage.client.ask(document, json!({ "id": id })).await["node"].take();
    assert!(asked["approval"]["deadline"].is_string(), "{asked:#}");
    assert_eq!(asked["approval"]["answer"], Value::Null);
    let answer = json!({ "id": id, "answer": "APPROVE", "comment": "fine" });
    stage.client.mutate("answerApproval", answer, "").await;
    let asked = stage.client.ask(document, json!({ "id": id })).await["node"].take();
    assert_eq!(asked["waitReasons"], json!([]));
    assert_eq!(
        asked["approval"],
        json!({ "question": "Go on with flow of flow?", "scope": "DEVELOPER", "deadline": null, "default": "REJECT",
            "barsStarter": false, "form": null,
            "answer": { "answer": "APPROVE", "by": "somebody of flow", "comment": "fine", "form": null } })
    );
}

#[tokio::test]
async fn an_approval_that_nobody_answered_tells_that_the_default_counted() {
    let definition = doing(Work::Approval(ApprovalSpec {
        deadline_ms: Some(60_000),
        ..ApprovalSpec::default()
    }));
    let stage = Stage::set(&definition).await;
    let _scheduler = stage.world.scheduler();
    stage.world.advance(Duration::from_mins(1)).await;
    stage.world.until_all_ended().await;
    let document =
        "query ($id: ID!) { node(id: $id) { ... on TaskRun { approval { answer { answer by } } } } }";
    let asked = stage
        .client
        .ask(document, json!({ "id": first(&stage).await }))
        .await;
    assert_eq!(
        asked["node"]["approval"]["answer"],
        json!({ "answer": "REJECT", "by": null })
    );
}

#[tokio::test]
async fn a_callback_is_waited_for_until_its_deadline() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("flow");
    let spec = json!({ "method": "POST", "url": "http://127.0.0.1/", "callback": { "deadline": "PT1M" } });
    publish_endpoint(&client, "flow", spec).await;
    let executor = world.executor("one").called_back_at("http://api").join().await;
    let tenant = world
        .value::<String>("SELECT id::text FROM tenants WHERE key = 'flow'", &[])
        .await;
    let tenant: TenantId = tenant.parse().expect("an id");
    let run = world.start(tenant, "flow").await;
    let stage = Stage {
        world,
        _api: api,
        client,
        tenant,
        run,
    };
    let attempt = executor.take_one().await;
    assert_eq!(stage.kinds().await, nothing(), "an executor is at it");
    executor.defer(&attempt).await;
    let seen = stage.look().await;
    let told = &seen["waitReasons"][0];
    assert_eq!(told["__typename"], "CallbackWait", "{seen:#}");
    assert!(told["deadline"].is_string(), "{seen:#}");
    stage.cancel().await;
    let scheduler = stage.world.scheduler();
    stage.world.until_all_ended().await;
    assert_eq!(stage.kinds().await, nothing());
    scheduler.stop().await;
}

#[tokio::test]
async fn a_run_within_the_run_is_named_and_linked_both_ways() {
    let definition = doing(Work::Workflow(SubWorkflowSpec {
        key: "inner".to_owned(),
        inputs: std::collections::BTreeMap::new(),
    }));
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &definition).await;
    world.publish(tenant, "inner", &graph("x")).await;
    let api = world.serve().await;
    let (client, run) = (api.admin("flow"), world.start(tenant, "flow").await);
    let document = format!(
        "{{ runs(first: 2) {{ nodes {{ id state waitReasons {{ ...waits }}
            taskRuns(first: 5) {{ nodes {{ id childRun {{ id state waitReasons {{ __typename }} parentRun {{ id }}
                parentTaskRun {{ id childRun {{ id }} }} }} }} }} }} }} }} {WAITS}"
    );
    let mut asked = client.ask(&document, json!({})).await;
    // The run within it is the newer.
    let seen = asked["runs"]["nodes"][1].take();
    let within = &seen["taskRuns"]["nodes"][0]["childRun"];
    assert_eq!(kinds(&seen["waitReasons"]), ["ChildRunWait"], "{seen:#}");
    assert_eq!(seen["waitReasons"][0]["run"]["id"], within["id"]);
    assert_eq!(within["parentRun"]["id"], seen["id"]);
    assert_eq!(within["parentTaskRun"]["childRun"]["id"], within["id"]);
    assert_eq!(kinds(&within["waitReasons"]), ["LabelsWait"]);
    let executor = world.executor("one").join().await;
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    let _scheduler = world.scheduler();
    world.until_all_ended().await;
    let asked = client.ask(&document, json!({})).await;
    assert_eq!(asked["runs"]["nodes"][1]["waitReasons"], json!([]), "{run}");
}

#[tokio::test]
async fn an_item_waits_for_its_turn_and_its_node_for_the_items() {
    let definition = with(graph("a"), "a", |node| {
        node.spread = Some(Spread::Map(MapSpec {
            items: "[1, 2, 3]".to_owned(),
            parallelism: Some(1),
            tolerated_failures: 0.0,
        }));
    });
    let stage = Stage::set(&definition).await;
    let executor = stage.world.executor("one").join().await;
    let taken = executor.take_one().await;
    let seen = stage.look().await;
    let node = &seen["taskRuns"]["nodes"][0];
    let told = &node["waitReasons"][0];
    assert_eq!(
        told["message"],
        "it waits for 3 of its 3 shares; under way: 1 of at most 1 at once"
    );
    let items = node["items"]["nodes"].as_array().expect("items");
    assert_eq!(items[0]["waitReasons"], json!([]), "an executor is at the first");
    assert_eq!(
        items[1]["waitReasons"][0]["message"],
        "its turn comes when another has ended: 1 of at most 1 are under way"
    );
    assert_eq!(kinds(&seen["waitReasons"]), nothing());
    executor.report(&taken, Outcome::Succeeded).await;
    let seen = stage.look().await;
    let items = &seen["taskRuns"]["nodes"][0]["items"]["nodes"];
    assert_eq!(kinds(&items[1]["waitReasons"]), ["AssignmentWait"], "{seen:#}");
    assert_eq!(kinds(&seen["waitReasons"]), ["AssignmentWait"]);
    for _ in 0..2 {
        executor
            .report(&executor.take_one().await, Outcome::Succeeded)
            .await;
    }
    assert_eq!(stage.kinds().await, nothing());
}

#[tokio::test]
async fn a_shard_tells_that_the_executor_it_was_dealt_to_is_gone() {
    let definition = with(graph("start -> a"), "a", |node| {
        node.spread = Some(Spread::Shards(ShardingSpec {
            count: 2,
            strategy: ShardingStrategy::Average,
            parameters: std::collections::BTreeMap::new(),
        }));
    });
    let stage = Stage::set(&definition).await;
    let one = stage.world.executor("one").join().await;
    let two = stage.world.executor("two").join().await;
    one.report(&one.take_one().await, Outcome::Succeeded).await;
    two.leave().await;
    let shard = async || {
        let seen = stage.look().await;
        seen["taskRuns"]["nodes"][1]["items"]["nodes"][1]["waitReasons"].clone()
    };
    let told = shard().await;
    assert_eq!(told[0]["goneExecutor"], "two", "{told:#}");
    assert_eq!(
        told[0]["message"],
        "the executor \"two\" that it was dealt to is gone"
    );
    let scheduler = stage.world.scheduler();
    for _ in 0..2 {
        one.report(&one.wait_for_one().await, Outcome::Succeeded).await;
    }
    scheduler.stop().await;
    assert_eq!(shard().await, json!([]));
}
