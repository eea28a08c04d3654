//! What a verified token claims.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::scope::Scopes;

/// The claims of a token whose signature, issuer, audience and time have been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who the token was issued to.
    pub subject: Arc<str>,
    /// The key of the tenant that the token was issued for.
    pub tenant: Arc<str>,
    /// What the token allows.
    pub scopes: Scopes,
    /// The instant of the token's `exp`.
    pub expires_at: DateTime<Utc>,
}
