//! Task runs: read, answered.

mod mutation;
mod object;
mod query;
mod question;
mod steer;

pub(crate) use mutation::TaskRunMutation;
pub(crate) use object::{TaskRun, TaskRunState};
pub(crate) use query::TaskRunQuery;
pub(crate) use steer::TaskRunSteering;
