//! What every process does for itself on the side: measures what is live, and forgets what need not be kept.
//!
//! None of this is a tenant's: a tenant's schedule must survive the process and is a row in a table. These jobs may be missed,
//! or done by several processes at once, and nothing is the worse for it.

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::store::housekeeping::{Live, forget_ended_executors, forget_idempotency_keys, measure_live};
use crate::store::{Actor, Database, StoreError};

/// Every ten seconds.
const MEASURING: &str = "*/10 * * * * *";

/// Every hour, off the full hour, at which everybody else's jobs run.
const FORGETTING: &str = "0 17 * * * *";

/// Keeps house until `shutdown`.
pub async fn keep_house(
    database: Database,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> Result<(), JobSchedulerError> {
    let mut jobs = JobScheduler::new().await?;
    let measuring = (database.clone(), metrics);
    jobs.add(Job::new_async(MEASURING, move |_, _| {
        let (database, metrics) = measuring.clone();
        Box::pin(async move { tell("measuring", measure(&database, &metrics).await) })
    })?)
    .await?;
    jobs.add(Job::new_async(FORGETTING, move |_, _| {
        let database = database.clone();
        Box::pin(async move { tell("forgetting", forget(&database).await) })
    })?)
    .await?;
    jobs.start().await?;
    shutdown.cancelled().await;
    jobs.shutdown().await
}

fn tell(job: &str, done: Result<(), StoreError>) {
    if let Err(error) = done {
        tracing::debug!(
            job,
            error = &error as &dyn std::error::Error,
            "housekeeping was not done this time"
        );
    }
}

async fn measure(database: &Database, metrics: &Metrics) -> Result<(), StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let live = measure_live(&mut transaction).await?;
    transaction.commit().await?;
    let (open, idle) = database.connections();
    metrics
        .connections
        .with_label_values(&["open"])
        .set(i64::try_from(open).unwrap_or(i64::MAX));
    metrics
        .connections
        .with_label_values(&["idle"])
        .set(i64::try_from(idle).unwrap_or(i64::MAX));
    metrics.queue_wait.set(0.0);
    for measured in [&metrics.runs, &metrics.task_runs, &metrics.executors] {
        measured.reset();
    }
    for Live {
        what,
        state,
        count,
        oldest_seconds,
    } in live
    {
        match what.as_str() {
            "run" => metrics.runs.with_label_values(&[&state]).set(count),
            "task_run" => metrics.task_runs.with_label_values(&[&state]).set(count),
            _ => metrics.executors.with_label_values(&[&state]).set(count),
        }
        if what == "task_run" && state == "READY" {
            metrics.queue_wait.set(oldest_seconds.unwrap_or_default());
        }
    }
    Ok(())
}

async fn forget(database: &Database) -> Result<(), StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let keys = forget_idempotency_keys(&mut transaction).await?;
    let executors = forget_ended_executors(&mut transaction).await?;
    transaction.commit().await?;
    tracing::debug!(
        keys,
        executors,
        "forgot idempotency keys and executors that ended a week ago"
    );
    Ok(())
}
