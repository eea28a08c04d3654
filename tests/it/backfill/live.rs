//! Backfills beside what is due now, and compared with it.

use std::time::Duration;

use serde_json::{Value, json};
use waterclock_core::run::Outcome;
use waterclock_tests::{ended, succeed};

use super::{Stage, first_hours};

const HOUR: Duration = Duration::from_hours(1);

impl Stage {
    /// Waits until nothing of any schedule is due.
    async fn until_settled(&self) {
        self.world
            .until_seen("SELECT NOT EXISTS (SELECT FROM schedule_states WHERE next_due <= present())")
            .await;
    }

    /// An instant by the database's clock.
    async fn instant(&self, expression: &str) -> String {
        let query =
            format!("SELECT to_char(({expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        self.world.value(&query, &[]).await
    }

    /// The outcomes of the schedule's occurrences since its start, the oldest first.
    async fn lately(&self, key: &str) -> Vec<String> {
        self.world
            .column(
                "SELECT o.outcome FROM occurrences AS o JOIN schedules AS s ON s.id = o.schedule_id
                WHERE s.key = $1 AND o.nominal > s.created_at ORDER BY o.nominal",
                &[&key],
            )
            .await
    }
}

#[tokio::test]
async fn what_is_due_starts_beside_a_backfill_whose_failures_are_none_of_the_schedules() {
    let stage = Stage::set().await;
    let _scheduler = stage.world.scheduler();
    let fragile = json!({ "start": true, "policies": { "overlap": "SKIP" }, "pauseAfterFailures": 1 });
    let schedule = stage.schedule(fragile).await;
    let backfill = stage
        .backfill(&schedule, first_hours(2), json!({ "mostRunning": 2 }))
        .await;
    stage.until_running(&backfill, 2).await;
    stage.world.advance(HOUR).await;
    stage.until_settled().await;
    assert_eq!(stage.lately("hourly").await, ["FIRED"]);
    let of_backfill: Vec<String> = stage
        .world
        .column("SELECT id::text FROM runs WHERE trigger = 'BACKFILL'", &[])
        .await;
    let executor = stage.executor().await;
    let held = executor.take(3).await;
    assert_eq!(held.len(), 3);
    let failed = held
        .iter()
        .filter(|held| of_backfill.contains(&held.run_id.to_string()))
        .map(|held| ended(held, Outcome::Failed));
    executor.exchange(failed.collect(), 0).await;
    stage.until_running(&backfill, 0).await;
    let standing: String = stage
        .world
        .value(
            "SELECT format('%s %s', state, failures) FROM schedule_states",
            &[],
        )
        .await;
    assert_eq!(standing, "ACTIVE 0");
}

#[tokio::test]
async fn the_runs_of_a_backfill_are_runs_of_their_workflow() {
    let stage = Stage::set().await;
    let _scheduler = stage.world.scheduler();
    let schedule = stage.schedule(json!({})).await;
    let shared = json!({ "key": "shared", "start": true, "policies": { "overlap": "SKIP", "overlapScope": "WORKFLOW" } });
    stage.schedule(shared).await;
    let backfill = stage.backfill(&schedule, first_hours(1), json!({})).await;
    stage.until_running(&backfill, 1).await;
    stage.world.advance(HOUR).await;
    stage.until_settled().await;
    assert_eq!(stage.lately("shared").await, ["SKIPPED_OVERLAP"]);
}

#[tokio::test]
async fn a_row_that_stands_for_many_becomes_one_of_them_and_keeps_its_words() {
    let stage = Stage::set().await;
    let anchor = stage.instant("present() + interval '1 second'").await;
    let secondly = json!({
        "start": true, "timing": { "rule": { "interval": { "every": "PT1S", "anchor": anchor } } },
        "policies": { "catchUp": { "none": true } },
    });
    let schedule = stage.schedule(secondly).await;
    let settled = stage.world.scheduler();
    stage.until_settled().await;
    settled.stop().await;
    stage.world.advance(HOUR).await;
    let _scheduler = stage.world.scheduler();
    stage.until_settled().await;
    let before: String = stage
        .world
        .value(
            "SELECT reason FROM occurrences WHERE stands_for > 1 AND outcome = 'MISSED'",
            &[],
        )
        .await;
    assert!(before.starts_with("stands for the 2"), "{before}");
    let newest = stage
        .instant("SELECT nominal FROM occurrences WHERE stands_for > 1")
        .await;
    let scope = json!({ "instants": [newest] });
    let backfill = stage.backfill(&schedule, scope, json!({})).await;
    stage.until_running(&backfill, 1).await;
    let told: String = stage
        .world
        .value(
            "SELECT jsonb_build_array(outcome, reason, stands_for, oldest)::text FROM occurrences WHERE outcome = 'BACKFILLED'",
            &[],
        )
        .await;
    let told: Value = told.parse().expect("JSON");
    let words = format!("backfilled by somebody of acme; it was MISSED: {before}");
    assert_eq!(told, json!(["BACKFILLED", words, 1, null]));
}

#[tokio::test]
async fn a_backfill_over_an_interval_makes_what_firing_live_over_it_made() {
    let cron = |expression: &str, zone: &str| json!({ "rule": { "cron": { "expression": expression } }, "timeZone": zone });
    let mut moved = cron("15 9 * * *", "Europe/Berlin");
    moved["calendar"] = json!({ "named": "office" });
    moved["reaction"] = json!("NEXT");
    let mut jittered = cron("0 */3 * * *", "America/New_York");
    jittered["jitter"] = json!("PT20M");
    let recurring =
        json!({ "rule": { "rrule": { "text": "DTSTART:20250101T060000Z\nRRULE:FREQ=HOURLY;INTERVAL=5" } } });
    for timing in [
        cron("*/40 * * * *", "Australia/Lord_Howe"),
        moved,
        jittered,
        recurring,
    ] {
        let stage = Stage::set().await;
        let office = json!({ "key": "office", "workingWeekdays": ["MONDAY", "WEDNESDAY", "SATURDAY"] });
        stage.client.mutate("createCalendar", office, "").await;
        let told = json!([
            { "name": "day", "value": "occurrence.businessDate" },
            { "name": "since", "value": "occurrence.dataInterval.start" },
        ]);
        let schedule = stage
            .schedule(json!({
                "start": true, "timing": timing, "computedInputs": told, "inputs": { "region": "north" },
                "policies": { "overlap": "ALLOW", "catchUp": { "all": { "maxRuns": 1000, "window": "P30D" } } },
            }))
            .await;
        let _scheduler = stage.world.scheduler();
        for _ in 0..8 {
            stage.world.advance(24 * HOUR).await;
            stage.until_settled().await;
        }
        let working = stage.executor().await.perform(succeed);
        stage.world.until_all_ended().await;
        let first = stage
            .instant("SELECT min(nominal) FROM occurrences WHERE outcome = 'FIRED'")
            .await;
        let last = stage
            .instant("SELECT max(nominal) + interval '1 microsecond' FROM occurrences")
            .await;
        let scope = json!({ "range": { "from": first, "until": last } });
        let again = json!({ "reprocess": "COMPLETED", "mostRunning": 20 });
        let backfill = stage.backfill(&schedule, scope, again).await;
        let seen = stage.follow(&backfill).await;
        assert_eq!(seen.last().expect("its end")["state"], "SUCCEEDED", "{timing:#}");
        working.stop().await;
        let made = async |trigger: &str| -> Vec<String> {
            let runs =
                "SELECT jsonb_build_array(occurrence, inputs)::text FROM runs WHERE trigger = $1 ORDER BY 1";
            stage.world.column(runs, &[&trigger]).await
        };
        let (live, again) = (made("SCHEDULE").await, made("BACKFILL").await);
        assert!(live.len() > 2, "{live:?}");
        assert_eq!(live, again, "{timing:#}");
    }
}
