//! Endpoints over real connections on this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify};
use waterclock_core::egress::EgressPolicy;
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, LogStream};
use waterclock_core::workflow::{StatusRange, Work};

use crate::source::World;
use crate::work::{assignment, endpoint, endpoint_spec, with_inputs, with_node};

pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Answers with what it was asked.
async fn echo(uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("-")
            .to_owned()
    };
    axum::Json(json!({
        "uri": uri.to_string(),
        "key": header("idempotency-key"),
        "attempt": header("waterclock-attempt"),
        "custom": header("x-custom"),
        "kind": header("content-type"),
        "body": String::from_utf8_lossy(&body),
    }))
}

#[tokio::test]
async fn a_call_carries_what_was_registered_and_its_answer_is_the_output() {
    let address = serve(Router::new().route("/things/{id}", post(echo))).await;
    let world = World::new();
    let mut spec = endpoint_spec(&format!("http://{address}/things/${{inputs.id}}"));
    spec.method = "POST".into();
    spec.query = BTreeMap::from([("q".into(), "${inputs.q}".into())]);
    spec.headers = BTreeMap::from([("X-Custom".into(), "${run.workflow}".into())]);
    spec.body = Some("{\"n\": ${inputs.id}}".into());
    let given = with_inputs(assignment(Work::Endpoint(spec)), json!({"id": 7, "q": "a b&c=d"}));
    let key = given.task_run_id.to_string();
    let report = world.perform(given).await;
    assert_eq!(
        (report.outcome, report.http_status),
        (Outcome::Succeeded, Some(200))
    );
    let output = report.output.unwrap();
    assert_eq!(output["status"], 200);
    assert_eq!(output["headers"]["content-type"], "application/json");
    assert_eq!(output["truncated"], false);
    let body = &output["body"];
    assert_eq!(body["uri"], "/things/7?q=a+b%26c%3Dd");
    assert_eq!(body["key"], key);
    assert_eq!(body["attempt"], "1");
    assert_eq!(body["custom"], "nightly");
    assert_eq!(body["kind"], "application/json");
    assert_eq!(body["body"], "{\"n\": 7}");
}

#[tokio::test]
async fn an_unexpected_status_fails_and_says_what_was_answered() {
    let router = Router::new().route("/", get(|| async { (StatusCode::CONFLICT, "taken already") }));
    let address = serve(router).await;
    let world = World::new();
    let url = format!("http://{address}/");
    let report = world.perform(endpoint(&url)).await;
    assert_eq!((report.outcome, report.http_status), (Outcome::Failed, Some(409)));
    assert_eq!(
        report.message.as_deref(),
        Some("answered 409, expected 200 to 299: taken already")
    );
    assert_eq!(report.output.unwrap()["body"], "taken already");

    let mut spec = endpoint_spec(&url);
    spec.expected_status = vec![StatusRange { from: 409, to: 409 }];
    let report = world.perform(assignment(Work::Endpoint(spec))).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn redirects_are_answers_and_not_followed() {
    let router = Router::new().route(
        "/",
        get(|| async { Redirect::temporary("http://169.254.169.254/") }),
    );
    let address = serve(router).await;
    let report = World::new()
        .perform(endpoint(&format!("http://{address}/")))
        .await;
    assert_eq!((report.outcome, report.http_status), (Outcome::Failed, Some(307)));
    assert_eq!(
        report.output.unwrap()["headers"]["location"],
        "http://169.254.169.254/"
    );
}

#[tokio::test]
async fn a_long_answer_is_cut_and_the_cut_is_marked() {
    let router = Router::new().route("/", get(|| async { "x".repeat(1 << 20) }));
    let address = serve(router).await;
    let world = World::new();
    let report = world.perform(endpoint(&format!("http://{address}/"))).await;
    let output = report.output.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(output["truncated"], true);
    let remarks = world.source.printed(report.lease, LogStream::System);
    assert!(remarks[0].starts_with("output cut"), "{remarks:?}");
    assert!(output.to_string().len() <= waterclock_core::work::OUTPUT_LIMIT);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_fails_and_one_that_is_silent_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::new();
    let mut spec = endpoint_spec(&format!("http://{address}/"));
    spec.timeout_ms = 50;
    let report = world.perform(assignment(Work::Endpoint(spec))).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
    assert!(report.message.unwrap().contains("50ms"));

    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let report = world.perform(endpoint(&format!("http://{closed}/"))).await;
    assert_eq!(report.outcome, Outcome::Failed);
    let message = report.message.unwrap();
    assert_eq!(
        message,
        "could not connect to 127.0.0.1: it refuses connections at this port"
    );

    let report = world.perform(endpoint("http://no-such-host.invalid/")).await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.message.unwrap().contains("no-such-host.invalid"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            .await
            .unwrap();
    });
    let report = World::new()
        .perform(endpoint(&format!("http://{address}/")))
        .await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.message.unwrap().contains("broke"));
}

#[tokio::test]
async fn cancelling_breaks_a_call_off() {
    let (arrived, called) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let tell = Arc::clone(&arrived);
    let router = Router::new().route(
        "/",
        get(move |_: Request| async move {
            tell.notify_one();
            called.notified().await;
        }),
    );
    let address = serve(router).await;
    let world = World::new();
    let lease = world.source.give(endpoint(&format!("http://{address}/")));
    arrived.notified().await;
    world.source.cancel(lease);
    assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn our_own_network_is_not_reached_unasked_whether_by_address_or_by_name() {
    let address = serve(Router::new().route("/", get(|| async { "secret" }))).await;
    let world = World::with(|config| config.egress = EgressPolicy::default());
    let port = address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "a.localhost",
    ] {
        let report = world.perform(endpoint(&format!("http://{host}:{port}/"))).await;
        let message = report.message.unwrap();
        assert_eq!(report.outcome, Outcome::Failed, "{host}: {message}");
        assert!(message.contains("--allow-network 127.0.0.1"), "{host}: {message}");
        assert_eq!(report.output, None);
    }
}

#[tokio::test]
async fn what_is_no_call_fails_and_names_the_mistake() {
    let world = World::new();
    let with = |change: &dyn Fn(&mut waterclock_core::workflow::EndpointSpec)| -> Assignment {
        let mut spec = endpoint_spec("http://127.0.0.1:1/");
        change(&mut spec);
        assignment(Work::Endpoint(spec))
    };
    let wrong = [
        (with(&|spec| spec.url = "ftp://127.0.0.1/".into()), "http://"),
        (with(&|spec| spec.url = "no url".into()), "no url"),
        (with(&|spec| spec.method = "GE T".into()), "GE T"),
        (
            with(&|spec| {
                spec.headers.insert("a b".into(), "x".into());
            }),
            "a b",
        ),
        (
            with(&|spec| {
                spec.headers.insert("x-a".into(), "1\n2".into());
            }),
            "x-a",
        ),
        (
            with(&|spec| spec.url = "http://${inputs.host}/".into()),
            "inputs.host",
        ),
    ];
    for (given, named) in wrong {
        let report = world.perform(given).await;
        let message = report.message.unwrap();
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(message.contains(named), "{message}");
    }
}

#[tokio::test]
async fn a_node_that_allows_less_time_than_its_endpoint_is_heeded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let given = endpoint(&format!("http://{}/", listener.local_addr().unwrap()));
    let report = World::new()
        .perform(with_node(given, |node| node.timeout_ms = Some(30)))
        .await;
    assert_eq!(report.outcome, Outcome::TimedOut);
}

const CALLS: usize = 2_000;

/// Runs in a process of its own, where nobody else's threads are counted.
#[test]
#[ignore = "is run by the test below"]
fn crowd() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (all_here, go) = (
            Arc::new(Barrier::new(CALLS + 1)),
            Arc::new(Barrier::new(CALLS + 1)),
        );
        let (here, leave) = (Arc::clone(&all_here), Arc::clone(&go));
        let router = Router::new().route(
            "/",
            get(move || async move {
                here.wait().await;
                leave.wait().await;
                ([(header::CONNECTION, "close")], "done")
            }),
        );
        let address = serve(router).await;
        let world = World::with(|config| config.slots = u32::try_from(CALLS).unwrap());
        let leases: Vec<_> = (0..CALLS)
            .map(|_| {
                world
                    .source
                    .give(endpoint(&format!("http://localhost:{}/", address.port())))
            })
            .collect();
        all_here.wait().await;
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        go.wait().await;
        for lease in leases {
            assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Succeeded);
        }
        // The two of the runtime, main and this one.
        assert!(threads <= 2 + 4, "{threads} threads");
    });
}

#[test]
fn thousands_of_calls_in_flight_take_no_thread_each() {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "call::crowd", "--ignored", "--test-threads=1"])
        .status()
        .unwrap();
    assert!(status.success());
}
