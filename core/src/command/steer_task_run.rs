//! Lets people hurry, skip and answer for single task runs of a run that goes on.
//!
//! A task run that has ended stays ended, whatever it came to: what ended was counted, and what followed from it has begun.
//! To do such a node again is a run of its own, see [`super::rerun`].
//!
//! What an executor has is not touched either: two owners of one piece of work are one too many. The row by which executors
//! find the task run is locked before anything is decided, so an attempt has either started, and the command is refused, or
//! it never starts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Author;
use super::cancel_run::hold_run;
use super::conclude::conclude;
use super::flow::{EndedTaskRun, Flow, Hand};
use crate::check::holds_nul;
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::TaskRunId;
use crate::run::{Hold, TaskRunState};
use crate::signal::{Signal, Signals};
use crate::store::flow::list_held_task_runs;
use crate::store::steer::{lock_live_task_run, read_resting_task_run, retry_now};
use crate::store::task_runs::find_run_of;
use crate::store::{Actor, Database, StoreError, Transaction, Versions};
use crate::work::OUTPUT_LIMIT;

/// How often a command that met another transaction is tried again.
const TRIES: usize = 5;

/// The most bytes of a reason.
const LONGEST_REASON: usize = 1_000;

/// What is to become of a task run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Steer {
    /// Its next attempt is due now.
    Retry,
    /// It is passed over.
    Skip {
        /// Why, for whoever reads it later.
        reason: Option<String>,
    },
    /// It counts as done.
    MarkSucceeded {
        /// What it is to have given.
        outputs: Map<String, Value>,
        /// Why, for whoever reads it later.
        reason: Option<String>,
    },
}

/// Does with `task_run` as `steer` says, on behalf of `author`. When this returns, no attempt of what was skipped or marked starts
/// any more, and what waits for it goes on.
///
/// Refused are task runs that have ended, that an executor has, or that wait for others of their own, and a retry of what waits
/// for no attempt.
pub async fn steer_task_run(
    database: &Database,
    signals: &Signals,
    versions: &Versions,
    author: &Author,
    task_run: TaskRunId,
    steer: &Steer,
) -> Result<(), CommandError> {
    check_steer(steer)?;
    let mut tries = 1;
    loop {
        let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
        let result = steer_within(&mut transaction, versions, author, task_run, steer).await;
        match conclude(transaction, result).await {
            Err(CommandError::Store(StoreError::Contended(_))) if tries < TRIES => tries += 1,
            Err(error) => return Err(error),
            Ok(raised) => {
                signals.raise(raised);
                return Ok(());
            }
        }
    }
}

/// Refuses what could be done to no task run.
pub(super) fn check_steer(steer: &Steer) -> Result<(), CommandError> {
    let mut refusals = Vec::new();
    if let Steer::Skip { reason: Some(reason) }
    | Steer::MarkSucceeded {
        reason: Some(reason), ..
    } = steer
        && (reason.len() > LONGEST_REASON || reason.contains('\0'))
    {
        let message = format!("a reason has at most {LONGEST_REASON} bytes and no NUL character");
        refusals.push(Refusal::invalid(["reason"], message));
    }
    if let Steer::MarkSucceeded { outputs, .. } = steer {
        let outputs = Value::Object(outputs.clone());
        let size = outputs.to_string().len();
        if size > OUTPUT_LIMIT {
            let message = format!("the outputs take {size} bytes; at most {OUTPUT_LIMIT} are kept");
            refusals.push(Refusal::invalid(["outputs"], message));
        }
        if holds_nul(&outputs) {
            let message = "the outputs hold a NUL character, which cannot be stored";
            refusals.push(Refusal::invalid(["outputs"], message));
        }
    }
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(CommandError::Refused(refusals))
    }
}

/// The task run as it stands, locked.
struct Standing {
    node: i32,
    is_share: bool,
    state: TaskRunState,
    hold: Option<Hold>,
}

/// Does what [`steer_task_run`] does, and gives the signals to raise after the commit.
pub(super) async fn steer_within(
    transaction: &mut Transaction,
    versions: &Versions,
    author: &Author,
    task_run: TaskRunId,
    steer: &Steer,
) -> Result<BTreeSet<Signal>, CommandError> {
    let tenant = author.tenant;
    let unknown = || CommandError::refused(Refusal::not_found(["id"], "there is no task run with this id"));
    let run = find_run_of(transaction, tenant, task_run)
        .await?
        .ok_or_else(unknown)?;
    let held = hold_run(transaction, tenant, run).await?;
    if held.has_ended() {
        return Err(conflict(format!(
            "the run has ended: it is {}; run it again with rerun, from this task node or from what failed",
            held.state
        )));
    }
    if held.stop_as.is_some() {
        return Err(conflict(
            "the run is being stopped, so nothing of it goes on".to_owned(),
        ));
    }
    let standing = stand(transaction, author, task_run).await?;
    let pinned = versions
        .get(transaction, [(tenant, held.version_id.into())])
        .await?;
    let hand = Hand::of(&held, &pinned);
    let subject = &author.subject;
    let (state, reason, output) = match steer {
        Steer::Retry => {
            refuse_retry(&standing)?;
            retry_now(transaction, tenant, task_run, subject).await?;
            return Ok(BTreeSet::from([
                Signal::Ready(tenant.partition()),
                Signal::Events(tenant),
            ]));
        }
        Steer::Skip { reason } => (
            TaskRunState::Skipped,
            told("skipped", subject, reason.as_deref()),
            None,
        ),
        Steer::MarkSucceeded { outputs, reason } => (
            TaskRunState::Succeeded,
            told("marked as succeeded", subject, reason.as_deref()),
            Some(Value::Object(outputs.clone())),
        ),
    };
    refuse_end(&standing)?;
    let end = EndedTaskRun {
        run_id: run,
        node: standing.node,
        task_run_id: task_run,
        is_share: standing.is_share,
        state,
        reason: Some(&reason),
    };
    let mut flow = Flow::new(versions, [hand]);
    flow.end(end, output);
    Ok(flow.advance(transaction).await?)
}

async fn stand(
    transaction: &mut Transaction,
    author: &Author,
    task_run: TaskRunId,
) -> Result<Standing, StoreError> {
    lock_live_task_run(transaction, author.tenant, task_run).await?;
    let live = list_held_task_runs(transaction, &[(author.tenant, task_run)]).await?;
    if let Some(live) = live.first() {
        return Ok(Standing {
            node: live.node,
            is_share: live.item.is_some(),
            state: live.state,
            hold: live.hold,
        });
    }
    let resting = read_resting_task_run(transaction, author.tenant, task_run).await?;
    Ok(Standing {
        node: resting.node,
        is_share: resting.is_share,
        state: resting.state,
        hold: None,
    })
}

fn told(verb: &str, subject: &str, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{verb} by {subject}: {reason}"),
        None => format!("{verb} by {subject}"),
    }
}

fn refuse_retry(standing: &Standing) -> Result<(), CommandError> {
    let state = standing.state;
    match state {
        TaskRunState::RetryWait => Ok(()),
        ended if ended.is_terminal() => Err(ended_already(ended)),
        _ => Err(conflict(format!(
            "the task run is {state}: only one that is {} has a next attempt to bring forward",
            TaskRunState::RetryWait
        ))),
    }
}

/// Refuses what cannot be ended from outside.
fn refuse_end(standing: &Standing) -> Result<(), CommandError> {
    let state = standing.state;
    match (state, standing.hold) {
        (ended, _) if ended.is_terminal() => Err(ended_already(ended)),
        (TaskRunState::Blocked, _) if standing.is_share => Err(conflict(
            "this share waits for its turn among the others; wait for it, or cancel the run".to_owned(),
        )),
        (_, Some(Hold::Items)) => Err(conflict(
            "the task run waits for its shares; skip or mark these, or cancel the run".to_owned(),
        )),
        (_, Some(Hold::Run)) => Err(conflict(
            "the task run is a run of its own; cancel that run first".to_owned(),
        )),
        (_, Some(Hold::Callback)) => Err(conflict(
            "an endpoint is at the task run and will call back; wait for it, or cancel the run".to_owned(),
        )),
        (TaskRunState::Assigned | TaskRunState::Running, None) => Err(conflict(format!(
            "the task run is {state}: an executor has it; wait for its end, or cancel the run"
        ))),
        _ => Ok(()),
    }
}

fn ended_already(state: TaskRunState) -> CommandError {
    conflict(format!(
        "the task run has ended: it is {state}, and what has ended stays so; once the run has ended, run the task node again \
         with rerun"
    ))
}

fn conflict(message: String) -> CommandError {
    CommandError::refused(Refusal::new(RefusalCode::Conflict, ["id"], message))
}
