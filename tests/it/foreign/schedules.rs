//! When the owner's workflows run.

use serde_json::{Value, json};
use waterclock_tests::api::Client;

use super::{Estate, FAR, SECRET_WORD, Scene, key};
use crate::graphql::publish_no_ops;

/// When the schedules name their first occurrence, long before they are made.
const PAST: &str = "2001-01-01T00:00:00Z";

/// A timing that names two instants: one long past, and one so late that nothing of what a test does meets it.
fn far() -> Value {
    json!({ "rule": { "at": { "instants": [PAST, FAR] } } })
}

/// A schedule that is tried, by the owner's calendar.
pub(super) fn preview() -> Value {
    let mut timing = far();
    timing["calendar"] = json!({ "named": key("main") });
    json!({ "timing": timing })
}

/// Asks the owner's schedule for an occurrence, and one of the stranger's, with the key `own_key`.
pub(super) async fn ask_both(scene: &Scene, own_key: &str) {
    let asked = json!({ "id": scene.estate.ids["Schedule"] });
    scene.owner.mutate("triggerNow", asked, "").await;
    publish_no_ops(&scene.stranger, own_key, &["a"], &[]).await;
    let input = json!({ "key": own_key, "workflow": { "key": own_key }, "timing": far() });
    let made = scene
        .stranger
        .mutate("createSchedule", input, "schedule { id }")
        .await;
    let asked = json!({ "id": made["schedule"]["id"] });
    scene.stranger.mutate("triggerNow", asked, "").await;
}

impl Estate {
    /// Calendars, schedules, and an occurrence that somebody asked for.
    pub(super) async fn found_schedules(&mut self, owner: &Client) {
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateCalendar")),
            ("imported", Some("importCalendar")),
            ("spare", Some("deleteCalendar")),
        ] {
            let made = owner
                .mutate("createCalendar", json!({ "key": key(name) }), "calendar { id }")
                .await;
            let id = made["calendar"]["id"].as_str().expect("an id");
            self.keep("Calendar", spare, id.to_owned());
        }
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateSchedule")),
            ("spare", Some("deleteSchedule")),
            ("stopped", Some("startSchedule")),
            ("active", Some("pauseSchedule")),
            ("paused", Some("resumeSchedule")),
            ("ending", Some("stopSchedule")),
            ("asked", Some("triggerNow")),
            ("old", Some("backfillSchedule")),
            ("older", Some("cancelBackfill")),
        ] {
            let input = json!({
                "key": key(name), "workflow": { "key": key("main") }, "timing": far(), "start": name != "stopped",
            });
            let made = owner.mutate("createSchedule", input, "schedule { id }").await;
            let id = made["schedule"]["id"].as_str().expect("an id");
            self.keep("Schedule", spare, id.to_owned());
        }
        let paused = json!({ "id": self.spares["resumeSchedule"] });
        owner.mutate("pauseSchedule", paused, "").await;
        let asked = json!({ "id": self.ids["Schedule"] });
        let made = owner.mutate("triggerNow", asked, "occurrence { id }").await;
        let id = made["occurrence"]["id"].as_str().expect("an id");
        self.keep("Occurrence", None, id.to_owned());
        for spare in [None, Some("cancelBackfill")] {
            let schedule = spare.map_or(&self.ids["Schedule"], |spare| &self.spares[spare]);
            let mut input = past(schedule);
            input["reason"] = json!(SECRET_WORD);
            let made = owner.mutate("backfillSchedule", input, "backfill { id }").await;
            let id = made["backfill"]["id"].as_str().expect("an id");
            self.keep("Backfill", spare, id.to_owned());
        }
    }

    /// A backfill of the past of what is kept under `name`.
    pub(super) fn backfill(&self, name: &str) -> Value {
        past(self.spares.get(name).unwrap_or_else(|| &self.ids[name]))
    }

    /// The input of a mutation that makes something of schedules, or changes it.
    pub(super) fn schedule_input(&self, mutation: &str) -> Option<Value> {
        let spare = || json!(self.spares[mutation]);
        Some(match mutation {
            "createCalendar" => json!({ "key": key("theirs") }),
            "updateCalendar" => {
                json!({ "id": spare(), "expectedRevision": 1, "workingWeekdays": ["MONDAY"] })
            }
            "importCalendar" => json!({
                "id": spare(), "expectedRevision": 1, "into": "EXCLUDED", "from": "2070-01-01", "until": "2070-12-31",
                "file": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
            }),
            "deleteCalendar" | "deleteSchedule" => json!({ "id": spare(), "expectedRevision": 1 }),
            "createSchedule" => {
                json!({ "key": key("theirs"), "workflow": { "id": self.ids["Workflow"] }, "timing": far() })
            }
            "updateSchedule" => {
                json!({ "id": spare(), "expectedRevision": 1, "workflow": { "key": key("main") }, "timing": far() })
            }
            "startSchedule" | "pauseSchedule" | "resumeSchedule" | "stopSchedule" | "triggerNow" => {
                json!({ "id": spare() })
            }
            "backfillSchedule" => self.backfill(mutation),
            "cancelBackfill" => json!({ "id": spare() }),
            _ => return None,
        })
    }
}

/// A backfill of the schedule's first occurrence.
fn past(schedule: &str) -> Value {
    json!({ "id": schedule, "scope": { "instants": [PAST] } })
}
