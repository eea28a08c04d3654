//! `waterclock bulk`.

use std::io::{self, IsTerminal, Write};

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use super::{CommandError, written};
use crate::args::{
    BulkArgs, BulkCommand, BulkJobArgs, BulkJobsArgs, BulkRunsArgs, BulkStopArgs, RerunPartArgs, RunStateArg,
};
use crate::client::bulk_runs::{
    BulkActionInput as Action, BulkMarkInput, BulkRerunInput, BulkRetryInput, BulkRunsInput,
    BulkSelectionInput, BulkSkipInput, BulkStopInput, RerunExtent, RerunFromInput, RerunNodesInput,
    RerunVersion, RunFilter, RunState,
};
use crate::client::{
    Api, BulkAnswer, BulkJobState, BulkProgress, BulkTail, ListedBulkAction, ListedBulkJob, ListedBulkState,
    Subscription,
};
use crate::exit::Exit;
use crate::output::{note, out};

/// How many of the runs that refused are told.
const TOLD: i64 = 20;

/// Does something to many runs, or tells of it.
pub(crate) async fn bulk(args: BulkArgs) -> Result<Exit, CommandError> {
    let (action, runs) = match args.command {
        BulkCommand::Jobs(args) => return list(args).await,
        BulkCommand::Watch(args) => return watch(&Api::new(&args.client)?, args.job).await,
        BulkCommand::CancelJob(args) => return cancel(args).await,
        BulkCommand::Cancel(BulkStopArgs { reason, runs }) => {
            (Action::Cancel(BulkStopInput { reason }), runs)
        }
        BulkCommand::Terminate(BulkStopArgs { reason, runs }) => {
            (Action::Terminate(BulkStopInput { reason }), runs)
        }
        BulkCommand::Pause(runs) => (Action::Pause(true), runs),
        BulkCommand::Resume(runs) => (Action::Resume(true), runs),
        BulkCommand::Rerun(args) => (Action::Rerun(rerun_of(args.part)), args.runs),
        BulkCommand::Retry(args) => (
            Action::RetryTaskRun(BulkRetryInput { node: args.node }),
            args.runs,
        ),
        BulkCommand::Skip(args) => {
            let (node, reason) = (args.node, args.reason);
            (Action::SkipTaskRun(BulkSkipInput { node, reason }), args.runs)
        }
        BulkCommand::MarkSucceeded(args) => {
            let mark = BulkMarkInput {
                node: args.node,
                outputs: Some(object(args.outputs)),
                reason: args.reason,
            };
            (Action::MarkTaskRunSucceeded(mark), args.runs)
        }
    };
    Box::pin(start(action, runs)).await
}

/// Makes the job and prints its id, which goes alone to standard output, so that a script can take it; or follows it.
async fn start(action: Action, args: BulkRunsArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let wait = args.wait;
    let input = BulkRunsInput {
        dry_run: args.dry_run,
        idempotency_key: args.idempotency_key.clone(),
        runs: selection(args)?,
        action,
    };
    let answer = api.bulk_runs(input).await?;
    let answer = answer.map_err(|errors| CommandError::refused(&errors))?;
    match &answer.job {
        None => out!("{}", matched(&answer)),
        Some(job) if wait => {
            note!("bulk job {job}: {}", matched(&answer));
            return watch(&api, job.clone()).await;
        }
        Some(job) => out!("{job}"),
    }
    Ok(Exit::Success)
}

fn matched(answer: &BulkAnswer) -> String {
    match (answer.matched, answer.more) {
        (1, false) => "1 run matches".to_owned(),
        (count, false) => format!("{count} runs match"),
        (count, true) => format!("{count}+ runs match"),
    }
}

fn selection(args: BulkRunsArgs) -> Result<BulkSelectionInput, CommandError> {
    if args.all {
        return Ok(BulkSelectionInput::All(true));
    }
    let filter = RunFilter {
        workflow: args.workflow,
        states: (!args.states.is_empty()).then(|| args.states.into_iter().map(state_of).collect()),
        started_by: args.started_by,
        created_after: args.created_after,
        created_before: args.created_before,
    };
    let is_empty = filter.workflow.is_none()
        && filter.states.is_none()
        && filter.started_by.is_none()
        && filter.created_after.is_none()
        && filter.created_before.is_none();
    if is_empty {
        let told = "say which runs: --workflow, --state, --started-by, --created-after or --created-before; or --all";
        return Err(CommandError::Input(told.to_owned()));
    }
    Ok(BulkSelectionInput::Matching(filter))
}

fn state_of(state: RunStateArg) -> RunState {
    match state {
        RunStateArg::Queued => RunState::Queued,
        RunStateArg::Running => RunState::Running,
        RunStateArg::Paused => RunState::Paused,
        RunStateArg::Succeeded => RunState::Succeeded,
        RunStateArg::Failed => RunState::Failed,
        RunStateArg::Cancelled => RunState::Cancelled,
        RunStateArg::TimedOut => RunState::TimedOut,
    }
}

fn rerun_of(part: RerunPartArgs) -> BulkRerunInput {
    use crate::args::RerunExtentArg as Arg;
    let nodes = |keys, with| RerunFromInput::Nodes(RerunNodesInput { keys, with });
    let from = match part.from {
        Some(key) => nodes(vec![key], RerunExtent::Downstream),
        None if part.from_failed => RerunFromInput::Failed(true),
        None if part.nodes.is_empty() => RerunFromInput::All(true),
        None => {
            let with = match part.with {
                Arg::Only => RerunExtent::Only,
                Arg::Upstream => RerunExtent::Upstream,
                Arg::Downstream => RerunExtent::Downstream,
            };
            nodes(part.nodes, with)
        }
    };
    BulkRerunInput {
        from,
        version: if part.latest {
            RerunVersion::Latest
        } else {
            RerunVersion::Same
        },
        inputs: (!part.inputs.is_empty()).then(|| object(part.inputs)),
    }
}

fn object(fields: Vec<(String, Value)>) -> Value {
    Value::Object(Map::from_iter(fields))
}

/// Shows how far a job is until it ends, and then which runs refused.
async fn watch(api: &Api, job: String) -> Result<Exit, CommandError> {
    let tail = BulkTail { job: job.clone() };
    let mut subscription = Subscription::open(api.clone(), tail).await?;
    let is_live = io::stderr().is_terminal();
    let mut last = None;
    while let Some(event) = subscription.next().await? {
        if is_live {
            eprint!("\r{}\x1b[K", progress(&event.bulk_job));
            io::stderr().flush()?;
        }
        last = Some(event.bulk_job);
    }
    let Some(last) = last else {
        return Err(CommandError::Input(format!("there is no bulk job {job}")));
    };
    if is_live {
        note!("");
    }
    out!("{}", progress(&last));
    if last.refused > 0 {
        let refusals = api.refusals_of_bulk_job(job, TOLD).await?;
        for refusal in &refusals {
            note!("{}: {}", refusal.run.id, refusal.message);
        }
        let untold = last.refused - i64::try_from(refusals.len()).unwrap_or(i64::MAX);
        if untold > 0 {
            note!("… and {untold} more");
        }
    }
    Ok(match last.state {
        BulkJobState::Succeeded => Exit::Success,
        BulkJobState::Cancelled => Exit::Cancelled,
        _ => {
            note!("{}", last.state_reason.unwrap_or_default());
            Exit::Failure
        }
    })
}

fn progress(job: &BulkProgress) -> String {
    let state = match &job.state {
        BulkJobState::Queued => "QUEUED",
        BulkJobState::Running => "RUNNING",
        BulkJobState::Succeeded => "SUCCEEDED",
        BulkJobState::Failed => "FAILED",
        BulkJobState::Cancelled => "CANCELLED",
        BulkJobState::Other(word) => word,
    };
    let more = if job.matches_more { "+" } else { "" };
    format!(
        "{state}: {} of {}{more} runs, {} done, {} refused",
        job.done, job.matched, job.succeeded, job.refused
    )
}

async fn cancel(args: BulkJobArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let told = api.cancel_bulk_job(args.job).await?;
    told.map_err(|errors| CommandError::refused(&errors))?;
    Ok(Exit::Success)
}

async fn list(args: BulkJobsArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    written(print(&api.list_bulk_jobs(args.limit).await?))
}

fn print(jobs: &[ListedBulkJob]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let id_width = jobs.first().map_or(2, |job| job.id.len());
    writeln!(
        out,
        "{:<id_width$}  {:<9}  {:<23}  {:<20}  {:>7}  {:>7}  {:>7}  BY",
        "ID", "STATE", "ACTION", "CREATED", "MATCHED", "DONE", "REFUSED"
    )?;
    for job in jobs {
        let more = if job.matches_more { "+" } else { "" };
        writeln!(
            out,
            "{:<id_width$}  {:<9}  {:<23}  {:<20}  {:>7}  {:>7}  {:>7}  {}",
            job.id,
            state_word(&job.state),
            action_word(&job.action),
            job.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            format!("{}{more}", job.matched),
            job.succeeded,
            job.refused,
            job.created_by
        )?;
    }
    out.flush()
}

fn state_word(state: &ListedBulkState) -> &str {
    match state {
        ListedBulkState::Queued => "QUEUED",
        ListedBulkState::Running => "RUNNING",
        ListedBulkState::Succeeded => "SUCCEEDED",
        ListedBulkState::Failed => "FAILED",
        ListedBulkState::Cancelled => "CANCELLED",
        ListedBulkState::Other(word) => word,
    }
}

fn action_word(action: &ListedBulkAction) -> &str {
    match action {
        ListedBulkAction::Cancel => "CANCEL",
        ListedBulkAction::Terminate => "TERMINATE",
        ListedBulkAction::Pause => "PAUSE",
        ListedBulkAction::Resume => "RESUME",
        ListedBulkAction::Rerun => "RERUN",
        ListedBulkAction::RetryTaskRun => "RETRY_TASK_RUN",
        ListedBulkAction::SkipTaskRun => "SKIP_TASK_RUN",
        ListedBulkAction::MarkTaskRunSucceeded => "MARK_TASK_RUN_SUCCEEDED",
        ListedBulkAction::Other(word) => word,
    }
}
