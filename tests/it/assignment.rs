//! Who gets what: labels, priority, cost, fair shares, and executors that want nothing more.

use waterclock_core::command::start_run::StartRun;
use waterclock_core::id::TenantId;
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, HeartbeatReply, WorkSourceError};
use waterclock_tests::story::with;
use waterclock_tests::world::{SUBJECT, request};
use waterclock_tests::{Scripted, World, graph, succeed};

fn keys(taken: &[Assignment]) -> Vec<&str> {
    taken
        .iter()
        .map(|assignment| assignment.node.key.as_str())
        .collect()
}

#[tokio::test]
async fn work_goes_to_an_executor_that_offers_every_label_it_requires() {
    let world = World::that_comes_to_rest().await;
    let definition = with(graph("train report"), "train", |node| {
        node.required_labels = vec!["gpu".to_owned(), "zone=eu".to_owned()];
    });
    let tenant = world.tenant_with("flow", &definition).await;
    world.start(tenant, "flow").await;
    let plain = world.executor("plain").slots(5).labels(&["gpu"]).join().await;
    let able = world
        .executor("able")
        .slots(5)
        .labels(&["zone=eu", "ssd", "gpu"])
        .join()
        .await;
    let report = plain.take(5).await;
    assert_eq!(keys(&report), ["report"]);
    let train = able.take(5).await;
    assert_eq!(keys(&train), ["train"]);
    plain.report(&report[0], Outcome::Succeeded).await;
    able.report(&train[0], Outcome::Succeeded).await;
}

#[tokio::test]
async fn the_scheduler_assigns_by_labels_too() {
    let world = World::that_comes_to_rest().await;
    let definition = with(graph("train report"), "train", |node| {
        node.required_labels = vec!["gpu".to_owned()];
    });
    let tenant = world.tenant_with("flow", &definition).await;
    let plain = world.executor("plain").slots(5).join().await;
    let able = world.executor("able").labels(&["gpu"]).join().await;
    let _scheduler = world.scheduler();
    world.start(tenant, "flow").await;
    world
        .until_true("SELECT bool_and(state = 'ASSIGNED') FROM dispatch")
        .await;
    let report = plain.wait_for_one().await;
    let train = able.wait_for_one().await;
    assert_eq!(keys(&[report.clone(), train.clone()]), ["report", "train"]);
    plain.report(&report, Outcome::Succeeded).await;
    able.report(&train, Outcome::Succeeded).await;
}

#[tokio::test]
async fn the_more_urgent_run_goes_first_and_among_equals_the_older() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let mut expected = Vec::new();
    for priority in [1, 9, 5, 9] {
        let wish = StartRun {
            priority: Some(priority),
            ..request("flow")
        };
        let started = world.starter.start(tenant, SUBJECT, vec![wish]).await.unwrap();
        expected.push((9 - priority, started[0].id));
    }
    expected.sort_unstable();
    let executor = world.executor("one").join().await;
    for (_, run) in expected {
        let taken = executor.take_one().await;
        assert_eq!(taken.run_id, run);
        executor.report(&taken, Outcome::Succeeded).await;
    }
}

#[tokio::test]
async fn a_nodes_own_priority_goes_before_its_runs() {
    let world = World::that_comes_to_rest().await;
    let definition = with(graph("a b c"), "b", |node| node.priority = Some(9));
    let tenant = world.tenant_with("flow", &definition).await;
    world.start(tenant, "flow").await;
    let executor = world.executor("one").join().await;
    let taken = executor.take_one().await;
    assert_eq!(taken.node.key, "b");
    executor.report(&taken, Outcome::Succeeded).await;
    let _executor = executor.perform(succeed);
    world.until_all_ended().await;
}

#[tokio::test]
async fn no_executor_carries_more_cost_than_it_has_slots() {
    let world = World::that_comes_to_rest().await;
    let mut definition = graph("a b c");
    for node in &mut definition.nodes {
        node.cost = 2;
    }
    let tenant = world.tenant_with("flow", &definition).await;
    world.start(tenant, "flow").await;
    let executor = world.executor("one").slots(5).join().await;
    let taken = executor.take(5).await;
    assert_eq!(taken.len(), 2);
    assert!(
        executor.take(1).await.is_empty(),
        "one slot is not enough for a cost of two"
    );
    executor.report(&taken[0], Outcome::Succeeded).await;
    let last = executor.take(3).await;
    assert_eq!(last.len(), 1);
    executor.report(&taken[1], Outcome::Succeeded).await;
    executor.report(&last[0], Outcome::Succeeded).await;
}

/// A hundred of one tenant wait, and one of another, when an executor with two slots comes.
async fn crowd_and_one(world: &World, crowd: TenantId, one: TenantId) {
    world.publish(crowd, "flow", &graph("a")).await;
    world.publish(one, "flow", &graph("a")).await;
    world.start_many(crowd, "flow", 100).await;
    world.start(one, "flow").await;
}

/// After how many attempts of others the tenant had its first.
async fn waited_for(executor: Scripted, tenant: TenantId) -> usize {
    let mut before = 0;
    let mut running = executor.take(2).await;
    loop {
        if running.iter().any(|assignment| assignment.tenant_id == tenant) {
            return before;
        }
        before += running.len();
        let done = running.remove(0);
        let reports = vec![waterclock_tests::ended(&done, Outcome::Succeeded)];
        running.extend(executor.exchange(reports, 1).await.assignments);
    }
}

#[tokio::test]
async fn a_crowd_of_one_tenant_does_not_hold_up_another_of_the_same_partition() {
    let world = World::new().await;
    let (crowd, one) = (world.tenant_in(3, "crowd").await, world.tenant_in(3, "one").await);
    crowd_and_one(&world, crowd, one).await;
    assert_eq!(
        waited_for(world.executor("two").slots(2).join().await, one).await,
        0
    );
}

#[tokio::test]
async fn a_crowd_of_one_tenant_does_not_hold_up_another_of_any_partition() {
    for partition in [2, 4] {
        let world = World::new().await;
        let (crowd, one) = (
            world.tenant_in(3, "crowd").await,
            world.tenant_in(partition, "one").await,
        );
        crowd_and_one(&world, crowd, one).await;
        let before = waited_for(world.executor("two").slots(2).join().await, one).await;
        assert!(before <= 4, "the one waited for {before} of the crowd");
    }
}

#[tokio::test]
async fn a_scheduler_shares_slots_between_tenants_of_all_partitions() {
    for partition in [2, 4] {
        let world = World::new().await;
        let (crowd, one) = (
            world.tenant_in(3, "crowd").await,
            world.tenant_in(partition, "one").await,
        );
        let executor = world.executor("two").slots(2).join().await;
        crowd_and_one(&world, crowd, one).await;
        let _scheduler = world.scheduler();
        world
            .until_true("SELECT count(*) = 2 FROM dispatch WHERE state = 'ASSIGNED'")
            .await;
        let before = waited_for(executor, one).await;
        assert!(before <= 4, "the one waited for {before} of the crowd");
    }
}

#[tokio::test]
async fn an_executor_of_one_tenant_takes_nothing_of_another() {
    let world = World::that_comes_to_rest().await;
    let mine = world.tenant_with("mine", &graph("a")).await;
    let theirs = world.tenant_with("theirs", &graph("a")).await;
    world.start(theirs, "theirs").await;
    world.start(mine, "mine").await;
    let own = world.executor("own").slots(5).only_for("mine").join().await;
    let taken = own.take(5).await;
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].tenant_id, taken[0].tenant.as_ref()), (mine, "mine"));
    own.report(&taken[0], Outcome::Succeeded).await;
    let _shared = world.executor("shared").join().await.perform(succeed);
    world.until_all_ended().await;
}

#[tokio::test]
async fn an_executor_that_is_overloaded_or_draining_is_given_nothing() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    world.start(tenant, "flow").await;
    let executor = world.executor("one").join().await;
    executor.beat_as(|heartbeat| heartbeat.overloaded = true).await;
    assert!(executor.take(1).await.is_empty());
    executor.beat_as(|heartbeat| heartbeat.draining = true).await;
    assert!(executor.take(1).await.is_empty());
    executor.beat().await;
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    let told: Vec<String> = world
        .column(
            "SELECT kind FROM events WHERE kind LIKE 'EXECUTOR\\_%' ORDER BY seq",
            &[],
        )
        .await;
    assert_eq!(
        told,
        [
            "EXECUTOR_REGISTERED",
            "EXECUTOR_OVERLOADED",
            "EXECUTOR_RECOVERED",
            "EXECUTOR_DRAINING"
        ]
    );
}

#[tokio::test]
async fn an_executor_that_is_asked_to_drain_hears_so_with_its_next_heartbeat() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let executor = world.executor("one").join().await;
    world
        .execute("UPDATE executors SET drain_requested = true", &[])
        .await;
    let run = world.start(tenant, "flow").await;
    assert!(executor.take(1).await.is_empty());
    assert_eq!(executor.beat().await, HeartbeatReply::Drain);
    world.cancel(tenant, run).await.unwrap();
}

#[tokio::test]
async fn two_executors_do_not_live_under_one_key() {
    let world = World::new().await;
    let first = world.executor("one").join().await;
    let refused = world.executor("one").try_join().await;
    assert!(matches!(refused, Err(WorkSourceError::KeyTaken(key)) if key == "one"));
    first.leave().await;
    world.executor("one").join().await;
    let refused = world.executor("two").only_for("nobody").try_join().await;
    assert!(matches!(refused, Err(WorkSourceError::NoSuchTenant(key)) if key == "nobody"));
}
