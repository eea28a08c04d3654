//! GraphQL over HTTP.
//!
//! The order of the questions matters: what can be answered from the headers is answered before the caller is known, the
//! caller is known before a byte of the body is read, and nothing is executed for a method that promises to change
//! nothing unless the document says so.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::body::{Body, Bytes};
use axum::extract::rejection::ExtensionRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, UPGRADE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::code::ErrorCode;
use super::negotiation::{Accepted, MediaType, accepted, sends_json};
use super::params::{MalformedRequest, Params};
use super::reply::Reply;
use super::request_id::RequestId;
use super::service::{Asker, Operation, Service};
use super::{refusal_body, socket, sse};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");

/// Answers everything that is sent to the API's path.
pub(crate) async fn graphql(
    State(service): State<Arc<Service>>,
    request_id: Result<Extension<RequestId>, ExtensionRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let request_id = request_id.map_or_else(|_| RequestId::of(request.headers()), |Extension(id)| id);
    match upgrade {
        Ok(upgrade) => return socket::accept(service, upgrade, request.headers(), request_id),
        Err(rejection) if request.headers().contains_key(UPGRADE) => return rejection.into_response(),
        Err(_) => {}
    }
    match *request.method() {
        Method::GET | Method::POST => {}
        Method::OPTIONS => return (StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response(),
        _ => return method_not_allowed(METHODS, "GraphQL is asked with POST, or with GET for queries."),
    }
    match answer(&service, request, request_id).await {
        Ok(response) | Err(response) => response,
    }
}

/// The answer to a GET or POST; `Err` when the request was refused on the way.
async fn answer(
    service: &Arc<Service>,
    request: Request,
    request_id: RequestId,
) -> Result<Response, Response> {
    let accepted = accepted(request.headers()).ok_or_else(not_acceptable)?;
    let is_get = request.method() == Method::GET;
    if !is_get && !sends_json(request.headers()) {
        return Err(unsupported_media_type());
    }
    let admitted = service.gate.authorize(request.headers()).await;
    let caller = admitted.map_err(axum::response::IntoResponse::into_response)?;
    let params = if is_get {
        Params::from_query_string(request.uri().query().unwrap_or_default())
            .map_err(|error| malformed(&error))?
    } else {
        Params::from_json_bytes(&body(service, request).await?).map_err(|error| malformed(&error))?
    };
    let asker = Asker { caller, request_id };
    let operation = match service.prepare(params) {
        Ok(operation) => operation,
        Err(refused) if accepted.best == MediaType::EventStream => return Ok(sse::refuse(service, refused)),
        Err(refused) => return Err(reply(accepted.best, &refused)),
    };
    if is_get && !operation.is_safe() {
        let post = HeaderValue::from_static("POST");
        return Err(method_not_allowed(
            post,
            "A mutation is sent with POST; GET may only ask.",
        ));
    }
    if streams(accepted, &operation) {
        return Ok(sse::respond(service, operation, asker));
    }
    if operation.kind == OperationType::Subscription {
        return Err(needs_a_stream(accepted));
    }
    Ok(reply(accepted.best, &service.execute(operation, &asker).await))
}

/// A subscription streams if the client takes a stream at all, anything else only if it prefers one.
fn streams(accepted: Accepted, operation: &Operation) -> bool {
    accepted.best == MediaType::EventStream
        || (accepted.takes_stream && operation.kind == OperationType::Subscription)
}

/// The whole body, bounded in size and time.
async fn body(service: &Service, request: Request) -> Result<Bytes, Response> {
    let most = service.settings.max_body_bytes;
    if announced_length(request.headers()).is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    let read = read_body(request.into_body(), most);
    match tokio::time::timeout(service.settings.body_timeout, read).await {
        Ok(result) => result,
        Err(_) => Err(refuse(
            StatusCode::REQUEST_TIMEOUT,
            "The body did not arrive in time.",
        )),
    }
}

async fn read_body(body: Body, most: usize) -> Result<Bytes, Response> {
    axum::body::to_bytes(body, most).await.map_err(|error| {
        // The limit is the only cause that the client can be told about; else it has gone.
        if std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("limit")) {
            too_large(most)
        } else {
            refuse(StatusCode::BAD_REQUEST, "The body broke off.")
        }
    })
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A reply in the negotiated media type, with the status that belongs to it there.
///
/// Clients of `application/json` read a status other than 200 as an answer of something in between, so for them every
/// well-formed request has 200, unless it is the caller that is refused.
fn reply(media: MediaType, reply: &Reply) -> Response {
    let status = match (media, reply.status()) {
        (MediaType::Json, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        | (MediaType::GraphqlResponse, _) => reply.status(),
        _ => StatusCode::OK,
    };
    json(status, media, reply)
}

fn json(status: StatusCode, media: MediaType, body: &impl Serialize) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media.content_type())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (VARY, HeaderValue::from_static("Accept, Authorization")),
    ];
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, headers, bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "a response could not be written as JSON");
            let body = refusal_body(
                ErrorCode::InternalServerError,
                "The response could not be written.",
            );
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, refusal_body(ErrorCode::BadUserInput, message)).into_response()
}

fn malformed(error: &MalformedRequest) -> Response {
    refuse(StatusCode::BAD_REQUEST, &error.to_string())
}

fn too_large(most: usize) -> Response {
    let message = format!("The body is larger than {most} bytes, the most that this service is set to take.");
    refuse(StatusCode::PAYLOAD_TOO_LARGE, &message)
}

fn not_acceptable() -> Response {
    let message = "Accept one of application/graphql-response+json, application/json and text/event-stream.";
    refuse(StatusCode::NOT_ACCEPTABLE, message)
}

fn unsupported_media_type() -> Response {
    let message = "The body has to be JSON in UTF-8, with `Content-Type: application/json`.";
    let mut response = refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    response
        .headers_mut()
        .insert("accept-post", HeaderValue::from_static("application/json"));
    response
}

fn method_not_allowed(allow: HeaderValue, message: &str) -> Response {
    let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, message);
    response.headers_mut().insert(ALLOW, allow);
    response
}

fn needs_a_stream(accepted: Accepted) -> Response {
    let message = "A subscription needs a stream: accept text/event-stream, or use WebSocket.";
    reply(
        accepted.best,
        &Reply::refused(ErrorCode::BadUserInput.request_error(message)),
    )
}
