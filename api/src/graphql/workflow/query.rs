//! Reading workflows.

use async_graphql::{Context, Object, Result};
use waterclock_core::command::edit_workflow::WorkflowEditor;
use waterclock_core::workflow::Draft;

use super::input::CreateWorkflowInput;
use super::object::Workflow;
use super::validation::WorkflowValidation;
use crate::graphql::connection::{Connection, weight, weight_of_whole};
use crate::graphql::guard::{VIEWER, author};
use crate::graphql::listing::{KeyFilter, find, list};

/// Reading workflows.
#[derive(Default)]
pub(crate) struct WorkflowQuery;

#[Object]
impl WorkflowQuery {
    /// The workflow that a key names. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn workflow(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The workflow's key.")] key: String,
    ) -> Result<Option<Workflow>> {
        Ok(find::<Draft>(context, &key).await?.map(Into::into))
    }

    /// Workflows, by key. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight(first, child_complexity)")]
    async fn workflows(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<KeyFilter>,
    ) -> Result<Connection<Workflow>> {
        list::<Draft, _>(context, first, after, filter, Workflow::from).await
    }

    /// Everything that would be wrong with a workflow if it were saved, under a key of its own or in the place of what has the
    /// key. Nothing is saved. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "weight_of_whole(child_complexity)")]
    async fn validate_workflow(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The workflow, as `createWorkflow` takes it.")] input: CreateWorkflowInput,
    ) -> Result<WorkflowValidation> {
        let editor = context.data::<WorkflowEditor>()?;
        let findings = editor.validate(&author(context)?, &input.into()).await;
        WorkflowValidation::of(findings)
    }
}
