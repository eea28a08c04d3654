//! A task node as clients propose it.

use async_graphql::{ID, InputObject, OneofObject};
use waterclock_core::command::register::New;
use waterclock_core::command::revise::Edit;
use waterclock_core::task_node::{TaskNodeProposal, WorkProposal};

use super::settings::NodeSettingsFields;
use crate::graphql::id::{Kind, of_kind};
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

/// Creates a task node.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CreateTaskNodeInput {
    /// Its name among people: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    key: String,
    /// The caller's name for this call: made again under the same name, it answers the same.
    idempotency_key: Option<String>,
    /// What it is.
    #[graphql(flatten)]
    fields: TaskNodeFields,
}

/// Replaces a task node as a whole: what is left out takes its default. Its key stays.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct UpdateTaskNodeInput {
    /// The task node.
    id: ID,
    /// The revision that the caller has read; another one is a conflict.
    expected_revision: i32,
    /// What it is to be.
    #[graphql(flatten)]
    fields: TaskNodeFields,
}

impl TaskNodeFields {
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

impl From<CreateTaskNodeInput> for New<TaskNodeProposal> {
    fn from(input: CreateTaskNodeInput) -> Self {
        let (description, proposal) = input.fields.propose();
        Self {
            key: input.key,
            description,
            proposal,
            idempotency_key: input.idempotency_key,
        }
    }
}

impl From<UpdateTaskNodeInput> for Edit<TaskNodeProposal> {
    fn from(input: UpdateTaskNodeInput) -> Self {
        let (description, proposal) = input.fields.propose();
        let id = of_kind(Kind::TaskNode, &input.id);
        Self {
            id,
            expected_revision: input.expected_revision,
            description,
            proposal,
        }
    }
}
