//! Programs.

mod input;
mod mutation;
mod object;
mod query;

pub(crate) use mutation::ProgramMutation;
pub(crate) use object::{PinnedProgram, Program};
pub(crate) use query::ProgramQuery;
