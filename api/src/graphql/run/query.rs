//! Reading runs.

use async_graphql::{Context, ID, Object, Result};
use std::sync::Arc;
use waterclock_core::id::RunId;
use waterclock_core::journal::Journal;

use super::input::RunFilter;
use super::object::Run;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;

/// Reading runs.
#[derive(Default)]
pub(crate) struct RunQuery;

#[Object]
impl RunQuery {
    /// The run that an id names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn run(&self, context: &Context<'_>, #[graphql(desc = "The run.")] id: ID) -> Result<Option<Run>> {
        Ok(load(context, of_kind::<RunId>(Kind::Run, &id))
            .await?
            .map(Run::known))
    }

    /// Runs, the newest first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<RunFilter>,
    ) -> Result<Connection<Run>> {
        let page = Page::of(first, after.as_deref())?;
        let before = page.after_as()?;
        let rows = match filter.unwrap_or_default().resolve(context).await? {
            Some(filter) => {
                let tenant = caller(context)?.tenant_id;
                let found = context
                    .data::<Journal>()?
                    .runs(tenant, &filter, before, page.limit())
                    .await;
                found.map_err(|error| internal(&error))?
            }
            None => Vec::new(),
        };
        Ok(page.connection(rows, |run| run.id.to_string(), |run| Run::known(Arc::new(run))))
    }
}
