//! How the process ends, as scripts see it.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Success,
    /// It could not, or the run that it watched failed.
    Failure,
    /// An option, a setting or an input is wrong.
    Usage,
    /// The run that it watched was cancelled.
    Cancelled,
    /// The service could not be reached, or did not accept the token.
    Unreachable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::Cancelled => 3,
            Exit::Unreachable => 4,
        })
    }
}
