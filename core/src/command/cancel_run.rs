//! Stops a run.
//!
//! The run's row is locked first. Whoever would release, retry or reclaim a task run of it locks that row before, too, so
//! it either comes earlier and is seen here, or comes later and sees that the run was told to stop. What is between
//! assignment and start is settled row by row in the dispatch: it is taken away here, or it has started and is stopped.

use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{RunId, TenantId};
use crate::run::RunState;
use crate::signal::{Signal, Signals};
use crate::store::cancel_runs::{lock_run, stop_run};
use crate::store::{Actor, Database, StoreError};

/// Tells the run to stop on behalf of `subject`. When this returns, nothing of it starts any more, and its executors are told.
///
/// A run that was told before is left as it is. One that has ended, or is not the tenant's, is refused.
pub async fn cancel_run(
    database: &Database,
    signals: &Signals,
    tenant: TenantId,
    subject: &str,
    reason: Option<&str>,
    run: RunId,
) -> Result<(), CommandError> {
    let mut transaction = database.begin(Actor::Tenant(tenant)).await?;
    let Some(held) = lock_run(&mut transaction, tenant, run).await? else {
        transaction.rollback().await?;
        return Err(CommandError::refused(Refusal::not_found(
            ["id"],
            "there is no run with this id",
        )));
    };
    let state: RunState = held
        .state
        .parse()
        .map_err(|unknown| StoreError::Unreadable(format!("the state of the run {run}: {unknown}")))?;
    if state.is_terminal() || held.stop_requested {
        transaction.rollback().await?;
        if held.stop_requested {
            return Ok(());
        }
        let message = format!("the run has ended already: it is {state}");
        return Err(CommandError::refused(Refusal::new(
            RefusalCode::Conflict,
            ["id"],
            message,
        )));
    }
    let why = match reason {
        Some(reason) => format!("cancelled by {subject}: {reason}"),
        None => format!("cancelled by {subject}"),
    };
    let executors = stop_run(&mut transaction, tenant, run, subject, &why).await?;
    transaction.commit().await?;
    signals.raise(
        executors
            .into_iter()
            .map(Signal::Executor)
            .chain([Signal::Events(tenant)]),
    );
    Ok(())
}
