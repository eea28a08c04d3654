//! The options of the commands about schedules.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::client::{ClientArgs, input};

/// Options of `schedules`.
#[derive(Args, Debug)]
pub(crate) struct SchedulesArgs {
    /// Only those whose key or description contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `schedule`.
#[derive(Args, Debug)]
pub(crate) struct ScheduleArgs {
    #[command(subcommand)]
    pub(crate) command: ScheduleCommand,
}

/// What can be done to a schedule.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Let it name occurrences from now on
    Start(OneScheduleArgs),
    /// Record what is due, and start nothing
    Pause(HeldScheduleArgs),
    /// Let a paused one start what is due from now on
    Resume(OneScheduleArgs),
    /// Let it name no occurrences any more
    Stop(HeldScheduleArgs),
    /// Run its workflow now
    Trigger(TriggerArgs),
    /// List what became of its occurrences, the latest instant first
    Occurrences(OccurrencesArgs),
}

/// Options of what has nothing more to ask than which schedule.
#[derive(Args, Debug)]
pub(crate) struct OneScheduleArgs {
    /// The schedule's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `schedule pause` and `schedule stop`.
#[derive(Args, Debug)]
pub(crate) struct HeldScheduleArgs {
    /// The schedule's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `schedule trigger`.
#[derive(Args, Debug)]
pub(crate) struct TriggerArgs {
    /// The schedule's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// What the run is given over what the schedule gives: name=value, as for `waterclock run`
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) inputs: Vec<(String, Value)>,
    /// Calls with the same idempotency key run it once, however often they are made
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `schedule occurrences`.
#[derive(Args, Debug)]
pub(crate) struct OccurrencesArgs {
    /// The schedule's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Only those of which this became; may be repeated
    #[arg(long = "outcome", value_name = "OUTCOME", ignore_case = true)]
    pub(crate) outcomes: Vec<Outcome>,
    /// How many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// What became of an occurrence.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Outcome {
    /// It waits for its turn
    Waiting,
    /// It has a run
    Fired,
    /// An earlier one was under way
    SkippedOverlap,
    /// Another stands for it
    Coalesced,
    /// Its day does not work
    SkippedCalendar,
    /// No scheduler was there in time
    Missed,
    /// Its start deadline passed
    Expired,
    /// Its schedule was paused
    Paused,
    /// A backfill ran it
    Backfilled,
    /// It could not be made a run
    Rejected,
    /// The tenant had no room for it
    RejectedQuota,
}

/// Options of `preview`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
    waterclock preview '30 2 * * *' --zone Europe/Berlin")]
pub(crate) struct PreviewArgs {
    /// The cron expression
    #[arg(value_name = "CRON")]
    pub(crate) expression: String,
    /// Whose wall clock it reads, by the name in the IANA database
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) zone: String,
    /// Days of the week are numbered 1 to 7 from Sunday, as in Quartz
    #[arg(long)]
    pub(crate) quartz: bool,
    /// How many instants
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
