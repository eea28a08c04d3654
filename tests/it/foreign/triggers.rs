//! What of the owner's starts because something happened, and what has.

use serde_json::{Value, json};
use waterclock_tests::api::Client;

use super::{Estate, Scene, key};
use crate::graphql::publish_no_ops;

/// An event of the owner's.
fn on() -> Value {
    json!({ "event": { "name": key("paid") } })
}

/// Fires the owner's trigger, and one of the stranger's, with the key `own_key`; both are decided about.
pub(super) async fn fire_both(scene: &Scene, own_key: &str) {
    publish_no_ops(&scene.stranger, own_key, &["a"], &[]).await;
    let input =
        json!({ "key": own_key, "workflow": { "key": own_key }, "on": { "event": { "name": own_key } } });
    let made = scene
        .stranger
        .mutate("createTrigger", input, "trigger { id }")
        .await;
    for (client, name, id) in [
        (&scene.owner, key("paid"), json!(scene.estate.ids["Trigger"])),
        (&scene.stranger, own_key.to_owned(), made["trigger"]["id"].clone()),
    ] {
        client.mutate("publishEvent", json!({ "name": name }), "").await;
        // Whoever changes a trigger first decides about what has happened.
        client.mutate("pauseTrigger", json!({ "id": id }), "").await;
    }
}

impl Estate {
    /// Triggers, and a firing of one.
    pub(super) async fn found_triggers(&mut self, owner: &Client) {
        let webhook = || json!({ "webhook": { "scheme": "GITHUB" } });
        let ended = || json!({ "runEnded": { "workflow": { "key": key("edited") } } });
        for (name, spare, on) in [
            ("main", None, on()),
            ("edited", Some("updateTrigger"), ended()),
            ("spare", Some("deleteTrigger"), webhook()),
            ("active", Some("pauseTrigger"), webhook()),
            ("paused", Some("resumeTrigger"), webhook()),
            ("hook", Some("rotateWebhookSecret"), webhook()),
        ] {
            let input = json!({ "key": key(name), "workflow": { "key": key("main") }, "on": on });
            let made = owner.mutate("createTrigger", input, "trigger { id }").await;
            let id = made["trigger"]["id"].as_str().expect("an id");
            self.keep("Trigger", spare, id.to_owned());
        }
        let paused = json!({ "id": self.spares["resumeTrigger"] });
        owner.mutate("pauseTrigger", paused, "").await;
        let event = json!({ "name": key("paid") });
        owner.mutate("publishEvent", event, "").await;
        let document = "query ($key: String!) { trigger(key: $key) { firings { nodes { id } } } }";
        let answer = owner.ask(document, json!({ "key": key("main") })).await;
        let id = answer["trigger"]["firings"]["nodes"][0]["id"]
            .as_str()
            .expect("an id");
        self.keep("Firing", None, id.to_owned());
    }

    /// The input of a mutation that makes a trigger, or changes one.
    pub(super) fn trigger_input(&self, mutation: &str) -> Option<Value> {
        let spare = || json!(self.spares[mutation]);
        Some(match mutation {
            "createTrigger" => {
                json!({ "key": key("theirs"), "workflow": { "id": self.ids["Workflow"] }, "on": on() })
            }
            "updateTrigger" => json!({
                "id": spare(), "expectedRevision": 1, "workflow": { "key": key("main") },
                "on": { "runEnded": { "workflow": { "key": key("superseded") } } },
            }),
            "deleteTrigger" => json!({ "id": spare(), "expectedRevision": 1 }),
            "pauseTrigger" | "resumeTrigger" | "rotateWebhookSecret" => json!({ "id": spare() }),
            _ => return None,
        })
    }
}
