//! Workflows that would start each other without end.

use serde_json::{Value, json};

use super::Scene;
use crate::graphql::publish_no_ops;

/// The end of `watched` starts `started`.
fn link(watched: &str, started: &str) -> Value {
    json!({
        "key": format!("{watched}-{started}"), "workflow": { "key": started },
        "on": { "runEnded": { "workflow": { "key": watched } } },
    })
}

#[tokio::test]
async fn workflows_that_would_start_each_other_without_end_are_refused_in_order() {
    let scene = Scene::set().await;
    for key in ["a", "b", "c"] {
        publish_no_ops(&scene.client, key, &["only"], &[]).await;
    }
    let made = async |input: Value| {
        scene
            .client
            .try_mutate(
                "createTrigger",
                input,
                "trigger { id } again: userErrors { ... on CycleError { cycle } }",
            )
            .await
    };
    for (watched, started) in [("a", "b"), ("b", "c"), ("a", "c")] {
        assert_eq!(made(link(watched, started)).await["userErrors"], json!([]));
    }
    for (watched, started, cycle) in [
        ("c", "a", json!(["c", "a", "c"])),
        ("b", "a", json!(["b", "a", "b"])),
        ("b", "b", json!(["b", "b"])),
    ] {
        let refused = made(link(watched, started)).await;
        let error = &refused["userErrors"][0];
        assert_eq!(error["code"], "CYCLE", "{refused:#}");
        assert_eq!(error["path"], json!(["input", "on", "runEnded", "workflow"]));
        assert_eq!(refused["again"], json!([{ "cycle": cycle }]));
    }
    // An edit may close a ring too; one that only stays what it is does not.
    let id = made(link("c", "ship")).await["trigger"]["id"].clone();
    for (started, errors) in [("ship", 0), ("a", 1)] {
        let mut edit = link("c", started);
        let fields = edit.as_object_mut().expect("fields");
        fields.remove("key");
        fields.insert("id".to_owned(), id.clone());
        fields.insert("expectedRevision".to_owned(), json!(1));
        let payload = scene.client.try_mutate("updateTrigger", edit, "").await;
        assert_eq!(
            payload["userErrors"].as_array().map(Vec::len),
            Some(errors),
            "{payload:#}"
        );
    }
}

#[tokio::test]
async fn of_two_triggers_that_lead_to_each_other_one_is_refused() {
    let scene = Scene::set().await;
    for key in ["a", "b"] {
        publish_no_ops(&scene.client, key, &["only"], &[]).await;
    }
    let make = async |watched: &str, started: &str| {
        let payload = scene
            .client
            .try_mutate("createTrigger", link(watched, started), "")
            .await;
        payload["userErrors"].as_array().map_or(0, Vec::len)
    };
    let (one, other) = tokio::join!(make("a", "b"), make("b", "a"));
    assert_eq!(one + other, 1);
}
