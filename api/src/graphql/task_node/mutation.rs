//! Changing task nodes.

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::task_node::TaskNodeSpec;

use super::input::{CreateTaskNodeInput, UpdateTaskNodeInput};
use super::object::TaskNode;
use crate::graphql::error::payload;
use crate::graphql::guard::DEVELOPER;
use crate::graphql::id::Kind;
use crate::graphql::mutate::{DeleteInput, create, delete, update};

payload! {
    /// What became of `createTaskNode`.
    CreateTaskNodePayload {
        /// The task node, if it was created.
        task_node: TaskNode
    }
}

payload! {
    /// What became of `updateTaskNode`.
    UpdateTaskNodePayload {
        /// The task node, if it is as the input wants it.
        task_node: TaskNode
    }
}

payload! {
    /// What became of `deleteTaskNode`.
    DeleteTaskNodePayload {
        /// The id of the task node, if it was deleted.
        deleted_id: ID
    }
}

/// Changing task nodes.
#[derive(Default)]
pub(crate) struct TaskNodeMutation;

#[Object]
impl TaskNodeMutation {
    /// Creates a task node. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn create_task_node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The task node.")] input: CreateTaskNodeInput,
    ) -> Result<CreateTaskNodePayload> {
        CreateTaskNodePayload::of(create(context, input.into()).await?, Into::into)
    }

    /// Replaces a task node as a whole. Workflow versions that are published keep it as it was. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_task_node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the task node is to be.")] input: UpdateTaskNodeInput,
    ) -> Result<UpdateTaskNodePayload> {
        UpdateTaskNodePayload::of(update(context, input.into()).await?, Into::into)
    }

    /// Deletes a task node that no workflow uses. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_task_node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The task node.")] input: DeleteInput,
    ) -> Result<DeleteTaskNodePayload> {
        DeleteTaskNodePayload::of(
            delete::<TaskNodeSpec>(context, Kind::TaskNode, input).await?,
            |id| id,
        )
    }
}
