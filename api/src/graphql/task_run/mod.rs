//! Task runs.

mod object;
mod steer;

pub(crate) use object::{TaskRun, TaskRunState};
pub(crate) use steer::TaskRunSteering;
