//! Runs: started, paused, cancelled, read, followed.

mod dry_run;
mod input;
mod mutation;
mod object;
mod pausing;
mod query;
mod rerun;
mod subscription;

pub(crate) use dry_run::DryRunQuery;
pub(crate) use input::RunFilter;
pub(crate) use mutation::RunMutation;
pub(crate) use object::{Run, RunState};
pub(crate) use pausing::PausingMutation;
pub(crate) use query::RunQuery;
pub(crate) use rerun::{RerunFromInput, RerunMutation, RerunVersion};
pub(crate) use subscription::RunSubscription;
