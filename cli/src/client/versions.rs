//! Editions of workflows: compared, and gone back to.

use graphql_client::GraphQLQuery;
use serde_json::Value;

use super::operation::operations;
use super::{Api, ClientError, UserError};

type Json = Value;

operations! {
    DiffWorkflow in "src/client/operations/diff_workflow.graphql";
    RevisionOfWorkflow in "src/client/operations/revision_of_workflow.graphql";
    RollBackWorkflow in "src/client/operations/roll_back_workflow.graphql";
}

pub(crate) use diff_workflow::{
    Change, DiffWorkflowWorkflowDiff as WorkflowDiff, DiffWorkflowWorkflowDiffFields as FieldDifference,
};

impl Api {
    /// What two editions of a workflow do not have in common; `None` when one of them, or the workflow, does not exist.
    pub(crate) async fn diff_workflow(
        &self,
        key: String,
        from: Option<i32>,
        to: Option<i32>,
    ) -> Result<Option<WorkflowDiff>, ClientError> {
        let variables = diff_workflow::Variables {
            key,
            from: from.map(i64::from),
            to: to.map(i64::from),
        };
        let answer = self.ask::<DiffWorkflow>(variables).await?;
        Ok(answer.workflow.and_then(|workflow| workflow.diff))
    }

    /// Goes back to an earlier version, and gives the number of the one that runs start from now.
    pub(crate) async fn roll_back_workflow(
        &self,
        key: String,
        number: i32,
    ) -> Result<Result<i64, Vec<UserError>>, ClientError> {
        let found = self
            .ask::<RevisionOfWorkflow>(revision_of_workflow::Variables { key: key.clone() })
            .await?;
        let Some(workflow) = found.workflow else {
            let message = format!("there is no workflow with the key {key:?}");
            return Ok(Err(vec![UserError {
                message,
                path: Vec::new(),
            }]));
        };
        let input = roll_back_workflow::RollBackWorkflowInput {
            id: workflow.id,
            number: number.into(),
            expected_revision: workflow.revision,
        };
        let answer = self
            .ask::<RollBackWorkflow>(roll_back_workflow::Variables { input })
            .await?
            .roll_back_workflow;
        let errors = answer.user_errors.into_iter().map(|error| UserError {
            message: error.message,
            path: error.path,
        });
        let published = answer.workflow.and_then(|workflow| workflow.published_version);
        Ok(published
            .map(|version| version.number)
            .ok_or_else(|| errors.collect()))
    }
}
