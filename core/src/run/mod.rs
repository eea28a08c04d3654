//! What a run and its task runs can be, and the tables by which they change.

mod dry_run;
mod judgement;
mod readiness;
mod rerun;
mod state;
mod timer;
mod trigger;
mod verdict;

pub use dry_run::{Foreseen, Premises, Prospect, dry_run};
pub use judgement::unhandled_failures;
pub use readiness::{ParentEnd, Parents, Readiness};
pub(crate) use rerun::LEFT_OUT;
pub use rerun::{EarlierEnd, Extent, Fate, Selection, plan_rerun};
pub(crate) use state::named;
pub use state::{IllegalTransition, Outcome, RunEvent, RunState, TaskRunEvent, TaskRunState, UnknownName};
pub use timer::{Hold, TimerKind};
pub use trigger::Trigger;
pub use verdict::{Ending, Standing, Verdict, verdict};
