//! What callers want done to many runs.

use async_graphql::{Context, ID, InputObject, OneofObject, Result};
use serde_json::{Map, Value};
use waterclock_core::bulk::BulkAction;
use waterclock_core::command::bulk_runs::{BulkRuns, Meant};
use waterclock_core::command::cancel_run::Force;
use waterclock_core::command::steer_task_run::Steer;
use waterclock_core::error::Refusal;

use crate::graphql::run::{RerunFromInput, RerunVersion, RunFilter};
use crate::graphql::scalar::Json;

/// Which runs are meant.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum BulkSelectionInput {
    /// Every run of the tenant; chosen with `true`.
    All(bool),
    /// Those that match. Something must be asked of them.
    Matching(RunFilter),
}

/// Runs that are told to stop.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BulkStopInput {
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

/// Runs that have ended and are run again.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BulkRerunInput {
    /// Which of their task nodes run again.
    from: RerunFromInput,
    /// By which version.
    #[graphql(default_with = "RerunVersion::Same")]
    version: RerunVersion,
    /// What the new runs are given, an object, in place of what the runs were given; the same when absent.
    inputs: Option<Json>,
}

/// The task run of one task node in each of the runs.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BulkRetryInput {
    /// The key of the task node.
    node: String,
}

/// The task run of one task node in each of the runs, which is passed over.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BulkSkipInput {
    /// The key of the task node.
    node: String,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

/// The task run of one task node in each of the runs, which counts as done.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BulkMarkInput {
    /// The key of the task node.
    node: String,
    /// What it is to have given, an object; nothing when absent.
    outputs: Option<Json>,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

/// What is done to each of the runs, as the mutation of the name does it to one. Where there is nothing to say more of, it is chosen
/// with `true`.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum BulkActionInput {
    /// `cancelRun`.
    Cancel(BulkStopInput),
    /// `terminateRun`.
    Terminate(BulkStopInput),
    /// `pauseRun`.
    Pause(bool),
    /// `resumeRun`.
    Resume(bool),
    /// `rerun`.
    Rerun(BulkRerunInput),
    /// `retryTaskRun`.
    RetryTaskRun(BulkRetryInput),
    /// `skipTaskRun`.
    SkipTaskRun(BulkSkipInput),
    /// `markTaskRunSucceeded`.
    MarkTaskRunSucceeded(BulkMarkInput),
}

/// Something that is to be done to many runs.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BulkRunsInput {
    /// To which runs, of those that are there now.
    runs: BulkSelectionInput,
    /// What.
    action: BulkActionInput,
    /// Tell how many runs match, and do nothing.
    #[graphql(default = false)]
    pub(crate) dry_run: bool,
    /// The caller's name for this call, at most 255 bytes: made again under the same name within seven days, it answers the same
    /// job.
    idempotency_key: Option<String>,
}

/// A bulk job that is to end.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CancelBulkJobInput {
    /// The job.
    pub(crate) id: ID,
}

impl BulkRunsInput {
    /// What the core is asked for, or what is wrong with it.
    pub(crate) async fn request(
        self,
        context: &Context<'_>,
    ) -> Result<std::result::Result<BulkRuns, Vec<Refusal>>> {
        let mut faults = Vec::new();
        let runs = self.runs.meant(context, &mut faults).await?;
        let action = self.action.action(&mut faults);
        Ok(match (runs, action) {
            (Some(runs), Some(action)) if faults.is_empty() => Ok(BulkRuns {
                runs,
                action,
                idempotency_key: self.idempotency_key,
            }),
            _ => Err(faults),
        })
    }
}

impl BulkSelectionInput {
    async fn meant(self, context: &Context<'_>, faults: &mut Vec<Refusal>) -> Result<Option<Meant>> {
        let fault = match self {
            Self::All(true) => return Ok(Some(Meant::All)),
            Self::All(false) => {
                Refusal::invalid(["runs", "all"], "choose all with true, or say which runs match")
            }
            Self::Matching(filter) => match filter.resolve(context).await? {
                Some(filter) => return Ok(Some(Meant::Matching(filter))),
                None => Refusal::not_found(
                    ["runs", "matching", "workflow"],
                    "there is no workflow with this key",
                ),
            },
        };
        faults.push(fault);
        Ok(None)
    }
}

impl BulkActionInput {
    fn action(self, faults: &mut Vec<Refusal>) -> Option<BulkAction> {
        Some(match self {
            Self::Cancel(stop) => BulkAction::Stop {
                force: Force::Cancel,
                reason: stop.reason,
            },
            Self::Terminate(stop) => BulkAction::Stop {
                force: Force::Terminate,
                reason: stop.reason,
            },
            Self::Pause(chosen) => chosen_or(chosen, "pause", faults).map(|()| BulkAction::Pause)?,
            Self::Resume(chosen) => chosen_or(chosen, "resume", faults).map(|()| BulkAction::Resume)?,
            Self::Rerun(rerun) => BulkAction::Rerun {
                from: rerun.from.selection().or_else(|| {
                    let message = "choose one of all, failed and nodes; the first two with true";
                    faults.push(Refusal::invalid(["action", "rerun", "from"], message));
                    None
                })?,
                version: rerun.version.into(),
                inputs: object(rerun.inputs, ["action", "rerun", "inputs"], faults).ok()?,
            },
            Self::RetryTaskRun(retry) => BulkAction::Steer {
                node: retry.node,
                steer: Steer::Retry,
            },
            Self::SkipTaskRun(skip) => BulkAction::Steer {
                node: skip.node,
                steer: Steer::Skip { reason: skip.reason },
            },
            Self::MarkTaskRunSucceeded(mark) => BulkAction::Steer {
                node: mark.node,
                steer: Steer::MarkSucceeded {
                    outputs: object(
                        mark.outputs,
                        ["action", "markTaskRunSucceeded", "outputs"],
                        faults,
                    )
                    .ok()?
                    .unwrap_or_default(),
                    reason: mark.reason,
                },
            },
        })
    }
}

fn chosen_or(chosen: bool, name: &str, faults: &mut Vec<Refusal>) -> Option<()> {
    if !chosen {
        faults.push(Refusal::invalid(["action", name], "choose an action with true"));
    }
    chosen.then_some(())
}

/// The object that was given, if one was; a fault is noted when it was something else.
fn object(
    given: Option<Json>,
    path: [&str; 3],
    faults: &mut Vec<Refusal>,
) -> std::result::Result<Option<Map<String, Value>>, ()> {
    match given {
        None | Some(Json(Value::Null)) => Ok(None),
        Some(Json(Value::Object(fields))) => Ok(Some(fields)),
        Some(_) => {
            faults.push(Refusal::invalid(path, "this is an object: {\"name\": value}"));
            Err(())
        }
    }
}
