//! Reading endpoints.

use async_graphql::{Context, Object, Result};
use waterclock_core::workflow::EndpointSpec;

use super::object::Endpoint;
use crate::graphql::connection::{Connection, weight};
use crate::graphql::guard::VIEWER;
use crate::graphql::listing::{KeyFilter, find, list};

/// Reading endpoints.
#[derive(Default)]
pub(crate) struct EndpointQuery;

#[Object]
impl EndpointQuery {
    /// The endpoint that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint's key.")] key: String,
    ) -> Result<Option<Endpoint>> {
        Ok(find::<EndpointSpec>(context, &key).await?.map(Into::into))
    }

    /// Endpoints, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn endpoints(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<Endpoint>> {
        list::<EndpointSpec, _>(context, first, after, filter, Endpoint::from).await
    }
}
