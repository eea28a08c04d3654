//! Reading bulk jobs.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::id::BulkJobId;
use waterclock_core::journal::Journal;

use super::object::BulkJob;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;

/// Reading bulk jobs.
#[derive(Default)]
pub(crate) struct BulkQuery;

#[Object]
impl BulkQuery {
    /// The bulk job that an id names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn bulk_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job.")] id: ID,
    ) -> Result<Option<BulkJob>> {
        let found = load(context, of_kind::<BulkJobId>(Kind::BulkJob, &id)).await?;
        Ok(found.map(BulkJob))
    }

    /// Bulk jobs, the newest first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn bulk_jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<BulkJob>> {
        let page = Page::of(first, after.as_deref())?;
        let tenant = caller(context)?.tenant_id;
        let rows = context
            .data::<Journal>()?
            .bulk_jobs(tenant, page.after_as()?, page.limit())
            .await
            .map_err(|error| internal(&error))?;
        Ok(page.connection(rows, |job| job.id.to_string(), |job| BulkJob(Arc::new(job))))
    }
}
