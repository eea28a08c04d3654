//! A task node as clients propose it.

use async_graphql::{InputObject, OneofObject};
use waterclock_core::task_node::{TaskNodeProposal, WorkProposal};

use super::settings::NodeSettingsFields;
use crate::graphql::id::Kind;
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::reference::ReferenceInput;

/// What a task node does: one of these.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum WorkInput {
    /// Runs this program.
    Program(ReferenceInput),
    /// Calls this endpoint.
    Endpoint(ReferenceInput),
    /// Ends as soon as an executor starts it: a gate in a graph. The value is `true`.
    NoOp(bool),
}

impl From<WorkInput> for WorkProposal {
    fn from(input: WorkInput) -> Self {
        match input {
            WorkInput::Program(program) => Self::Program(program.resolve(Kind::Program)),
            WorkInput::Endpoint(endpoint) => Self::Endpoint(endpoint.resolve(Kind::Endpoint)),
            WorkInput::NoOp(flag) => Self::NoOp(flag),
        }
    }
}

/// What a task node is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct TaskNodeFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// What it runs or calls.
    work: WorkInput,
    /// What it adds.
    #[graphql(flatten)]
    settings: NodeSettingsFields,
}

impl Propose for TaskNodeFields {
    type Proposal = TaskNodeProposal;

    fn propose(self) -> (String, TaskNodeProposal) {
        (
            self.description,
            TaskNodeProposal {
                work: self.work.into(),
                settings: self.settings.into(),
            },
        )
    }
}

inputs! {
    /// Creates a task node.
    CreateTaskNodeInput,
    /// Replaces a task node as a whole: what is left out takes its default. Its key stays.
    UpdateTaskNodeInput,
    TaskNodeFields, Kind::TaskNode
}
