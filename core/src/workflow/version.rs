//! Editions of workflows, without what they hold.

use chrono::{DateTime, Utc};

use crate::id::{WorkflowId, WorkflowVersionId};

/// An edition of a workflow. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowVersion {
    /// Names it for good.
    pub id: WorkflowVersionId,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The workflow's key, which outlives the workflow.
    pub workflow_key: String,
    /// The edition, from 1.
    pub number: i32,
    /// The priority of runs that name none.
    pub priority: i16,
    /// The subject of the token that published it.
    pub published_by: String,
    /// When it was published.
    pub created_at: DateTime<Utc>,
}
