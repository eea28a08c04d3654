//! What a run and its task runs can be, and the tables by which they change.

mod state;
mod verdict;

pub use state::{IllegalTransition, Outcome, RunEvent, RunState, TaskRunEvent, TaskRunState};
pub use verdict::{Standing, Verdict, verdict};
