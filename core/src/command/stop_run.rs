//! Stops a run that is held, and the runs within it.
//!
//! The run's row is locked first. Whoever would release, retry or reclaim a task run of it locks that row before, too, so
//! it either comes earlier and is seen here, or comes later and sees that the run was told to stop. What is between
//! assignment and start is settled row by row in the dispatch: it is taken away here, or it has started and is stopped.
//! Runs within a run are younger than it, so locking them afterwards keeps to the order in which all runs are locked.

use std::collections::BTreeSet;

use crate::id::{RunId, TenantId};
use crate::run::{RunState, TimerKind};
use crate::signal::Signal;
use crate::store::flow::lock_runs;
use crate::store::stop_runs::{Stopping, list_runs_within, stop_run};
use crate::store::timers::{Due, NewTimer, forget_timers, insert_timers};
use crate::store::{StoreError, Transaction};

/// What is done about what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// It may finish.
    LetFinish,
    /// It is told to stop, and has its grace.
    Stop,
    /// It is ended at once.
    Kill,
}

/// How and why a run is stopped.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// What the run ends as.
    pub(crate) ends_as: RunState,
    /// Who wants it; nobody when the run's own rules do.
    pub(crate) by: Option<String>,
    /// Why, in a sentence.
    pub(crate) reason: String,
    /// What is done about what runs.
    pub(crate) order: Order,
}

/// Stops a run that this transaction holds, and the runs within it. Nothing of it starts any more. Gives the signals to raise
/// after the commit.
pub(crate) async fn stop_held_run(
    transaction: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    stop: &Stop,
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut signals = BTreeSet::from([Signal::Events(tenant)]);
    let mut open = vec![run];
    let outermost = run;
    while let Some(run) = open.pop() {
        // A run that ends itself tells of its own failure; those within it have none to tell of.
        let explains_itself = stop.ends_as != RunState::Failed || run != outermost;
        let stopping = Stopping {
            by: stop.by.as_deref(),
            reason: &stop.reason,
            run_reason: explains_itself.then_some(&stop.reason),
            ends_as: stop.ends_as,
            stops_running: stop.order >= Order::Stop,
            at_once: stop.order == Order::Kill,
        };
        let stopped = stop_run(transaction, tenant, run, &stopping).await?;
        signals.extend(stopped.executors.into_iter().map(Signal::Executor));
        if stopped.watched {
            signals.insert(Signal::Occurrences(tenant.partition()));
        }
        if stopped.finished {
            forget_timers(transaction, tenant, &[run]).await?;
            if let Some((parent, task_run)) = stopped.within {
                let timer = NewTimer {
                    tenant_id: tenant,
                    run_id: parent,
                    task_run_id: Some(task_run),
                    fence: None,
                    kind: TimerKind::RunEnded,
                    due: Due::AfterMs(0),
                };
                insert_timers(transaction, &[timer]).await?;
                signals.insert(Signal::Ready(tenant.partition()));
            }
        }
        if stop.order >= Order::Stop {
            let within = list_runs_within(transaction, tenant, run).await?;
            let wanted: Vec<(TenantId, RunId)> = within.iter().map(|run| (tenant, *run)).collect();
            let held = lock_runs(transaction, &wanted).await?;
            open.extend(
                held.iter()
                    .filter(|run| !run.has_ended())
                    .map(|run| RunId::from(run.id)),
            );
        }
    }
    Ok(signals)
}
