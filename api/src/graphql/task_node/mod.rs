//! Task nodes.

mod deadline;
mod input;
mod mutation;
mod object;
mod query;
mod retry;
mod settings;

pub(crate) use deadline::{Deadline, DeadlineInput, Overdue};
pub(crate) use mutation::TaskNodeMutation;
pub(crate) use object::{TaskNode, WorkKind};
pub(crate) use query::TaskNodeQuery;
pub(crate) use retry::RetryPolicy;
pub(crate) use settings::{NodeSettings, NodeSettingsFields};
