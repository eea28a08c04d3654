//! Endpoints that finish later, that want to be asked again, that take long, and that are broken off.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use tokio::sync::Notify;
use waterclock_core::run::Outcome;
use waterclock_core::work::{Assignment, LogLine, LogStream};
use waterclock_core::workflow::{CallbackSpec, Overdue, Work};

use crate::call::serve;
use crate::source::{Call, World};
use crate::work::{assignment, endpoint, endpoint_spec, with_node};

#[tokio::test]
async fn terminating_breaks_a_call_off() {
    let arrived = Arc::new(Notify::new());
    let tell = Arc::clone(&arrived);
    let router = Router::new().route(
        "/",
        get(move || async move {
            tell.notify_one();
            std::future::pending::<()>().await;
        }),
    );
    let address = serve(router).await;
    let world = World::new();
    let lease = world.source.give(endpoint(&format!("http://{address}/")));
    arrived.notified().await;
    world.source.terminate(lease);
    let report = world.source.report_of(lease).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(report.message.as_deref(), Some("its run was terminated"));
}

/// A call of an endpoint that may finish later, and is told where to say so.
fn called_back(url: &str) -> Assignment {
    let mut spec = endpoint_spec(url);
    spec.method = "POST".into();
    spec.body = Some("${callback.url}".into());
    spec.callback = Some(CallbackSpec { deadline_ms: 60_000 });
    Assignment {
        callback_url: Some("http://api/callbacks/once".to_owned()),
        ..assignment(Work::Endpoint(spec))
    }
}

#[tokio::test]
async fn an_endpoint_that_may_finish_later_and_answers_202_frees_its_slot_and_is_not_reported() {
    let later = async |headers: HeaderMap, body: String| {
        assert_eq!(body, headers["waterclock-callback-url"].to_str().unwrap());
        StatusCode::ACCEPTED
    };
    let router = Router::new()
        .route("/later", post(later))
        .route("/now", post(|| async { "done" }));
    let address = serve(router).await;
    let world = World::with(|config| config.slots = 1);
    let deferred = world.source.give(called_back(&format!("http://{address}/later")));
    world
        .source
        .shows(|books| books.deferrals.contains(&deferred).then_some(()))
        .await;
    let remarks = world.source.printed(deferred, LogStream::System);
    assert_eq!(remarks, ["answered 202, and has 60s to call back"]);

    let report = world.perform(called_back(&format!("http://{address}/now"))).await;
    assert_eq!(
        (report.outcome, report.http_status),
        (Outcome::Succeeded, Some(200))
    );
    let books = world.source.books();
    assert!(books.reports.iter().all(|(report, _)| report.lease != deferred));
    assert_eq!(books.deferrals, [deferred]);
}

#[tokio::test]
async fn an_endpoint_that_could_not_call_back_is_not_called() {
    let mut given = called_back("http://127.0.0.1:1/");
    given.callback_url = None;
    let mut spec = endpoint_spec("http://127.0.0.1:1/");
    spec.callback = Some(CallbackSpec { deadline_ms: 1 });
    given.node = assignment(Work::Endpoint(spec)).node;
    let report = World::new().perform(given).await;
    assert_eq!(report.outcome, Outcome::Fault);
    assert!(report.message.unwrap().contains("to call back"));
}

#[tokio::test]
async fn a_202_is_the_status_that_it_is_where_nothing_is_called_back() {
    let address = serve(Router::new().route("/", get(|| async { StatusCode::ACCEPTED }))).await;
    let report = World::new()
        .perform(endpoint(&format!("http://{address}/")))
        .await;
    assert_eq!(
        (report.outcome, report.http_status),
        (Outcome::Succeeded, Some(202))
    );
}

#[tokio::test]
async fn a_deferral_is_handed_in_until_an_exchange_lands() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&go));
    let router = Router::new().route(
        "/",
        post(move || async move {
            tell.notify_one();
            wait.notified().await;
            StatusCode::ACCEPTED
        }),
    );
    let address = serve(router).await;
    let world = World::new();
    let lease = world.source.give(called_back(&format!("http://{address}/")));
    arrived.notified().await;
    world.source.cut_off(Call::Exchange);
    go.notify_one();
    world
        .source
        .shows(|books| books.undelivered_deferrals.contains(&lease).then_some(()))
        .await;
    assert!(world.source.books().deferrals.is_empty());
    world.source.let_through(Call::Exchange);
    world
        .source
        .shows(|books| books.deferrals.contains(&lease).then_some(()))
        .await;
}

#[tokio::test]
async fn who_refuses_work_says_when_to_come_again() {
    let instant = async || {
        let until = (header::RETRY_AFTER, "Fri, 31 Dec 1999 23:59:59 GMT");
        let answered = (header::DATE, "Fri, 31 Dec 1999 23:59:29 GMT");
        (StatusCode::SERVICE_UNAVAILABLE, [until, answered])
    };
    let seconds = || [(header::RETRY_AFTER, "7")];
    let router = Router::new()
        .route(
            "/seconds",
            get(move || async move { (StatusCode::TOO_MANY_REQUESTS, seconds()) }),
        )
        .route("/instant", get(instant))
        .route("/silent", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .route("/content", get(move || async move { seconds() }));
    let address = serve(router).await;
    let world = World::new();
    for (path, seconds) in [
        ("seconds", Some(7)),
        ("instant", Some(30)),
        ("silent", None),
        ("content", None),
    ] {
        let report = world.perform(endpoint(&format!("http://{address}/{path}"))).await;
        assert_eq!(report.retry_after, seconds.map(Duration::from_secs), "{path}");
    }
}

#[tokio::test]
async fn a_timeout_of_the_node_that_only_warns_leaves_a_call_going() {
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let router = Router::new().route("/", get(move || async move { wait.notified().await }));
    let address = serve(router).await;
    let world = World::new();
    let given = with_node(endpoint(&format!("http://{address}/")), |node| {
        node.timeout_ms = Some(20);
        node.on_timeout = Overdue::Warn;
    });
    let lease = world.source.give(given);
    let is_warned = |line: &LogLine| line.text.ends_with("and goes on");
    world
        .source
        .shows(|books| books.log.iter().any(is_warned).then_some(()))
        .await;
    go.notify_one();
    assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Succeeded);
}
