//! GraphQL over server-sent events.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::ACCEPT;
use chrono::TimeDelta;
use serde_json::json;

use super::world::*;

#[tokio::test]
async fn a_subscription_streams_its_results_and_completes() {
    let world = World::new();
    let answer = world
        .ask(EVENTS, json!({ "query": "subscription { count(to: 2) }" }))
        .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, EVENTS)
    );
    assert_eq!(
        answer.text,
        "event: next\ndata: {\"data\":{\"count\":1}}\n\n\
         event: next\ndata: {\"data\":{\"count\":2}}\n\n\
         event: complete\ndata:\n\n"
    );
}

#[tokio::test]
async fn queries_mutations_and_errors_stream_too() {
    let world = World::new();
    let answer = world.ask(EVENTS, json!({ "query": "mutation { change }" })).await;
    assert!(
        answer
            .text
            .starts_with("event: next\ndata: {\"data\":{\"change\":true}}\n\nevent: complete\n")
    );
    for query in ["{", "{ unknown }"] {
        let answer = world.ask(EVENTS, json!({ "query": query })).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.text.starts_with("event: next\ndata: {\"errors\":["),
            "{}",
            answer.text
        );
        assert!(answer.text.ends_with("event: complete\ndata:\n\n"));
    }
}

#[tokio::test]
async fn get_subscribes_but_does_not_change() {
    let world = World::new();
    let get = async |query: &str| {
        let request = request("GET", &format!("/graphql?query={query}")).header(ACCEPT, EVENTS);
        world.send(request.body(Body::empty()).expect("a request")).await
    };
    assert!(
        get("subscription%7Bcount(to:1)%7D")
            .await
            .text
            .contains("\"count\":1")
    );
    assert_eq!(
        get("mutation%7Bchange%7D").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_client_that_takes_streams_at_all_gets_one_for_a_subscription() {
    let world = World::new();
    let accept = "application/json, text/event-stream;q=0.1";
    let answer = world
        .ask(accept, json!({ "query": "subscription { count(to: 1) }" }))
        .await;
    assert_eq!(answer.header("content-type"), EVENTS);
    let answer = world.ask(accept, json!({ "query": "{ greeting }" })).await;
    assert!(answer.header("content-type").starts_with(JSON));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_the_token_does() {
    let world = World::new();
    let clock = world.clock.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        clock.advance(TimeDelta::hours(1));
    });
    let answer = world
        .ask(EVENTS, json!({ "query": "subscription { never }" }))
        .await;
    assert!(answer.text.contains("UNAUTHENTICATED"), "{}", answer.text);
    assert!(answer.text.ends_with("event: complete\ndata:\n\n"));
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_is_kept_alive_and_ends_with_the_service() {
    let world = World::new();
    let shutdown = world.shutdown.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        shutdown.cancel();
    });
    let answer = world
        .ask(EVENTS, json!({ "query": "subscription { never }" }))
        .await;
    assert_eq!(
        answer.text, ":\n\n:\n\n",
        "kept alive twice in 30 s, and no completion that would end the client's interest"
    );
}

#[tokio::test]
async fn a_reader_who_is_too_slow_is_told_to_resume() {
    let answer = World::new()
        .ask(EVENTS, json!({ "query": "subscription { outpaced }" }))
        .await;
    assert!(answer.text.contains("\"outpaced\":1"));
    assert!(answer.text.contains("SLOW_CONSUMER"), "{}", answer.text);
    assert!(answer.text.ends_with("event: complete\ndata:\n\n"));
}
