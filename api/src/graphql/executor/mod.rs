//! Executors: read, followed, drained.

mod mutation;
mod object;
mod query;
mod subscription;

pub(crate) use mutation::ExecutorMutation;
pub(crate) use object::Executor;
pub(crate) use query::ExecutorQuery;
pub(crate) use subscription::ExecutorSubscription;
