//! Takes work back from executors whose lease has ended.
//!
//! The fence alone keeps this safe: whatever a lost executor still reports is refused, because its attempts have ended here.
//! An executor whose lease ended by the database's clock cannot prolong it any more, so nobody need be asked.

use std::collections::BTreeMap;

use crate::command::settle::{fault, settle};
use crate::id::ExecutorId;
use crate::signal::{Signal, Signals};
use crate::store::dispatch::{Owner, list_lost_attempts};
use crate::store::executors::end_executors;
use crate::store::items::note_orphans;
use crate::store::{Actor, Database, StoreError, Versions};
use crate::work::Report;

/// Ends the attempts of lost executors as faults, and then the executors' lives; shares that were dealt to them go to others.
///
/// A transaction takes back the work of one executor: it locks runs in order, and would not over several of them.
pub(super) async fn reclaim(
    database: &Database,
    versions: &Versions,
    signals: &Signals,
) -> Result<(), StoreError> {
    loop {
        let mut transaction = database.begin(Actor::Engine).await?;
        let lost = list_lost_attempts(&mut transaction).await?;
        if lost.is_empty() {
            let ended = end_executors(&mut transaction).await?;
            let orphans = note_orphans(&mut transaction).await?;
            transaction.commit().await?;
            signals.raise(orphans.into_iter().map(Signal::Ready));
            for executor in &ended {
                tracing::warn!(executor.id = %executor.executor_id, executor.key = executor.key, "an executor was lost");
            }
            signals.raise(
                ended
                    .into_iter()
                    .map(|executor| Signal::Events(executor.tenant_id)),
            );
            return Ok(());
        }
        let mut reports: BTreeMap<ExecutorId, Vec<Report>> = BTreeMap::new();
        for attempt in lost {
            let message = format!(
                "the executor {:?} was lost: its heartbeat ended",
                attempt.executor
            );
            reports
                .entry(attempt.executor_id)
                .or_default()
                .push(fault(attempt.lease, message));
        }
        transaction.commit().await?;
        for (executor, reports) in reports {
            tracing::warn!(executor.id = %executor, attempts = reports.len(), "taking back the work of a lost executor");
            let mut transaction = database.begin(Actor::Engine).await?;
            let raised = settle(&mut transaction, versions, Owner::executor(executor), reports).await?;
            transaction.commit().await?;
            signals.raise(raised);
        }
    }
}
