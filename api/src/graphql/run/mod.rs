//! Runs: started, paused, cancelled, read, followed.

mod input;
mod mutation;
mod object;
mod pausing;
mod query;
mod rerun;
mod subscription;

pub(crate) use mutation::RunMutation;
pub(crate) use object::Run;
pub(crate) use pausing::PausingMutation;
pub(crate) use query::RunQuery;
pub(crate) use rerun::RerunMutation;
pub(crate) use subscription::RunSubscription;
