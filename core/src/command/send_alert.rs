//! Sends deliveries that no rule asks for: one of before again, and one that only tries a channel.

use super::Author;
use super::conclude::conclude;
use crate::alert::{ChannelSpec, payload};
use crate::error::{CommandError, Refusal};
use crate::id::{AlertChannelId, AlertDeliveryId};
use crate::registered::Registrable;
use crate::signal::{Signal, Signals};
use crate::store::alert_deliveries::{AlertDelivery, insert_trial, send_again};
use crate::store::alerts::read_present;
use crate::store::registry::Registry;
use crate::store::{Actor, Database, Transaction};

/// Sends a delivery off again under the name that it has, whatever became of it, with all its tries before it.
pub async fn resend_alert_delivery(
    database: &Database,
    signals: &Signals,
    author: &Author,
    id: AlertDeliveryId,
) -> Result<AlertDelivery, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let sent = send_again(&mut transaction, author.tenant, id).await?;
    let sent = sent.ok_or_else(|| {
        CommandError::refused(Refusal::not_found(["id"], "there is no delivery with this id"))
    });
    let sent = conclude(transaction, sent).await?;
    signals.raise([Signal::Deliveries]);
    Ok(sent)
}

/// Sends something through a channel that tells of nothing.
pub async fn test_alert_channel(
    database: &Database,
    signals: &Signals,
    author: &Author,
    id: AlertChannelId,
) -> Result<AlertDelivery, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let sent = try_in(&mut transaction, author, id).await;
    let sent = conclude(transaction, sent).await?;
    signals.raise([Signal::Deliveries]);
    Ok(sent)
}

async fn try_in(
    transaction: &mut Transaction,
    author: &Author,
    id: AlertChannelId,
) -> Result<AlertDelivery, CommandError> {
    let found = ChannelSpec::find(transaction, author.tenant, &[id.0], &[]).await?;
    let Some(channel) = found.into_iter().next() else {
        let message = format!("there is no {} with that id", ChannelSpec::NOUN);
        return Err(CommandError::refused(Refusal::not_found(["id"], message)));
    };
    let now = read_present(transaction).await?;
    let body = payload::trial(&channel.key, &author.subject, now);
    Ok(insert_trial(transaction, author.tenant, id, &body).await?)
}
