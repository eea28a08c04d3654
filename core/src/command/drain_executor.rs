//! Asks an executor to take nothing more and to stop when it has ended what it has.

use crate::error::{CommandError, Refusal};
use crate::id::{ExecutorId, TenantId};
use crate::signal::{Signal, Signals};
use crate::store::executor_lives::request_drain;
use crate::store::{Actor, Database};

/// Asks the executor to drain. It hears so with its next heartbeat, and from the moment this returns it is given nothing.
///
/// An executor belongs to one tenant, or to the platform; only its owner may ask.
pub async fn drain_executor(
    database: &Database,
    signals: &Signals,
    owner: TenantId,
    executor: ExecutorId,
) -> Result<(), CommandError> {
    let mut transaction = database.begin(Actor::Tenant(owner)).await?;
    let asked = request_drain(&mut transaction, owner, executor).await?;
    transaction.commit().await?;
    if !asked {
        return Err(CommandError::refused(Refusal::not_found(
            ["id"],
            "there is no living executor with this id",
        )));
    }
    signals.raise([Signal::Executor(executor), Signal::Events(owner)]);
    Ok(())
}
