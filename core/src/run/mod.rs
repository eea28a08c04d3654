//! What a run and its task runs can be, and the tables by which they change.

mod state;

pub use state::{IllegalTransition, Outcome, RunEvent, RunState, TaskRunEvent, TaskRunState};
