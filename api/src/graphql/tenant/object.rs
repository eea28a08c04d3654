//! A tenant, and a caller, as clients see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use waterclock_core::tenant;

use crate::auth::{self, Caller};
use crate::graphql::id::{Kind, encode};
use crate::graphql::loader::load_tenant;
use crate::graphql::scalar::DateTime;

/// The boundary of ownership and isolation.
#[derive(Clone, Debug)]
pub(crate) struct Tenant(pub Arc<tenant::Tenant>);

impl From<tenant::Tenant> for Tenant {
    fn from(tenant: tenant::Tenant) -> Self {
        Self(Arc::new(tenant))
    }
}

/// The boundary of ownership and isolation: everything else belongs to one tenant.
#[Object]
impl Tenant {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Tenant, self.0.id)
    }

    /// Its name in tokens.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// How many of its runs may be live at once, those within other runs not counted; as many as it likes when absent. What
    /// would be one more is refused with `QUOTA_EXCEEDED`, and an occurrence becomes `REJECTED_QUOTA`.
    async fn most_live_runs(&self) -> Option<i32> {
        self.0.most_live_runs.and_then(|most| most.try_into().ok())
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "auth::Scope")]
pub(crate) enum Scope {
    /// Seeing everything of the tenant.
    Viewer,
    /// Starting and cancelling as well.
    Operator,
    /// Registering and editing what can run as well.
    Developer,
    /// Changing the tenant's own settings as well.
    Admin,
    /// Creating tenants.
    Platform,
    /// Taking assigned work and reporting on it.
    Executor,
}

/// Whoever sent the request.
pub(crate) struct Viewer(pub Caller);

/// Whoever sent the request, as the token says.
#[Object]
impl Viewer {
    /// A person or a machine, in the words of whoever issued the token.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The tenant whose things the caller sees and changes.
    async fn tenant(&self, context: &Context<'_>) -> Result<Option<Tenant>> {
        load_tenant(context, self.0.tenant_id).await
    }

    /// What the token allows, with all that it implies.
    async fn scopes(&self) -> Vec<Scope> {
        auth::Scope::ALL
            .into_iter()
            .filter(|scope| self.0.scopes.allows(*scope))
            .map(Into::into)
            .collect()
    }

    /// When the token stops to be accepted.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }
}
