//! A task node as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use waterclock_core::task_node::{self, TaskWork};

use super::settings::NodeSettings;
use crate::graphql::endpoint::Endpoint;
use crate::graphql::id::{Kind, encode};
use crate::graphql::loader::load;
use crate::graphql::program::Program;
use crate::graphql::registration::Registration;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum WorkKind {
    /// Ends as soon as an executor starts it: a gate in a graph.
    NoOp,
    /// Runs a program.
    Program,
    /// Calls an endpoint.
    Endpoint,
    /// Runs another workflow.
    Workflow,
    /// Chooses which of the nodes that wait for it run.
    Branch,
    /// Asks people.
    Approval,
    /// Waits for a time, an instant or an event.
    Wait,
}

/// A program or endpoint configured for use: a vertex that workflows are made of.
#[derive(Clone)]
pub(crate) struct TaskNode(pub Arc<task_node::TaskNode>);

impl From<task_node::TaskNode> for TaskNode {
    fn from(task_node: task_node::TaskNode) -> Self {
        Self(Arc::new(task_node))
    }
}

/// A program or endpoint configured for use: a vertex that workflows are made of.
#[Object]
impl TaskNode {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::TaskNode, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// What it does.
    async fn kind(&self) -> WorkKind {
        match self.0.spec.work {
            TaskWork::NoOp => WorkKind::NoOp,
            TaskWork::Program(_) => WorkKind::Program,
            TaskWork::Endpoint(_) => WorkKind::Endpoint,
        }
    }

    /// The program that it runs, if it runs one.
    async fn program(&self, context: &Context<'_>) -> Result<Option<Program>> {
        let TaskWork::Program(id) = self.0.spec.work else {
            return Ok(None);
        };
        Ok(load(context, id).await?.map(Program))
    }

    /// The endpoint that it calls, if it calls one.
    async fn endpoint(&self, context: &Context<'_>) -> Result<Option<Endpoint>> {
        let TaskWork::Endpoint(id) = self.0.spec.work else {
            return Ok(None);
        };
        Ok(load(context, id).await?.map(Endpoint))
    }

    /// What it adds to the program or endpoint.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn settings(&self) -> NodeSettings<'_> {
        NodeSettings(&self.0.spec.settings)
    }
}
