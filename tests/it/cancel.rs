//! Stop means stop: after a cancel has answered, nothing new starts, and what runs is told.

use insta::assert_snapshot;
use waterclock_core::error::{CommandError, RefusalCode};
use waterclock_core::id::{RunId, TenantId};
use waterclock_core::retry::RetryPolicy;
use waterclock_core::run::Outcome;
use waterclock_core::signal::Signal;
use waterclock_tests::story::with;
use waterclock_tests::world::heard;
use waterclock_tests::{World, graph, succeed};

#[tokio::test]
async fn a_queued_run_is_over_at_once() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a b -> c")).await;
    let run = world.start(tenant, "flow").await;
    world.cancel(tenant, run).await.unwrap();
    assert_snapshot!(world.tree(run).await, @r"
    run CANCELLED: cancelled by tester
      a CANCELLED: cancelled by tester
        c (and after b) CANCELLED: cancelled by tester
      b CANCELLED: cancelled by tester
    ");
    let executor = world.executor("one").slots(3).join().await;
    assert!(executor.take(3).await.is_empty());
}

#[tokio::test]
async fn what_is_assigned_is_taken_away_again() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a -> b")).await;
    let executor = world.executor("one").join().await;
    let scheduler = world.scheduler();
    let run = world.start(tenant, "flow").await;
    world
        .until("it is assigned", || async {
            world.tree(run).await.contains("a ASSIGNED")
        })
        .await;
    world.cancel(tenant, run).await.unwrap();
    assert_snapshot!(world.tree(run).await, @r"
    run CANCELLED: cancelled by tester
      a CANCELLED: cancelled by tester
        b CANCELLED: cancelled by tester
    ");
    assert!(executor.take(1).await.is_empty());
    scheduler.stop().await;
}

#[tokio::test]
async fn what_runs_is_told_to_stop_and_the_run_ends_with_it() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a b -> c")).await;
    let run = world.start(tenant, "flow").await;
    let executor = world.executor("one").slots(2).join().await;
    let taken = executor.take(2).await;
    let mut receiver = world.signals.receiver();
    world.cancel(tenant, run).await.unwrap();
    heard(&mut receiver, |signal| signal == Signal::Executor(executor.id)).await;
    let mut told = executor.cancellations().await;
    let mut leases: Vec<_> = taken
        .iter()
        .map(waterclock_core::work::Assignment::lease)
        .collect();
    told.sort_unstable();
    leases.sort_unstable();
    assert_eq!(told, leases);
    assert!(world.tree(run).await.starts_with("run RUNNING"));

    executor.report(&taken[0], Outcome::Cancelled).await;
    // It was done before it heard; that is told as it was, and releases nothing.
    executor.report(&taken[1], Outcome::Succeeded).await;
    assert_snapshot!(world.tree(run).await, @r"
    run CANCELLED: cancelled by tester
      a CANCELLED: its run was stopped
        c (and after b) CANCELLED: cancelled by tester
      b SUCCEEDED
    ");
}

#[tokio::test]
async fn a_failure_after_the_cancel_is_not_tried_again() {
    let world = World::that_comes_to_rest().await;
    let tenant = world
        .tenant_with("flow", &with(graph("a -> b"), "a", |node| node.retry = later(3)))
        .await;
    let run = world.start(tenant, "flow").await;
    let executor = world.executor("one").join().await;
    let taken = executor.take_one().await;
    world.cancel(tenant, run).await.unwrap();
    executor.report(&taken, Outcome::Failed).await;
    assert_snapshot!(world.tree(run).await, @r"
    run CANCELLED: cancelled by tester
      a CANCELLED [FAILED]: its run was stopped
        b CANCELLED: cancelled by tester
    ");
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_is_not_tried_again() {
    let world = World::that_comes_to_rest().await;
    let tenant = world
        .tenant_with("flow", &with(graph("a -> b"), "a", |node| node.retry = later(3)))
        .await;
    let run = world.start(tenant, "flow").await;
    let executor = world.executor("one").join().await;
    executor.report(&executor.take_one().await, Outcome::Failed).await;
    world.cancel(tenant, run).await.unwrap();
    assert_snapshot!(world.tree(run).await, @r"
    run CANCELLED: cancelled by tester
      a CANCELLED [FAILED]: cancelled by tester
        b CANCELLED: cancelled by tester
    ");
}

fn later(max_attempts: i32) -> RetryPolicy {
    RetryPolicy {
        max_attempts,
        delay_ms: 60_000,
        ..RetryPolicy::default()
    }
}

#[tokio::test]
async fn a_run_is_cancelled_once_and_one_that_ended_not_at_all() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let run = world.start(tenant, "flow").await;
    world.cancel(tenant, run).await.unwrap();
    world.cancel(tenant, run).await.unwrap();
    let asked: i64 = world
        .value(
            "SELECT count(*) FROM events WHERE kind = 'RUN_CANCEL_REQUESTED'",
            &[],
        )
        .await;
    assert_eq!(asked, 1);

    let done = world.start(tenant, "flow").await;
    let executor = world.executor("one").join().await;
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    let refused = refusal(&world, tenant, done).await;
    assert_eq!(
        refused,
        (
            RefusalCode::Conflict,
            "the run has ended already: it is SUCCEEDED".to_owned()
        )
    );
}

#[tokio::test]
async fn another_tenants_run_is_one_that_does_not_exist() {
    let world = World::new().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let stranger = world.tenant("stranger").await;
    let run = world.start(tenant, "flow").await;
    assert_eq!(
        refusal(&world, stranger, run).await,
        refusal(&world, stranger, RunId::generate()).await
    );
    assert!(world.tree(run).await.starts_with("run QUEUED"));
}

async fn refusal(world: &World, tenant: TenantId, run: RunId) -> (RefusalCode, String) {
    match world.cancel(tenant, run).await {
        Err(CommandError::Refused(mut refusals)) => {
            let refusal = refusals.remove(0);
            (refusal.code, refusal.message)
        }
        other => panic!("the cancel should have been refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_cancel_that_meets_an_assignment_takes_back_what_it_gave() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a -> b")).await;
    let run = world.start(tenant, "flow").await;
    let executor = world.executor("one").join().await;
    let mut scheduler = world.connect().await;
    let pass = scheduler.transaction().await.unwrap();
    let id = executor.id.to_string();
    let assigned = pass
        .execute(
            "UPDATE dispatch SET state = 'ASSIGNED', executor_id = $1::text::uuid, assigned_at = present(), fence = fence + 1",
            &[&id],
        )
        .await
        .unwrap();
    assert_eq!(assigned, 1);
    let (cancelled, ()) = tokio::join!(world.cancel(tenant, run), async {
        world.until_somebody_waits().await;
        pass.commit().await.unwrap();
    });
    cancelled.unwrap();
    assert_snapshot!(world.tree(run).await, @r"
    run CANCELLED: cancelled by tester
      a CANCELLED: cancelled by tester
        b CANCELLED: cancelled by tester
    ");
    assert!(executor.take(1).await.is_empty());
}

#[tokio::test]
async fn a_start_that_meets_a_cancel_starts_nothing() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a b")).await;
    let run = world.start(tenant, "flow").await;
    let executor = world.executor("one").slots(2).join().await;
    // The run has started with its first node, so that its row is not what holds the second one up.
    let first = executor.take_one().await;
    let mut canceller = world.connect().await;
    let cancel = canceller.transaction().await.unwrap();
    let dropped = cancel
        .execute("DELETE FROM dispatch WHERE state = 'READY'", &[])
        .await
        .unwrap();
    assert_eq!(dropped, 1);
    let (taken, ()) = tokio::join!(executor.take(1), async {
        world.until_somebody_waits().await;
        cancel.commit().await.unwrap();
    });
    assert!(taken.is_empty(), "{taken:?}");
    // What was dropped by hand is put to rest by hand.
    world
        .execute(
            "UPDATE task_runs SET state = 'BLOCKED' WHERE key <> $1",
            &[&first.node.key],
        )
        .await;
    world.cancel(tenant, run).await.unwrap();
    executor.report(&first, Outcome::Cancelled).await;
}

#[tokio::test]
async fn a_cancel_that_meets_a_start_stops_what_started() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a -> b")).await;
    let run = world.start(tenant, "flow").await;
    let executor = world.executor("one").join().await;
    let mut other = world.connect().await;
    // An exchange that has started the attempt and not committed yet.
    let exchange = other.transaction().await.unwrap();
    let id = executor.id.to_string();
    exchange
        .execute(
            "UPDATE dispatch SET state = 'RUNNING', executor_id = $1::text::uuid, assigned_at = present(),
                started_at = present(), fence = 1",
            &[&id],
        )
        .await
        .unwrap();
    let (cancelled, ()) = tokio::join!(world.cancel(tenant, run), async {
        world.until_somebody_waits().await;
        exchange.commit().await.unwrap();
    });
    cancelled.unwrap();
    let told = executor.cancellations().await;
    assert_eq!(told.len(), 1, "the executor is told to stop it");
    assert!(executor.take(1).await.is_empty());
    let report = waterclock_core::work::Report {
        lease: told[0],
        outcome: Outcome::Cancelled,
        exit_code: None,
        http_status: None,
        message: None,
        output: None,
        retry_after: None,
    };
    executor.exchange(vec![report], 0).await;
    assert!(world.tree(run).await.starts_with("run CANCELLED"));
}

#[tokio::test]
async fn cancels_amid_a_crowd_of_executors_end_every_run_and_fail_none() {
    let world = World::that_comes_to_rest().await;
    let tenant = world
        .tenant_with("flow", &graph("a b c d e f g h -> i j k l -> m"))
        .await;
    let _schedulers = [world.scheduler(), world.scheduler()];
    let _executors = [
        world.executor("one").slots(9).join().await.perform(succeed),
        world.executor("two").slots(9).join().await.perform(succeed),
        world.executor("three").slots(9).join().await.perform(succeed),
    ];
    for _ in 0..20 {
        let runs = world.start_many(tenant, "flow", 4).await;
        let cancels = runs.iter().map(|&run| world.cancel(tenant, run));
        for cancelled in futures_util::future::join_all(cancels).await {
            // Some end before the cancel comes, which is a refusal and no error.
            assert!(
                matches!(cancelled, Ok(()) | Err(CommandError::Refused(_))),
                "{cancelled:?}"
            );
        }
    }
    world.until_all_ended().await;
    let failed: i64 = world
        .value(
            "SELECT count(*) FROM runs WHERE state NOT IN ('CANCELLED', 'SUCCEEDED')",
            &[],
        )
        .await;
    assert_eq!(failed, 0);
}
