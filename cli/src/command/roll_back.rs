//! `waterclock roll-back`.

use super::CommandError;
use crate::args::RollBackArgs;
use crate::client::Api;
use crate::exit::Exit;
use crate::output::out;

/// Lets runs of a workflow start from what an earlier version held.
pub(crate) async fn roll_back(args: RollBackArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let published = api.roll_back_workflow(args.workflow, args.version).await?;
    let number = published.map_err(|errors| CommandError::refused(&errors))?;
    out!("version {number} holds what version {} held", args.version);
    Ok(Exit::Success)
}
