//! What leaves for the client: a response whose every error carries a code of the closed list.
//!
//! async-graphql does not say which stage an error is from, so it is read from what it does say: only errors of execution
//! have a path, and a response without data whose errors have none was never executed. Whatever a resolver returned
//! without a code is a fault of ours: it is logged with the request's id, and the client gets the id.

use async_graphql::{Response, ServerError, Value};
use axum::http::StatusCode;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::code::ErrorCode;
use super::limits::MAX_ERRORS;
use super::request_id::RequestId;

/// The code with which a subscription says that its client reads too slowly.
///
/// It belongs to the stream and not to the closed list: the transport turns it into the closing of the stream.
pub const SLOW_CONSUMER: &str = "SLOW_CONSUMER";

/// A response that may leave.
#[derive(Debug)]
pub(crate) struct Reply {
    response: Box<Response>,
    refused: bool,
}

impl Reply {
    /// The reply to a request that is not executed.
    pub(super) fn refused(error: ServerError) -> Self {
        Self {
            response: Box::new(Response::from_errors(vec![error])),
            refused: true,
        }
    }

    /// The reply with what the schema answered.
    pub(super) fn answered(mut response: Response, request_id: &RequestId) -> Self {
        let refused = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        response.errors.truncate(MAX_ERRORS);
        for error in &mut response.errors {
            show(error, refused, request_id);
        }
        Self {
            response: Box::new(response),
            refused,
        }
    }

    /// Whether the request was refused before execution, so that there is no data to speak of.
    pub(super) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether the subscription behind this response gave its client up.
    pub(super) fn is_slow_consumer(&self) -> bool {
        self.response
            .errors
            .iter()
            .any(|error| code_text(error) == Some(SLOW_CONSUMER))
    }

    pub(super) fn errors(&self) -> &[ServerError] {
        &self.response.errors
    }

    /// The status by which intermediaries may know what became of the request.
    pub(super) fn status(&self) -> StatusCode {
        if !self.refused {
            return StatusCode::OK;
        }
        match self
            .errors()
            .first()
            .and_then(code_text)
            .and_then(ErrorCode::from_text)
        {
            Some(ErrorCode::Unauthenticated) => StatusCode::UNAUTHORIZED,
            Some(ErrorCode::Forbidden) => StatusCode::FORBIDDEN,
            Some(ErrorCode::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
            Some(ErrorCode::Timeout) => StatusCode::GATEWAY_TIMEOUT,
            Some(ErrorCode::InternalServerError) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("Response", 3)?;
        if !self.response.errors.is_empty() {
            body.serialize_field("errors", &self.response.errors)?;
        }
        if !self.refused {
            body.serialize_field("data", &self.response.data)?;
        }
        if !self.response.extensions.is_empty() {
            body.serialize_field("extensions", &self.response.extensions)?;
        }
        body.end()
    }
}

fn show(error: &mut ServerError, refused: bool, request_id: &RequestId) {
    if let Some(guess) = error.message.find(" Did you mean") {
        error.message.truncate(guess);
    }
    match code_text(error) {
        Some(SLOW_CONSUMER) => return,
        Some(text)
            if text != ErrorCode::InternalServerError.as_str() && ErrorCode::from_text(text).is_some() =>
        {
            return;
        }
        _ => {}
    }
    match code_of(error, refused) {
        ErrorCode::InternalServerError => hide(error, request_id),
        code => set_code(error, code),
    }
}

/// The code of an error that carries none, by the words async-graphql has for it.
fn code_of(error: &ServerError, refused: bool) -> ErrorCode {
    let message = error.message.as_str();
    let is_limit = message.starts_with("Query is ")
        || message.starts_with("The recursion depth")
        || message.starts_with("The number of directives");
    let is_value =
        message.starts_with("Invalid value for argument") || message.starts_with("Failed to parse \"");
    let is_variable = message.starts_with("Variable ") && message.ends_with("is not defined.");
    match (refused, error.extensions.is_some()) {
        (true, false) if is_limit => ErrorCode::QueryTooComplex,
        (_, false) if error.source.is_none() && (is_value || is_variable) => ErrorCode::BadUserInput,
        (true, false) => ErrorCode::GraphqlValidationFailed,
        _ => ErrorCode::InternalServerError,
    }
}

/// Logs the cause and leaves the client nothing but the way to find it.
fn hide(error: &mut ServerError, request_id: &RequestId) {
    tracing::error!(
        request.id = %request_id,
        graphql.path = ?error.path,
        error = error.message,
        extensions = ?error.extensions,
        "a resolver failed"
    );
    let mut hidden = internal_error(request_id);
    hidden.locations = std::mem::take(&mut error.locations);
    hidden.path = std::mem::take(&mut error.path);
    *error = hidden;
}

/// The error of a fault of ours.
pub(super) fn internal_error(request_id: &RequestId) -> ServerError {
    let mut error = ErrorCode::InternalServerError
        .request_error("The service failed to do this. Its log has the cause under the request id.");
    if let Some(extensions) = &mut error.extensions {
        extensions.set("requestId", request_id.to_string());
    }
    error
}

fn set_code(error: &mut ServerError, code: ErrorCode) {
    error
        .extensions
        .get_or_insert_default()
        .set("code", code.as_str());
}

fn code_text(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}
