//! Attempts.

mod object;

pub(crate) use object::{Attempt, Outcome};
