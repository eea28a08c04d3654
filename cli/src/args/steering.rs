//! The options of the commands that steer runs: one, its task runs, or many.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::{ClientArgs, RerunExtentArg, RunStateArg, input};

/// Options of the commands that have nothing more to ask than which run.
#[derive(Args, Debug)]
pub(crate) struct OneRunArgs {
    /// The run's id, as `waterclock run` and `waterclock runs` print it
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `cancel` and `terminate`.
#[derive(Args, Debug)]
pub(crate) struct StopArgs {
    /// The run's id, as `waterclock run` and `waterclock runs` print it
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Which task run is meant.
#[derive(Args, Debug)]
pub(crate) struct TaskRunArgs {
    /// The run's id; or, without NODE, the id of a task run
    #[arg(value_name = "RUN|TASK_RUN")]
    pub(crate) id: String,
    /// The key of the task node
    #[arg(value_name = "NODE")]
    pub(crate) node: Option<String>,
}

/// Options of `retry`.
#[derive(Args, Debug)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) task_run: TaskRunArgs,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `skip`.
#[derive(Args, Debug)]
pub(crate) struct SkipArgs {
    #[command(flatten)]
    pub(crate) task_run: TaskRunArgs,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `mark-succeeded`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
    waterclock mark-succeeded RUN load --output rows=1042 --reason 'loaded by hand'")]
pub(crate) struct MarkSucceededArgs {
    #[command(flatten)]
    pub(crate) task_run: TaskRunArgs,
    /// What it is to have given: name=value, where a value that reads as JSON is JSON; may be given several times
    #[arg(long = "output", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) outputs: Vec<(String, Value)>,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `approve` and `reject`.
#[derive(Args, Debug)]
#[command(after_help = "`waterclock approvals` lists what is asked.")]
pub(crate) struct AnswerArgs {
    #[command(flatten)]
    pub(crate) task_run: TaskRunArgs,
    /// What the form asks for: name=value, where a value that reads as JSON is JSON; may be given several times
    #[arg(long = "answer", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) answers: Vec<(String, Value)>,
    /// What else there is to say; why not, when it is rejected
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `approvals`.
#[derive(Args, Debug)]
pub(crate) struct ApprovalsArgs {
    /// How many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `publish-event`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
    waterclock publish-event paid --key order-7 --payload '{\"amount\": 12}'")]
pub(crate) struct PublishEventArgs {
    /// What has happened
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it is about; those that wait for this key, or for any, go on
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// What else there is to say
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    pub(crate) payload: Value,
    /// Calls with the same idempotency key publish one event, however often they are made
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `dry-run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Task nodes stand in the order in which they may run; those of one level may run at the same time. What hangs on outputs is
undecided, and says on whose.

Example:
    waterclock dry-run nightly --input day=2026-11-21 --assume load=failed")]
pub(crate) struct DryRunArgs {
    /// The workflow's key; its published version is looked at
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    /// What the run would be given: name=value, as for `waterclock run`
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) inputs: Vec<(String, Value)>,
    /// How a task node would end: succeeded, failed or skipped; it succeeds where nothing is said
    #[arg(long = "assume", value_name = "NODE=END", value_parser = assumption)]
    pub(crate) assumptions: Vec<(String, AssumedEnd)>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// How a task node is assumed to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssumedEnd {
    Succeeded,
    Failed,
    Skipped,
}

/// Which parts of a run run again, and how.
#[derive(Args, Debug)]
pub(crate) struct RerunPartArgs {
    /// Run what neither succeeded nor was skipped
    #[arg(long, conflicts_with_all = ["nodes", "from"])]
    pub(crate) from_failed: bool,
    /// Run the task node with this key and all that is after it
    #[arg(long, value_name = "KEY", conflicts_with = "nodes")]
    pub(crate) from: Option<String>,
    /// Run the task node with this key; may be given several times
    #[arg(long = "node", value_name = "KEY")]
    pub(crate) nodes: Vec<String>,
    /// What runs besides the task nodes
    #[arg(long, value_name = "EXTENT", default_value = "only", requires = "nodes")]
    pub(crate) with: RerunExtentArg,
    /// Run by the published version, whose task nodes are matched with the run's by their keys
    #[arg(long)]
    pub(crate) latest: bool,
    /// What the new run is given in place of all that the run was given: name=value, as for `waterclock run`
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) inputs: Vec<(String, Value)>,
}

/// Options of `bulk`.
#[derive(Args, Debug)]
#[command(after_help = "\
What is done is a job of its own that goes on when this command has ended. It means the runs that are there now, looks at each once,
and lists those that refuse.

Examples:
    waterclock bulk cancel --workflow nightly --state running --state queued --dry-run
    waterclock bulk rerun --workflow nightly --state failed --from-failed --wait")]
pub(crate) struct BulkArgs {
    #[command(subcommand)]
    pub(crate) command: BulkCommand,
}

/// What can be done to many runs.
#[derive(Debug, Subcommand)]
pub(crate) enum BulkCommand {
    /// Cancel runs: nothing new of them starts, and what runs is stopped
    Cancel(BulkStopArgs),
    /// Cancel runs, and leave what runs no grace
    Terminate(BulkStopArgs),
    /// Keep runs from starting more
    Pause(BulkRunsArgs),
    /// Let paused runs go on
    Resume(BulkRunsArgs),
    /// Run runs again that have ended, as a whole or in part
    Rerun(BulkRerunArgs),
    /// Try a task node again at once that waits for its next attempt
    Retry(BulkRetryArgs),
    /// Pass over a task node
    Skip(BulkSkipArgs),
    /// Let a task node count as done
    MarkSucceeded(BulkMarkArgs),
    /// List bulk jobs, the latest first
    Jobs(BulkJobsArgs),
    /// Show how far a bulk job is until it ends
    Watch(BulkJobArgs),
    /// End a bulk job; what was done to runs before stays done
    CancelJob(BulkJobArgs),
}

/// To which runs something is done.
#[derive(Args, Debug)]
pub(crate) struct BulkRunsArgs {
    /// Every run of the tenant
    #[arg(long, conflicts_with_all = ["workflow", "states", "started_by", "created_after", "created_before"])]
    pub(crate) all: bool,
    /// Only runs of this workflow
    #[arg(long, value_name = "WORKFLOW")]
    pub(crate) workflow: Option<String>,
    /// Only runs in this state; may be given several times
    #[arg(long = "state", value_name = "STATE", ignore_case = true)]
    pub(crate) states: Vec<RunStateArg>,
    /// Only runs that were started with a token of this subject
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) started_by: Option<String>,
    /// Only runs created then or later: 2026-11-21T08:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub(crate) created_after: Option<DateTime<Utc>>,
    /// Only runs created earlier
    #[arg(long, value_name = "INSTANT")]
    pub(crate) created_before: Option<DateTime<Utc>>,
    /// Say how many runs match, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show how far it is until it ends
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) wait: bool,
    /// Calls with the same idempotency key make one job, however often they are made
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `bulk cancel` and `bulk terminate`.
#[derive(Args, Debug)]
pub(crate) struct BulkStopArgs {
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) runs: BulkRunsArgs,
}

/// Options of `bulk rerun`.
#[derive(Args, Debug)]
pub(crate) struct BulkRerunArgs {
    #[command(flatten)]
    pub(crate) part: RerunPartArgs,
    #[command(flatten)]
    pub(crate) runs: BulkRunsArgs,
}

/// Options of `bulk retry`.
#[derive(Args, Debug)]
pub(crate) struct BulkRetryArgs {
    /// The key of the task node
    #[arg(value_name = "NODE")]
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) runs: BulkRunsArgs,
}

/// Options of `bulk skip`.
#[derive(Args, Debug)]
pub(crate) struct BulkSkipArgs {
    /// The key of the task node
    #[arg(value_name = "NODE")]
    pub(crate) node: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) runs: BulkRunsArgs,
}

/// Options of `bulk mark-succeeded`.
#[derive(Args, Debug)]
pub(crate) struct BulkMarkArgs {
    /// The key of the task node
    #[arg(value_name = "NODE")]
    pub(crate) node: String,
    /// What it is to have given: name=value, where a value that reads as JSON is JSON; may be given several times
    #[arg(long = "output", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) outputs: Vec<(String, Value)>,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) runs: BulkRunsArgs,
}

/// Options of `bulk jobs`.
#[derive(Args, Debug)]
pub(crate) struct BulkJobsArgs {
    /// How many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of the commands about one bulk job.
#[derive(Args, Debug)]
pub(crate) struct BulkJobArgs {
    /// The job's id, as the command that made it and `waterclock bulk jobs` print it
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))
}

fn assumption(text: &str) -> Result<(String, AssumedEnd), String> {
    let (node, end) = text
        .rsplit_once('=')
        .filter(|(node, _)| !node.is_empty())
        .ok_or("write it as node=failed")?;
    let end = match end.to_ascii_lowercase().as_str() {
        "succeeded" => AssumedEnd::Succeeded,
        "failed" => AssumedEnd::Failed,
        "skipped" => AssumedEnd::Skipped,
        _ => return Err("a task node is assumed to end as succeeded, failed or skipped".to_owned()),
    };
    Ok((node.to_owned(), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumption_names_a_node_and_its_end() {
        assert_eq!(
            assumption("load=FAILED"),
            Ok(("load".to_owned(), AssumedEnd::Failed))
        );
        assert!(assumption("load").is_err());
        assert!(assumption("=failed").is_err());
        assert!(assumption("load=late").is_err());
    }
}
