//! Pauses runs on behalf of people, and lets them go on.
//!
//! A paused run finishes what it has begun and begins nothing. What waits for an executor is marked in the dispatch, where
//! nobody who assigns looks at it; what has been assigned and not started is taken back, row by row, as a cancel does it. What the
//! service itself would begin (a choice, a question, a wait, a list, a run) stays blocked although its rule holds, and is looked
//! at again when the run goes on. The runs within a run are paused and resumed with it.

use std::collections::BTreeSet;

use super::Author;
use super::cancel_run::hold_live_run;
use super::conclude::conclude;
use super::flow::{Flow, Hand};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{RunId, TenantId};
use crate::signal::{Signal, Signals};
use crate::store::flow::lock_runs;
use crate::store::pause_runs::{pause_runs, resume_runs};
use crate::store::stop_runs::list_runs_within;
use crate::store::{Actor, Database, StoreError, Transaction, Versions};

/// How often a change that met another transaction is tried again.
const TRIES: usize = 5;

/// What is to become of a run.
#[derive(Clone, Copy)]
pub(super) enum Wish<'a> {
    /// It starts nothing more.
    Pause,
    /// It goes on.
    Resume(&'a Versions),
}

/// Pauses the run, and those within it, on behalf of `author`. When this returns, nothing of it starts any more until it is
/// resumed; what runs goes on. A run that is paused stays so; one that has ended, is being stopped or is not the tenant's is
/// refused.
pub async fn pause_run(
    database: &Database,
    signals: &Signals,
    author: &Author,
    run: RunId,
) -> Result<(), CommandError> {
    change(database, signals, author, run, Wish::Pause).await
}

/// Lets the run, and those within it, go on, on behalf of `author`. A run that is not paused stays as it is; one that has
/// ended, is being stopped or is not the tenant's is refused.
pub async fn resume_run(
    database: &Database,
    signals: &Signals,
    versions: &Versions,
    author: &Author,
    run: RunId,
) -> Result<(), CommandError> {
    change(database, signals, author, run, Wish::Resume(versions)).await
}

async fn change(
    database: &Database,
    signals: &Signals,
    author: &Author,
    run: RunId,
    wish: Wish<'_>,
) -> Result<(), CommandError> {
    let mut tries = 1;
    loop {
        match try_change(database, signals, author, run, wish).await {
            Err(CommandError::Store(StoreError::Contended(_))) if tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

async fn try_change(
    database: &Database,
    signals: &Signals,
    author: &Author,
    run: RunId,
    wish: Wish<'_>,
) -> Result<(), CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let result = change_within(&mut transaction, author, run, wish).await;
    signals.raise(conclude(transaction, result).await?);
    Ok(())
}

/// Does what [`pause_run`] or [`resume_run`] does, and gives the signals to raise after the commit.
pub(super) async fn change_within(
    transaction: &mut Transaction,
    author: &Author,
    run: RunId,
    wish: Wish<'_>,
) -> Result<BTreeSet<Signal>, CommandError> {
    let runs = hold_all(transaction, author.tenant, run).await?;
    Ok(match wish {
        Wish::Pause => {
            pause_runs(transaction, author.tenant, &runs, &author.subject).await?;
            BTreeSet::from([Signal::Events(author.tenant)])
        }
        Wish::Resume(versions) => resume(transaction, versions, author, &runs).await?,
    })
}

/// The run and the live ones within it, the eldest first, which this transaction holds from now on.
async fn hold_all(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
) -> Result<Vec<RunId>, CommandError> {
    if hold_live_run(transaction, tenant, run).await?.stop_as.is_some() {
        let refusal = Refusal::new(RefusalCode::Conflict, ["id"], "the run is being stopped");
        return Err(CommandError::refused(refusal));
    }
    let mut held = vec![run];
    let mut looked_at = 0;
    while let Some(&run) = held.get(looked_at) {
        looked_at += 1;
        let within = list_runs_within(transaction, tenant, run).await?;
        let wanted: Vec<(TenantId, RunId)> = within.into_iter().map(|run| (tenant, run)).collect();
        let found = lock_runs(transaction, &wanted).await?;
        held.extend(
            found
                .iter()
                .filter(|run| !run.has_ended())
                .map(|run| RunId::from(run.id)),
        );
    }
    Ok(held)
}

async fn resume(
    transaction: &mut Transaction,
    versions: &Versions,
    author: &Author,
    runs: &[RunId],
) -> Result<BTreeSet<Signal>, StoreError> {
    let tenant = author.tenant;
    let resumed = resume_runs(transaction, tenant, runs, &author.subject).await?;
    let wanted: Vec<(TenantId, RunId)> = resumed.iter().map(|run| (tenant, *run)).collect();
    // Read again, as they are now.
    let held = lock_runs(transaction, &wanted).await?;
    let pinned = versions
        .get(
            transaction,
            held.iter().map(|run| (tenant, run.version_id.into())),
        )
        .await?;
    let mut flow = Flow::new(versions, held.iter().map(|run| Hand::of(run, &pinned)));
    for run in resumed {
        flow.reconsider(transaction, run).await?;
    }
    flow.signal(Signal::Events(tenant));
    flow.signal(Signal::Ready(tenant.partition()));
    flow.advance(transaction).await
}
