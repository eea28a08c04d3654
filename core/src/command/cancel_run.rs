//! Cancels and terminates runs on behalf of people.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{RunId, TenantId};
use crate::run::RunState;
use crate::signal::{Signal, Signals};
use crate::store::flow::{LockedRun, lock_runs};
use crate::store::{Actor, Database, StoreError, Transaction};

use super::Author;
use super::conclude::conclude;
use super::stop_run::{Order, Stop, stop_held_run};

/// How often a cancellation that met another transaction is tried again.
const TRIES: usize = 5;

/// The most bytes of a reason.
pub(super) const LONGEST_REASON: usize = 1_000;

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let result = cancel_within(&mut transaction, author, run, force, reason).await;
    signals.raise(conclude(transaction, result).await?);
    Ok(())
}

/// Does what [`cancel_run`] does, and gives the signals to raise after the commit.
pub(super) async fn cancel_within(
    transaction: &mut Transaction,
    author: &Author,
    run: RunId,
    force: Force,
    reason: Option<&str>,
) -> Result<BTreeSet<Signal>, CommandError> {
    let (tenant, subject) = (author.tenant, &author.subject);
    let held = hold_run(transaction, tenant, run).await?;
    let was_cancelled = held.stop_as.as_deref() == Some(RunState::Cancelled.as_str());
    if was_cancelled && (held.has_ended() || force == Force::Cancel) {
        return Ok(BTreeSet::new());
    }
    refuse_ended(&held)?;
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
    Ok(stop_held_run(transaction, tenant, run, &stop).await?)
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
