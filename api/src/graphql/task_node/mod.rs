//! Task nodes.

mod input;
mod mutation;
mod object;
mod query;
mod settings;

pub(crate) use mutation::TaskNodeMutation;
pub(crate) use object::{TaskNode, WorkKind};
pub(crate) use query::TaskNodeQuery;
pub(crate) use settings::{NodeSettings, NodeSettingsFields, RetryPolicy};
