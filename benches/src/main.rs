//! Measures the speed of the spine, through the API as everybody uses it.
//!
//! Nothing here is a test: no figure makes the program fail, and none is hidden. Each stands beside its floor, which is what
//! the database alone does with the same work, taken in the same minute on the same cluster, because a figure without one
//! tells as much about the machine as about Waterclock. Client, service and database share the machine, so what the
//! client takes is taken from the service, as it is on a laptop.
//!
//! A scenario starts a service of its own in an empty data directory ([`stack`]), defines what it runs, and measures as
//! many rounds as asked for. History and events of all rounds are kept. Whatever ends a scenario, also an error or
//! Ctrl-C, the processes that it started end with it ([`process`]).

mod client;
mod definitions;
mod figures;
mod floor;
mod machine;
mod process;
mod profile;
mod scenario;
mod session;
mod socket;
mod stack;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use scenario::Scenario;
use session::Session;
use table::Row;

/// Measures Waterclock beside the floor of the database itself, and prints a table.
#[derive(Debug, Parser)]
#[command(name = "waterclock-benches", max_term_width = 110)]
struct Args {
    /// Measure only this; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<Scenario>,
    /// How often each figure is taken; the median is shown, with the lowest and the highest
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// One small round of everything: shows that all of it works, and little about speed
    #[arg(long)]
    quick: bool,
    /// Show which statements took the database's time; counting them takes a little of it
    #[arg(long)]
    profile: bool,
    /// The folder with the real graphs that `dags` runs
    #[arg(long, value_name = "FOLDER", default_value = "../shared/dags")]
    dags: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    machine::raise_open_files_limit().context("the limit of open files cannot be raised")?;
    let session = Session::new(args.rounds, args.quick, args.profile, args.dags);
    let scenarios = if args.only.is_empty() {
        Scenario::value_variants().to_vec()
    } else {
        args.only
    };
    let mut rows = Vec::new();
    let complete = tokio::select! {
        complete = measure_all(&scenarios, &session, &mut rows) => complete,
        ended = interrupted() => {
            ended?;
            eprintln!("interrupted; what was measured so far:");
            false
        }
    };
    println!("{}", session.facts());
    print!("{}", table::render(&rows));
    Ok(if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Measures one scenario after the other; whether all of them could be measured.
async fn measure_all(scenarios: &[Scenario], session: &Session, rows: &mut Vec<Row>) -> bool {
    let mut complete = true;
    for scenario in scenarios {
        eprintln!("{scenario} …");
        match scenario.measure(session).await {
            Ok(measured) => {
                eprint!("{}", table::render(&measured));
                rows.extend(measured);
            }
            Err(error) => {
                eprintln!("{scenario} could not be measured: {error:#}");
                complete = false;
            }
        }
    }
    complete
}

async fn interrupted() -> std::io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminated.recv() => Ok(()),
    }
}
