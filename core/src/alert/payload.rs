//! What is delivered: one JSON object, the same with every try and through every channel.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::cause::Cause;
use super::ledger::NewAlert;

/// What a delivery of `alert` says, which `cause` raised.
pub(super) fn raised(alert: &NewAlert, cause: &Cause) -> Value {
    let named = |id: Option<String>, key: &str| json!({ "id": id, "key": key });
    json!({
        "type": "alert.raised",
        "timestamp": instant(alert.raised_at),
        "data": {
            "alert": {
                "id": alert.id.to_string(),
                "kind": alert.kind.as_str(),
                "severity": alert.severity.as_str(),
                "message": alert.message,
                "count": alert.count,
                "raisedAt": instant(alert.raised_at),
            },
            "tenant": { "id": alert.tenant_id.to_string() },
            "rule": named(Some(alert.rule_id.to_string()), &alert.rule_key),
            "workflow": cause.workflow.as_ref().map(|(id, key)| named(id.map(|id| id.to_string()), key)),
            "run": cause.run.map(|id| json!({ "id": id.to_string() })),
            "taskRun": cause.task_run.as_ref().map(|(id, key)| named(Some(id.to_string()), key)),
            "executor": cause.executor.as_ref().map(|(id, key)| named(Some(id.to_string()), key)),
        },
    })
}

/// What is said when somebody tries a channel.
pub(crate) fn trial(channel: &str, subject: &str, now: DateTime<Utc>) -> Value {
    json!({
        "type": "channel.test",
        "timestamp": instant(now),
        "data": {
            "channel": { "key": channel },
            "requestedBy": subject,
            "message": format!("{subject} tried the alert channel {channel:?}; nothing is wrong"),
        },
    })
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
