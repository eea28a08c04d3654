//! Waterclock: the one binary, its roles and its command line.
//!
//! A role is put together here from the libraries and given its settings; none of them reads a variable or a file of its
//! own accord. The other commands are clients of the API, as anybody's would be.

mod apply;
mod args;
mod client;
mod data_dir;
mod duration;
mod exit;
mod import;
mod logging;
mod postgres;
mod settings;
mod shutdown;
mod token;
mod watch;

use std::process::ExitCode;

use args::{Command, CommandLine};
use exit::Exit;
use settings::SettingsError;

fn main() -> ExitCode {
    let line = match settings::read(std::env::args_os().collect()) {
        Ok(line) => line,
        Err(SettingsError::Refused(said)) => return say(&said),
        Err(error) => return fail(&error.into(), Exit::Usage),
    };
    logging::start(&line.process, &line.command);
    match perform(line) {
        Ok(exit) => exit.into(),
        Err(error) => fail(&error, Exit::Failure),
    }
}

fn perform(line: CommandLine) -> anyhow::Result<Exit> {
    let CommandLine { process, command } = line;
    match command {
        Command::Token(args) => println!("{}", token::sign(&process, args)?),
        _ => anyhow::bail!("not connected yet"),
    }
    Ok(Exit::Success)
}

/// Prints help on standard output, or what is wrong with the command line on standard error.
fn say(said: &clap::Error) -> ExitCode {
    // A closed pipe leaves nobody to tell.
    let _ = said.print();
    u8::try_from(said.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn fail(error: &anyhow::Error, exit: Exit) -> ExitCode {
    eprintln!("waterclock: {error:#}");
    exit.into()
}
