//! `waterclock rerun`.

use super::CommandError;
use super::run::show;
use crate::args::{RerunArgs, RerunExtentArg};
use crate::client::{Api, RepeatedRun, rerun::RerunExtent};
use crate::exit::Exit;

/// Runs a run again, or parts of it, prints the new run's id, and watches it when asked to.
pub(crate) async fn rerun(args: RerunArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let wanted = RepeatedRun {
        id: args.run,
        from_failed: args.from_failed,
        nodes: args.nodes,
        with: match args.with {
            RerunExtentArg::Only => RerunExtent::Only,
            RerunExtentArg::Upstream => RerunExtent::Upstream,
            RerunExtentArg::Downstream => RerunExtent::Downstream,
        },
        latest: args.latest,
        inputs: (!args.inputs.is_empty()).then(|| args.inputs.into_iter().collect()),
        idempotency_key: args.idempotency_key,
    };
    let started = api.rerun(wanted).await?;
    let id = started.map_err(|errors| CommandError::refused(&errors))?;
    show(&api, id, args.watch).await
}
