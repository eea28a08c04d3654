//! What a run and its task runs can be, and the tables by which they change.

mod state;
mod trigger;
mod verdict;

pub(crate) use state::named;
pub use state::{IllegalTransition, Outcome, RunEvent, RunState, TaskRunEvent, TaskRunState, UnknownName};
pub use trigger::Trigger;
pub use verdict::{Ending, Standing, Verdict, verdict};
