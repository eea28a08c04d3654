//! What the owner has to be told through, and what it was told.

use serde_json::{Value, json};
use waterclock_tests::World;
use waterclock_tests::api::Client;

use super::{Estate, FAR, SECRET_WORD, SIGNING_SECRET, Scene, key};

impl Estate {
    /// Rules, channels and silences, and whom they tell.
    pub(super) async fn found_alerts(&mut self, owner: &Client) {
        let webhook = json!({ "webhook": { "url": format!("http://127.0.0.1/{SECRET_WORD}"), "secret": SIGNING_SECRET } });
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateAlertChannel")),
            ("spare", Some("deleteAlertChannel")),
            ("tried", Some("testAlertChannel")),
        ] {
            let input = json!({ "key": key(name), "target": webhook });
            let made = owner
                .mutate("registerAlertChannel", input, "alertChannel { id }")
                .await;
            let id = made["alertChannel"]["id"].as_str().expect("an id");
            self.keep("AlertChannel", spare, id.to_owned());
        }
        for (name, spare) in [
            ("main", None),
            ("edited", Some("updateAlertRule")),
            ("spare", Some("deleteAlertRule")),
        ] {
            let input = json!({ "key": key(name), "condition": { "runFailed": true }, "channels": [{ "key": key("main") }] });
            let made = owner.mutate("registerAlertRule", input, "alertRule { id }").await;
            let id = made["alertRule"]["id"].as_str().expect("an id");
            self.keep("AlertRule", spare, id.to_owned());
        }
        for spare in [None, Some("endSilence")] {
            let input = json!({ "rule": { "key": key("spare") }, "reason": SECRET_WORD, "from": FAR, "until": "2070-06-01T00:00:00Z" });
            let made = owner.mutate("createSilence", input, "silence { id }").await;
            let id = made["silence"]["id"].as_str().expect("an id");
            self.keep("Silence", spare, id.to_owned());
        }
    }

    /// Waits until the failed run was told, and finds what that made.
    pub(super) async fn learn_of_alerts(&mut self, world: &World, owner: &Client) {
        let raising = world.raiser();
        world.until_true("SELECT count(*) = 3 FROM alerts").await;
        raising.stop().await;
        let answer = owner
            .ask(
                "{ alerts { nodes { id } } alertDeliveries { nodes { id } } }",
                json!({}),
            )
            .await;
        let id = |path: &str| {
            let id = answer.pointer(path).and_then(Value::as_str);
            id.unwrap_or_else(|| panic!("{path} in {answer:#}")).to_owned()
        };
        self.keep("Alert", None, id("/alerts/nodes/0/id"));
        self.keep("AlertDelivery", None, id("/alertDeliveries/nodes/0/id"));
        self.keep(
            "AlertDelivery",
            Some("resendAlertDelivery"),
            id("/alertDeliveries/nodes/1/id"),
        );
    }

    /// The input of a mutation that registers something of alerts, or changes it.
    pub(super) fn alert_input(&self, mutation: &str) -> Option<Value> {
        let spare = || json!(self.spares[mutation]);
        Some(match mutation {
            "registerAlertChannel" => {
                json!({ "key": key("theirs"), "target": { "webhook": { "url": "http://127.0.0.1/", "secret": SIGNING_SECRET } } })
            }
            "updateAlertChannel" => {
                json!({ "id": spare(), "expectedRevision": 1, "target": { "webhook": { "url": "http://127.0.0.2/", "secret": SIGNING_SECRET } } })
            }
            "registerAlertRule" => {
                json!({ "key": key("theirs"), "condition": { "runFailed": true }, "workflow": { "id": self.ids["Workflow"] }, "channels": [{ "id": self.ids["AlertChannel"] }] })
            }
            "updateAlertRule" => {
                json!({ "id": spare(), "expectedRevision": 1, "condition": { "runRecovered": true } })
            }
            "deleteAlertChannel" | "deleteAlertRule" => json!({ "id": spare(), "expectedRevision": 1 }),
            "createSilence" => {
                json!({ "rule": { "id": self.ids["AlertRule"] }, "reason": "why not", "from": FAR, "until": "2070-06-01T00:00:00Z" })
            }
            _ => return None,
        })
    }
}

/// Raises an alert for the owner, and one for the stranger by the rule `own_key`.
pub(super) async fn raise_for_both(scene: &Scene, own_key: &str) {
    for (client, name) in [(&scene.owner, key("told")), (&scene.stranger, own_key.to_owned())] {
        let rule = json!({ "key": name, "condition": { "workflowRefused": true } });
        client.mutate("registerAlertRule", rule, "").await;
    }
    let refused = "INSERT INTO events (tenant_id, kind, data)
        SELECT id, 'WORKFLOW_REFUSED', '{\"workflow\": \"ring\"}' FROM tenants WHERE key IN ('owner', 'stranger')";
    scene.world.execute(refused, &[]).await;
    let raising = scene.world.raiser();
    scene
        .world
        .until_true("SELECT count(*) = 2 FROM alerts WHERE kind = 'WORKFLOW_REFUSED'")
        .await;
    raising.stop().await;
}
