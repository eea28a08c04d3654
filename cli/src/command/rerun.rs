//! `waterclock rerun`.

use super::CommandError;
use super::run::show;
use crate::args::{RerunArgs, RerunExtentArg};
use crate::client::{Api, RepeatedRun, rerun::RerunExtent};
use crate::exit::Exit;

/// Runs a run again, or parts of it, prints the new run's id, and watches it when asked to.
pub(crate) async fn rerun(args: RerunArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let part = args.part;
    let (nodes, with) = match (part.from, part.with) {
        (Some(key), _) => (vec![key], RerunExtent::Downstream),
        (None, RerunExtentArg::Only) => (part.nodes, RerunExtent::Only),
        (None, RerunExtentArg::Upstream) => (part.nodes, RerunExtent::Upstream),
        (None, RerunExtentArg::Downstream) => (part.nodes, RerunExtent::Downstream),
    };
    let wanted = RepeatedRun {
        id: args.run,
        from_failed: part.from_failed,
        nodes,
        with,
        latest: part.latest,
        inputs: (!part.inputs.is_empty()).then(|| part.inputs.into_iter().collect()),
        idempotency_key: args.idempotency_key,
    };
    let started = api.rerun(wanted).await?;
    let id = started.map_err(|errors| CommandError::refused(&errors))?;
    show(&api, id, args.watch).await
}
