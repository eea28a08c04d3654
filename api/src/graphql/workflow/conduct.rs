//! How the runs of a workflow go as a whole.

use async_graphql::{Enum, Object};
use waterclock_core::workflow;

use super::behaviour::{NamedExpression, named_expressions};
use crate::graphql::task_node::Deadline;

/// What a run does when one of its nodes has failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "workflow::FailureStrategy")]
pub(crate) enum FailureStrategy {
    /// Whatever does not depend on it goes on.
    Continue,
    /// Nothing more starts; what runs may finish.
    End,
    /// Nothing more starts, and what runs is stopped.
    EndAndStop,
}

/// How the runs of a workflow go as a whole.
pub(super) struct Conduct(pub(super) workflow::Conduct);

/// How the runs of a workflow go as a whole.
#[Object]
impl Conduct {
    /// What a run does when one of its nodes has failed for good.
    async fn failure_strategy(&self) -> FailureStrategy {
        self.0.failure_strategy.into()
    }

    /// How long a run may take from its start; unbounded when absent.
    async fn timeout(&self) -> Option<Deadline> {
        self.0.timeout.map(Into::into)
    }

    /// What a successful run returns.
    async fn outputs(&self) -> Vec<NamedExpression> {
        named_expressions(&self.0.outputs)
    }
}
