//! The options of the commands about triggers.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::client::ClientArgs;
use crate::duration::parse_duration;

/// Options of `triggers`.
#[derive(Args, Debug)]
pub(crate) struct TriggersArgs {
    /// Only those whose key or description contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `trigger`.
#[derive(Args, Debug)]
pub(crate) struct TriggerArgs {
    #[command(subcommand)]
    pub(crate) command: TriggerCommand,
}

/// What can be done to a trigger.
#[derive(Debug, Subcommand)]
pub(crate) enum TriggerCommand {
    /// Record what it waits for, and start nothing
    Pause(PauseTriggerArgs),
    /// Let a paused one start what happens from now on
    Resume(ResumeTriggerArgs),
    /// List what became of what it waits for, the latest first
    Firings(FiringsArgs),
    /// Give its webhook another secret, and print it
    RotateSecret(RotateSecretArgs),
}

/// Options of `trigger pause`.
#[derive(Args, Debug)]
pub(crate) struct PauseTriggerArgs {
    /// The trigger's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `trigger resume`.
#[derive(Args, Debug)]
pub(crate) struct ResumeTriggerArgs {
    /// The trigger's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `trigger firings`.
#[derive(Args, Debug)]
pub(crate) struct FiringsArgs {
    /// The trigger's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// How many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `trigger rotate-secret`.
#[derive(Args)]
pub(crate) struct RotateSecretArgs {
    /// The trigger's key
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The secret, where the sender has made it; one is made when it is not given
    #[arg(
        long,
        env = "WATERCLOCK_WEBHOOK_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub(crate) secret: Option<String>,
    /// For how long the one that it has is taken as well
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub(crate) overlap: Duration,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

impl std::fmt::Debug for RotateSecretArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RotateSecretArgs")
            .field("key", &self.key)
            .field("overlap", &self.overlap)
            .finish_non_exhaustive()
    }
}
