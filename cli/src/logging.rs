//! What the process tells its operator, on standard error: text on a terminal, JSON elsewhere.
//!
//! Secrets stay out because they cannot get in: tokens and the signing secret are of no type that a log line shows, and
//! a database URL shows itself without its password.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::{Command, LogFormat, ProcessArgs};

/// Begins to log.
pub(crate) fn start(process: &ProcessArgs, command: &Command) {
    let filter: Targets = process
        .log
        .as_deref()
        .unwrap_or(default_level(command))
        .parse()
        .expect("the filter was checked when it was read");
    let format = process.log_format.unwrap_or(if io::stderr().is_terminal() {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            registry
                .with(fmt::layer().with_writer(io::stderr).with_ansi(colours))
                .init();
        }
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_writer(io::stderr),
            )
            .init(),
    }
}

/// A role has nobody but its log to speak to; `up` and the clients speak to whoever started them.
fn default_level(command: &Command) -> &'static str {
    match command {
        Command::Api(_) | Command::Scheduler(_) | Command::Executor(_) | Command::Migrate(_) => {
            "info,tokio_cron_scheduler=warn"
        }
        _ => "warn",
    }
}
