//! Issues the tokens of a deployment that shares a secret with itself: a laptop, a test, a first day.

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use waterclock_core::clock::Clock;

use super::claims::is_tenant_key;
use super::config::{AuthConfigError, check_secret};
use super::scope::Scope;

/// What a token is to say.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The `iss` that the API expects.
    pub issuer: String,
    /// The `aud` that the API expects.
    pub audience: String,
    /// Who the token is for.
    pub subject: String,
    /// The key of the tenant that it is for.
    pub tenant: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// For how long it is valid.
    pub ttl: TimeDelta,
}

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The secret itself is refused.
    #[error(transparent)]
    Secret(#[from] AuthConfigError),
    /// The tenant's key is not one.
    #[error(
        "`{0}` is not a tenant's key: use up to 63 of a-z, 0-9, `-` and `_`, beginning with a letter or digit"
    )]
    Tenant(String),
    /// The subject is empty.
    #[error("the subject is empty: name who the token is for")]
    Subject,
    /// No scope is given.
    #[error("no scope is given: a token without one may do nothing")]
    Scope,
    /// The token would have expired already, or never.
    #[error("the time to live has to be between one second and ten years")]
    Ttl,
    /// Signing failed.
    #[error("the token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

/// Signs a token with HS256.
pub fn issue(secret: &[u8], grant: &Grant, clock: &dyn Clock) -> Result<String, IssueError> {
    check_secret(secret)?;
    check(grant)?;
    let now = clock.now();
    let scope = grant
        .scopes
        .iter()
        .map(|scope| scope.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let claims = json!({
        "iss": grant.issuer,
        "aud": grant.audience,
        "sub": grant.subject,
        "tenant": grant.tenant,
        "scope": scope,
        "iat": now.timestamp(),
        "exp": (now + grant.ttl).timestamp(),
    });
    encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret),
    )
    .map_err(IssueError::Sign)
}

fn check(grant: &Grant) -> Result<(), IssueError> {
    if !is_tenant_key(&grant.tenant) {
        return Err(IssueError::Tenant(grant.tenant.clone()));
    }
    if grant.subject.trim().is_empty() {
        return Err(IssueError::Subject);
    }
    if grant.scopes.is_empty() {
        return Err(IssueError::Scope);
    }
    if !(TimeDelta::seconds(1)..=TimeDelta::days(3653)).contains(&grant.ttl) {
        return Err(IssueError::Ttl);
    }
    Ok(())
}
