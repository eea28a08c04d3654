//! Changing workflows.

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::command::edit_workflow::WorkflowEditor;
use waterclock_core::command::publish_workflow::publish_workflow;
use waterclock_core::command::roll_back_workflow::roll_back_workflow;
use waterclock_core::store::Database;
use waterclock_core::workflow::Draft;

use super::input::{CreateWorkflowInput, PublishWorkflowInput, RollBackWorkflowInput, UpdateWorkflowInput};
use super::object::Workflow;
use crate::graphql::error::payload;
use crate::graphql::guard::{DEVELOPER, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::mutate::{DeleteInput, delete};

payload! {
    /// What became of `createWorkflow`.
    CreateWorkflowPayload {
        /// The workflow, if it was created.
        workflow: Workflow
    }
}

payload! {
    /// What became of `updateWorkflow`.
    UpdateWorkflowPayload {
        /// The workflow, if it is as the input wants it.
        workflow: Workflow
    }
}

payload! {
    /// What became of `publishWorkflow`.
    PublishWorkflowPayload {
        /// The workflow, if its published version holds what its draft holds.
        workflow: Workflow
    }
}

payload! {
    /// What became of `rollBackWorkflow`.
    RollBackWorkflowPayload {
        /// The workflow, if its published version holds what the earlier one held.
        workflow: Workflow
    }
}

payload! {
    /// What became of `deleteWorkflow`.
    DeleteWorkflowPayload {
        /// The id of the workflow, if it was deleted.
        deleted_id: ID
    }
}

/// Changing workflows.
#[derive(Default)]
pub(crate) struct WorkflowMutation;

#[Object]
impl WorkflowMutation {
    /// Creates a workflow from nodes and edges. All that is wrong with them is told at once; nodes that wait for each other are
    /// told in order, as a `CycleError`. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn create_workflow(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The workflow.")] input: CreateWorkflowInput,
    ) -> Result<CreateWorkflowPayload> {
        let editor = context.data::<WorkflowEditor>()?;
        let created = editor.create(&author(context)?, &input.into()).await;
        CreateWorkflowPayload::of(created, Into::into)
    }

    /// Replaces a workflow's draft as a whole. What runs start from changes with its publication only. Needs the scope
    /// `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_workflow(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the workflow is to be.")] input: UpdateWorkflowInput,
    ) -> Result<UpdateWorkflowPayload> {
        let editor = context.data::<WorkflowEditor>()?;
        let updated = editor.update(&author(context)?, &input.into()).await;
        UpdateWorkflowPayload::of(updated, Into::into)
    }

    /// Makes a version of a workflow's draft, with everything its nodes lead to as it is now. When nothing of that has changed
    /// since the latest version, that one stays. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn publish_workflow(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The workflow.")] input: PublishWorkflowInput,
    ) -> Result<PublishWorkflowPayload> {
        let id = of_kind(Kind::Workflow, &input.id);
        let database = context.data::<Database>()?;
        let published = publish_workflow(database, &author(context)?, id, input.expected_revision).await;
        PublishWorkflowPayload::of(published, |published| published.workflow.into())
    }

    /// Makes a version that holds exactly what an earlier one held, with its programs and endpoints as they were then, and lets
    /// runs start from it; runs under way keep the version they have. The draft stays as it is: `diff` tells what publishing it
    /// would change. When the latest version holds the same, that one stays. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn roll_back_workflow(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The workflow, and the version to go back to.")] input: RollBackWorkflowInput,
    ) -> Result<RollBackWorkflowPayload> {
        let database = context.data::<Database>()?;
        let published = roll_back_workflow(database, &author(context)?, input.into()).await;
        RollBackWorkflowPayload::of(published, |published| published.workflow.into())
    }

    /// Deletes a workflow of which no run is live. Its runs stay, and its key is free at once. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_workflow(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The workflow.")] input: DeleteInput,
    ) -> Result<DeleteWorkflowPayload> {
        DeleteWorkflowPayload::of(delete::<Draft>(context, Kind::Workflow, input).await?, |id| id)
    }
}
