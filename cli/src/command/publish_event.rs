//! `waterclock publish-event`.

use super::CommandError;
use crate::args::PublishEventArgs;
use crate::client::{Api, NewEvent};
use crate::exit::Exit;
use crate::output::out;

/// Says that something has happened, and who waited for it.
pub(crate) async fn publish_event(args: PublishEventArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let event = NewEvent {
        name: args.name,
        key: args.key,
        payload: args.payload,
        idempotency_key: args.idempotency_key,
    };
    let told = api.publish_event(event).await?;
    let (woken, fired) = told.map_err(|errors| CommandError::refused(&errors))?;
    match woken {
        1 => out!("1 task run waited for it and goes on"),
        count => out!("{count} task runs waited for it"),
    }
    match fired {
        0 => {}
        1 => out!("1 trigger waits for it and has a firing"),
        count => out!("{count} triggers wait for it and have a firing each"),
    }
    Ok(Exit::Success)
}
