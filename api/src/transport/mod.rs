//! GraphQL over HTTP, server-sent events and WebSocket.

mod code;

pub use code::ErrorCode;

use axum::Json;
use serde_json::{Value, json};

/// The body of an answer that refuses a request.
pub(crate) fn refusal_body(code: ErrorCode, message: &str) -> Json<Value> {
    Json(json!({ "errors": [{ "message": message, "extensions": { "code": code.as_str() } }] }))
}
