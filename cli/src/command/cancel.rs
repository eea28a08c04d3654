//! `waterclock cancel`.

use super::CommandError;
use crate::args::CancelArgs;
use crate::client::Api;
use crate::exit::Exit;

/// Tells a run to stop. When this has ended, nothing of the run starts any more.
pub(crate) async fn cancel(args: CancelArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let told = api.cancel_run(args.run).await?;
    told.map_err(|errors| CommandError::refused(&errors))?;
    Ok(Exit::Success)
}
