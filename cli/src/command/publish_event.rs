//! `waterclock publish-event`.

use super::CommandError;
use crate::args::PublishEventArgs;
use crate::client::Api;
use crate::exit::Exit;

/// Says that something has happened, and who waited for it.
pub(crate) async fn publish_event(args: PublishEventArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let told = api.publish_event(args.name, args.key, args.payload).await?;
    let (woken, fired) = told.map_err(|errors| CommandError::refused(&errors))?;
    match woken {
        1 => println!("1 task run waited for it and goes on"),
        count => println!("{count} task runs waited for it"),
    }
    match fired {
        0 => {}
        1 => println!("1 trigger waits for it and has a firing"),
        count => println!("{count} triggers wait for it and have a firing each"),
    }
    Ok(Exit::Success)
}
