//! GraphQL over HTTP: media types, statuses, methods, parameters, callers and origins.

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::world::*;
use crate::transport::Settings;
use crate::transport::persisted::tests::hexadecimal;

#[tokio::test]
async fn an_answer_comes_in_the_media_type_that_was_asked_for() {
    let world = World::new();
    for (accept, content_type) in [
        (
            GRAPHQL_RESPONSE,
            "application/graphql-response+json; charset=utf-8",
        ),
        (JSON, "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ] {
        let answer = world.ask(accept, json!({ "query": "{ greeting }" })).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), content_type);
        assert_eq!(answer.json(), json!({ "data": { "greeting": "Hello, world!" } }));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let answer = world.ask("text/html", json!({ "query": "{ greeting }" })).await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_request_error_has_no_data_and_a_status_that_fits_the_media_type() {
    let world = World::new();
    for (query, variables, code) in [
        ("{", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ greeting(name: 7) }", json!({}), "BAD_USER_INPUT"),
        (
            "query ($n: String!) { greeting(name: $n) }",
            json!({}),
            "BAD_USER_INPUT",
        ),
        (
            "query ($n: String!) { greeting(name: $n) }",
            json!({ "n": null }),
            "BAD_USER_INPUT",
        ),
        (
            "query ($n: String!) { greeting(name: $n) }",
            json!({ "n": 7 }),
            "BAD_USER_INPUT",
        ),
        (
            "query ($l: [Int!]!) { length(list: $l) }",
            json!({ "l": [1, "2"] }),
            "BAD_USER_INPUT",
        ),
        (
            "query ($n: String!) { __typename }",
            json!({ "n": null }),
            "BAD_USER_INPUT",
        ),
        (
            "query A { greeting } query B { greeting }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "fragment F on Query { ...F } { ...F }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription { count(to: 1) never }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription { count(to: 1) }", json!({}), "BAD_USER_INPUT"),
    ] {
        let body = json!({ "query": query, "variables": variables });
        for (accept, status) in [
            (GRAPHQL_RESPONSE, StatusCode::BAD_REQUEST),
            (JSON, StatusCode::OK),
        ] {
            let answer = world.ask(accept, body.clone()).await;
            assert_eq!(
                (answer.status, answer.code()),
                (status, code.into()),
                "{query} {}",
                answer.text
            );
            assert!(answer.json().get("data").is_none(), "{query}");
        }
    }
}

#[tokio::test]
async fn an_error_of_execution_comes_beside_the_data_with_200() {
    let world = World::new();
    let answer = world.query("{ greeting forbidden }").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json()["data"],
        json!({ "greeting": "Hello, world!", "forbidden": null })
    );
    assert_eq!(answer.code(), "FORBIDDEN");
    assert_eq!(answer.json()["errors"][0]["path"], json!(["forbidden"]));
}

#[tokio::test]
async fn a_fault_of_ours_leaves_only_the_request_id() {
    let world = World::new();
    let request = post(GRAPHQL_RESPONSE).header("x-request-id", "abc-1");
    let answer = world
        .send(
            request
                .body(json!({ "query": "{ broken }" }).to_string().into())
                .expect("a request"),
        )
        .await;
    assert_eq!(answer.header("x-request-id"), "abc-1");
    assert_eq!(
        answer.json()["errors"][0]["extensions"],
        json!({ "code": "INTERNAL_SERVER_ERROR", "requestId": "abc-1" })
    );
    assert!(!answer.text.contains("password"));
    let answer = world.query("{ panics }").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR");
    assert!(!answer.text.contains("index out of bounds"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_given_up() {
    let answer = World::new().query("{ sleeps }").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::GATEWAY_TIMEOUT, "TIMEOUT".into())
    );
}

#[tokio::test]
async fn nothing_is_guessed_about_unknown_names() {
    let world = World::new();
    for query in ["{ greting }", "{ greeting(nam: \"x\") }"] {
        let answer = world.query(query).await;
        assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED");
        assert!(
            !answer.text.to_lowercase().contains("did you mean"),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn only_a_body_that_is_declared_as_json_is_read() {
    let world = World::new();
    let mutation = json!({ "query": "mutation { change }" }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin1",
    ] {
        let request = request("POST", "/graphql").header(CONTENT_TYPE, content_type);
        let answer = world
            .send(request.body(mutation.clone().into()).expect("a request"))
            .await;
        assert_eq!(
            answer.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type}"
        );
    }
    let without = world
        .send(
            request("POST", "/graphql")
                .body(mutation.into())
                .expect("a request"),
        )
        .await;
    assert_eq!(without.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn malformed_requests_are_refused_in_every_media_type() {
    let world = World::new();
    let query = "{ greeting }";
    for body in [
        String::new(),
        "{ \"not JSON".into(),
        json!([{ "query": query }]).to_string(),
        json!([]).to_string(),
        json!("query").to_string(),
        json!({}).to_string(),
        json!({ "qeury": query }).to_string(),
        json!({ "query": null }).to_string(),
        json!({ "query": 7 }).to_string(),
        json!({ "query": [query] }).to_string(),
        json!({ "query": query, "operationName": {} }).to_string(),
        json!({ "query": query, "variables": "{}" }).to_string(),
        json!({ "query": query, "variables": [1] }).to_string(),
        json!({ "query": query, "extensions": false }).to_string(),
    ] {
        for accept in [GRAPHQL_RESPONSE, JSON, EVENTS] {
            let answer = world
                .send(post(accept).body(body.clone().into()).expect("a request"))
                .await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, "BAD_USER_INPUT".into()),
                "{body}"
            );
        }
    }
    let nulls =
        json!({ "query": query, "operationName": null, "variables": null, "extensions": null, "more": 1 });
    assert_eq!(
        world.ask(JSON, nulls).await.json()["data"]["greeting"],
        "Hello, world!"
    );
}

#[tokio::test]
async fn get_asks_and_never_changes() {
    let world = World::new();
    let get = async |query: &str| {
        let request = request("GET", &format!("/graphql?{query}")).header(ACCEPT, GRAPHQL_RESPONSE);
        world.send(request.body(Body::empty()).expect("a request")).await
    };
    let answer = get("query=query($n:String!)%7Bgreeting(name:$n)%7D&variables=%7B%22n%22:%22Ada%22%7D&operationName=&extensions=").await;
    assert_eq!(
        answer.json()["data"]["greeting"],
        "Hello, Ada!",
        "{}",
        answer.text
    );

    let mutation = get("query=mutation%7Bchange%7D").await;
    assert_eq!(
        (mutation.status, mutation.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
    let meant = get("query=query+A%7Bgreeting%7Dmutation+B%7Bchange%7D&operationName=B").await;
    assert_eq!(meant.status, StatusCode::METHOD_NOT_ALLOWED);
    let harmless = get("query=query+A%7Bgreeting%7Dmutation+B%7Bchange%7D&operationName=A").await;
    assert_eq!(harmless.status, StatusCode::OK);

    for malformed in [
        "",
        "query=",
        "query=%7Bgreeting%7D&variables=7",
        "query=%7Bgreeting%7D&variables=%7B",
        "query=a&query=b",
    ] {
        assert_eq!(
            get(malformed).await.status,
            StatusCode::BAD_REQUEST,
            "{malformed}"
        );
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let world = World::new();
    for method in ["PUT", "DELETE", "PATCH", "HEAD", "TRACE"] {
        let answer = world
            .send(
                request(method, "/graphql")
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert!(answer.header("allow").contains("POST"), "{method}");
    }
}

#[tokio::test]
async fn a_body_larger_than_the_limit_is_refused() {
    let world = World::with(Settings {
        max_body_bytes: 1024 * 1024,
        ..Settings::default()
    });
    let body = json!({ "query": format!("{{ greeting }} # {}", "x".repeat(1024 * 1024)) });
    assert_eq!(
        world.ask(JSON, body.clone()).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let text = body.to_string();
    let announced = post(JSON).header("content-length", text.len());
    let answer = world.send(announced.body(text.into()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn nothing_is_executed_for_a_caller_who_is_not_known() {
    let world = World::new();
    let ask = async |authorization: Option<String>| {
        let mut request = Request::builder()
            .method("POST")
            .uri("/graphql")
            .header(HOST, "api.test");
        request = request.header(CONTENT_TYPE, JSON).header(ACCEPT, JSON);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        world
            .send(
                request
                    .body(
                        json!({ "query": "{ __schema { queryType { name } } }" })
                            .to_string()
                            .into(),
                    )
                    .expect("a request"),
            )
            .await
    };
    let without = ask(None).await;
    assert_eq!(
        (without.status, without.code()),
        (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED".into())
    );
    assert_eq!(without.header("www-authenticate"), "Bearer realm=\"waterclock\"");
    for bad in [
        "Bearer nonsense".to_owned(),
        format!("Bearer {}x", token()),
        format!("Bearer {}", token_for("nobody", chrono::TimeDelta::hours(1))),
    ] {
        let answer = ask(Some(bad)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED".into())
        );
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
    for other in [
        "Basic YTpi".to_owned(),
        "Bearer".to_owned(),
        format!("Bearer {} {}", token(), token()),
    ] {
        assert_eq!(ask(Some(other)).await.status, StatusCode::UNAUTHORIZED);
    }
    let unlucky = ask(Some(format!(
        "Bearer {}",
        token_for("unlucky", chrono::TimeDelta::hours(1))
    )))
    .await;
    assert_eq!(unlucky.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!unlucky.text.contains("no connection"));
    assert_eq!(
        ask(Some(format!("bearer {}", token()))).await.status,
        StatusCode::OK
    );
    assert_eq!(world.query("{ tenant }").await.json()["data"]["tenant"], "acme");
}

#[tokio::test]
async fn a_page_of_another_site_may_only_call_if_it_is_configured() {
    let world = World::new();
    let from = async |origin: &str, method: &str| {
        let request = request(method, "/graphql")
            .header(CONTENT_TYPE, JSON)
            .header(ORIGIN, origin);
        let request = request.header("access-control-request-method", "POST");
        world
            .send(
                request
                    .body(json!({ "query": "mutation { change }" }).to_string().into())
                    .expect("a request"),
            )
            .await
    };
    for method in ["POST", "GET", "OPTIONS"] {
        let foreign = from("https://evil.test", method).await;
        assert_eq!(
            (foreign.status, foreign.code()),
            (StatusCode::FORBIDDEN, "FORBIDDEN".into()),
            "{method}"
        );
        assert_eq!(foreign.header("access-control-allow-origin"), "");
    }
    assert_eq!(from("null", "POST").await.status, StatusCode::FORBIDDEN);
    assert_eq!(from("http://api.test", "POST").await.status, StatusCode::OK);
    let allowed = from(ALLOWED_ORIGIN, "POST").await;
    assert_eq!(
        (allowed.status, allowed.header("access-control-allow-origin")),
        (StatusCode::OK, ALLOWED_ORIGIN)
    );
    let preflight = from(ALLOWED_ORIGIN, "OPTIONS").await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("authorization")
    );
}

#[tokio::test]
async fn a_persisted_query_is_asked_for_once_and_known_then() {
    let world = World::new();
    let query = "{ greeting(name: \"hash\") }";
    let hash = "52cfa1a41a9f03bd2d4aea4e0b4f1b1a2f7c5c2c0c5d3e3f5c1f4a6b7c8d9e0f";
    let extensions = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let real = hexadecimal(&Sha256::digest(query));
    let unknown = world.ask(JSON, json!({ "extensions": extensions(&real) })).await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (StatusCode::OK, "PERSISTED_QUERY_NOT_FOUND".into())
    );
    assert_eq!(unknown.json()["errors"][0]["message"], "PersistedQueryNotFound");

    let wrong = world
        .ask(
            GRAPHQL_RESPONSE,
            json!({ "query": query, "extensions": extensions(hash) }),
        )
        .await;
    assert_eq!(
        (wrong.status, wrong.code()),
        (StatusCode::BAD_REQUEST, "BAD_USER_INPUT".into())
    );
    let taught = world
        .ask(JSON, json!({ "query": query, "extensions": extensions(&real) }))
        .await;
    assert_eq!(taught.json()["data"]["greeting"], "Hello, hash!");
    let known = world
        .ask(JSON, json!({ "extensions": extensions(&real.to_uppercase()) }))
        .await;
    assert_eq!(known.json()["data"]["greeting"], "Hello, hash!");
    for malformed in [
        json!({ "version": 2, "sha256Hash": real }),
        json!({ "version": 1 }),
        json!("x"),
        Value::Bool(true),
    ] {
        let answer = world
            .ask(
                GRAPHQL_RESPONSE,
                json!({ "extensions": { "persistedQuery": malformed } }),
            )
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn pages_and_probes_answer_everyone() {
    let world = World::new();
    let get = async |world: &World, path: &str| {
        world
            .send(
                Request::builder()
                    .uri(path)
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await
    };
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/playground", "text/html; charset=utf-8"),
        ("/playground/graphiql.min.js", "text/javascript; charset=utf-8"),
        ("/schema.graphql", "text/plain; charset=utf-8"),
        ("/livez", "text/plain; charset=utf-8"),
        ("/readyz", "text/plain; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4"),
    ] {
        let answer = get(&world, path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, content_type),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'"),
            "{path}"
        );
        assert!(!answer.header("x-request-id").is_empty());
    }
    assert_eq!(
        get(&world, "/playground/../server.rs").await.status,
        StatusCode::NOT_FOUND
    );
    let unready = get(&World::unready("the database does not answer"), "/readyz").await;
    assert_eq!(unready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(unready.text.contains("the database does not answer"));
}
