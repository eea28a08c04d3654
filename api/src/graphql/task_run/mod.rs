//! Task runs.

mod object;

pub(crate) use object::{TaskRun, TaskRunState};
