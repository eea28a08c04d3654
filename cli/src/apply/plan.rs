//! Whether applying a definition would change what is registered, as far as it can be told from outside.

use serde_json::{Value, json};
use waterclock_core::alert::channel::SigningSecret;
use waterclock_core::schedule::catch_up::CatchUp;
use waterclock_core::schedule::overlap::Overlap;
use waterclock_core::schedule::preset::{Policies, Preset};

use super::document::Kind;
use super::shape::Shapes;

/// Whether what is `shown` would be another if it were made as `wanted`.
pub(super) fn differs(shapes: &Shapes, kind: Kind, wanted: &Value, shown: &Value) -> bool {
    match kind {
        Kind::Program => shapes.differ("Program", wanted, shown),
        Kind::Endpoint => shapes.differ("Endpoint", wanted, shown),
        Kind::TaskNode => shapes.differ("TaskNode", &work_as_shown(wanted), shown),
        Kind::AlertChannel => shapes.differ("AlertChannel", &target_as_shown(wanted, shown), shown),
        Kind::Calendar => shapes.differ("Calendar", &calendar_as_shown(wanted), shown),
        Kind::Schedule => shapes.differ("Schedule", &schedule_as_shown(wanted), shown),
        Kind::Trigger => shapes.differ("Trigger", &trigger_as_shown(wanted), shown),
        Kind::AlertRule => shapes.differ("AlertRule", &condition_as_shown(wanted), shown),
        Kind::Workflow => {
            shapes.differ("Workflow", wanted, shown)
                || shapes.differ("WorkflowDraft", wanted, &shown["draft"])
        }
    }
}

/// A task node's work is given as one of three and shown as a kind with what it runs or calls.
fn work_as_shown(wanted: &Value) -> Value {
    let mut shown = wanted.clone();
    let work = shown["work"].take();
    for (name, kind) in [
        ("program", "PROGRAM"),
        ("endpoint", "ENDPOINT"),
        ("noOp", "NO_OP"),
    ] {
        if let Some(reference) = work.get(name) {
            shown["kind"] = json!(kind);
            shown[name] = reference.clone();
        }
    }
    shown
}

/// A channel's target is given as one of two and shown as a kind with its fields. A secret is shown as its fingerprint, and
/// stays what it is when none is given. A channel that is disabled is not what anybody wants.
fn target_as_shown(wanted: &Value, registered: &Value) -> Value {
    let mut shown = wanted.clone();
    let target = shown["target"].take();
    if let Some(webhook) = target.get("webhook") {
        shown["kind"] = json!("WEBHOOK");
        shown["url"] = webhook["url"].clone();
        shown["secretFingerprint"] = match webhook["secret"].as_str() {
            Some(secret) => json!(SigningSecret::new(secret).fingerprint),
            None => registered["secretFingerprint"].clone(),
        };
    }
    if let Some(email) = target.get("email") {
        shown["kind"] = json!("EMAIL");
        shown["to"] = email["to"].clone();
        shown["from"] = email["from"].clone();
    }
    shown
}

/// A rule's condition is given as one of several and shown as a kind with its fields.
fn condition_as_shown(wanted: &Value) -> Value {
    let mut shown = wanted.clone();
    if let Value::Object(condition) = shown["condition"].take()
        && let Some((name, fields)) = condition.into_iter().next()
    {
        let mut fields = if fields.is_object() { fields } else { json!({}) };
        if name == "runLate" && fields.get("timesUsual").is_none_or(Value::is_null) {
            fields["ofLastRuns"] = Value::Null;
        }
        fields["kind"] = json!(constant(&name));
        shown["condition"] = fields;
    }
    shown
}

/// A calendar works from Monday to Friday when it does not say otherwise, and a stretch of days is one day.
fn calendar_as_shown(wanted: &Value) -> Value {
    let mut shown = wanted.clone();
    if shown["workingWeekdays"].is_null() {
        shown["workingWeekdays"] = json!(["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]);
    }
    for list in ["excluded", "included"] {
        for days in shown[list].as_array_mut().into_iter().flatten() {
            if days["until"].is_null() {
                days["until"] = days["from"].clone();
            }
        }
    }
    shown
}

/// A schedule's preset is given and its policies are shown; what is left out of either is shown as what is usual.
fn schedule_as_shown(wanted: &Value) -> Value {
    let mut shown = wanted.clone();
    let preset = wanted["preset"].as_str().and_then(preset_of);
    let base = preset.map_or_else(Policies::default, Preset::policies);
    let given = wanted["policies"].clone();
    let or = |name: &str, usual: Value| match &given[name] {
        Value::Null => usual,
        given => given.clone(),
    };
    let (overlap, most_waiting) = overlap_as_shown(base.overlap);
    let overlap = or("overlap", json!(overlap));
    let usually_waiting = if given["overlap"].is_null() {
        most_waiting
    } else {
        json!(100)
    };
    shown["policies"] = json!({
        "catchUp": or("catchUp", catch_up_as_shown(base.catch_up)),
        "grace": or("grace", json!(length(base.grace_ms))),
        "startDeadline": or("startDeadline", Value::Null),
        "mostWaiting": if overlap == "QUEUE_ALL" { or("mostWaiting", usually_waiting) } else { Value::Null },
        "overlap": overlap,
        "overlapScope": or("overlapScope", json!("SCHEDULE")),
    });
    if shown["timing"]["daylightSaving"].is_null() {
        shown["timing"]["daylightSaving"] = json!({ "gap": "NEXT", "repeat": "FIRST" });
    }
    if shown["inputs"].is_null() {
        shown["inputs"] = json!({});
    }
    shown
}

/// A trigger gives no inputs when it does not say otherwise.
fn trigger_as_shown(wanted: &Value) -> Value {
    let mut shown = wanted.clone();
    if shown["inputs"].is_null() {
        shown["inputs"] = json!({});
    }
    shown
}

fn preset_of(word: &str) -> Option<Preset> {
    let constant = |preset: &Preset| preset.name().replace('-', "_").to_ascii_uppercase();
    Preset::ALL.into_iter().find(|preset| constant(preset) == word)
}

fn overlap_as_shown(overlap: Overlap) -> (&'static str, Value) {
    match overlap {
        Overlap::Allow => ("ALLOW", Value::Null),
        Overlap::Skip => ("SKIP", Value::Null),
        Overlap::QueueOne => ("QUEUE_ONE", Value::Null),
        Overlap::QueueAll { max } => ("QUEUE_ALL", json!(max)),
        Overlap::CancelRunning => ("CANCEL_RUNNING", Value::Null),
        Overlap::TerminateRunning => ("TERMINATE_RUNNING", Value::Null),
    }
}

fn catch_up_as_shown(catch_up: CatchUp) -> Value {
    match catch_up {
        CatchUp::None => json!({ "none": true }),
        CatchUp::Latest => json!({ "latest": true }),
        CatchUp::All { max_runs, window_ms } => {
            json!({ "all": { "maxRuns": max_runs, "window": length(window_ms) } })
        }
    }
}

/// A length of time of a preset, as the service shows it: days, minutes or seconds.
fn length(ms: i64) -> String {
    let whole = |unit: i64| (ms % unit == 0).then_some(ms / unit);
    if let Some(days) = whole(86_400_000) {
        format!("P{days}D")
    } else if let Some(minutes) = whole(60_000) {
        format!("PT{minutes}M")
    } else {
        format!("PT{}S", ms / 1_000)
    }
}

/// `runFailed` as `RUN_FAILED`.
fn constant(name: &str) -> String {
    let mut constant = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            constant.push('_');
        }
        constant.push(letter.to_ascii_uppercase());
    }
    constant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_node_of_another_program_differs() {
        let shapes = Shapes::of_schema();
        let shown = json!({
            "key": "a", "description": "", "kind": "PROGRAM", "program": {"id": "x", "key": "p"}, "endpoint": null,
            "arguments": null, "environment": [], "retry": {"maxAttempts": 3, "delay": "PT0S", "factor": 1.0},
        });
        let wanted = |work: Value| json!({"key": "a", "work": work, "retry": {"maxAttempts": 3}});
        let same = wanted(json!({"program": {"key": "p"}}));
        assert!(!differs(&shapes, Kind::TaskNode, &same, &shown));
        for other in [json!({"program": {"key": "q"}}), json!({"noOp": true})] {
            assert!(differs(&shapes, Kind::TaskNode, &wanted(other), &shown));
        }
        let once = json!({"key": "a", "work": {"program": {"key": "p"}}});
        assert!(differs(&shapes, Kind::TaskNode, &once, &shown));
    }

    #[test]
    fn a_channel_with_another_secret_differs_and_one_without_keeps_its_own() {
        let shapes = Shapes::of_schema();
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let shown = json!({
            "key": "c", "description": "", "kind": "WEBHOOK", "url": "https://a/", "to": null, "from": null,
            "secretFingerprint": "96ad2ccd81462a76", "disabledReason": null,
        });
        let wanted = |secret: Value| json!({"key": "c", "target": {"webhook": {"url": "https://a/", "secret": secret}}});
        for same in [json!(secret), json!(null)] {
            let mut shown = shown.clone();
            let wanted = wanted(same);
            assert!(!differs(&shapes, Kind::AlertChannel, &wanted, &shown), "{wanted}");
            shown["disabledReason"] = json!("it answered 410");
            assert!(differs(&shapes, Kind::AlertChannel, &wanted, &shown));
        }
        let other = wanted(json!("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
        assert!(differs(&shapes, Kind::AlertChannel, &other, &shown));
    }

    #[test]
    fn a_rule_with_another_condition_differs() {
        let shapes = Shapes::of_schema();
        let shown = json!({
            "key": "r", "description": "", "severity": "WARNING", "enabled": true, "groupFor": "PT5M",
            "workflow": {"id": "x", "key": "etl"}, "channels": [{"id": "x", "key": "c"}],
            "condition": {"kind": "RUNS_FAILING", "failures": 3, "within": "PT1H", "longerThan": null,
                "timesUsual": null, "ofLastRuns": null},
        });
        let wanted = |condition: Value| json!({"key": "r", "workflow": {"key": "etl"}, "channels": [{"key": "c"}], "condition": condition});
        let same = wanted(json!({"runsFailing": {"failures": 3, "within": "PT1H"}}));
        assert!(!differs(&shapes, Kind::AlertRule, &same, &shown));
        for other in [
            json!({"runsFailing": {"failures": 4, "within": "PT1H"}}),
            json!({"runFailed": true}),
        ] {
            assert!(differs(&shapes, Kind::AlertRule, &wanted(other), &shown));
        }
    }

    #[test]
    fn a_schedule_is_what_its_preset_and_its_policies_say() {
        let shapes = Shapes::of_schema();
        let shown = json!({
            "key": "s", "description": "", "workflow": {"id": "x", "key": "etl"}, "inputs": {}, "computedInputs": [],
            "priority": null, "overlapKey": null, "pauseAfterFailures": null,
            "timing": {
                "rule": {"cron": {"expression": "@daily", "dialect": "VIXIE", "bothDays": "OR"}, "at": null},
                "timeZone": "UTC", "daylightSaving": {"gap": "NEXT", "repeat": "FIRST"}, "calendar": null,
                "reaction": "SKIP", "blackouts": [], "jitter": "PT0S",
                "validity": {"from": "2026-11-21T00:00:00.000000Z", "until": null, "count": null},
            },
            "policies": {
                "catchUp": {"none": true, "latest": null, "all": null}, "grace": "PT5S", "startDeadline": null,
                "overlap": "SKIP", "mostWaiting": null, "overlapScope": "SCHEDULE",
            },
        });
        let wanted = |preset: &str| {
            json!({
                "key": "s", "workflow": {"key": "etl"}, "preset": preset, "policies": {"overlap": "SKIP"},
                "timing": {
                    "rule": {"cron": {"expression": "@daily", "dialect": "VIXIE", "bothDays": "OR"}},
                    "validity": {"from": "2026-11-21T01:00:00+01:00"},
                },
            })
        };
        assert!(!differs(&shapes, Kind::Schedule, &wanted("XXL_JOB"), &shown));
        assert!(differs(&shapes, Kind::Schedule, &wanted("QUARTZ"), &shown));
    }

    #[test]
    fn a_trigger_that_waits_for_something_else_differs() {
        let shapes = Shapes::of_schema();
        let shown = json!({
            "key": "t", "description": "", "workflow": {"id": "x", "key": "ship"}, "filter": null, "inputs": {},
            "computedInputs": [], "priority": null,
            "on": {
                "runEnded": {"workflow": {"id": "y", "key": "pay"}, "states": ["SUCCEEDED"], "samePeriod": false},
                "event": null, "webhook": null,
            },
        });
        let wanted = |states: Value| {
            json!({
                "key": "t", "workflow": {"key": "ship"}, "secret": "not shown",
                "on": {"runEnded": {"workflow": {"key": "pay"}, "states": states, "samePeriod": false}},
            })
        };
        assert!(!differs(
            &shapes,
            Kind::Trigger,
            &wanted(json!(["SUCCEEDED"])),
            &shown
        ));
        assert!(differs(
            &shapes,
            Kind::Trigger,
            &wanted(json!(["FAILED"])),
            &shown
        ));
        let event = json!({"key": "t", "workflow": {"key": "ship"}, "on": {"event": {"name": "paid"}}});
        assert!(differs(&shapes, Kind::Trigger, &event, &shown));
    }

    #[test]
    fn a_workflow_with_another_edge_differs() {
        let shapes = Shapes::of_schema();
        let node = |key: &str| json!({"key": key, "taskNode": {"key": "t"}});
        let shown_node = |key: &str| json!({"key": key, "taskNode": {"id": "x", "key": "t"}, "arguments": null, "environment": []});
        let shown = json!({
            "key": "w", "description": "",
            "draft": {
                "priority": 5, "inputs": [], "nodes": [shown_node("a"), shown_node("b")],
                "edges": [{"from": "a", "to": "b"}],
            },
        });
        let mut wanted = json!({
            "key": "w", "publish": true, "nodes": [node("a"), node("b")], "edges": [{"from": "a", "to": "b"}],
        });
        assert!(!differs(&shapes, Kind::Workflow, &wanted, &shown));
        wanted["edges"] = json!([{"from": "b", "to": "a"}]);
        assert!(differs(&shapes, Kind::Workflow, &wanted, &shown));
    }
}
