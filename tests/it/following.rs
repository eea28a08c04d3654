//! Live is gap-free: a subscription goes on from its cursor with every event once, in order, none missed.

use serde_json::{Value, json};
use waterclock_tests::api::Following;
use waterclock_tests::{World, succeed};

use crate::graphql::{cursor, publish_no_ops, start};

const RUN_EVENTS: &str = "subscription ($run: ID!, $after: String) {
    runEvents(runId: $run, after: $after) { cursor kind taskRun { key } } }";

const RUNS: &str = "subscription ($after: String) { runs(after: $after) { cursor kind run { id } } }";

fn cursors(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["cursor"].as_str().expect("a cursor"))
        .collect()
}

#[tokio::test]
async fn a_subscription_goes_on_from_every_cursor_without_gap_or_repetition() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a", "b", "c"], &[("a", "b"), ("a", "c")]).await;
    let run = start(&client, "flow").await;
    let mut live = client.follow(RUN_EVENTS, json!({ "run": run })).await;
    let executor = world.executor("one").slots(2).join().await.perform(succeed);
    let heard = live.rest().await;
    executor.stop().await;
    assert_eq!(heard.first().unwrap()["kind"], "RUN_QUEUED");
    assert_eq!(heard.last().unwrap()["kind"], "RUN_SUCCEEDED");
    for (place, event) in heard.iter().enumerate() {
        let after = json!({ "run": run, "after": event["cursor"] });
        let mut resumed = client.follow(RUN_EVENTS, after).await;
        assert_eq!(
            cursors(&resumed.rest().await),
            cursors(&heard[place + 1..]),
            "after {event}"
        );
    }
}

/// The id of the run that the next event is about.
async fn next_run(following: &mut Following) -> Value {
    let mut event = following.next().await.expect("an event");
    event["run"]["id"].take()
}

#[tokio::test]
async fn events_that_commit_late_are_neither_skipped_nor_overtaken() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a"], &[]).await;
    let first = start(&client, "flow").await;
    let cursor = cursor(&client).await;
    let mut live = client.follow(RUNS, json!({ "after": cursor })).await;

    // A writer takes the next number and does not commit, while others take later ones and do.
    let mut late = world.connect().await;
    let writer = late.transaction().await.unwrap();
    writer
        .execute(
            "INSERT INTO events (tenant_id, run_id, kind)
            SELECT tenant_id, id, 'RUN_STARTED' FROM runs WHERE state = 'QUEUED'",
            &[],
        )
        .await
        .unwrap();
    let second = start(&client, "flow").await;
    let third = start(&client, "flow").await;
    // One that subscribes now, and one that did before, both have to wait for the first writer.
    let mut resumed = client.follow(RUNS, json!({ "after": cursor })).await;
    writer.commit().await.unwrap();
    world.signals.raise([waterclock_core::signal::Signal::Everything]);
    for following in [&mut live, &mut resumed] {
        let mut heard = Vec::new();
        for _ in 0..3 {
            heard.push(next_run(following).await);
        }
        assert_eq!(heard, [json!(first), json!(second), json!(third)]);
    }
}

#[tokio::test]
async fn a_writer_that_gives_up_holds_nobody_up() {
    let world = World::new().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a"], &[]).await;
    let mut live = client
        .follow(RUNS, json!({ "after": cursor(&client).await }))
        .await;
    let mut late = world.connect().await;
    let writer = late.transaction().await.unwrap();
    writer
        .execute(
            "INSERT INTO events (tenant_id, kind) SELECT id, 'RUN_STARTED' FROM tenants WHERE key = 'acme'",
            &[],
        )
        .await
        .unwrap();
    let run = start(&client, "flow").await;
    writer.rollback().await.unwrap();
    world.signals.raise([waterclock_core::signal::Signal::Everything]);
    assert_eq!(next_run(&mut live).await, json!(run));
}

#[tokio::test]
async fn many_writers_at_once_are_heard_in_one_order_by_everybody() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a", "b"], &[("a", "b")]).await;
    let mut live = client
        .follow(RUNS, json!({ "after": cursor(&client).await }))
        .await;
    let _scheduler = world.scheduler();
    let _executors = [
        world.executor("one").slots(8).join().await.perform(succeed),
        world.executor("two").slots(8).join().await.perform(succeed),
    ];
    let runs = 40;
    let starts = (0..runs).map(|_| start(&client, "flow"));
    futures_util::future::join_all(starts).await;
    // Queued, started and succeeded, for each.
    let mut heard = Vec::new();
    while heard.len() < runs * 3 {
        heard.push(live.next().await.expect("an event"));
    }
    world.until_all_ended().await;
    let mut replayed = client.follow(RUNS, json!({ "after": heard[0]["cursor"] })).await;
    for event in &heard[1..] {
        assert_eq!(replayed.next().await.as_ref(), Some(event));
    }
}

#[tokio::test]
async fn what_another_process_does_is_heard_live() {
    let world = World::that_comes_to_rest().await;
    let api = world.serve().await;
    let client = api.admin("acme");
    publish_no_ops(&client, "flow", &["a"], &[]).await;
    let _hearing = world.relay();
    let elsewhere = world.process();
    let run = start(&client, "flow").await;
    let mut live = client.follow(RUN_EVENTS, json!({ "run": run })).await;
    let executor = world
        .executor("one")
        .through(elsewhere.database.clone(), elsewhere.signals.clone())
        .join()
        .await;
    executor
        .exchange(vec![succeed(&executor.take_one().await)], 0)
        .await;
    let kinds: Vec<Value> = live
        .rest()
        .await
        .into_iter()
        .map(|mut event| event["kind"].take())
        .collect();
    assert_eq!(kinds.last(), Some(&json!("RUN_SUCCEEDED")));
}
