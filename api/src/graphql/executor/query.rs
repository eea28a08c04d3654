//! Reading executors.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, Result};
use waterclock_core::journal::Journal;
use waterclock_core::store::executor_lives::ExecutorPage;

use super::object::Executor;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::{VIEWER, caller};

/// Narrows a list of executors.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct ExecutorFilter {
    /// Also lives that have ended.
    #[graphql(default)]
    ended: bool,
}

/// Reading executors.
#[derive(Default)]
pub(crate) struct ExecutorQuery;

#[Object]
impl ExecutorQuery {
    /// The executor that a key names: the living one, or else the last that was. The tenant's own comes before a shared one.
    /// Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn executor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The executor's key.")] key: String,
    ) -> Result<Option<Executor>> {
        let tenant = caller(context)?.tenant_id;
        let found = context
            .data::<Journal>()?
            .executor(tenant, &key)
            .await
            .map_err(|error| internal(&error))?;
        Ok(found.map(|executor| Executor(Arc::new(executor))))
    }

    /// The tenant's executors and the shared ones, the youngest life first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn executors(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Which executors; the living when absent.")] filter: Option<ExecutorFilter>,
    ) -> Result<Connection<Executor>> {
        let page = Page::of(first, after.as_deref())?;
        let ended = filter.unwrap_or_default().ended;
        let wanted = ExecutorPage {
            before: page.after_as()?,
            ended,
            limit: page.limit(),
        };
        let tenant = caller(context)?.tenant_id;
        let rows = context
            .data::<Journal>()?
            .executors(tenant, wanted)
            .await
            .map_err(|error| internal(&error))?;
        Ok(page.connection(
            rows,
            |executor| executor.id.to_string(),
            |executor| Executor(Arc::new(executor)),
        ))
    }
}
