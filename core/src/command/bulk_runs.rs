//! Takes on what is to be done to many runs, and lets people call it off.

use serde::Serialize;
use serde_json::Value;

use super::Author;
use super::cancel_run::{Force, LONGEST_REASON};
use super::conclude::conclude;
use super::idempotency::{Claim, check_idempotency_key, claim};
use super::steer_task_run::{Steer, check_steer};
use crate::bulk::{BulkAction, BulkJob, BulkJobState, Matched};
use crate::check::{Faults, holds_nul};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::event::EventKind;
use crate::id::{BulkJobId, RunId};
use crate::run::Selection;
use crate::signal::{Signal, Signals};
use crate::store::bulk_jobs::{
    EarlyEnd, NewJob, count_open_bulk_jobs, end_bulk_job, insert_bulk_job, list_bulk_jobs_by_id,
    lock_bulk_job,
};
use crate::store::events::insert_event;
use crate::store::runs::RunFilter;
use crate::store::scan_runs::scan_runs;
use crate::store::{Actor, Database, Transaction};

/// The name under which idempotency keys of this command are kept.
const MUTATION: &str = "bulkRuns";

/// How many runs are looked at to say how many match.
const COUNTED: i64 = 10_000;

/// The most jobs of one tenant that are under way.
const MOST_OPEN: i64 = 20;

/// Which runs are meant.
#[derive(Clone, Debug, Serialize)]
pub enum Meant {
    /// Every run of the tenant, which must be said outright.
    All,
    /// Those that match, and something is asked of them.
    Matching(RunFilter),
}

/// Something that somebody wants done to many runs.
#[derive(Clone, Debug, Serialize)]
pub struct BulkRuns {
    /// To which runs, of those that are there now.
    pub runs: Meant,
    /// What.
    pub action: BulkAction,
    /// The caller's name for this call: made again under the same name, it answers the same job.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Records the job. When this returns it is durable, and a scheduler works it off.
pub async fn bulk_runs(
    database: &Database,
    signals: &Signals,
    author: &Author,
    wanted: &BulkRuns,
) -> Result<BulkJob, CommandError> {
    let filter = check(wanted)?;
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let result = record(&mut transaction, author, wanted, &filter).await;
    let job = conclude(transaction, result).await?;
    signals.raise([Signal::BulkJobs]);
    Ok(job)
}

/// Tells how many runs a job would find, and changes nothing.
pub async fn foresee_bulk_runs(
    database: &Database,
    author: &Author,
    wanted: &BulkRuns,
) -> Result<Matched, CommandError> {
    let filter = check(wanted)?;
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let result = count(&mut transaction, author, &filter).await;
    conclude(transaction, result).await
}

/// Ends a job. When this returns, no run is touched by it any more; what was done to runs before stays done.
///
/// A job that was cancelled stays so; one that has ended, or is not the tenant's, is refused.
pub async fn cancel_bulk_job(
    database: &Database,
    signals: &Signals,
    author: &Author,
    id: BulkJobId,
) -> Result<BulkJob, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let result = cancel(&mut transaction, author, id).await;
    let job = conclude(transaction, result).await?;
    signals.raise([Signal::Events(author.tenant)]);
    Ok(job)
}

async fn record(
    transaction: &mut Transaction,
    author: &Author,
    wanted: &BulkRuns,
    filter: &RunFilter,
) -> Result<BulkJob, CommandError> {
    let tenant = author.tenant;
    let id = BulkJobId::generate();
    let key = wanted.idempotency_key.as_deref();
    if let Claim::Made(earlier) = claim(transaction, tenant, MUTATION, key, wanted, id.0).await? {
        return find(transaction, author, earlier.into()).await;
    }
    if count_open_bulk_jobs(transaction, tenant).await? >= MOST_OPEN {
        let message = format!("{MOST_OPEN} bulk jobs are under way; wait for one of them, or cancel one");
        let code = RefusalCode::QuotaExceeded { limit: MOST_OPEN };
        return Err(CommandError::refused(Refusal::new(code, ["runs"], message)));
    }
    let new = NewJob {
        id,
        action: &wanted.action,
        filter,
        matched: count(transaction, author, filter).await?,
        created_by: &author.subject,
    };
    Ok(insert_bulk_job(transaction, tenant, &new).await?)
}

async fn count(
    transaction: &mut Transaction,
    author: &Author,
    filter: &RunFilter,
) -> Result<Matched, CommandError> {
    let beginning = RunId(uuid::Uuid::nil());
    let scan = scan_runs(transaction, author.tenant, filter, beginning, COUNTED).await?;
    Ok(Matched {
        count: i32::try_from(scan.meant.len()).unwrap_or(i32::MAX),
        more: scan.more,
    })
}

async fn cancel(
    transaction: &mut Transaction,
    author: &Author,
    id: BulkJobId,
) -> Result<BulkJob, CommandError> {
    let tenant = author.tenant;
    // Whoever is at the job is waited for.
    let state = lock_bulk_job(transaction, tenant, id)
        .await?
        .ok_or_else(unknown)?;
    if state.is_terminal() && state != BulkJobState::Cancelled {
        let message = format!("the bulk job has ended already: it is {state}");
        return Err(CommandError::refused(Refusal::new(
            RefusalCode::Conflict,
            ["id"],
            message,
        )));
    }
    if end_bulk_job(transaction, tenant, id, EarlyEnd::CancelledBy(&author.subject)).await? {
        let data = serde_json::json!({ "bulkJob": id, "by": author.subject.as_ref() });
        insert_event(transaction, tenant, EventKind::BulkJobEnded, data).await?;
    }
    find(transaction, author, id).await
}

async fn find(
    transaction: &mut Transaction,
    author: &Author,
    id: BulkJobId,
) -> Result<BulkJob, CommandError> {
    let found = list_bulk_jobs_by_id(transaction, author.tenant, &[id]).await?;
    found.into_iter().next().ok_or_else(unknown)
}

fn unknown() -> CommandError {
    CommandError::refused(Refusal::not_found(["id"], "there is no bulk job with this id"))
}

/// The filter of the runs that are meant, or everything that is wrong with what is wanted.
fn check(wanted: &BulkRuns) -> Result<RunFilter, CommandError> {
    let mut faults = Faults::default();
    check_idempotency_key(&mut faults, wanted.idempotency_key.as_deref());
    let filter = match &wanted.runs {
        Meant::All => RunFilter::default(),
        Meant::Matching(filter) => {
            faults.within("runs", |faults| {
                faults.within("matching", |faults| check_filter(faults, filter));
            });
            filter.clone()
        }
    };
    faults.within("action", |faults| {
        faults.within(name_of(&wanted.action), |faults| {
            check_action(faults, &wanted.action);
        });
    });
    faults.into_result()?;
    Ok(filter)
}

fn check_filter(faults: &mut Faults, filter: &RunFilter) {
    if *filter == RunFilter::default() {
        faults.invalid("this matches every run; if that is what you mean, say `all: true`");
    }
    if let Some(subject) = &filter.started_by
        && subject.contains('\0')
    {
        faults.within("startedBy", |faults| {
            faults.invalid("no subject has a NUL character");
        });
    }
}

/// What callers call the action.
fn name_of(action: &BulkAction) -> &'static str {
    match action {
        BulkAction::Stop {
            force: Force::Cancel, ..
        } => "cancel",
        BulkAction::Stop {
            force: Force::Terminate,
            ..
        } => "terminate",
        BulkAction::Pause => "pause",
        BulkAction::Resume => "resume",
        BulkAction::Rerun { .. } => "rerun",
        BulkAction::Steer { steer, .. } => match steer {
            Steer::Retry => "retryTaskRun",
            Steer::Skip { .. } => "skipTaskRun",
            Steer::MarkSucceeded { .. } => "markTaskRunSucceeded",
        },
    }
}

fn check_action(faults: &mut Faults, action: &BulkAction) {
    match action {
        BulkAction::Pause | BulkAction::Resume => {}
        BulkAction::Stop { reason, .. } => check_reason(faults, reason.as_deref()),
        BulkAction::Rerun { from, inputs, .. } => {
            faults.within("from", |faults| check_selection(faults, from));
            if inputs
                .clone()
                .is_some_and(|inputs| holds_nul(&Value::Object(inputs)))
            {
                faults.within("inputs", |faults| {
                    faults.invalid("the inputs hold a NUL character, which cannot be stored");
                });
            }
        }
        BulkAction::Steer { node, steer } => {
            if node.is_empty() || node.contains('\0') {
                faults.within("node", |faults| faults.invalid("name a task node by its key"));
            }
            if let Err(CommandError::Refused(refusals)) = check_steer(steer) {
                for refusal in refusals {
                    faults.within_all(&refusal.path, |faults| faults.tell(refusal.code, refusal.message));
                }
            }
        }
    }
}

fn check_reason(faults: &mut Faults, reason: Option<&str>) {
    if reason.is_some_and(|reason| reason.len() > LONGEST_REASON || reason.contains('\0')) {
        faults.within("reason", |faults| {
            faults.invalid(format!(
                "a reason has at most {LONGEST_REASON} bytes and no NUL character"
            ));
        });
    }
}

fn check_selection(faults: &mut Faults, from: &Selection) {
    let Selection::Nodes { keys, .. } = from else {
        return;
    };
    faults.within_all(&["nodes".to_owned(), "keys".to_owned()], |faults| {
        if keys.is_empty() {
            faults.invalid("name at least one task node");
        }
        if keys.iter().any(|key| key.contains('\0')) {
            faults.invalid("a key cannot hold a NUL character");
        }
    });
}
