//! Cancels and terminates runs on behalf of people.

use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{RunId, TenantId};
use crate::run::RunState;
use crate::signal::Signals;
use crate::store::flow::{LockedRun, lock_runs};
use crate::store::{Actor, Database, StoreError, Transaction};

use super::Author;
use super::stop_run::{Order, Stop, stop_held_run};

/// How often a cancellation that met another transaction is tried again.
const TRIES: usize = 5;

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// What runs is told to stop, and is ended when its grace is over.
    Cancel,
    /// What runs is ended at once.
    Terminate,
}

/// Tells the run, and those within it, to stop on behalf of `author`. When this returns, nothing of it starts any more, and its
/// executors are told.
///
/// A run that was told so before is left as it is, unless it was cancelled and is now to be terminated. One that has ended, or
/// is not the tenant's, is refused.
pub async fn cancel_run(
    database: &Database,
    signals: &Signals,
    author: &Author,
    run: RunId,
    force: Force,
    reason: Option<&str>,
) -> Result<(), CommandError> {
    let mut tries = 1;
    loop {
        match try_cancel(database, signals, author, run, force, reason).await {
            Err(CommandError::Store(StoreError::Contended(_))) if tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

async fn try_cancel(
    database: &Database,
    signals: &Signals,
    author: &Author,
    run: RunId,
    force: Force,
    reason: Option<&str>,
) -> Result<(), CommandError> {
    let (tenant, subject) = (author.tenant, &author.subject);
    let mut transaction = database.begin(Actor::Tenant(tenant)).await?;
    let held = match hold_run(&mut transaction, tenant, run).await {
        Ok(held) => held,
        Err(refused) => {
            transaction.rollback().await?;
            return Err(refused);
        }
    };
    let was_cancelled = held.stop_as.as_deref() == Some(RunState::Cancelled.as_str());
    if was_cancelled && (held.has_ended() || force == Force::Cancel) {
        transaction.rollback().await?;
        return Ok(());
    }
    if let Err(refused) = refuse_ended(&held) {
        transaction.rollback().await?;
        return Err(refused);
    }
    let (verb, order) = match force {
        Force::Cancel => ("cancelled", Order::Stop),
        Force::Terminate => ("terminated", Order::Kill),
    };
    let told = match reason {
        Some(reason) => format!("{verb} by {subject}: {reason}"),
        None => format!("{verb} by {subject}"),
    };
    let stop = Stop {
        ends_as: RunState::Cancelled,
        by: Some(subject.to_string()),
        reason: told,
        order,
    };
    let raised = stop_held_run(&mut transaction, tenant, run, &stop).await?;
    transaction.commit().await?;
    signals.raise(raised);
    Ok(())
}

/// The run, which this transaction holds from now on. One that has ended, or is not the tenant's, is refused.
pub(crate) async fn hold_live_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<LockedRun, CommandError> {
    let held = hold_run(transaction, tenant, run).await?;
    refuse_ended(&held)?;
    Ok(held)
}

fn refuse_ended(held: &LockedRun) -> Result<(), CommandError> {
    if held.has_ended() {
        let message = format!("the run has ended already: it is {}", held.state);
        let refusal = Refusal::new(RefusalCode::Conflict, ["id"], message);
        return Err(CommandError::refused(refusal));
    }
    Ok(())
}

/// The run, which this transaction holds from now on. One that is not the tenant's is refused.
pub(crate) async fn hold_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<LockedRun, CommandError> {
    let held = lock_runs(transaction, &[(tenant, run)]).await?;
    held.into_iter()
        .next()
        .ok_or_else(|| CommandError::refused(Refusal::not_found(["id"], "there is no run with this id")))
}
