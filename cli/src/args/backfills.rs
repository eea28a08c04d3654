//! The options of the commands about schedules' pasts.

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::client::{ClientArgs, input};

/// Options of `backfill`.
#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("scope").required(true).args(["from", "instants"]),
    after_help = "\
Examples:
    waterclock backfill nightly --from 2026-11-01T00:00:00Z --until 2026-11-21T00:00:00Z --plan
    waterclock backfill nightly --at 2026-11-07T02:30:00Z --reprocess failed --wait"
)]
pub(crate) struct BackfillArgs {
    /// The schedule's key
    #[arg(value_name = "SCHEDULE")]
    pub(crate) schedule: String,
    /// Occurrences from this instant on: 2026-11-01T00:00:00Z
    #[arg(long, value_name = "INSTANT", requires = "until")]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Until just before this one
    #[arg(long, value_name = "INSTANT", requires = "from")]
    pub(crate) until: Option<DateTime<Utc>>,
    /// This occurrence, by the instant that the rule names; may be given several times
    #[arg(long = "at", value_name = "INSTANT")]
    pub(crate) instants: Vec<DateTime<Utc>>,
    /// Which occurrence runs first
    #[arg(long, value_name = "ORDER", default_value = "oldest-first")]
    pub(crate) order: BackfillOrderArg,
    /// How many of its runs may be under way together
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) parallel: u32,
    /// Which of those that ran already run again
    #[arg(long, value_name = "WHICH", default_value = "none")]
    pub(crate) reprocess: ReprocessArg,
    /// What every run is given over what the schedule gives: name=value, as for `waterclock run`
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) inputs: Vec<(String, Value)>,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Tell what would run and why the rest would not, and do nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Show how far it is until it ends
    #[arg(long, conflicts_with = "plan")]
    pub(crate) wait: bool,
    /// Calls with the same idempotency key make one backfill, however often they are made
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Which occurrence runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackfillOrderArg {
    /// The oldest.
    OldestFirst,
    /// The newest.
    NewestFirst,
}

/// Which occurrences that ran already run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReprocessArg {
    /// None of them.
    None,
    /// Those that ended without success.
    Failed,
    /// All that have ended.
    Completed,
}

/// Options of `backfills`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BackfillsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BackfillsCommand>,
    /// How many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// What else can be asked about backfills.
#[derive(Debug, Subcommand)]
pub(crate) enum BackfillsCommand {
    /// Show how far one is until it ends
    Watch(OneBackfillArgs),
    /// Let one start nothing more
    Cancel(CancelBackfillArgs),
}

/// Options of `backfills watch`.
#[derive(Args, Debug)]
pub(crate) struct OneBackfillArgs {
    /// The backfill's id, as the command that made it and `waterclock backfills` print it
    #[arg(value_name = "BACKFILL")]
    pub(crate) backfill: String,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `backfills cancel`.
#[derive(Args, Debug)]
pub(crate) struct CancelBackfillArgs {
    /// What becomes of its runs that are under way
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    pub(crate) runs: BackfillRunsArg,
    #[command(flatten)]
    pub(crate) one: OneBackfillArgs,
}

/// What becomes of the runs of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackfillRunsArg {
    /// They go on.
    Keep,
    /// They are cancelled.
    Cancel,
    /// They are terminated.
    Terminate,
}
