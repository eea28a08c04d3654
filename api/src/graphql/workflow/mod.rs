//! Workflows, their drafts and their versions.

mod draft;
mod input;
mod mutation;
mod object;
mod query;
mod version;

pub(crate) use mutation::WorkflowMutation;
pub(crate) use object::Workflow;
pub(crate) use query::WorkflowQuery;
pub(crate) use version::{VersionNode, WorkflowVersion};
