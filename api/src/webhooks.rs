//! Where triggers are called from outside: `POST /webhooks/{address}`.
//!
//! The address says which webhook is meant, and the signature says who calls. Without a right signature every call gets one answer,
//! whether there is such a webhook or not. A call is answered when its firing is durable; a sender that heard no answer sends
//! it again and gets the same firing.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use waterclock_core::command::receive_webhook::{Call, CallError, Received, receive_webhook};
use waterclock_core::signal::Signals;
use waterclock_core::store::Database;
use waterclock_core::trigger::address::WebhookAddress;
use waterclock_core::trigger::signature::Headers;

use crate::graphql::firing_id;
use crate::transport::{ErrorCode, refusal_body};

/// The most bytes of a body.
const LARGEST_BODY: usize = 256 * 1024;

/// What calls need.
#[derive(Clone)]
pub struct Webhooks {
    /// Where triggers are.
    pub database: Database,
    /// Wakes those whom a firing concerns.
    pub signals: Signals,
}

/// The route of webhooks.
pub fn routes(webhooks: Webhooks) -> Router {
    Router::new()
        .route("/webhooks/{address}", post(receive))
        .with_state(webhooks)
}

/// Why a call is not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Call(CallError),
    #[error("the body has more than {LARGEST_BODY} bytes, or ended before all of it arrived")]
    Unreadable,
}

async fn receive(
    State(webhooks): State<Webhooks>,
    Path(address): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let body = to_bytes(body, LARGEST_BODY)
        .await
        .map_err(|_| Refusal::Unreadable)?;
    let call = Call {
        address: WebhookAddress::parse(&address).ok_or(Refusal::Call(CallError::Unknown))?,
        headers: &readable(&headers),
        body: &body,
    };
    let received = receive_webhook(&webhooks.database, &webhooks.signals, &call)
        .await
        .map_err(Refusal::Call)?;
    Ok(match received {
        Received::Firing(id) => (
            StatusCode::ACCEPTED,
            axum::Json(json!({ "firing": firing_id(id) })),
        )
            .into_response(),
        Received::Ping => (StatusCode::ACCEPTED, axum::Json(json!({ "firing": null }))).into_response(),
        Received::Challenge(challenge) => challenge.into_response(),
    })
}

/// The headers that are text, by their names in lower case. Of one that is repeated, the first counts.
fn readable(headers: &HeaderMap) -> Headers {
    headers
        .keys()
        .filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Call(CallError::Unknown) => (StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated),
            Self::Call(CallError::Untimely { .. } | CallError::Body(_)) => {
                (StatusCode::BAD_REQUEST, ErrorCode::BadUserInput)
            }
            Self::Call(CallError::Store(error)) => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "a call of a webhook could not be taken"
                );
                let told =
                    "the service failed to take the call; its log has the cause, and it may be sent again";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                return (status, refusal_body(ErrorCode::InternalServerError, told)).into_response();
            }
            Self::Unreadable => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput),
        };
        (status, refusal_body(code, &self.to_string())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn headers_are_read_by_their_names_in_lower_case_the_first_of_each() {
        let mut headers = HeaderMap::new();
        headers.append("Webhook-Id", HeaderValue::from_static("one"));
        headers.append("webhook-id", HeaderValue::from_static("two"));
        headers.append("x-odd", HeaderValue::from_bytes(b"\xff").unwrap());
        let read = readable(&headers);
        assert_eq!(read, Headers::from([("webhook-id".to_owned(), "one".to_owned())]));
    }

    #[test]
    fn what_is_not_genuine_is_not_told_apart() {
        let answer = Refusal::Call(CallError::Unknown).into_response();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let late = Refusal::Call(CallError::Untimely {
            seconds: 301,
            tolerance: 300,
        });
        assert!(late.to_string().contains("301 s"), "{late}");
        assert_eq!(late.into_response().status(), StatusCode::BAD_REQUEST);
    }
}
