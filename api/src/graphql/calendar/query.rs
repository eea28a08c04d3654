//! Reading calendars.

use async_graphql::{Context, Object, Result};
use waterclock_core::schedule::calendar::CalendarDefinition;

use super::object::Calendar;
use crate::graphql::connection::{Connection, weight};
use crate::graphql::guard::VIEWER;
use crate::graphql::listing::{KeyFilter, find, list};

/// Reading calendars.
#[derive(Default)]
pub(crate) struct CalendarQuery;

#[Object]
impl CalendarQuery {
    /// The calendar that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn calendar(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The calendar's key.")] key: String,
    ) -> Result<Option<Calendar>> {
        Ok(find::<CalendarDefinition>(context, &key).await?.map(Into::into))
    }

    /// Calendars, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn calendars(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<Calendar>> {
        list::<CalendarDefinition, _>(context, first, after, filter, Calendar::from).await
    }
}
