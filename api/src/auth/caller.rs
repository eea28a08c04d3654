//! Who is calling, as resolvers see it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use waterclock_core::id::TenantId;

use super::scope::Scopes;

/// The authenticated caller of a request. Resolvers find it in the request's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`: a person or a machine, in the words of whoever issued the token.
    pub subject: Arc<str>,
    /// The tenant's key, as the token names it.
    pub tenant_key: Arc<str>,
    /// The tenant. Everything this caller sees or changes belongs to it.
    pub tenant_id: TenantId,
    /// What the caller may do.
    pub scopes: Scopes,
    /// When the token stops to be accepted. A socket that outlives it is closed.
    pub expires_at: DateTime<Utc>,
}

/// Knows which tenant a key names. The core's store stands behind it; tests put a list there.
#[async_trait]
pub trait Tenants: fmt::Debug + Send + Sync {
    /// The open tenant that `key` names, or `None` when there is none.
    async fn resolve(&self, key: &str) -> Result<Option<TenantId>, TenantsError>;
}

/// Whether the tenant exists could not be found out.
#[derive(Debug, thiserror::Error)]
#[error("the tenant `{key}` could not be looked up")]
pub struct TenantsError {
    /// The key that was asked for.
    pub key: String,
    /// What went wrong below.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
