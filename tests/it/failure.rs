//! What follows when an attempt does not succeed.

use std::time::Duration;

use insta::assert_snapshot;
use waterclock_core::retry::RetryPolicy;
use waterclock_core::run::Outcome;
use waterclock_core::work::HeartbeatReply;
use waterclock_tests::script::LEASE;
use waterclock_tests::story::{attempts, with};
use waterclock_tests::{World, ended, graph, succeed};

#[tokio::test]
async fn what_comes_after_a_failed_node_never_starts() {
    let world = World::that_comes_to_rest().await;
    let tenant = world
        .tenant_with("etl", &graph("a -> b c, b -> d -> e, c -> e"))
        .await;
    let run = world.start(tenant, "etl").await;
    let _executor = world.executor("one").join().await.perform(|assignment| {
        let outcome = if assignment.node.key == "b" {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        };
        ended(assignment, outcome)
    });
    world.until_all_ended().await;
    assert_snapshot!(world.tree(run).await, @r#"
    run FAILED: the task node "b" failed: exit code 1
      a SUCCEEDED
        b FAILED: exit code 1
          d UPSTREAM_FAILED: the task node "b" before it failed
            e (and after c) UPSTREAM_FAILED: the task node "b" before it failed
        c SUCCEEDED
    "#);
}

#[tokio::test]
async fn parents_that_fail_and_succeed_in_one_batch_doom_the_join_once() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("join", &graph("a b c -> d")).await;
    let run = world.start(tenant, "join").await;
    let executor = world.executor("one").slots(3).join().await;
    let taken = executor.take(3).await;
    let outcomes = [Outcome::Succeeded, Outcome::Failed, Outcome::Failed];
    let reports = taken
        .iter()
        .zip(outcomes)
        .map(|(assignment, outcome)| ended(assignment, outcome))
        .collect();
    executor.exchange(reports, 0).await;
    let counts: String = world
        .value(
            "SELECT concat_ws(' ', state, task_runs, open_task_runs, failed_task_runs) FROM runs",
            &[],
        )
        .await;
    assert_eq!(counts, "FAILED 4 0 2");
    assert!(
        world
            .tree(run)
            .await
            .contains("d (and after b, c) UPSTREAM_FAILED")
    );
}

#[tokio::test]
async fn a_failed_attempt_is_tried_again_when_its_delay_is_over() {
    let world = World::that_comes_to_rest().await;
    let delayed = RetryPolicy {
        max_attempts: 3,
        delay_ms: 600_000,
        factor: 2.0,
        ..RetryPolicy::default()
    };
    let tenant = world
        .tenant_with("retry", &with(graph("a"), "a", |node| node.retry = delayed))
        .await;
    let run = world.start(tenant, "retry").await;
    let executor = world.executor("one").join().await;
    let _scheduler = world.scheduler();

    executor
        .report(&executor.wait_for_one().await, Outcome::Failed)
        .await;
    assert!(world.tree(run).await.contains("a RETRY_WAIT"));
    for (wait, outcome) in [(600, Outcome::TimedOut), (1200, Outcome::Succeeded)] {
        world.advance(Duration::from_secs(wait - 1)).await;
        assert_eq!(executor.beat().await, HeartbeatReply::Lost);
        let early = world.tree(run).await;
        assert!(early.contains("a RETRY_WAIT"), "{early}");
        world.advance(Duration::from_secs(1)).await;
        let next = world.executor(&format!("after {wait}")).join().await;
        next.report(&next.wait_for_one().await, outcome).await;
    }
    assert_snapshot!(world.tree(run).await, @r"
    run SUCCEEDED
      a SUCCEEDED [FAILED, TIMED_OUT, SUCCEEDED]
    ");
}

#[tokio::test]
async fn a_node_fails_when_its_attempts_are_spent() {
    let world = World::that_comes_to_rest().await;
    let tenant = world
        .tenant_with(
            "retry",
            &with(graph("a -> b"), "a", |node| node.retry = attempts(3)),
        )
        .await;
    let run = world.start(tenant, "retry").await;
    let _executor = world
        .executor("one")
        .join()
        .await
        .perform(|assignment| ended(assignment, Outcome::Failed));
    world.until_all_ended().await;
    assert_snapshot!(world.tree(run).await, @r#"
    run FAILED: the task node "a" failed: exit code 1
      a FAILED [FAILED, FAILED, FAILED]: exit code 1
        b UPSTREAM_FAILED: the task node "a" before it failed
    "#);
}

#[tokio::test]
async fn a_fault_spends_no_attempt() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("fault", &graph("a")).await;
    let run = world.start(tenant, "fault").await;
    let executor = world.executor("one").join().await;
    executor.report(&executor.take_one().await, Outcome::Fault).await;
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    assert_snapshot!(world.tree(run).await, @r"
    run SUCCEEDED
      a SUCCEEDED [FAULT, SUCCEEDED]
    ");
}

#[tokio::test]
async fn faults_have_a_bound_of_their_own() {
    let world = World::that_comes_to_rest().await;
    let frail = RetryPolicy {
        max_faults: 2,
        ..attempts(9)
    };
    let tenant = world
        .tenant_with("fault", &with(graph("a"), "a", |node| node.retry = frail))
        .await;
    let run = world.start(tenant, "fault").await;
    let executor = world.executor("one").join().await;
    executor.report(&executor.take_one().await, Outcome::Fault).await;
    executor.report(&executor.take_one().await, Outcome::Fault).await;
    assert_snapshot!(world.tree(run).await, @r#"
    run FAILED: the task node "a" failed: 2 attempts ended in a fault; the last: it could not be started
      a FAILED [FAULT, FAULT]: 2 attempts ended in a fault; the last: it could not be started
    "#);
}

#[tokio::test]
async fn work_of_a_silent_executor_goes_to_another_and_its_late_report_changes_nothing() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("reclaim", &graph("a -> b")).await;
    let run = world.start(tenant, "reclaim").await;
    let silent = world.executor("silent").join().await;
    let lost = silent.take_one().await;
    let _scheduler = world.scheduler();

    world.advance(LEASE.saturating_sub(Duration::from_secs(1))).await;
    let other = world.executor("other").join().await;
    assert!(other.take(1).await.is_empty(), "the lease has not ended yet");
    world.advance(Duration::from_secs(2)).await;
    let again = other.wait_for_one().await;
    assert_eq!((lost.fence, again.fence), (1, 2));
    assert_eq!(silent.beat().await, HeartbeatReply::Lost);

    silent.report(&lost, Outcome::Failed).await;
    assert!(world.tree(run).await.contains("a RUNNING [FAULT]"));
    other.report(&again, Outcome::Succeeded).await;
    silent.report(&lost, Outcome::Failed).await;
    other
        .report(&other.wait_for_one().await, Outcome::Succeeded)
        .await;
    assert_snapshot!(world.tree(run).await, @r"
    run SUCCEEDED
      a SUCCEEDED [FAULT, SUCCEEDED]
        b SUCCEEDED
    ");
    world
        .until_true("SELECT bool_and(end_reason = 'LOST') FROM executors WHERE key = 'silent'")
        .await;
}

#[tokio::test]
async fn what_was_assigned_and_not_started_is_reclaimed_too() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("reclaim", &graph("a")).await;
    let silent = world.executor("silent").join().await;
    let scheduler = world.scheduler();
    let run = world.start(tenant, "reclaim").await;
    world
        .until("it is assigned", || async {
            world.tree(run).await.contains("a ASSIGNED")
        })
        .await;
    world.advance(LEASE + Duration::from_secs(1)).await;
    let other = world.executor("other").join().await;
    let again = other.wait_for_one().await;
    assert_eq!(again.fence, 2, "an attempt is counted when it is assigned");
    assert!(silent.take(1).await.is_empty());
    other.report(&again, Outcome::Succeeded).await;
    scheduler.stop().await;
}

#[tokio::test]
async fn an_executor_that_leaves_hands_back_what_it_holds_as_a_fault() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("leave", &graph("a b")).await;
    let run = world.start(tenant, "leave").await;
    let leaving = world.executor("leaving").slots(2).join().await;
    assert_eq!(leaving.take(2).await.len(), 2);
    let reply = leaving.beat_as(|heartbeat| heartbeat.draining = true).await;
    assert_eq!(reply, HeartbeatReply::Alive);
    leaving.leave().await;
    let messages: Vec<String> = world
        .column("SELECT outcome || ': ' || message FROM attempts", &[])
        .await;
    assert_eq!(
        messages,
        ["FAULT: the executor stopped", "FAULT: the executor stopped"]
    );
    let other = world.executor("other").slots(2).join().await.perform(succeed);
    world.until_all_ended().await;
    other.stop().await;
    assert_snapshot!(world.tree(run).await, @r"
    run SUCCEEDED
      a SUCCEEDED [FAULT, SUCCEEDED]
      b SUCCEEDED [FAULT, SUCCEEDED]
    ");
    let kinds: Vec<String> = world
        .column(
            "SELECT kind FROM events WHERE data ->> 'key' = 'leaving' ORDER BY seq",
            &[],
        )
        .await;
    assert_eq!(
        kinds,
        ["EXECUTOR_REGISTERED", "EXECUTOR_DRAINING", "EXECUTOR_LEFT"]
    );
}

#[tokio::test]
async fn a_report_handed_in_twice_counts_once() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("twice", &graph("a b -> c")).await;
    let run = world.start(tenant, "twice").await;
    let executor = world.executor("one").slots(2).join().await;
    let taken = executor.take(2).await;
    let report = ended(&taken[0], Outcome::Succeeded);
    executor.exchange(vec![report.clone(), report.clone()], 0).await;
    assert!(executor.exchange(vec![report], 1).await.assignments.is_empty());
    executor.report(&taken[1], Outcome::Succeeded).await;
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    assert!(world.tree(run).await.starts_with("run SUCCEEDED"));
}

#[tokio::test]
async fn a_report_that_is_handed_in_again_while_it_is_being_settled_counts_once() {
    let world = World::that_comes_to_rest().await;
    let nodes: Vec<String> = (0..60).map(|n| format!("n{n}")).collect();
    let tenant = world
        .tenant_with("twice", &graph(&format!("{} -> end", nodes.join(" "))))
        .await;
    let run = world.start(tenant, "twice").await;
    let executor = world.executor("one").slots(60).join().await;
    let taken = executor.take(60).await;
    for batch in taken.chunks(5) {
        let reports: Vec<_> = batch.iter().map(succeed).collect();
        let again = || executor.exchange(reports.clone(), 0);
        tokio::join!(again(), again(), again());
    }
    executor
        .report(&executor.take_one().await, Outcome::Succeeded)
        .await;
    let attempts: i64 = world.value("SELECT count(*) FROM attempts", &[]).await;
    assert_eq!(attempts, 61);
    assert!(world.tree(run).await.starts_with("run SUCCEEDED"));
}

#[tokio::test]
async fn a_report_with_characters_that_cannot_be_stored_ends_its_attempt_all_the_same() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("nul", &graph("a b")).await;
    let run = world.start(tenant, "nul").await;
    let executor = world.executor("one").slots(2).join().await;
    let taken = executor.take(2).await;
    let mut report = ended(&taken[0], Outcome::Succeeded);
    report.message = Some("half\0way".to_owned());
    report.output = Some(serde_json::json!({ "te\0xt": ["a\0b"] }));
    executor
        .exchange(vec![report, ended(&taken[1], Outcome::Succeeded)], 0)
        .await;
    assert!(world.tree(run).await.starts_with("run SUCCEEDED"));
}
