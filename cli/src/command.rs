//! The commands that are clients of the API, one file each.

mod alerts;
mod approvals;
mod backfills;
mod bulk;
mod diff;
mod dry_run;
mod graph;
mod import;
mod logs;
mod publish_event;
mod rerun;
mod roll_back;
mod run;
mod runs;
mod schedules;
mod steer;
mod triggers;
mod why;

pub(crate) use alerts::alerts;
pub(crate) use approvals::approvals;
pub(crate) use backfills::{backfill, backfills};
pub(crate) use bulk::bulk;
pub(crate) use diff::diff;
pub(crate) use dry_run::dry_run;
pub(crate) use graph::graph;
pub(crate) use import::import_dag;
pub(crate) use logs::logs;
pub(crate) use publish_event::publish_event;
pub(crate) use rerun::rerun;
pub(crate) use roll_back::roll_back;
pub(crate) use run::run;
pub(crate) use runs::runs;
pub(crate) use schedules::{preview, schedule, schedules};
pub(crate) use steer::{approve, cancel, mark_succeeded, pause, reject, resume, retry, skip, terminate};
pub(crate) use triggers::{trigger, triggers};
pub(crate) use why::why;

use std::io;

use crate::client::{ClientError, UserError};
use crate::exit::Exit;
use crate::import::DagError;
use crate::watch::WatchError;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error(transparent)]
    Dag(#[from] DagError),
    #[error("{0}")]
    Input(String),
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

impl CommandError {
    /// What the service found wrong with an input.
    pub(crate) fn refused(errors: &[UserError]) -> Self {
        let told: Vec<String> = errors
            .iter()
            .map(|error| match error.path.get(1..) {
                None | Some([]) => error.message.clone(),
                Some(path) => format!("{}: {}", path.join("."), error.message),
            })
            .collect();
        Self::Input(told.join("\n"))
    }

    /// How the process ends with this error.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(error) | Self::Watch(WatchError::Client(error)) => error.exit(),
            Self::Dag(_) | Self::Input(_) | Self::Watch(WatchError::NoSuchRun(_)) => Exit::Usage,
            Self::Watch(WatchError::Output(_)) | Self::Output(_) => Exit::Failure,
        }
    }
}

/// What a command that asked for something comes to.
fn done(told: Result<(), Vec<UserError>>) -> Result<Exit, CommandError> {
    told.map_err(|errors| CommandError::refused(&errors))?;
    Ok(Exit::Success)
}

/// What a command that printed something comes to. Whoever stops reading has read enough.
fn written(written: io::Result<()>) -> Result<Exit, CommandError> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Success),
    }
}
