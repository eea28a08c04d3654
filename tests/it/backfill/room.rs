//! A backfill of a tenant that may have few runs waits for room, and says so.

use std::time::Duration;

use serde_json::json;
use waterclock_core::run::Outcome;
use waterclock_tests::succeed;

use super::{Stage, first_hours};
use crate::quotas::allow;

#[tokio::test]
async fn steps_for_which_there_is_no_room_wait_and_are_not_rejected() {
    let stage = Stage::set().await;
    allow(&stage.api, json!(3)).await;
    let schedule = stage.schedule(json!({})).await;
    let backfill = stage
        .backfill(&schedule, first_hours(5), json!({ "mostRunning": 5 }))
        .await;
    let _scheduler = stage.world.scheduler();
    stage.until_running(&backfill, 3).await;
    let shown = stage.shown(&backfill).await;
    assert_eq!(shown["progress"]["pending"], 2, "{shown}");
    assert_eq!(shown["progress"]["rejected"], 0, "{shown}");
    assert_eq!(
        shown["stateReason"],
        "the next steps wait: the tenant has 3 live runs already, as many as it may; wait until some have ended, or cancel some"
    );
    let executor = stage.executor().await;
    let work = executor.wait_for_one().await;
    executor.report(&work, Outcome::Succeeded).await;
    stage.world.advance(Duration::from_secs(2)).await;
    stage
        .world
        .until("the place of the run that has ended is taken", async || {
            stage.shown(&backfill).await["progress"]["pending"] == 1
        })
        .await;
    stage.until_running(&backfill, 3).await;
    let _working = executor.perform(succeed);
    let seen = stage.follow(&backfill).await;
    let end = seen.last().expect("its end");
    assert_eq!(
        (&end["state"], &end["progress"]["succeeded"]),
        (&json!("SUCCEEDED"), &json!(5))
    );
    assert_eq!(stage.shown(&backfill).await["stateReason"], json!(null));
}
