//! Does to many runs what somebody wants done to each of them, a few at a time.
//!
//! A turn is one transaction: it takes the job whose turn it is, goes on behind the last run that was looked at, does to each run what
//! the single command does to one, by the same function and on behalf of whoever asked, and writes down how far it came. Effect and
//! progress commit or vanish together, so whoever dies in the middle leaves a job that goes on where it was, and no run is touched
//! twice. A job is held by its row: a cancellation of the job waits for the turn to be over, and after that there is none.
//!
//! A turn holds runs, like any command about them, and not the partition: what it does is what callers do at any time without that
//! lock, and assignment must not wait for it. It is short all the same, because executors that report on these runs wait for it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::Author;
use super::cancel_run::cancel_within;
use super::pause_run::{Wish, change_within};
use super::rerun::{Rerun, rerun_within};
use super::steer_task_run::steer_within;
use crate::bulk::{BulkAction, BulkRefusal};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::event::EventKind;
use crate::id::{RunId, TenantId};
use crate::signal::Signal;
use crate::store::bulk_jobs::{EarlyEnd, TakenJob, Turn, end_bulk_job, record_bulk_turn, take_bulk_job};
use crate::store::events::insert_event;
use crate::store::flow::lock_runs;
use crate::store::scan_runs::{list_run_families, scan_runs};
use crate::store::task_runs::find_task_run_of_node;
use crate::store::{Actor, Database, StoreError, Transaction, Versions};

/// How many runs a turn looks at to find those that are meant.
const WINDOW: i64 = 2_000;

/// The most runs to which something is done in a turn.
const BATCH: usize = 50;

/// How long a turn may last before it leaves the rest to the next.
const LONGEST_TURN: Duration = Duration::from_millis(50);

/// How many refusals of a job are kept; all of them are counted.
const MOST_TOLD: i32 = 10_000;

/// Gives the job whose turn it is its turn, and the signals to raise; nothing when no job is open that nobody is at.
pub(crate) async fn work_off_bulk_job(
    database: &Database,
    versions: &Versions,
) -> Result<Option<BTreeSet<Signal>>, StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let Some(job) = take_bulk_job(&mut transaction).await? else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let mut raised = BTreeSet::from([Signal::Events(job.tenant())]);
    match take_turn(&mut transaction, versions, &job).await {
        Ok(signals) => {
            transaction.commit().await?;
            raised.extend(signals);
        }
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => {
            drop(transaction);
            give_up(database, &job, &error).await?;
        }
    }
    Ok(Some(raised))
}

async fn take_turn(
    transaction: &mut Transaction,
    versions: &Versions,
    job: &TakenJob,
) -> Result<BTreeSet<Signal>, StoreError> {
    let began = Instant::now();
    let (tenant, action, filter) = (job.tenant(), job.action()?, job.filter()?);
    let author = Author {
        tenant,
        subject: job.created_by.as_str().into(),
    };
    let scan = scan_runs(transaction, tenant, &filter, job.looked_until(), WINDOW).await?;
    let batch = &scan.meant[..scan.meant.len().min(BATCH)];
    hold_families(transaction, tenant, batch).await?;
    let mut signals = BTreeSet::new();
    let mut done = 0;
    let mut refusals = Vec::new();
    for &run in batch {
        match act(transaction, versions, &author, run, &action).await {
            Ok(raised) => signals.extend(raised),
            Err(CommandError::Store(error)) => return Err(error),
            Err(refused) => refusals.push(refusal_of(job, run, refused)),
        }
        done += 1;
        if began.elapsed() >= LONGEST_TURN {
            break;
        }
    }
    let all_done = done == scan.meant.len();
    let refused = count(refusals.len());
    refusals.truncate(usize::try_from(MOST_TOLD - job.refused).unwrap_or(0));
    let turn = Turn {
        succeeded: count(done) - refused,
        refused,
        told: refusals,
        looked_until: if all_done { scan.until } else { batch[done - 1] },
        is_last: all_done && !scan.more,
    };
    record_bulk_turn(transaction, job, &turn).await?;
    Ok(signals)
}

fn count(runs: usize) -> i32 {
    i32::try_from(runs).expect("a turn is about at most 50 runs")
}

/// Holds the runs and those within them from now on, the eldest first, as everybody does who holds several.
async fn hold_families(
    transaction: &mut Transaction,
    tenant: TenantId,
    runs: &[RunId],
) -> Result<(), StoreError> {
    let family = list_run_families(transaction, tenant, runs).await?;
    let wanted: Vec<(TenantId, RunId)> = family.into_iter().map(|run| (tenant, run)).collect();
    lock_runs(transaction, &wanted).await?;
    Ok(())
}

async fn act(
    transaction: &mut Transaction,
    versions: &Versions,
    author: &Author,
    run: RunId,
    action: &BulkAction,
) -> Result<BTreeSet<Signal>, CommandError> {
    match action {
        BulkAction::Stop { force, reason } => {
            cancel_within(transaction, author, run, *force, reason.as_deref()).await
        }
        BulkAction::Pause => change_within(transaction, author, run, Wish::Pause).await,
        BulkAction::Resume => change_within(transaction, author, run, Wish::Resume(versions)).await,
        BulkAction::Rerun {
            from,
            version,
            inputs,
        } => {
            let wanted = Rerun {
                run,
                from: from.clone(),
                version: *version,
                inputs: inputs.clone(),
                idempotency_key: None,
            };
            let (_, raised) = rerun_within(transaction, versions, author, &wanted).await?;
            Ok(raised)
        }
        BulkAction::Steer { node, steer } => {
            let found = find_task_run_of_node(transaction, author.tenant, run, node).await?;
            let task_run = found.ok_or_else(|| {
                let message = format!("the run has no task node with the key {node:?}");
                CommandError::refused(Refusal::not_found(["node"], message))
            })?;
            steer_within(transaction, versions, author, task_run, steer).await
        }
    }
}

/// What is told of a run to which it could not be done: the first of its reasons.
fn refusal_of(job: &TakenJob, run: RunId, refused: CommandError) -> BulkRefusal {
    let message = refused.to_string();
    let (code, message) = match refused {
        CommandError::Refused(refusals) => refusals
            .into_iter()
            .next()
            .map_or((RefusalCode::Conflict, message), |first| {
                (first.code, first.message)
            }),
        CommandError::IdempotencyConflict(_) | CommandError::Store(_) => (RefusalCode::Conflict, message),
    };
    BulkRefusal {
        job_id: job.id(),
        run_id: run,
        code: code.as_str().to_owned(),
        message,
    }
}

/// Ends a job that would fail in the same way at every turn, and keep all others from theirs.
async fn give_up(database: &Database, job: &TakenJob, error: &StoreError) -> Result<(), StoreError> {
    tracing::error!(
        bulk_job.id = %job.id(),
        error = error as &dyn std::error::Error,
        "the bulk job cannot go on and has ended"
    );
    let reason = format!(
        "the service failed behind the run {}; its log says why",
        job.looked_until()
    );
    let mut transaction = database.begin(Actor::Engine).await?;
    let tenant = job.tenant();
    if end_bulk_job(&mut transaction, tenant, job.id(), EarlyEnd::Failed(&reason)).await? {
        let data = serde_json::json!({ "bulkJob": job.id(), "reason": reason });
        insert_event(&mut transaction, tenant, EventKind::BulkJobEnded, data).await?;
    }
    transaction.commit().await
}
