//! The command line: what can be asked of the binary, and what its help teaches.
//!
//! An option that a deployment sets once has a variable too, and by the variable's name a key in the settings file
//! (see [`crate::settings`]). What is said anew with each call has neither.

mod backfills;
mod client;
mod role;
mod schedules;
mod steering;
mod triggers;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use backfills::{
    BackfillArgs, BackfillOrderArg, BackfillRunsArg, BackfillsArgs, BackfillsCommand, CancelBackfillArgs,
    ReprocessArg,
};
pub(crate) use client::{
    AlertsArgs, ApplyArgs, ClientArgs, DiffArgs, GraphArgs, GraphFormat, ImportArgs, ImportCommand,
    ImportDagArgs, LogsArgs, RerunArgs, RerunExtentArg, RollBackArgs, RunArgs, RunStateArg, RunsArgs,
    WhyArgs,
};
pub(crate) use role::{
    ApiArgs, AuthArgs, EgressArgs, ExecutorArgs, ExecutorRoleArgs, LimitArgs, MailArgs, MigrateArgs,
    SchedulerArgs, TokenArgs, UpArgs,
};

pub(crate) use schedules::{Outcome, PreviewArgs, ScheduleArgs, ScheduleCommand, SchedulesArgs};
pub(crate) use steering::{
    AnswerArgs, ApprovalsArgs, AssumedEnd, BulkArgs, BulkCommand, BulkJobArgs, BulkJobsArgs, BulkRunsArgs,
    BulkStopArgs, DryRunArgs, MarkSucceededArgs, OneRunArgs, PublishEventArgs, RerunPartArgs, RetryArgs,
    SkipArgs, StopArgs, TaskRunArgs,
};
pub(crate) use triggers::{TriggerArgs, TriggerCommand, TriggersArgs};

const SETTINGS_HELP: &str = "\
Settings: an option wins over its variable, and the variable over the settings file, which is TOML, is named with
--config and else looked for in the data directory as waterclock.toml. Its keys are the variables' names in lower case
without WATERCLOCK_:

    listen = \"0.0.0.0:8080\"
    database_url = \"postgres://waterclock@db/waterclock\"
    executor_slots = 32
    executor_labels = [\"gpu\", \"zone=a\"]

Exit codes: 0 done; 1 a run, or the command, failed; 2 a wrong option, setting or input; 3 the run was cancelled;
4 the service could not be reached or did not accept the token.";

const EXAMPLES: &str = "\
Examples:
    waterclock up                                      everything on this machine, with a demonstration
    export WATERCLOCK_TOKEN=$(waterclock token --tenant demo --scope developer)
    waterclock apply -f workflows/                     make the tenant match the files
    waterclock run nightly --input day=2026-11-21 --watch
";

/// Schedules and runs workflows of programs and HTTP endpoints, for many tenants, on PostgreSQL alone.
#[derive(Debug, Parser)]
#[command(name = "waterclock", version, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{SETTINGS_HELP}"))]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 110
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) process: ProcessArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct ProcessArgs {
    /// The settings file; waterclock.toml in the data directory, where it exists, when not given
    #[arg(long, global = true, env = "WATERCLOCK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder of a local installation: its PostgreSQL cluster, its signing secret, its packages
    #[arg(
        long,
        global = true,
        env = "WATERCLOCK_DATA_DIR",
        value_name = "FOLDER",
        default_value = ".waterclock"
    )]
    pub(crate) data_dir: PathBuf,
    /// What is logged: error, warn, info, debug or trace, also by module (`info,waterclock_core=debug`);
    /// info for a role, warn for `up` and all else, when not given
    #[arg(long, global = true, env = "WATERCLOCK_LOG", value_name = "LEVEL", value_parser = log_filter)]
    pub(crate) log: Option<String>,
    /// How it is logged; text on a terminal and JSON elsewhere when not given
    #[arg(long, global = true, env = "WATERCLOCK_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What can be asked of the binary.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: PostgreSQL, the API, a scheduler, an executor, and a demonstration
    Up(UpArgs),
    /// Serve the GraphQL API
    Api(ApiArgs),
    /// Decide what runs when and where
    Scheduler(SchedulerArgs),
    /// Perform the work that is assigned to it
    Executor(ExecutorRoleArgs),
    /// Bring the database to the schema of this release
    Migrate(MigrateArgs),
    /// Print a token, alone, on standard output
    Token(TokenArgs),
    /// Print the GraphQL schema
    Schema,
    /// Make the tenant match definitions in YAML files
    Apply(ApplyArgs),
    /// Tell what two editions of a workflow do not have in common
    Diff(DiffArgs),
    /// Let runs of a workflow start from what an earlier version held
    RollBack(RollBackArgs),
    /// Print the graph of a workflow
    Graph(GraphArgs),
    /// Start a run of a workflow
    Run(RunArgs),
    /// Run a run again that has ended, as a whole or in part
    Rerun(RerunArgs),
    /// List runs, the latest first
    Runs(RunsArgs),
    /// Tell what a run, or a task node of it, waits for at this moment
    Why(WhyArgs),
    /// List schedules, by key
    Schedules(SchedulesArgs),
    /// Start, pause, resume, stop or trigger a schedule, or list its occurrences
    Schedule(ScheduleArgs),
    /// Run occurrences of a schedule's past that have nothing to show
    Backfill(BackfillArgs),
    /// List backfills, the latest first; or follow or cancel one
    Backfills(BackfillsArgs),
    /// Tell what a cron expression names, in words and instants
    Preview(PreviewArgs),
    /// List triggers, by key
    Triggers(TriggersArgs),
    /// Pause or resume a trigger, list its firings, or change the secret of its webhook
    Trigger(TriggerArgs),
    /// List alerts, the latest first
    Alerts(AlertsArgs),
    /// Tell what a run of a workflow would do, and why, and do nothing
    DryRun(DryRunArgs),
    /// Cancel a run: nothing new of it starts, and what runs is stopped
    Cancel(StopArgs),
    /// Cancel a run, and leave what runs no grace
    Terminate(StopArgs),
    /// Keep a run from starting more; what runs may finish
    Pause(OneRunArgs),
    /// Let a paused run go on
    Resume(OneRunArgs),
    /// Try a task run again at once that waits for its next attempt
    Retry(RetryArgs),
    /// Pass over a task run that no executor has
    Skip(SkipArgs),
    /// Let a task run that no executor has count as done
    MarkSucceeded(MarkSucceededArgs),
    /// Do to many runs what is done to one: cancel, pause, resume, run again, …
    Bulk(BulkArgs),
    /// List what task runs ask people
    Approvals(ApprovalsArgs),
    /// Answer what a task run asks with yes
    Approve(AnswerArgs),
    /// Answer what a task run asks with no
    Reject(AnswerArgs),
    /// Say that something has happened, for task runs that wait for it
    PublishEvent(PublishEventArgs),
    /// Print what a task run, or every task run of a run, has printed
    Logs(LogsArgs),
    /// Make workflows of other descriptions
    Import(ImportArgs),
}

fn log_filter(text: &str) -> Result<String, String> {
    match text.parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) if !text.trim().is_empty() => Ok(text.to_owned()),
        Ok(_) => Err("it is empty".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_option_explains_itself() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&CommandLine::command());
    }
}
