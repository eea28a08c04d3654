//! `waterclock why`: what a run, or one of its task runs, waits for at this moment.

use std::io::{self, Write};

use super::{CommandError, written};
use crate::args::WhyArgs;
use crate::client::{Api, RunWait};
use crate::exit::Exit;

/// Prints what a run waits for, or what the task run of one node does.
pub(crate) async fn why(args: WhyArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let absent = || CommandError::Input(format!("there is no run {}", args.run));
    let run = api.waits_of_run(&args.run).await?.ok_or_else(absent)?;
    let Some(key) = &args.node else {
        let waits: Vec<String> = run.waits.iter().map(RunWait::told).collect();
        return written(print(&run.workflow, &run.state, run.reason.as_deref(), &waits));
    };
    let node = api.waits_of_node(&args.run, key).await?;
    let unknown = || CommandError::Input(format!("the run {} has no task node {key:?}", args.run));
    let node = node.ok_or_else(unknown)?;
    written(print(&node.key, &node.state, node.reason.as_deref(), &node.waits))
}

fn print(name: &str, state: &str, reason: Option<&str>, waits: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match reason {
        Some(reason) => writeln!(out, "{name} {state}: {reason}")?,
        None => writeln!(out, "{name} {state}")?,
    }
    if waits.is_empty() {
        writeln!(out, "  nothing of it waits")?;
    }
    for wait in waits {
        writeln!(out, "  {wait}")?;
    }
    out.flush()
}
