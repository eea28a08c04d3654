//! What the database refuses for one tenant keeps no other waiting.

use std::time::Duration;

use serde_json::json;
use waterclock_core::command::edit_schedule::Steer;
use waterclock_core::schedule::preset::Policies;
use waterclock_core::schedule::spec::Schedule;
use waterclock_tests::clockwork::{Clockwork, HOUR};

use crate::triggers::Scene;

/// Has the database refuse what becomes of `schedule`.
async fn refuse_occurrences(clockwork: &Clockwork, schedule: &Schedule) {
    let constraint = format!(
        "ALTER TABLE occurrences ADD CONSTRAINT refused CHECK (schedule_id <> '{}') NOT VALID",
        schedule.id
    );
    clockwork.world.execute(&constraint, &[]).await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_settled_is_paused_and_the_others_go_on() {
    let clockwork = Clockwork::new().await;
    let poisoned = clockwork
        .schedule("poisoned", clockwork.hourly(), Policies::default())
        .await;
    let well = clockwork
        .schedule("well", clockwork.hourly(), Policies::default())
        .await;
    let _scheduler = clockwork.world.scheduler();
    clockwork.until_settled().await;
    refuse_occurrences(&clockwork, &poisoned).await;
    clockwork.pass(Duration::from_mins(2)).await;
    assert_eq!(clockwork.outcomes(&well).await, ["FIRED"]);
    let stands: String = clockwork
        .world
        .value(
            "SELECT state || ': ' || state_reason FROM schedule_states WHERE schedule_id = $1::text::uuid",
            &[&poisoned.id.to_string()],
        )
        .await;
    assert!(
        stands.starts_with("PAUSED: the database refuses what comes of it"),
        "{stands}"
    );
    clockwork
        .world
        .execute("ALTER TABLE occurrences DROP CONSTRAINT refused", &[])
        .await;
    clockwork
        .editor
        .steer(&clockwork.author(), poisoned.id, Steer::Resume, None)
        .await
        .expect("it goes on");
    clockwork.pass(HOUR).await;
    assert_eq!(clockwork.outcomes(&poisoned).await, ["PAUSED", "FIRED"]);
}

#[tokio::test]
async fn a_firing_that_cannot_be_decided_about_is_rejected_and_the_others_are_decided_about() {
    let scene = Scene::set().await;
    let on = json!({ "event": { "name": "paid" } });
    let poisoned = scene.trigger("poisoned", on.clone(), json!({})).await;
    scene.trigger("well", on, json!({})).await;
    let id: String = scene
        .world
        .value("SELECT id::text FROM triggers WHERE key = 'poisoned'", &[])
        .await;
    let constraint = format!(
        "ALTER TABLE firings ADD CONSTRAINT refused CHECK (trigger_id <> '{id}' OR outcome IN ('PENDING', 'REJECTED')) NOT VALID"
    );
    scene.world.execute(&constraint, &[]).await;
    let _scheduler = scene.world.scheduler();
    let input = json!({ "name": "paid" });
    scene.client.mutate("publishEvent", input, "event { id }").await;
    scene.until_decided().await;
    assert_eq!(scene.told("well").await, ["FIRED"]);
    let told = scene.told("poisoned").await;
    assert!(
        told[0].starts_with("REJECTED: it cannot be decided about"),
        "{told:?}"
    );
    let edit = json!({ "id": poisoned, "reason": "it is mended" });
    let paused = scene
        .client
        .mutate("pauseTrigger", edit, "trigger { state }")
        .await;
    assert_eq!(paused["trigger"]["state"], "PAUSED");
}

/// A fault quotes what an expression names, and PostgreSQL keeps no NUL.
#[tokio::test]
async fn a_filter_that_fails_on_a_nul_is_told_of() {
    let scene = Scene::set().await;
    let on = json!({ "event": { "name": "paid" } });
    let filter = json!({ "filter": r#"{"a": 1}["q\x00"] > 1"# });
    scene.trigger("quotes", on.clone(), filter).await;
    let computed = json!([{ "name": "f", "value": r#""a\x00b""# }]);
    scene
        .trigger("makes", on, json!({ "computedInputs": computed }))
        .await;
    let _scheduler = scene.world.scheduler();
    let input = json!({ "name": "paid" });
    scene.client.mutate("publishEvent", input, "event { id }").await;
    scene.until_decided().await;
    let told = scene.told("quotes").await;
    assert!(told[0].contains(r"there is no `q\0` in the map"), "{told:?}");
    let told = scene.told("makes").await;
    assert!(told[0].contains("the result holds a NUL character"), "{told:?}");
}
