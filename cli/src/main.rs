//! Waterclock: the one binary, its roles and its command line.
//!
//! A role is put together here from the libraries and given its settings; none of them reads a variable or a file of its
//! own accord. The other commands are clients of the API, as anybody's would be.

// The futures of the whole schema lie within each other.
#![recursion_limit = "256"]

mod apply;
mod args;
mod client;
mod command;
mod data_dir;
mod duration;
mod exit;
mod import;
mod logging;
mod output;
mod postgres;
mod role;
mod settings;
mod shutdown;
mod token;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use args::{Command, CommandLine, ImportCommand};
use command::CommandError;
use exit::Exit;
use output::note;
use settings::SettingsError;
use waterclock_api::auth::{AuthConfigError, IssueError};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let line = match settings::read(&words) {
        Ok(line) => line,
        Err(SettingsError::Refused(said)) => return say(&said),
        Err(error) => return fail(&error.into(), Exit::Usage),
    };
    logging::start(&line.process, &line.command);
    match perform(line) {
        Ok(exit) => exit.into(),
        Err(error) => fail(&error, exit_of(&error)),
    }
}

fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<AuthConfigError>() || error.is::<IssueError>() {
        return Exit::Usage;
    }
    error
        .downcast_ref::<CommandError>()
        .map_or(Exit::Failure, CommandError::exit)
}

fn perform(line: CommandLine) -> anyhow::Result<Exit> {
    let CommandLine { process, command } = line;
    match command {
        Command::Up(args) => role::up(&process, args),
        Command::Api(args) => role::api(args),
        Command::Scheduler(args) => role::scheduler(args),
        Command::Executor(args) => role::executor(&process, args),
        Command::Migrate(args) => role::migrate(args),
        Command::Token(args) => print(&format!("{}\n", token::sign(&process, args)?)),
        Command::Schema => print(&waterclock_api::graphql::sdl()),
        Command::Apply(args) => ask(apply::run(args)),
        Command::Diff(args) => ask(command::diff(args)),
        Command::RollBack(args) => ask(command::roll_back(args)),
        Command::Run(args) => ask(command::run(args)),
        Command::Rerun(args) => ask(command::rerun(args)),
        Command::Runs(args) => ask(command::runs(args)),
        Command::Why(args) => ask(command::why(args)),
        Command::Graph(args) => ask(command::graph(args)),
        Command::Schedules(args) => ask(command::schedules(args)),
        Command::Schedule(args) => ask(command::schedule(args)),
        Command::Backfill(args) => ask(command::backfill(args)),
        Command::Backfills(args) => ask(command::backfills(args)),
        Command::Preview(args) => ask(command::preview(args)),
        Command::Triggers(args) => ask(command::triggers(args)),
        Command::Trigger(args) => ask(command::trigger(args)),
        Command::Alerts(args) => ask(command::alerts(args)),
        Command::DryRun(args) => ask(command::dry_run(args)),
        Command::Cancel(args) => ask(command::cancel(args)),
        Command::Terminate(args) => ask(command::terminate(args)),
        Command::Pause(args) => ask(command::pause(args)),
        Command::Resume(args) => ask(command::resume(args)),
        Command::Retry(args) => ask(command::retry(args)),
        Command::Skip(args) => ask(command::skip(args)),
        Command::MarkSucceeded(args) => ask(command::mark_succeeded(args)),
        Command::Bulk(args) => ask(command::bulk(args)),
        Command::Approvals(args) => ask(command::approvals(args)),
        Command::Approve(args) => ask(command::approve(args)),
        Command::Reject(args) => ask(command::reject(args)),
        Command::PublishEvent(args) => ask(command::publish_event(args)),
        Command::Logs(args) => ask(command::logs(args)),
        Command::Import(args) => match args.command {
            ImportCommand::Dag(args) => ask(command::import_dag(args)),
        },
    }
}

/// Runs a client's command on this thread alone: it waits more than it works.
fn ask<E: Into<CommandError>>(command: impl Future<Output = Result<Exit, E>>) -> anyhow::Result<Exit> {
    // Which of the libraries that TLS may be built on is used has to be said once, and an earlier word is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(command)
        .map_err(|error| anyhow::Error::new(error.into()))
}

/// Prints on standard output. A reader that has gone away has seen what it wanted.
fn print(text: &str) -> anyhow::Result<Exit> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Success),
    }
}

/// Prints help on standard output, or what is wrong with the command line on standard error.
fn say(said: &clap::Error) -> ExitCode {
    // A closed pipe leaves nobody to tell.
    let _ = said.print();
    u8::try_from(said.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn fail(error: &anyhow::Error, exit: Exit) -> ExitCode {
    note!("waterclock: {error:#}");
    exit.into()
}
