//! Reading tenants.

use async_graphql::{Context, Object, Result};
use waterclock_core::catalogue::Catalogue;

use super::object::{Tenant, Viewer};
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::{ANYBODY, PLATFORM, caller};

/// Reading tenants, and who is asking.
#[derive(Default)]
pub(crate) struct TenantQuery;

#[Object]
impl TenantQuery {
    /// Whoever sent the request. Needs a scope, whichever.
    #[graphql(guard = "ANYBODY")]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn viewer(&self, context: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer(caller(context)?.clone()))
    }

    /// The tenant that a key names. Needs the scope `platform`.
    #[graphql(guard = "PLATFORM")]
    async fn tenant(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The tenant's key.")] key: String,
    ) -> Result<Option<Tenant>> {
        let found = context
            .data::<Catalogue>()?
            .tenant(&key)
            .await
            .map_err(|error| internal(&error))?;
        Ok(found.map(Into::into))
    }

    /// Tenants, by key. Needs the scope `platform`.
    #[graphql(guard = "PLATFORM", complexity = "weight(first, child_complexity)")]
    async fn tenants(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<Tenant>> {
        let page = Page::of(first, after.as_deref())?;
        let found = context
            .data::<Catalogue>()?
            .list_tenants(page.after(), page.limit())
            .await;
        let rows = found.map_err(|error| internal(&error))?;
        Ok(page.connection(rows, |tenant| tenant.key.clone(), Tenant::from))
    }
}
