//! Reading schedules, and trying them.

use async_graphql::{Context, Object, Result};
use waterclock_core::journal::Journal;
use waterclock_core::schedule::spec::ScheduleSpec;
use waterclock_core::schedule::timing::Timing;

use super::object::Schedule;
use super::preview::{PreviewScheduleInput, SchedulePreview};
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::listing::{KeyFilter, find, list};

/// Reading schedules.
#[derive(Default)]
pub(crate) struct ScheduleQuery;

#[Object]
impl ScheduleQuery {
    /// The schedule that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule's key.")] key: String,
    ) -> Result<Option<Schedule>> {
        Ok(find::<ScheduleSpec>(context, &key).await?.map(Into::into))
    }

    /// Schedules, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn schedules(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<Schedule>> {
        list::<ScheduleSpec, _>(context, first, after, filter, Schedule::from).await
    }

    /// What a schedule would do, or what is wrong with it; nothing is saved. It is worked out by the very function that schedules are
    /// settled by. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn preview_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: PreviewScheduleInput,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<SchedulePreview> {
        let page = Page::of(first, after.as_deref())?;
        let timing: Timing = input.timing.into();
        let keys = timing.calendar.iter().flat_map(|selection| selection.keys());
        let calendars = keys.map(str::to_owned).collect();
        let journal = context.data::<Journal>()?;
        let previewed = journal
            .preview(caller(context)?.tenant_id, &input.key, &timing)
            .await;
        SchedulePreview::of(previewed, calendars, &page)
    }
}
