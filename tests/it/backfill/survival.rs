//! Backfills whose schedulers die: no step is lost, and none runs twice.

use serde_json::json;
use waterclock_tests::succeed;
use waterclock_tests::world::{Process, Running};

use super::{Stage, first_hours};

#[tokio::test]
async fn of_two_schedulers_that_die_and_come_back_none_loses_or_doubles_a_step() {
    const STEPS: i64 = 100;
    let stage = Stage::set().await;
    let minutely = json!({ "timing": { "rule": { "interval": { "every": "PT1M", "anchor": "2025-03-01T00:00:00Z" } } } });
    let schedule = stage.schedule(minutely).await;
    let scope = json!({ "range": { "from": "2025-03-01T00:00:00Z", "until": "2025-03-01T01:40:00Z" } });
    let backfill = stage
        .backfill(&schedule, scope, json!({ "mostRunning": 7 }))
        .await;
    let _working = stage.executor().await.perform(succeed);
    let _relay = stage.world.relay();
    let processes: Vec<Process> = (0..2).map(|_| stage.world.process()).collect();
    let mut running: Vec<Running> = processes.iter().map(Process::scheduler).collect();
    let mut deaths = 0;
    let mut seen = 0;
    while seen < STEPS {
        stage
            .world
            .until("the backfill has come further", async || {
                let progress = stage.shown(&backfill).await["progress"].take();
                let done = progress["succeeded"].as_i64().expect("a number");
                done > seen
            })
            .await;
        seen = stage.shown(&backfill).await["progress"]["succeeded"]
            .as_i64()
            .expect("a number");
        let place = deaths % processes.len();
        let successor = processes[place].scheduler();
        std::mem::replace(&mut running[place], successor).kill().await;
        deaths += 1;
    }
    assert!(deaths > 5, "schedulers died on the way: {deaths}");
    stage.follow(&backfill).await;
    let told: String = stage
        .world
        .value(
            "SELECT format('%s steps with %s runs, %s runs, %s occurrences', count(*), count(DISTINCT run_id),
                (SELECT count(*) FROM runs), (SELECT count(DISTINCT nominal) FROM occurrences WHERE outcome = 'BACKFILLED'))
             FROM backfill_steps WHERE state = 'SUCCEEDED'",
            &[],
        )
        .await;
    assert_eq!(
        told,
        format!("{STEPS} steps with {STEPS} runs, {STEPS} runs, {STEPS} occurrences")
    );
}

#[tokio::test]
async fn what_was_undone_half_way_is_done_once() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let backfill = stage
        .backfill(&schedule, first_hours(6), json!({ "mostRunning": 6 }))
        .await;
    // Somebody holds the last of the steps, so that the scheduler waits with the runs of all others behind it; then it is lost.
    let mut other = stage.world.connect().await;
    let holding = other.transaction().await.expect("a transaction");
    holding
        .execute(
            "SELECT FROM backfill_steps ORDER BY place DESC LIMIT 1 FOR UPDATE",
            &[],
        )
        .await
        .expect("the step is held");
    let scheduler = stage.world.scheduler();
    stage.world.until_somebody_waits().await;
    scheduler.kill().await;
    holding.rollback().await.expect("the step is let go");
    let _scheduler = stage.world.scheduler();
    stage.until_running(&backfill, 6).await;
    let runs: i64 = stage.world.value("SELECT count(*) FROM runs", &[]).await;
    assert_eq!(runs, 6);
}
