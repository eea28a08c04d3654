//! Turns the headers of a request into its caller, or into the answer that refuses it.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use waterclock_core::clock::SharedClock;

use super::authenticator::{Authenticator, TokenError};
use super::caller::{Caller, Tenants, TenantsError};
use crate::transport::{ErrorCode, refusal_body};

/// Admits callers whose token is good and whose tenant exists.
#[derive(Clone, Debug)]
pub struct Gate {
    authenticator: Arc<Authenticator>,
    tenants: Arc<dyn Tenants>,
}

/// Why a caller is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request carries no token.
    #[error("a token is needed: send `Authorization: Bearer <token>`")]
    NoToken,
    /// The `Authorization` header is not one bearer token.
    #[error("the Authorization header has to be `Bearer` and one token")]
    NotBearer,
    /// The token is refused.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// The token is good, but its tenant does not exist.
    #[error("the token's tenant does not exist")]
    UnknownTenant,
    /// The tenant could not be looked up.
    #[error("the service cannot check the token's tenant right now; try again")]
    Unavailable(#[source] TenantsError),
}

impl Gate {
    /// A gate that asks `authenticator` about tokens and `tenants` about tenants.
    #[must_use]
    pub fn new(authenticator: Arc<Authenticator>, tenants: Arc<dyn Tenants>) -> Self {
        Self {
            authenticator,
            tenants,
        }
    }

    /// The caller that these headers authenticate.
    pub async fn authorize(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        match bearer(headers)? {
            Some(token) => self.admit(token).await,
            None => Err(Refusal::NoToken),
        }
    }

    /// The caller that this token authenticates.
    pub async fn admit(&self, token: &str) -> Result<Caller, Refusal> {
        let claims = self.authenticator.authenticate(token).await?;
        let tenant = self.tenants.resolve(&claims.tenant).await.map_err(|error| {
            tracing::error!(tenant.key = %claims.tenant, error = ?error.source, "could not look up a tenant");
            Refusal::Unavailable(error)
        })?;
        Ok(Caller {
            subject: claims.subject,
            tenant_key: claims.tenant,
            tenant_id: tenant.ok_or(Refusal::UnknownTenant)?,
            scopes: claims.scopes,
            expires_at: claims.expires_at,
        })
    }

    /// The clock by which tokens expire.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        self.authenticator.clock()
    }
}

/// The token of the one `Authorization: Bearer` header, if there is such a header.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| Refusal::NotBearer)?;
            bearer_token(text).map(Some).ok_or(Refusal::NotBearer)
        }
        (Some(_), Some(_)) => Err(Refusal::NotBearer),
    }
}

/// The token in `Bearer <token>`.
pub(crate) fn bearer_token(text: &str) -> Option<&str> {
    let (scheme, token) = text.trim().split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
}

impl Refusal {
    /// The code that tells clients what to do.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => ErrorCode::InternalServerError,
            _ => ErrorCode::Unauthenticated,
        }
    }

    /// What RFC 6750 wants to be said beside a 401.
    fn challenge(&self) -> HeaderValue {
        let challenge = match self {
            Self::NoToken => "Bearer realm=\"waterclock\"",
            Self::NotBearer => "Bearer realm=\"waterclock\", error=\"invalid_request\"",
            _ => "Bearer realm=\"waterclock\", error=\"invalid_token\"",
        };
        HeaderValue::from_static(challenge)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = refusal_body(self.code(), &self.to_string());
        if let Self::Unavailable(_) = self {
            return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], body).into_response();
        }
        (
            StatusCode::UNAUTHORIZED,
            [(WWW_AUTHENTICATE, self.challenge())],
            body,
        )
            .into_response()
    }
}
