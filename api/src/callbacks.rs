//! Where endpoints that finish later say that they have: `POST /callbacks/{token}`.
//!
//! The address is the credential: whoever holds it may end that one attempt, once, and nothing else. A used address, one whose
//! attempt has ended and one that never was get the same answer, so that nothing is learnt by trying.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;
use waterclock_core::callback::CallbackToken;
use waterclock_core::command::answer_callback::{Answer, answer_callback};
use waterclock_core::error::{CommandError, RefusalCode};
use waterclock_core::signal::Signals;
use waterclock_core::store::{Database, Versions};
use waterclock_core::work::OUTPUT_LIMIT;

use crate::transport::{ErrorCode, refusal_body};

/// The most bytes of a body: the largest output, twice over for its spaces and escapes, and a message.
const LARGEST_BODY: usize = 2 * OUTPUT_LIMIT + 16 * 1024;

/// The most bytes of a message.
const LONGEST_MESSAGE: usize = 4_000;

/// What answers need.
#[derive(Clone)]
pub struct Callbacks {
    /// Where attempts are.
    pub database: Database,
    /// Wakes those whom the end of an attempt concerns.
    pub signals: Signals,
    /// The versions that this process has read.
    pub versions: Versions,
}

/// The route of callbacks.
pub fn routes(callbacks: Callbacks) -> Router {
    Router::new()
        .route("/callbacks/{token}", post(call_back))
        .with_state(callbacks)
}

/// What an endpoint says; all of it may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    outcome: Outcome,
    #[serde(default)]
    outputs: Option<Value>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    #[default]
    Succeeded,
    Failed,
}

/// Why an answer is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("this address was used, or its attempt has ended, or it never was one")]
    Gone,
    #[error("{0}")]
    Body(String),
    #[error("the body has more than {LARGEST_BODY} bytes, or ended before all of it arrived")]
    Unreadable,
    #[error(
        "the service failed to take the answer; its log has the cause, and the address can be used again"
    )]
    Failed(#[source] CommandError),
}

async fn call_back(
    State(callbacks): State<Callbacks>,
    Path(token): Path<String>,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let token = CallbackToken::parse(&token).ok_or(Refusal::Gone)?;
    let body = to_bytes(body, LARGEST_BODY)
        .await
        .map_err(|_| Refusal::Unreadable)?;
    let answer = read(&body)?;
    answer_callback(
        &callbacks.database,
        &callbacks.signals,
        &callbacks.versions,
        token,
        answer,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the body says. One that is empty says that the work was done.
fn read(body: &[u8]) -> Result<Answer, Refusal> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let said: Said = serde_json::from_slice(body).map_err(|error| {
        Refusal::Body(format!(
            "the body is to be empty, or {{\"outcome\": \"SUCCEEDED\" or \"FAILED\", \"outputs\": …, \"message\": …}}: {error}"
        ))
    })?;
    if let Some(message) = &said.message
        && (message.len() > LONGEST_MESSAGE || message.contains('\0'))
    {
        let told = format!("`message` has at most {LONGEST_MESSAGE} bytes and no NUL character");
        return Err(Refusal::Body(told));
    }
    if let Some(outputs) = &said.outputs
        && outputs.to_string().contains("\\u0000")
    {
        let told = "`outputs` holds a NUL character, which cannot be stored";
        return Err(Refusal::Body(told.to_owned()));
    }
    Ok(Answer {
        succeeded: said.outcome == Outcome::Succeeded,
        message: said.message,
        output: said.outputs,
    })
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusals) => {
                if refusals
                    .iter()
                    .any(|refusal| refusal.code == RefusalCode::NotFound)
                {
                    return Self::Gone;
                }
                let told: Vec<String> = refusals.into_iter().map(|refusal| refusal.message).collect();
                Self::Body(told.join("; "))
            }
            error => Self::Failed(error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Gone => (StatusCode::NOT_FOUND, ErrorCode::NotFound),
            Self::Body(_) => (StatusCode::BAD_REQUEST, ErrorCode::BadUserInput),
            Self::Unreadable => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput),
            Self::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalServerError),
        };
        if let Self::Failed(cause) = &self {
            tracing::error!(error = ?cause, "an answer of an endpoint could not be taken");
        }
        (status, refusal_body(code, &self.to_string())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_body_says_that_it_was_done() {
        for body in [&b""[..], b" \n", b"{}"] {
            let answer = read(body).unwrap();
            assert!(answer.succeeded && answer.output.is_none() && answer.message.is_none());
        }
    }

    #[test]
    fn a_body_says_how_it_ended_what_it_gives_and_why() {
        let answer = read(br#"{"outcome": "FAILED", "outputs": {"rows": 3}, "message": "no more"}"#).unwrap();
        assert!(!answer.succeeded);
        assert_eq!(answer.output, Some(json!({"rows": 3})));
        assert_eq!(answer.message.as_deref(), Some("no more"));
    }

    #[test]
    fn a_body_that_cannot_be_taken_is_told_what_is_wrong() {
        for (body, told) in [
            (&b"done"[..], "expected"),
            (br#"{"outcome": "DONE"}"#, "DONE"),
            (br#"{"result": 1}"#, "result"),
            (br#"{"message": "\u0000"}"#, "NUL"),
            (br#"{"outputs": "\u0000"}"#, "NUL"),
        ] {
            let refused = read(body).unwrap_err();
            assert!(refused.to_string().contains(told), "{refused}");
            assert_eq!(refused.into_response().status(), StatusCode::BAD_REQUEST);
        }
    }
}
