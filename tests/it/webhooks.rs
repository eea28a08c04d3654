//! Webhooks over real HTTP, signed as their senders sign.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::triggers::Scene;

/// Somebody who calls a webhook.
struct Sender {
    scheme: &'static str,
    /// Where.
    url: String,
    secret: String,
    http: reqwest::Client,
}

/// A call that was signed.
type Signed = Vec<(&'static str, String)>;

fn mac(key: &[u8], signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Sender {
    /// Makes a trigger with a webhook, and calls it from then on.
    async fn of(scene: &Scene, key: &str, scheme: &'static str, more: Value) -> Self {
        let made = scene
            .try_trigger(key, json!({ "webhook": { "scheme": scheme } }), more)
            .await;
        assert_eq!(made["userErrors"], json!([]));
        let path = made["trigger"]["on"]["webhook"]["path"].as_str().expect("a path");
        Self {
            scheme,
            url: format!("http://{}{path}", scene.api.address),
            secret: made["webhookSecret"].as_str().expect("a secret").to_owned(),
            http: reqwest::Client::new(),
        }
    }

    /// The headers of a call named `id` at `at`.
    fn sign(&self, id: &str, at: i64, body: &str) -> Signed {
        let raw = self.secret.as_bytes();
        match self.scheme {
            "STANDARD" => {
                let key = BASE64_STANDARD
                    .decode(&self.secret["whsec_".len()..])
                    .expect("base64");
                let signature = BASE64_STANDARD.encode(mac(&key, &format!("{id}.{at}.{body}")));
                vec![
                    ("webhook-id", id.to_owned()),
                    ("webhook-timestamp", at.to_string()),
                    ("webhook-signature", format!("v1,{signature}")),
                ]
            }
            "GITHUB" => {
                let signature = hexadecimal(&mac(raw, body));
                vec![
                    ("x-hub-signature-256", format!("sha256={signature}")),
                    ("x-github-delivery", id.to_owned()),
                    ("x-github-event", "push".to_owned()),
                ]
            }
            "STRIPE" => {
                let signature = hexadecimal(&mac(raw, &format!("{at}.{body}")));
                vec![("stripe-signature", format!("t={at},v1={signature}"))]
            }
            _ => {
                let signature = hexadecimal(&mac(raw, &format!("v0:{at}:{body}")));
                vec![
                    ("x-slack-request-timestamp", at.to_string()),
                    ("x-slack-signature", format!("v0={signature}")),
                ]
            }
        }
    }

    /// Calls, and gives the status and the answer.
    async fn call(&self, headers: &Signed, body: &str) -> (u16, Value) {
        self.call_as("application/json", headers, body).await
    }

    async fn call_as(&self, kind: &str, headers: &Signed, body: &str) -> (u16, Value) {
        let mut request = self.http.post(&self.url).header("content-type", kind);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.body(body.to_owned()).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

/// The present second, by the database's clock.
async fn now(scene: &Scene) -> i64 {
    scene
        .world
        .value("SELECT floor(extract(epoch FROM present()))::bigint", &[])
        .await
}

const SCHEMES: [&str; 4] = ["STANDARD", "GITHUB", "STRIPE", "SLACK"];

#[tokio::test]
async fn a_genuine_call_starts_the_workflow_once_however_often_it_is_sent() {
    let scene = Scene::set().await;
    let _scheduler = scene.world.scheduler();
    for scheme in SCHEMES {
        let key = scheme.to_lowercase();
        let more = json!({ "computedInputs": [
            { "name": "n", "value": "request.body.n" }, { "name": "kind", "value": "request.headers['content-type']" },
        ] });
        let sender = Sender::of(&scene, &key, scheme, more).await;
        let body = "{\"n\":  1}";
        let headers = sender.sign("first", now(&scene).await, body);
        let (status, first) = sender.call(&headers, body).await;
        assert_eq!(status, 202, "{scheme}: {first}");
        assert_eq!(
            sender.call(&headers, body).await,
            (202, first.clone()),
            "{scheme}"
        );
        let other = "{\"n\": 2}";
        let headers = sender.sign("second", now(&scene).await, other);
        let (status, second) = sender.call(&headers, other).await;
        assert_eq!(status, 202);
        assert_ne!(first, second, "{scheme}");
        scene.until_decided().await;
        let firings = scene.firings(&key).await;
        assert_eq!(firings.len(), 2, "{scheme}");
        for (place, firing) in firings.iter().enumerate() {
            assert_eq!(firing["run"]["trigger"], "WEBHOOK", "{scheme}");
            let inputs = json!({ "n": place + 1, "kind": "application/json" });
            assert_eq!(firing["run"]["inputs"], inputs, "{scheme}");
            let shown = firing["facts"]["request"]["headers"]
                .as_object()
                .expect("headers");
            assert!(shown.keys().all(|name| !name.contains("signature")), "{shown:?}");
        }
        assert_eq!(json!({ "firing": firings[0]["id"] }), first);
    }
}

#[tokio::test]
async fn the_same_call_sent_many_times_at_once_is_one_firing() {
    let scene = Scene::set().await;
    let sender = Sender::of(&scene, "once", "GITHUB", json!({})).await;
    let headers = sender.sign("a", 0, "{}");
    let calls = (0..12).map(|_| sender.call(&headers, "{}"));
    let answers = futures_util::future::join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == 202),
        "{answers:?}"
    );
    assert_eq!(scene.told("once").await, ["PENDING"]);
}

#[tokio::test]
async fn whoever_cannot_sign_learns_nothing() {
    let scene = Scene::set().await;
    let stranger = scene.api.admin("stranger");
    crate::graphql::publish_no_ops(&stranger, "ship", &["only"], &[]).await;
    let at = now(&scene).await;
    for scheme in SCHEMES {
        let sender = Sender::of(&scene, &scheme.to_lowercase(), scheme, json!({})).await;
        let theirs = json!({
            "key": scheme.to_lowercase(), "workflow": { "key": "ship" }, "on": { "webhook": { "scheme": scheme } },
        });
        let theirs = stranger
            .mutate(
                "createTrigger",
                theirs,
                "webhookSecret trigger { on { webhook { path } } }",
            )
            .await;
        let forger = Sender {
            secret: theirs["webhookSecret"].as_str().expect("a secret").to_owned(),
            url: sender.url.clone(),
            http: sender.http.clone(),
            scheme,
        };
        let path = theirs["trigger"]["on"]["webhook"]["path"]
            .as_str()
            .expect("a path");
        let misled = Sender {
            url: format!("http://{}{path}", scene.api.address),
            secret: sender.secret.clone(),
            http: sender.http.clone(),
            scheme,
        };
        let nowhere = Sender {
            url: format!("http://{}/webhooks/{}", scene.api.address, "A".repeat(43)),
            secret: sender.secret.clone(),
            http: sender.http.clone(),
            scheme,
        };
        let right = sender.sign("a", at, "{}");
        let unknown = nowhere.call(&right, "{}").await;
        assert_eq!(unknown.0, 401);
        let old = sender.sign("a", at - 100_000, "{}");
        for (what, answer) in [
            (
                "another's secret",
                forger.call(&forger.sign("a", at, "{}"), "{}").await,
            ),
            ("another's webhook", misled.call(&right, "{}").await),
            ("another body", sender.call(&right, "{ }").await),
            ("no signature", sender.call(&Vec::new(), "{}").await),
            ("no JSON either", sender.call(&Vec::new(), "hello").await),
            ("an old call with another body", sender.call(&old, "[]").await),
        ] {
            assert_eq!(answer, unknown, "{scheme}: {what}");
        }
        assert_eq!(sender.call(&right, "{}").await.0, 202, "{scheme}: it was right");
        assert_eq!(scene.told(&scheme.to_lowercase()).await, ["PENDING"]);
    }
}

#[tokio::test]
async fn a_call_that_was_signed_too_long_ago_or_in_the_future_is_told_so() {
    let scene = Scene::set().await;
    for scheme in ["STANDARD", "STRIPE", "SLACK"] {
        let sender = Sender::of(&scene, &scheme.to_lowercase(), scheme, json!({})).await;
        let at = now(&scene).await;
        for (signed_at, status) in [(at - 290, 202), (at + 290, 202), (at - 320, 400), (at + 320, 400)] {
            let headers = sender.sign(&format!("at {signed_at}"), signed_at, "{}");
            let (answered, told) = sender.call(&headers, "{}").await;
            assert_eq!(answered, status, "{scheme}: {told}");
            assert!(
                status == 202 || told.to_string().contains("sender's clock"),
                "{told}"
            );
        }
        // A call that was taken is taken for what it is for as long as it could be sent again.
        let headers = sender.sign("replayed", at, "{\"n\": 1}");
        let (_, first) = sender.call(&headers, "{\"n\": 1}").await;
        scene.world.advance(Duration::from_secs(200)).await;
        assert_eq!(
            sender.call(&headers, "{\"n\": 1}").await,
            (202, first),
            "{scheme}"
        );
        scene.world.advance(Duration::from_secs(200)).await;
        assert_eq!(sender.call(&headers, "{\"n\": 1}").await.0, 400, "{scheme}");
    }
}

#[tokio::test]
async fn bodies_are_json_or_forms_of_at_most_256_kib() {
    let scene = Scene::set().await;
    let github = Sender::of(&scene, "github", "GITHUB", json!({})).await;
    let large = format!("\"{}\"", "a".repeat(256 * 1024));
    assert_eq!(github.call(&github.sign("a", 0, &large), &large).await.0, 413);
    for wrong in ["", "hello", "\"\\u0000\""] {
        let (status, told) = github.call(&github.sign("a", 0, wrong), wrong).await;
        assert_eq!(status, 400, "{told}");
        assert!(told.to_string().contains("the body cannot be read"), "{told}");
    }
    let ping = "{\"zen\": \"Keep it logically awesome.\"}";
    let mut headers = github.sign("a", 0, ping);
    headers.retain(|(name, _)| *name != "x-github-event");
    headers.push(("x-github-event", "ping".to_owned()));
    assert_eq!(
        github.call(&headers, ping).await,
        (202, json!({ "firing": null }))
    );
    let form = "payload=%7B%22ref%22%3A+%22main%22%7D";
    let kind = "application/x-www-form-urlencoded";
    assert_eq!(
        github.call_as(kind, &github.sign("a", 0, form), form).await.0,
        202
    );
    let firings = scene.firings("github").await;
    assert_eq!(firings.len(), 1, "{firings:#?}");
    assert_eq!(firings[0]["facts"]["request"]["body"], json!({ "ref": "main" }));
    let slack = Sender::of(&scene, "slack", "SLACK", json!({})).await;
    let question = "{\"type\": \"url_verification\", \"challenge\": \"3eZbrw1a\"}";
    let headers = slack.sign("a", now(&scene).await, question);
    assert_eq!(slack.call(&headers, question).await, (200, json!("3eZbrw1a")));
    assert_eq!(scene.told("slack").await, [""; 0]);
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_taken_until_the_overlap_is_over() {
    let scene = Scene::set().await;
    let mut old = Sender::of(&scene, "hook", "STANDARD", json!({})).await;
    let rotate = async |input: Value| {
        let document = "query { trigger(key: \"hook\") { id } }";
        let mut given = json!({ "id": scene.client.ask(document, json!({})).await["trigger"]["id"] });
        let input = input.as_object().expect("fields").clone();
        given.as_object_mut().expect("fields").extend(input);
        scene
            .client
            .try_mutate("rotateWebhookSecret", given, "webhookSecret")
            .await
    };
    let rotated = rotate(json!({ "overlap": "PT1H" })).await;
    let new = Sender {
        secret: rotated["webhookSecret"].as_str().expect("a secret").to_owned(),
        url: old.url.clone(),
        http: old.http.clone(),
        scheme: old.scheme,
    };
    assert_ne!(old.secret, new.secret);
    let taken = async |sender: &Sender, id: &str| {
        let headers = sender.sign(id, now(&scene).await, "{}");
        sender.call(&headers, "{}").await.0
    };
    assert_eq!(taken(&old, "a").await, 202);
    assert_eq!(taken(&new, "b").await, 202);
    scene.world.advance(Duration::from_mins(61)).await;
    assert_eq!(taken(&old, "c").await, 401);
    assert_eq!(taken(&new, "d").await, 202);
    // One that the sender has made, and without an overlap.
    let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let rotated = rotate(json!({ "secret": given })).await;
    assert_eq!(rotated["webhookSecret"], given);
    old.secret = given.to_owned();
    assert_eq!(taken(&new, "e").await, 401);
    assert_eq!(taken(&old, "f").await, 202);
    // A rotation at once ends what earlier ones left valid: there is no other way to take a secret back.
    rotate(json!({ "overlap": "PT1H" })).await;
    rotate(json!({})).await;
    assert_eq!(taken(&old, "g").await, 401);
    for (wrong, place) in [
        (json!({ "secret": "too short to be one" }), "secret"),
        (json!({ "overlap": "P31D" }), "overlap"),
    ] {
        let payload = rotate(wrong).await;
        assert_eq!(
            payload["userErrors"][0]["path"],
            json!(["input", place]),
            "{payload:#}"
        );
    }
}

#[tokio::test]
async fn a_secret_is_shown_when_it_is_made_and_never_again() {
    let scene = Scene::set().await;
    let ask = async || {
        let on = json!({ "webhook": { "scheme": "SLACK" } });
        let more = json!({ "secret": "8f742231b10e8888abcd99yyyzzz85a5", "idempotencyKey": "once" });
        scene.try_trigger("hook", on, more).await
    };
    let first = ask().await;
    assert_eq!(first["webhookSecret"], "8f742231b10e8888abcd99yyyzzz85a5");
    let again = ask().await;
    assert_eq!(again["trigger"]["id"], first["trigger"]["id"]);
    assert_eq!(again["webhookSecret"], json!(null));
    let kept: i64 = scene
        .world
        .value("SELECT count(*) FROM webhook_secrets", &[])
        .await;
    assert_eq!(kept, 1);
    let traces: i64 = scene
        .world
        .value(
            "SELECT (SELECT count(*) FROM triggers AS t WHERE t::text LIKE '%8f742231%')
                + (SELECT count(*) FROM events AS e WHERE e::text LIKE '%8f742231%')
                + (SELECT count(*) FROM firings AS f WHERE f::text LIKE '%8f742231%')",
            &[],
        )
        .await;
    assert_eq!(traces, 0);
    let event = json!({ "event": { "name": "paid" } });
    let refused = scene
        .try_trigger("event", event, json!({ "secret": "8f742231b10e8888abcd" }))
        .await;
    assert_eq!(
        refused["userErrors"][0]["path"],
        json!(["input", "secret"]),
        "{refused:#}"
    );
}

#[tokio::test]
async fn calls_are_filtered_and_those_of_a_paused_webhook_are_recorded() {
    let scene = Scene::set().await;
    let more = json!({ "filter": "request.headers['x-github-event'] == 'push' && request.body.ref == 'refs/heads/main'" });
    let sender = Sender::of(&scene, "deploy", "GITHUB", more).await;
    let _scheduler = scene.world.scheduler();
    for body in [
        "{\"ref\": \"refs/heads/main\"}",
        "{\"ref\": \"refs/heads/other\"}",
        "{\"zen\": 1}",
    ] {
        assert_eq!(sender.call(&sender.sign("a", 0, body), body).await.0, 202);
    }
    scene.until_decided().await;
    let told = scene.told("deploy").await;
    assert_eq!(told[..2], ["FIRED", "FILTERED: its trigger's filter was false"]);
    assert!(
        told[2].starts_with("REJECTED: the filter cannot be told"),
        "{told:#?}"
    );
    let document = "query { trigger(key: \"deploy\") { id } }";
    let id = scene.client.ask(document, json!({})).await["trigger"]["id"].clone();
    scene.client.mutate("pauseTrigger", json!({ "id": id }), "").await;
    let body = "{\"ref\": \"refs/heads/main\", \"n\": 2}";
    assert_eq!(sender.call(&sender.sign("a", 0, body), body).await.0, 202);
    assert_eq!(scene.told("deploy").await[3], "PAUSED: its trigger was paused");
}
