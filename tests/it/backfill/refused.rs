//! Backfills that are not taken, each with the place of the fault.

use serde_json::{Value, json};
use waterclock_core::run::Outcome;
use waterclock_tests::api::Client;

use super::{MIDNIGHT, Stage, first_hours, hour};

/// The code, the place and the words of the only fault.
async fn refused(client: &Client, mutation: &str, input: Value) -> String {
    let payload = client.try_mutate(mutation, input, "backfill { id }").await;
    let errors = payload["userErrors"].as_array().expect("faults");
    assert_eq!(errors.len(), 1, "{payload:#}");
    let path: Vec<&str> = errors[0]["path"]
        .as_array()
        .expect("a path")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    format!(
        "{} {}: {}",
        errors[0]["code"].as_str().expect("a code"),
        path.join("."),
        errors[0]["message"].as_str().expect("words")
    )
}

#[tokio::test]
async fn what_is_not_due_yet_is_none_of_a_backfills() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let until_2060 = json!({ "range": { "from": "2060-01-01T00:00:00Z", "until": "2060-01-02T00:00:00Z" } });
    let list = json!({ "instants": [hour(1), "2060-01-01T00:00:00Z"] });
    for (scope, place) in [
        (until_2060, "input.scope.range.until"),
        (list, "input.scope.instants.1"),
    ] {
        let input = json!({ "id": schedule, "scope": scope });
        let told = refused(&stage.client, "backfillSchedule", input).await;
        let begins = format!("INVALID_INPUT {place}: the occurrence of 2060-01-01 00:00:00 UTC is due at ");
        assert!(
            told.starts_with(&begins) && told.contains("a backfill is about the past"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_at_its_place() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let backwards = json!({ "range": { "from": hour(2), "until": hour(1) } });
    let years = json!({ "range": { "from": MIDNIGHT, "until": "2026-06-01T00:00:00Z" } });
    let stranger = json!({ "instants": [hour(1), "2025-03-01T01:30:00Z"] });
    let nothing = json!({ "range": { "from": "2025-03-01T01:10:00Z", "until": "2025-03-01T01:50:00Z" } });
    for (scope, more, place) in [
        (backwards, json!({}), "INVALID_INPUT input.scope.range.until"),
        (years, json!({}), "QUOTA_EXCEEDED input.scope.range"),
        (stranger, json!({}), "INVALID_INPUT input.scope.instants.1"),
        (nothing, json!({}), "CONFLICT input.scope"),
        (
            first_hours(1),
            json!({ "mostRunning": 0 }),
            "INVALID_INPUT input.mostRunning",
        ),
        (
            first_hours(1),
            json!({ "mostRunning": 1001 }),
            "INVALID_INPUT input.mostRunning",
        ),
        (
            first_hours(1),
            json!({ "inputs": 3 }),
            "INVALID_INPUT input.inputs",
        ),
        (
            first_hours(1),
            json!({ "reason": "x".repeat(1001) }),
            "QUOTA_EXCEEDED input.reason",
        ),
    ] {
        let mut input = json!({ "id": schedule, "scope": scope });
        let more = more.as_object().expect("fields").clone();
        input.as_object_mut().expect("fields").extend(more);
        let told = refused(&stage.client, "backfillSchedule", input).await;
        assert!(told.starts_with(&format!("{place}: ")), "{told}");
    }
    let delay = json!({ "key": "after", "timing": { "rule": { "fixedDelay": { "delay": "PT1H" } } } });
    let delay = stage.schedule(delay).await;
    let input = json!({ "id": delay, "scope": first_hours(1) });
    let told = refused(&stage.client, "backfillSchedule", input).await;
    assert!(told.starts_with("CONFLICT input.id: a fixed delay"), "{told}");
}

#[tokio::test]
async fn a_plan_in_which_nothing_runs_says_why() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    stage.have_run(&schedule, &[0], |_| Outcome::Succeeded).await;
    let input = json!({ "id": schedule, "scope": first_hours(1), "reprocess": "FAILED" });
    assert_eq!(
        refused(&stage.client, "backfillSchedule", input).await,
        "CONFLICT input.scope: none of these occurrences (1) would run, that of 2025-03-01 00:00:00 UTC because its run succeeded, \
         and completed ones are not run again; say with `reprocess` what is to run again"
    );
}

#[tokio::test]
async fn inputs_that_the_workflow_does_not_have_are_refused_at_once() {
    let stage = Stage::set().await;
    let workflow = json!({
        "key": "strict", "nodes": [{ "key": "a", "taskNode": { "key": "report" } }], "publish": true,
        "inputs": [{ "name": "region", "type": "STRING" }],
    });
    stage.client.mutate("createWorkflow", workflow, "").await;
    let schedule = stage
        .schedule(json!({ "workflow": { "key": "strict" }, "computedInputs": [] }))
        .await;
    let input = json!({ "id": schedule, "scope": first_hours(1), "inputs": { "regoin": "north" } });
    assert_eq!(
        refused(&stage.client, "backfillSchedule", input).await,
        "INVALID_INPUT input.inputs.regoin: the workflow has no input \"regoin\"; it has region"
    );
}

#[tokio::test]
async fn a_call_that_is_made_again_makes_one_backfill() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let call = async |count: u32| {
        let input = json!({ "id": schedule, "scope": first_hours(count), "idempotencyKey": "once" });
        let document = "mutation ($input: BackfillScheduleInput!) { backfillSchedule(input: $input) {
            backfill { id } userErrors { message } } }";
        stage.client.answer(document, json!({ "input": input })).await
    };
    let first = call(1).await;
    assert!(
        first["data"]["backfillSchedule"]["backfill"]["id"].is_string(),
        "{first}"
    );
    assert_eq!(call(1).await, first);
    assert_eq!(
        call(2).await["errors"][0]["extensions"]["code"],
        "IDEMPOTENCY_CONFLICT"
    );
}

#[tokio::test]
async fn one_that_has_ended_cannot_be_cancelled_and_open_ones_are_bounded() {
    let stage = Stage::set().await;
    let schedule = stage.schedule(json!({})).await;
    let done = stage.have_run(&schedule, &[0], |_| Outcome::Succeeded).await;
    assert_eq!(
        refused(&stage.client, "cancelBackfill", json!({ "id": done })).await,
        "CONFLICT input.id: the backfill has ended already: it is SUCCEEDED"
    );
    for number in 1..=20 {
        let scope = json!({ "instants": [hour(number)] });
        stage.backfill(&schedule, scope, json!({})).await;
    }
    let input = json!({ "id": schedule, "scope": { "instants": [hour(21)] } });
    let told = refused(&stage.client, "backfillSchedule", input).await;
    assert!(told.starts_with("QUOTA_EXCEEDED input.id: "), "{told}");
}
