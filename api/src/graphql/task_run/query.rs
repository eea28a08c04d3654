//! Reading task runs.

use async_graphql::{Context, Object, Result};
use waterclock_core::id::TaskRunId;
use waterclock_core::journal::Journal;

use super::object::TaskRun;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::{VIEWER, caller};

/// Reading task runs.
#[derive(Default)]
pub(crate) struct TaskRunQuery;

#[Object]
impl TaskRunQuery {
    /// The task runs that wait for an answer, those of the eldest runs first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn approvals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<TaskRun>> {
        let page = Page::of(first, after.as_deref())?;
        let tenant = caller(context)?.tenant_id;
        let found = context
            .data::<Journal>()?
            .approvals(tenant, page.after_as::<TaskRunId>()?, page.limit())
            .await
            .map_err(|error| internal(&error))?;
        Ok(page.connection(found, ToString::to_string, TaskRun::new))
    }
}
