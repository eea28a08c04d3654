//! GraphQL over HTTP, server-sent events and WebSocket.
//!
//! async-graphql executes; how requests arrive is ours, because what comes with it runs mutations that any web page can
//! send, answers in one media type, and lets one document cost as much as it likes. Three transports share one way of
//! reading parameters (`params`), of deciding whether a document is worth executing (`document`), and of showing
//! what came of it (`reply`), so that an error has the same code wherever it is met.
//!
//! What must hold: nothing is executed for a caller without a token, from a page of a foreign site, or from a body that
//! is not declared as JSON; every error that leaves has a code of the closed list; no client can make the service hold
//! more for it than the limits say.

mod code;
mod completion;
mod document;
mod engine;
mod http;
mod lexical;
pub mod limits;
mod negotiation;
mod origin;
mod params;
mod persisted;
mod reply;
mod request_id;
mod service;
mod socket;
mod sse;
#[cfg(test)]
pub(crate) mod tests;

pub use code::ErrorCode;
pub use engine::Engine;
pub(crate) use http::graphql;
pub(crate) use origin::guard as origin_guard;
pub use origin::{AllowedOrigins, NotAnOrigin};
pub use reply::SLOW_CONSUMER;
pub use request_id::{REQUEST_ID_HEADER, RequestId};
pub(crate) use service::Service;
pub use service::{Settings, Shutdown};

use axum::Json;
use serde_json::{Value, json};

/// The body of an answer that refuses a request.
pub(crate) fn refusal_body(code: ErrorCode, message: &str) -> Json<Value> {
    Json(json!({ "errors": [{ "message": message, "extensions": { "code": code.as_str() } }] }))
}
