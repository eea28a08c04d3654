//! Workflows, their drafts, their versions, and the graphs of both.

mod behaviour;
mod conduct;
mod difference;
mod draft;
mod graph;
mod input;
mod mutation;
mod node_input;
mod object;
mod query;
mod validation;
mod version;

pub(crate) use behaviour::{Answer, ApprovalScope, NamedExpression, TriggerRule, named_expressions};
pub(crate) use mutation::WorkflowMutation;
pub(crate) use node_input::NamedExpressionInput;
pub(crate) use object::Workflow;
pub(crate) use query::WorkflowQuery;
pub(crate) use version::{VersionNode, WorkflowVersion};
