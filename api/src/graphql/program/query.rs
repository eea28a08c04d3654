//! Reading programs.

use async_graphql::{Context, Object, Result};
use waterclock_core::workflow::ProgramSpec;

use super::object::Program;
use crate::graphql::connection::{Connection, weight};
use crate::graphql::guard::VIEWER;
use crate::graphql::listing::{KeyFilter, find, list};

/// Reading programs.
#[derive(Default)]
pub(crate) struct ProgramQuery;

#[Object]
impl ProgramQuery {
    /// The program that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn program(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The program's key.")] key: String,
    ) -> Result<Option<Program>> {
        Ok(find::<ProgramSpec>(context, &key).await?.map(Into::into))
    }

    /// Programs, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn programs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<Program>> {
        list::<ProgramSpec, _>(context, first, after, filter, Program::from).await
    }
}
