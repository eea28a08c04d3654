//! Reading backfills, and foreseeing them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::command::edit_schedule::ScheduleEditor;
use waterclock_core::id::{BackfillId, ScheduleId};
use waterclock_core::journal::Journal;
use waterclock_core::store::backfills;

use super::input::{BackfillFilter, PreviewBackfillInput};
use super::object::Backfill;
use super::preview::BackfillPreview;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::schedule::Schedule;
use crate::graphql::{journal, loader};

/// Reading backfills, and foreseeing them.
#[derive(Default)]
pub(crate) struct BackfillQuery;

#[Object]
impl BackfillQuery {
    /// The backfill that an id names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn backfill(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The backfill.")] id: ID,
    ) -> Result<Option<Backfill>> {
        let found = journal::load(context, of_kind::<BackfillId>(Kind::Backfill, &id)).await?;
        Ok(found.map(Backfill))
    }

    /// Backfills, the newest first. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn backfills(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<BackfillFilter>,
    ) -> Result<Connection<Backfill>> {
        let page = Page::of(first, after.as_deref())?;
        let tenant = caller(context)?.tenant_id;
        let states = filter.and_then(|filter| filter.states).unwrap_or_default();
        let filter = backfills::BackfillFilter {
            states: states.into_iter().map(Into::into).collect(),
        };
        let rows = context
            .data::<Journal>()?
            .backfills(tenant, &filter, page.after_as()?, page.limit())
            .await
            .map_err(|error| internal(&error))?;
        let shown = |backfill| Backfill(Arc::new(backfill));
        Ok(page.connection(rows, |backfill| backfill.id.to_string(), shown))
    }

    /// What a backfill would do with each occurrence as things stand, or what is wrong with it; nothing is run. It is worked out by the
    /// very function that `backfillSchedule` plans by. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn preview_backfill(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The backfill.")] input: PreviewBackfillInput,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<BackfillPreview> {
        let page = Page::of(first, after.as_deref())?;
        let id: ScheduleId = of_kind(Kind::Schedule, &input.id);
        let tenant = caller(context)?.tenant_id;
        let schedule = loader::load(context, id).await?.map(Schedule);
        let editor = context.data::<ScheduleEditor>()?;
        let foreseen = editor.foresee_backfill(tenant, id, &input.request()).await;
        BackfillPreview::of(foreseen, schedule, &page)
    }
}
