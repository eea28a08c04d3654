//! `waterclock run`.

use super::CommandError;
use crate::args::RunArgs;
use crate::client::{Api, NewRun};
use crate::exit::Exit;
use crate::output::{note, out};
use crate::watch::{exit_of, watch};

/// Starts a run, prints its id, and watches it when asked to.
pub(crate) async fn run(args: RunArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let run = NewRun {
        workflow: args.workflow,
        inputs: args.inputs.into_iter().collect(),
        priority: args.priority,
        idempotency_key: args.idempotency_key,
    };
    start(&api, run, args.watch).await
}

/// Starts `run`; its id alone goes to standard output, so that a script can take it, unless it is watched.
pub(super) async fn start(api: &Api, run: NewRun, watched: bool) -> Result<Exit, CommandError> {
    let started = api.start_run(run).await?;
    let id = started.map_err(|errors| CommandError::refused(&errors))?;
    show(api, id, watched).await
}

/// Prints the id of a run that has just begun, or follows it to its end.
pub(super) async fn show(api: &Api, id: String, watched: bool) -> Result<Exit, CommandError> {
    if !watched {
        out!("{id}");
        return Ok(Exit::Success);
    }
    note!("run {id}");
    Ok(exit_of(Box::pin(watch(api, &id)).await?))
}
