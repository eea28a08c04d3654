//! Backfills in the hands of people at a terminal.

use serde_json::json;
use waterclock_tests::binary::command;
use waterclock_tests::succeed;

use super::Stage;

impl Stage {
    /// What a command printed, on standard output and on standard error, and its exit code.
    async fn said(&self, line: &str) -> (String, String, Option<i32>) {
        let words: Vec<&str> = line.split(' ').collect();
        let output = command(&self.api, &self.client, &words).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr), output.status.code())
    }
}

#[tokio::test]
async fn a_backfill_is_planned_made_followed_listed_and_cancelled() {
    let stage = Stage::set().await;
    stage.schedule(json!({})).await;
    let range = "--from 2025-03-01T00:00:00Z --until 2025-03-01T03:00:00Z";
    let planned = stage
        .said(&format!("backfill hourly {range} --order newest-first --plan"))
        .await;
    assert_eq!(
        planned,
        (
            "2025-03-01T02:00:00Z  runs\n2025-03-01T01:00:00Z  runs\n2025-03-01T00:00:00Z  runs\n3 of 3 would run\n".to_owned(),
            String::new(),
            Some(0)
        )
    );
    let scheduler = stage.world.scheduler();
    let working = stage.executor().await.perform(succeed);
    let (printed, _, code) = stage
        .said(&format!(
            "backfill hourly {range} --parallel 2 --input region=north --wait"
        ))
        .await;
    assert_eq!(
        (printed.as_str(), code),
        (
            "SUCCEEDED: 3 of 3, 3 succeeded, 0 failed, 0 could not start, 0 cancelled, 0 passed over\n",
            Some(0)
        )
    );
    working.stop().await;
    scheduler.stop().await;
    let (_, faults, code) = stage.said(&format!("backfill hourly {range}")).await;
    assert_eq!(code, Some(2));
    assert!(
        faults.contains("scope: none of these occurrences (3) would run"),
        "{faults}"
    );
    let (made, faults, code) = stage
        .said("backfill hourly --at 2025-03-01T01:00:00Z --at 2025-03-01T07:00:00Z --reprocess completed")
        .await;
    assert_eq!(code, Some(0), "{faults}");
    let made = made.trim();
    let cancelled = stage
        .said(&format!("backfills cancel {made} --runs terminate"))
        .await;
    assert_eq!(cancelled, (String::new(), String::new(), Some(0)));
    let (listed, _, code) = stage.said("backfills").await;
    assert_eq!(code, Some(0));
    let states: Vec<&str> = listed
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(states, ["CANCELLED", "SUCCEEDED"], "{listed}");
    let (followed, _, code) = stage.said(&format!("backfills watch {made}")).await;
    assert_eq!(code, Some(3), "{followed}");
}
