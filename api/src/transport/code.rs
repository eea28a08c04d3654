//! The codes that errors leave with, and nothing else leaves with.
//!
//! The list is closed: clients branch on it. Names that Apollo has are Apollo's.

use std::fmt;

use async_graphql::{Error, ErrorExtensionValues, ErrorExtensions as _, ServerError};

/// What `extensions.code` says about a top-level error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No token, or one that is not accepted.
    Unauthenticated,
    /// The token's scopes do not allow this, or the page's origin is not allowed.
    Forbidden,
    /// An argument, variable or request that is malformed.
    BadUserInput,
    /// Nothing of this id or key, or something of another tenant.
    NotFound,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The document asks for more than one request may.
    QueryTooComplex,
    /// Too many requests; `retryAfterMs` says when to come back.
    RateLimited,
    /// A limit of the tenant is reached.
    QuotaExceeded,
    /// The idempotency key has been used with another input.
    IdempotencyConflict,
    /// The hash is not known; the client sends the document along.
    PersistedQueryNotFound,
    /// The request took longer than it may.
    Timeout,
    /// A fault of the service. The request id finds the cause in the log.
    InternalServerError,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 13] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::BadUserInput,
        Self::NotFound,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::QueryTooComplex,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::IdempotencyConflict,
        Self::PersistedQueryNotFound,
        Self::Timeout,
        Self::InternalServerError,
    ];

    /// The code as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::NotFound => "NOT_FOUND",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::RateLimited => "RATE_LIMITED",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::Timeout => "TIMEOUT",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }

    /// The code that is sent as `text`, if any.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// An error with this code, for a resolver to return.
    #[must_use]
    pub fn error(self, message: impl Into<String>) -> Error {
        Error::new(message).extend_with(|_, extensions| extensions.set("code", self.as_str()))
    }

    /// An error with this code that concerns the whole request.
    #[must_use]
    pub fn request_error(self, message: impl Into<String>) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.as_str());
        let mut error = ServerError::new(message, None);
        error.extensions = Some(extensions);
        error
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
