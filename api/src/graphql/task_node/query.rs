//! Reading task nodes.

use async_graphql::{Context, Object, Result};
use waterclock_core::task_node::TaskNodeSpec;

use super::object::TaskNode;
use crate::graphql::connection::{Connection, weight};
use crate::graphql::guard::VIEWER;
use crate::graphql::listing::{KeyFilter, find, list};

/// Reading task nodes.
#[derive(Default)]
pub(crate) struct TaskNodeQuery;

#[Object]
impl TaskNodeQuery {
    /// The task node that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn task_node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The task node's key.")] key: String,
    ) -> Result<Option<TaskNode>> {
        Ok(find::<TaskNodeSpec>(context, &key).await?.map(Into::into))
    }

    /// Task nodes, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn task_nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<TaskNode>> {
        list::<TaskNodeSpec, _>(context, first, after, filter, TaskNode::from).await
    }
}
