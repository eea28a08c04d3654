//! Reading triggers.

use async_graphql::{Context, Object, Result};
use waterclock_core::trigger::spec::TriggerSpec;

use super::object::Trigger;
use crate::graphql::connection::{Connection, weight};
use crate::graphql::guard::VIEWER;
use crate::graphql::listing::{KeyFilter, find, list};

/// Reading triggers.
#[derive(Default)]
pub(crate) struct TriggerQuery;

#[Object]
impl TriggerQuery {
    /// The trigger that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn trigger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The trigger's key.")] key: String,
    ) -> Result<Option<Trigger>> {
        Ok(find::<TriggerSpec>(context, &key).await?.map(Into::into))
    }

    /// Triggers, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn triggers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<Trigger>> {
        list::<TriggerSpec, _>(context, first, after, filter, Trigger::from).await
    }
}
