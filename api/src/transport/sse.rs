//! GraphQL over server-sent events, one connection per operation.
//!
//! The stream says `next` for each result and `complete` at the end. It also ends when the caller's token does, after a
//! last `next` that says so: a client that reconnects then knows that it needs another token first.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::json;

use super::code::ErrorCode;
use super::negotiation::MediaType;
use super::reply::{Reply, SLOW_CONSUMER};
use super::service::{Asker, Operation, Service, Step};

/// The last event. Browsers do not dispatch an event that has no data field at all, so it has an empty one.
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata:\n\n");
/// A comment, which clients pass over and which tells proxies and dead connections apart.
const ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// Streams what an operation brings forth.
pub(super) fn respond(service: &Arc<Service>, operation: Operation, asker: Asker) -> Response {
    let expiry = service.expiry(&asker.caller).boxed();
    let expired = Reply::refused(ErrorCode::Unauthenticated.request_error("The token has expired."));
    let results = service
        .run_prepared(operation, asker)
        .map(|step| next(&step))
        .boxed();
    open(
        service,
        until_expiry(results, expiry, next(&Step::Refused(expired))),
    )
}

/// Tells in a stream, as the protocol wants it, that there will be none.
pub(super) fn refuse(service: &Service, refused: Reply) -> Response {
    open(service, stream::iter([next(&Step::Refused(refused))]).boxed())
}

fn open(service: &Service, results: BoxStream<'static, Bytes>) -> Response {
    let stopped = service.shutdown.token.clone().cancelled_owned();
    let alive = service.shutdown.streams.token();
    let events = results.chain(stream::iter([COMPLETE])).boxed();
    let events = kept_alive(events, service.settings.keep_alive)
        .take_until(stopped)
        .map(move |event| {
            // Holding the token keeps the service from stopping before the stream has ended.
            let _ = &alive;
            Ok::<_, Infallible>(event)
        });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(MediaType::EventStream.content_type()),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // Proxies that collect answers before they pass them on would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The results, and instead of those that come too late a last event that says why.
fn until_expiry(
    results: BoxStream<'static, Bytes>,
    expiry: BoxFuture<'static, ()>,
    expired: Bytes,
) -> BoxStream<'static, Bytes> {
    stream::unfold(Some((results, expiry, expired)), |state| async move {
        let (mut results, mut expiry, expired) = state?;
        tokio::select! {
            biased;
            () = &mut expiry => Some((expired, None)),
            result = results.next() => Some((result?, Some((results, expiry, expired)))),
        }
    })
    .boxed()
}

/// The events, with a comment wherever there is none for a while.
fn kept_alive(events: BoxStream<'static, Bytes>, interval: Duration) -> BoxStream<'static, Bytes> {
    stream::unfold(events, move |mut events| async move {
        match tokio::time::timeout(interval, events.next()).await {
            Ok(event) => Some((event?, events)),
            Err(_elapsed) => Some((ALIVE, events)),
        }
    })
    .boxed()
}

fn next(step: &Step) -> Bytes {
    match step {
        Step::Next(reply) | Step::Refused(reply) => event(reply),
        Step::TooSlow => event(&json!({ "errors": [{
            "message": "The events came faster than they were read: subscribe again from the last cursor.",
            "extensions": { "code": SLOW_CONSUMER },
        }] })),
    }
}

fn event(result: &impl Serialize) -> Bytes {
    match serde_json::to_string(result) {
        Ok(json) => format!("event: next\ndata: {json}\n\n").into(),
        Err(error) => {
            tracing::error!(%error, "a result could not be written as JSON");
            ALIVE
        }
    }
}
