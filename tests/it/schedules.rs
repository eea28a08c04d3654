//! Schedules and calendars as their users meet them: through GraphQL.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::{Api, Client};

use crate::graphql::{cursor, publish_no_ops};

/// Nobody settles or performs anything here, but for what callers ask for.
struct Scene {
    world: World,
    api: Api,
    client: Client,
}

impl Scene {
    /// A tenant with the workflow `report`.
    async fn set() -> Self {
        let world = World::new().await;
        let api = world.serve().await;
        let client = api.admin("acme");
        publish_no_ops(&client, "report", &["only"], &[]).await;
        Self { world, api, client }
    }

    /// Makes a schedule of `report` and gives its id.
    async fn schedule(&self, key: &str, more: Value) -> String {
        let mut input = json!({ "key": key, "workflow": { "key": "report" }, "timing": nightly() });
        let more = more.as_object().expect("fields").clone();
        input.as_object_mut().expect("fields").extend(more);
        let made = self
            .client
            .mutate("createSchedule", input, "schedule { id }")
            .await;
        made["schedule"]["id"].as_str().expect("an id").to_owned()
    }
}

fn cron(expression: &str) -> Value {
    json!({ "rule": { "cron": { "expression": expression } }, "timeZone": "Europe/Berlin" })
}

fn nightly() -> Value {
    cron("30 2 * * *")
}

/// The places of the faults that a payload tells of, each with its code.
fn places(payload: &Value) -> Vec<String> {
    let errors = payload["userErrors"].as_array().expect("faults");
    let told = |error: &Value| {
        let path: Vec<&str> = error["path"]
            .as_array()
            .expect("a path")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        format!("{} {}", error["code"].as_str().expect("a code"), path.join("."))
    };
    errors.iter().map(told).collect()
}

#[tokio::test]
async fn a_preset_is_written_out_and_single_policies_go_before_it() {
    let scene = Scene::set().await;
    let policies = json!({ "overlap": "SKIP", "startDeadline": "PT1H" });
    scene
        .schedule("nightly", json!({ "preset": "QUARTZ", "policies": policies }))
        .await;
    let shown = scene
        .client
        .ask(
            "{ schedule(key: \"nightly\") {
                state changedBy words
                timing { rule { cron { expression dialect bothDays } interval { every } } timeZone jitter }
                policies { catchUp { latest all { maxRuns } } grace startDeadline overlap overlapScope }
                workflow { key schedules { nodes { key } } }
                nextOccurrences(first: 2) { nodes { placement notes } pageInfo { hasNextPage } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        shown["schedule"],
        json!({
            "state": "ACTIVE", "changedBy": "somebody of acme", "words": "At 02:30 every day",
            "timing": {
                "rule": { "cron": { "expression": "30 2 * * *", "dialect": "VIXIE", "bothDays": "OR" }, "interval": null },
                "timeZone": "Europe/Berlin", "jitter": "PT0S",
            },
            "policies": {
                "catchUp": { "latest": true, "all": null }, "grace": "PT1M", "startDeadline": "PT1H", "overlap": "SKIP",
                "overlapScope": "SCHEDULE",
            },
            "workflow": { "key": "report", "schedules": { "nodes": [{ "key": "nightly" }] } },
            "nextOccurrences": {
                "nodes": [{ "placement": "KEPT", "notes": [] }, { "placement": "KEPT", "notes": [] }],
                "pageInfo": { "hasNextPage": true },
            },
        })
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_its_place() {
    let scene = Scene::set().await;
    for (more, expected) in [
        (
            json!({ "timing": cron("0 0 30 2 *"), "priority": 12, "policies": {
                "grace": "PT0.5S", "catchUp": { "all": { "maxRuns": 0, "window": "P1D" } },
                "overlap": "QUEUE_ALL", "mostWaiting": 5000, "overlapScope": "KEY" } }),
            vec![
                "INVALID_INPUT input.timing.rule.cron.expression",
                "INVALID_INPUT input.policies.catchUp.all.maxRuns",
                "INVALID_INPUT input.policies.mostWaiting",
                "INVALID_INPUT input.policies.overlapScope",
                "INVALID_INPUT input.priority",
            ],
        ),
        (
            json!({ "timing": { "rule": { "interval": { "every": "PT0.1S", "anchor": "2030-01-01T00:00:00Z" } } } }),
            vec!["INVALID_INPUT input.timing.rule.interval.every"],
        ),
        (
            json!({ "timing": { "rule": { "at": { "instants": ["2001-01-01T00:00:00Z"] } } } }),
            vec!["INVALID_INPUT input.timing"],
        ),
        (
            json!({ "workflow": { "key": "other" }, "timing": {
                "rule": { "cron": { "expression": "@daily" } }, "calendar": { "named": "none" } } }),
            vec!["NOT_FOUND input.timing.calendar", "NOT_FOUND input.workflow"],
        ),
        (
            json!({ "computedInputs": [{ "name": "day", "value": "occurrence.nothing" }], "inputs": 3 }),
            vec!["INVALID_INPUT input.inputs"],
        ),
        (
            json!({ "computedInputs": [{ "name": "day", "value": "occurrence.nothing" }] }),
            vec!["INVALID_INPUT input.computedInputs.0.value"],
        ),
    ] {
        let mut input = json!({ "key": "wrong", "workflow": { "key": "report" }, "timing": nightly() });
        let more = more.as_object().expect("fields").clone();
        input.as_object_mut().expect("fields").extend(more);
        let payload = scene
            .client
            .try_mutate("createSchedule", input, "schedule { id }")
            .await;
        assert_eq!(places(&payload), expected, "{payload:#}");
    }
}

const PREVIEW: &str = "query ($input: PreviewScheduleInput!, $first: Int, $after: String) {
    previewSchedule(input: $input, first: $first, after: $after) {
        words nextOccurrences { nodes { instant notes } pageInfo { endCursor hasNextPage } }
        userErrors { code path } } }";

#[tokio::test]
async fn a_preview_walks_over_a_gap_of_the_clock_and_says_so() {
    let scene = Scene::set().await;
    let mut timing = nightly();
    timing["validity"] = json!({ "from": "2035-03-24T12:00:00Z" });
    let input = json!({ "timing": timing });
    let mut pages = Vec::new();
    let mut after = Value::Null;
    for _ in 0..2 {
        let variables = json!({ "input": input, "first": 1, "after": after });
        let page = scene.client.ask(PREVIEW, variables).await["previewSchedule"]["nextOccurrences"].take();
        after = page["pageInfo"]["endCursor"].clone();
        pages.push(page["nodes"][0].clone());
    }
    assert_eq!(
        json!(pages),
        json!([
            { "instant": "2035-03-25T01:00:00.000000Z", "notes": ["DST_SHIFTED"] },
            { "instant": "2035-03-26T00:30:00.000000Z", "notes": [] },
        ])
    );
    let wrong = json!({ "input": { "timing": cron("61 * * * *") } });
    let preview = &scene.client.ask(PREVIEW, wrong).await["previewSchedule"];
    assert_eq!(
        places(preview),
        ["INVALID_INPUT input.timing.rule.cron.expression"]
    );
    let saved = scene
        .client
        .ask("{ schedules { nodes { key } } }", json!({}))
        .await;
    assert_eq!(saved["schedules"]["nodes"], json!([]), "nothing was saved");
}

#[tokio::test]
async fn a_schedule_is_paused_resumed_stopped_and_started() {
    let scene = Scene::set().await;
    let id = scene.schedule("nightly", json!({ "start": false })).await;
    let state = "schedule { state stateReason }";
    let steer = async |mutation: &str, input: Value| {
        let payload = scene.client.try_mutate(mutation, input, state).await;
        match places(&payload).as_slice() {
            [] => format!(
                "{} {}",
                payload["schedule"]["state"].as_str().expect("a state"),
                payload["schedule"]["stateReason"].as_str().unwrap_or("-")
            ),
            [place, ..] => place.clone(),
        }
    };
    let only = || json!({ "id": id });
    assert_eq!(steer("pauseSchedule", only()).await, "CONFLICT input.id");
    assert_eq!(steer("startSchedule", only()).await, "ACTIVE -");
    let why = json!({ "id": id, "reason": "the source moves" });
    assert_eq!(steer("pauseSchedule", why).await, "PAUSED the source moves");
    assert_eq!(steer("startSchedule", only()).await, "CONFLICT input.id");
    assert_eq!(steer("resumeSchedule", only()).await, "ACTIVE -");
    assert_eq!(
        steer("stopSchedule", only()).await,
        "STOPPED stopped by somebody of acme"
    );
    assert_eq!(steer("resumeSchedule", only()).await, "CONFLICT input.id");
}

#[tokio::test]
async fn what_is_asked_for_is_listed_a_page_at_a_time_with_its_run() {
    let scene = Scene::set().await;
    let id = scene
        .schedule("nightly", json!({ "policies": { "overlap": "ALLOW" } }))
        .await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        let payload = scene
            .client
            .mutate(
                "triggerNow",
                json!({ "id": id }),
                "occurrence { id outcome manual run { trigger schedule { key } occurrence { id } } }",
            )
            .await;
        let occurrence = &payload["occurrence"];
        assert_eq!(
            (&occurrence["outcome"], &occurrence["manual"]),
            (&json!("FIRED"), &json!(true))
        );
        assert_eq!(occurrence["run"]["schedule"]["key"], "nightly");
        assert_eq!(occurrence["run"]["occurrence"]["id"], occurrence["id"]);
        asked.insert(0, occurrence["id"].clone());
    }
    let list = "query ($after: String, $outcomes: [OccurrenceOutcome!]) { schedule(key: \"nightly\") {
        occurrences(first: 2, after: $after, filter: { outcomes: $outcomes }) {
            nodes { id } pageInfo { endCursor hasNextPage } }
        runs { nodes { id } } } }";
    let mut listed = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "after": after, "outcomes": ["FIRED"] });
        let answer = scene.client.ask(list, variables).await;
        assert_eq!(
            answer["schedule"]["runs"]["nodes"].as_array().map(Vec::len),
            Some(3)
        );
        let page = &answer["schedule"]["occurrences"];
        let nodes = page["nodes"].as_array().expect("a page").iter();
        listed.extend(nodes.map(|node| node["id"].clone()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(listed, asked, "the latest first");
    let missed = scene.client.ask(list, json!({ "outcomes": ["MISSED"] })).await;
    assert_eq!(missed["schedule"]["occurrences"]["nodes"], json!([]));
}

#[tokio::test]
async fn what_is_decided_about_one_schedule_is_followed() {
    let scene = Scene::set().await;
    let id = scene.schedule("nightly", json!({})).await;
    let other = scene.schedule("other", json!({})).await;
    let follow = "subscription ($id: ID, $after: String) {
        occurrences(scheduleId: $id, after: $after) { outcome occurrence { schedule { key } } } }";
    let variables = json!({ "id": id, "after": cursor(&scene.client).await });
    let mut following = scene.client.follow(follow, variables).await;
    for asked in [&other, &id, &id] {
        let asked = json!({ "id": asked });
        scene.client.mutate("triggerNow", asked, "").await;
    }
    for outcome in ["FIRED", "WAITING"] {
        assert_eq!(
            following.next().await,
            Some(json!({ "outcome": outcome, "occurrence": { "schedule": { "key": "nightly" } } }))
        );
    }
    let waits = "query ($key: String!) { schedule(key: $key) { occurrences(first: 9) { nodes { run { id } waitsFor { id } } } } }";
    let shown = scene.client.ask(waits, json!({ "key": "nightly" })).await;
    let nodes = &shown["schedule"]["occurrences"]["nodes"];
    assert_eq!(nodes[0]["waitsFor"], json!([nodes[1]["run"]]));
    assert_eq!(nodes[1]["waitsFor"], json!([]));
    let stranger = scene.api.admin("stranger");
    let mut refused = stranger.follow(follow, json!({ "id": id })).await;
    let said = refused.first_word().await.to_string();
    assert!(said.contains("NOT_FOUND"), "{said}");
}

#[tokio::test]
async fn a_calendar_is_made_imported_kept_to_and_not_deleted_while_it_is() {
    let scene = Scene::set().await;
    let input = json!({
        "key": "office", "workingWeekdays": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
        "included": [{ "from": "2035-03-24", "name": "made up for" }], "everyYear": [{ "month": 1, "day": 1 }],
        "hours": [{ "from": "08:00", "until": "18:00" }],
    });
    let made = scene
        .client
        .mutate("createCalendar", input, "calendar { id }")
        .await;
    let id = made["calendar"]["id"].clone();
    let file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Holiday\r\n\
        DTSTART;VALUE=DATE:20350326\r\nDTEND;VALUE=DATE:20350327\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    for revision in [1, 2] {
        let import = json!({
            "id": id, "expectedRevision": revision, "file": file, "into": "EXCLUDED", "from": "2035-01-01",
            "until": "2035-12-31",
        });
        let made = scene
            .client
            .mutate(
                "importCalendar",
                import,
                "calendar { revision excluded { from name } }",
            )
            .await;
        assert_eq!(
            made["calendar"],
            json!({ "revision": 2, "excluded": [{ "from": "2035-03-26", "name": "Holiday" }] }),
            "an event that is there is not added again"
        );
    }
    let timing = json!({
        "rule": { "cron": { "expression": "0 9 * * *" } }, "calendar": { "named": "office" },
        "validity": { "from": "2035-03-23T00:00:00Z" },
    });
    let preview = scene
        .client
        .ask(
            "query ($input: PreviewScheduleInput!) { previewSchedule(input: $input, first: 5) {
                nextOccurrences { nodes { placement } } } }",
            json!({ "input": { "timing": timing } }),
        )
        .await;
    let nodes = preview["previewSchedule"]["nextOccurrences"]["nodes"].as_array();
    let placements: Vec<&Value> = nodes
        .expect("a page")
        .iter()
        .map(|node| &node["placement"])
        .collect();
    // Friday, a Saturday that works, Sunday, a Monday that is a holiday, Tuesday.
    assert_eq!(placements, ["KEPT", "KEPT", "EXCLUDED", "EXCLUDED", "KEPT"]);
    scene.schedule("daily", json!({ "timing": timing })).await;
    let delete = json!({ "id": id, "expectedRevision": 2 });
    let payload = scene
        .client
        .try_mutate("deleteCalendar", delete, "deletedId")
        .await;
    assert_eq!(payload["userErrors"][0]["code"], "CONFLICT", "{payload:#}");
    let wrong = json!({ "key": "wrong", "everyYear": [{ "month": 2, "day": 30 }] });
    let payload = scene
        .client
        .try_mutate("createCalendar", wrong, "calendar { id }")
        .await;
    assert_eq!(places(&payload), ["INVALID_INPUT input.everyYear.0"]);
}

/// An instant on a day off that is due another day is no longer due by the old rule, and in the past by the new one.
#[tokio::test]
async fn an_occurrence_that_an_edit_takes_away_is_recorded() {
    let scene = Scene::set().await;
    let days: Vec<String> = scene
        .world
        .column(
            "SELECT upper(trim(to_char(present() + n * interval '1 day', 'Day'))) FROM generate_series(2, 4) AS n",
            &[],
        )
        .await;
    let off = json!({ "key": "off", "workingWeekdays": days });
    scene
        .client
        .mutate("createCalendar", off, "calendar { id }")
        .await;
    let at: Vec<String> = scene
        .world
        .column(
            "SELECT to_json(present() + after) #>> '{}' FROM unnest(ARRAY[interval '1 minute', interval '90 days']) AS after",
            &[],
        )
        .await;
    let timing = |more: Value| {
        let mut timing = json!({ "rule": { "at": { "instants": at } } });
        timing
            .as_object_mut()
            .expect("fields")
            .extend(more.as_object().expect("fields").clone());
        timing
    };
    let moved = timing(json!({ "calendar": { "named": "off" }, "reaction": "NEXT" }));
    let id = scene.schedule("once", json!({ "timing": moved })).await;
    scene.world.advance(std::time::Duration::from_mins(2)).await;
    let edit = json!({
        "id": id, "expectedRevision": 1, "workflow": { "key": "report" }, "timing": timing(json!({})),
    });
    let selection = "schedule { occurrences { nodes { outcome reason } } }";
    let edited = scene.client.mutate("updateSchedule", edit, selection).await;
    let recorded = &edited["schedule"]["occurrences"]["nodes"];
    assert_eq!(recorded[0]["outcome"], "MISSED", "{edited:#}");
    let reason = recorded[0]["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("its schedule was edited after its instant and before it was due"),
        "{reason}"
    );
    assert_eq!(recorded.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn inputs_that_no_run_would_be_taken_with_are_refused_where_they_are_given() {
    let scene = Scene::set().await;
    let nodes = json!([{ "key": "only", "taskNode": { "key": "report" } }]);
    let typed = json!({
        "key": "typed", "publish": true, "nodes": nodes, "inputs": [{ "name": "day", "type": "STRING" }],
    });
    scene.client.mutate("createWorkflow", typed, "").await;
    let mut input = json!({
        "key": "typed", "workflow": { "key": "typed" }, "timing": nightly(), "inputs": { "day": 1 },
    });
    let refused = scene
        .client
        .try_mutate("createSchedule", input.clone(), "schedule { id }")
        .await;
    assert_eq!(places(&refused), ["INVALID_INPUT input.inputs.day"]);
    input["inputs"] = json!({ "day": "today" });
    let made = scene
        .client
        .mutate("createSchedule", input, "schedule { id }")
        .await;
    let id = &made["schedule"]["id"];
    for wrong in [json!({ "day": 1 }), json!({ "night": "1" })] {
        let now = json!({ "id": id, "inputs": wrong });
        let refused = scene
            .client
            .try_mutate("triggerNow", now, "occurrence { id }")
            .await;
        assert_eq!(refused["occurrence"], Value::Null, "{refused:#}");
        assert_eq!(refused["userErrors"][0]["path"][1], "inputs", "{refused:#}");
    }
}
