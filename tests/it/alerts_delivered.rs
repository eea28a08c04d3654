//! How alerts reach people: signed, tried again, told of what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use waterclock_core::alert::Mailer;
use waterclock_core::run::Outcome;
use waterclock_tests::World;
use waterclock_tests::endpoint::{FakeEndpoint, Received};
use waterclock_tests::smtp::MailServer;

use crate::alerts::Scene;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Scene {
    /// Registers a channel that posts to `url`, and a rule for failed runs that uses it.
    async fn post_failures_to(&self, url: &str) -> String {
        let webhook = json!({ "webhook": { "url": url, "secret": SECRET } });
        let channel = json!({ "key": "hook", "target": webhook });
        let made = self
            .client
            .mutate("registerAlertChannel", channel, "alertChannel { id }")
            .await;
        let channels = json!({ "channels": [{ "key": "hook" }], "severity": "CRITICAL" });
        self.rule("failures", json!({ "runFailed": true }), channels)
            .await;
        made["alertChannel"]["id"].as_str().expect("an id").to_owned()
    }

    async fn until_delivery_is(&self, condition: &str) {
        self.world
            .until_true(&format!(
                "SELECT EXISTS (SELECT FROM alert_deliveries WHERE {condition})"
            ))
            .await;
    }

    /// The only delivery, with its tries.
    async fn delivery(&self) -> Value {
        let mut answer = self
            .client
            .ask(
                "{ alertDeliveries { nodes { id state nextTryAt channel { disabledReason }
                    tries { httpStatus failure } } } }",
                json!({}),
            )
            .await;
        let nodes = answer["alertDeliveries"]["nodes"].as_array_mut().expect("a list");
        assert_eq!(nodes.len(), 1, "{nodes:#?}");
        nodes.remove(0)
    }
}

/// HMAC-SHA256 (RFC 2104), written out so that it shares nothing with the product but the hash.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    assert!(key.len() <= 64);
    let padded = |pad: u8| -> Vec<u8> {
        (0..64)
            .map(|place| key.get(place).copied().unwrap_or(0) ^ pad)
            .collect()
    };
    let inner = Sha256::digest([padded(0x36), message.to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

fn header<'a>(request: &'a Received, name: &str) -> &'a str {
    request.headers[name].to_str().expect("text")
}

fn assert_signed(request: &Received) {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    let key = BASE64_STANDARD
        .decode(SECRET.strip_prefix("whsec_").unwrap())
        .unwrap();
    let signed = format!(
        "{}.{}.{}",
        header(request, "webhook-id"),
        header(request, "webhook-timestamp"),
        request.body
    );
    let signature = BASE64_STANDARD.encode(hmac_sha256(&key, signed.as_bytes()));
    assert_eq!(header(request, "webhook-signature"), format!("v1,{signature}"));
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again_under_the_same_id_until_it_arrives() {
    let scene = Scene::set().await;
    let _alerting = scene.world.alerting();
    let calls = Arc::new(AtomicUsize::new(0));
    let receiver = FakeEndpoint::answering(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => (500, "not now".to_owned()),
        1 => (302, String::new()),
        _ => (204, String::new()),
    })
    .await;
    scene.post_failures_to(&receiver.url).await;
    scene.run(Outcome::Failed).await;
    scene.until_delivery_is("tries = 1").await;
    let delivery = scene.delivery().await;
    assert_eq!(delivery["state"], "PENDING");
    assert_eq!(
        delivery["tries"],
        json!([{ "httpStatus": 500, "failure": "it answered 500: not now" }])
    );
    scene.world.advance(Duration::from_secs(15)).await;
    scene.until_delivery_is("tries = 2").await;
    scene.world.advance(Duration::from_secs(40)).await;
    scene.until_delivery_is("state = 'DELIVERED'").await;

    let requests = receiver.received();
    assert_eq!(requests.len(), 3, "a redirect is an answer and is not followed");
    for request in &requests {
        assert_signed(request);
        assert_eq!(request.method, "POST");
        assert_eq!(header(request, "webhook-id"), header(&requests[0], "webhook-id"));
        assert_eq!(request.body, requests[0].body);
    }
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["type"], "alert.raised");
    assert_eq!(body["data"]["alert"]["severity"], "CRITICAL");
    assert_eq!(body["data"]["workflow"]["key"], "etl");
    assert_eq!(body["data"]["executor"]["key"], "one");

    let again = json!({ "id": delivery["id"] });
    scene
        .client
        .mutate("resendAlertDelivery", again, "alertDelivery { state }")
        .await;
    scene
        .until_delivery_is("state = 'DELIVERED' AND jsonb_array_length(log) = 4")
        .await;
    let resent = receiver.received().pop().expect("a request");
    assert_signed(&resent);
    assert_eq!(header(&resent, "webhook-id"), header(&requests[0], "webhook-id"));
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_more_until_the_channel_is_edited() {
    let scene = Scene::set().await;
    let _alerting = scene.world.alerting();
    let calls = Arc::new(AtomicUsize::new(0));
    let receiver = FakeEndpoint::answering(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => (410, String::new()),
        _ => (200, String::new()),
    })
    .await;
    let channel = scene.post_failures_to(&receiver.url).await;
    scene.run(Outcome::Failed).await;
    scene.until_delivery_is("state = 'FAILED'").await;
    assert_eq!(
        scene.delivery().await["channel"]["disabledReason"],
        "it answered 410"
    );
    let again = json!({ "id": scene.delivery().await["id"] });
    scene
        .client
        .mutate("resendAlertDelivery", again.clone(), "")
        .await;
    scene
        .until_delivery_is("state = 'FAILED' AND jsonb_array_length(log) = 2")
        .await;
    assert_eq!(receiver.received().len(), 1);
    // Without a secret: the one that it has stays.
    let edit =
        json!({ "id": channel, "expectedRevision": 1, "target": { "webhook": { "url": receiver.url } } });
    scene
        .client
        .mutate("updateAlertChannel", edit, "alertChannel { secretFingerprint }")
        .await;
    scene.client.mutate("resendAlertDelivery", again, "").await;
    scene.until_delivery_is("state = 'DELIVERED'").await;
    assert_signed(&receiver.received()[1]);
}

#[tokio::test]
async fn a_webhook_reaches_nothing_of_our_own_network_unasked() {
    let scene = Scene::set().await;
    let _raising = scene.world.raiser();
    let _delivering = scene
        .world
        .courier(waterclock_core::alert::DeliverySettings::default());
    let receiver = FakeEndpoint::answering(|_| (200, String::new())).await;
    scene.post_failures_to(&receiver.url).await;
    scene.run(Outcome::Failed).await;
    scene.until_delivery_is("tries = 1").await;
    let failure = scene.delivery().await["tries"][0]["failure"].to_string();
    assert!(failure.contains("--allow-network 127.0.0.1"), "{failure}");
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let scene = Scene::set().await;
    scene.post_failures_to("https://example.org/").await;
    let shown = scene
        .client
        .ask(
            "{ alertChannels { nodes { key kind url secretFingerprint to from } } }",
            json!({}),
        )
        .await;
    assert!(!shown.to_string().contains(&SECRET[6..]), "{shown}");
    assert_eq!(
        shown["alertChannels"]["nodes"][0]["secretFingerprint"],
        "96ad2ccd81462a76"
    );
    let mut transaction = scene.world.connect().await;
    let transaction = transaction.transaction().await.unwrap();
    transaction
        .batch_execute("SET LOCAL ROLE waterclock_api")
        .await
        .unwrap();
    let refused = transaction.query("SELECT secret FROM alert_channels", &[]).await;
    assert!(refused.is_err(), "the API's role may not read it");
}

#[tokio::test]
async fn mail_is_sent_where_a_server_is_named_and_refused_elsewhere() {
    let elsewhere = Scene::set().await;
    let email = json!({ "email": { "to": ["On call <on-call@example.org>", "boss@example.org"] } });
    let channel = json!({ "key": "people", "target": email });
    let refused = elsewhere
        .client
        .try_mutate("registerAlertChannel", channel.clone(), "")
        .await;
    assert_eq!(
        refused["userErrors"][0]["path"],
        json!(["input", "target", "email"])
    );

    let server = MailServer::answering(|_| "250 ok").await;
    let mut world = World::new().await;
    world.sends_mail = true;
    let mailer = Mailer::new(&server.url, "Waterclock <waterclock@example.org>").expect("a mailer");
    let _alerting = world.alerting_with(Some(mailer));
    let scene = Scene::of(world).await;
    scene.client.mutate("registerAlertChannel", channel, "").await;
    let channels = json!({ "channels": [{ "key": "people" }] });
    scene
        .rule("failures", json!({ "runFailed": true }), channels)
        .await;
    scene.run(Outcome::Failed).await;
    scene.until_delivery_is("state = 'DELIVERED'").await;
    let mails = server.received();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].from, "waterclock@example.org");
    assert_eq!(mails[0].to, ["on-call@example.org", "boss@example.org"]);
    let content = &mails[0].content;
    assert!(
        content.contains("Subject: [WARNING] a run of the workflow"),
        "{content}"
    );
    assert!(
        content.contains("Workflow: etl") && content.contains("Executor: one"),
        "{content}"
    );
}

#[tokio::test]
async fn mail_that_is_refused_for_good_is_not_tried_again() {
    let server = MailServer::answering(|_| "550 nobody of that name").await;
    let mut world = World::new().await;
    world.sends_mail = true;
    let mailer = Mailer::new(&server.url, "waterclock@example.org").expect("a mailer");
    let _alerting = world.alerting_with(Some(mailer));
    let scene = Scene::of(world).await;
    let channel = json!({ "key": "people", "target": { "email": { "to": ["gone@example.org"] } } });
    let made = scene
        .client
        .mutate("registerAlertChannel", channel, "alertChannel { id }")
        .await;
    let id = json!({ "id": made["alertChannel"]["id"] });
    scene
        .client
        .mutate("testAlertChannel", id, "alertDelivery { state }")
        .await;
    scene.until_delivery_is("state = 'FAILED'").await;
    let failure = scene.delivery().await["tries"][0]["failure"].to_string();
    assert!(failure.contains("nobody of that name"), "{failure}");
}
