//! Programs and endpoints configured for use: the vertices that workflows are made of.
//!
//! What a vertex finally does is said in three places, each more particular than the last: the program or endpoint, the
//! task node, and the node of one workflow. [`NodeSettings::over`] is the one rule by which the later overrides the
//! earlier: a list or a number that is given replaces, variables are merged by name.

mod settings;

pub use settings::{NodeSettings, Performer, SettingsProposal};

use serde::Serialize;

use crate::id::{EndpointId, ProgramId, TaskNodeId};
use crate::registered::{Reference, Registered, Registrable};

/// A registered task node.
pub type TaskNode = Registered<TaskNodeSpec>;

/// What a task node does, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskNodeSpec {
    /// What it runs or calls.
    pub work: TaskWork,
    /// What it adds.
    pub settings: NodeSettings,
}

impl Registrable for TaskNodeSpec {
    type Id = TaskNodeId;

    const NOUN: &'static str = "task node";
    const USERS: &'static str = "workflows";
}

/// What a task node runs or calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskWork {
    /// Ends as soon as an executor starts it.
    NoOp,
    /// Runs this program.
    Program(ProgramId),
    /// Calls this endpoint.
    Endpoint(EndpointId),
}

impl TaskWork {
    /// Who does it.
    #[must_use]
    pub fn performer(self) -> Performer {
        match self {
            Self::NoOp => Performer::NoOp,
            Self::Program(_) => Performer::Program,
            Self::Endpoint(_) => Performer::Endpoint,
        }
    }
}

/// What a caller wants a task node to be.
#[derive(Clone, Debug, Serialize)]
pub struct TaskNodeProposal {
    /// What it runs or calls.
    pub work: WorkProposal,
    /// What it adds.
    pub settings: SettingsProposal,
}

/// What a caller wants a task node to run or call.
#[derive(Clone, Debug, Serialize)]
pub enum WorkProposal {
    /// Nothing: a gate in a graph. The flag is set.
    NoOp(bool),
    /// A program.
    Program(Reference<ProgramId>),
    /// An endpoint.
    Endpoint(Reference<EndpointId>),
}

impl WorkProposal {
    /// Who does it.
    #[must_use]
    pub fn performer(&self) -> Performer {
        match self {
            Self::NoOp(_) => Performer::NoOp,
            Self::Program(_) => Performer::Program,
            Self::Endpoint(_) => Performer::Endpoint,
        }
    }
}
