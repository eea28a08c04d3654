//! Task runs: read, answered.

mod mutation;
mod object;
mod steer;

pub(crate) use mutation::TaskRunMutation;
pub(crate) use object::{TaskRun, TaskRunState};
pub(crate) use steer::TaskRunSteering;
