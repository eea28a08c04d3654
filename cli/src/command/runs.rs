//! `waterclock runs`.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{CommandError, written};
use crate::args::{RunStateArg, RunsArgs};
use crate::client::{Api, ListedRun, list_runs};
use crate::duration::format_duration;
use crate::exit::Exit;

/// Lists runs, the latest first.
pub(crate) async fn runs(args: RunsArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let states = args.states.into_iter().map(state_of).collect();
    let runs = api.list_runs(args.workflow, states, args.limit).await?;
    written(print(&runs))
}

fn print(runs: &[ListedRun]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let widest = runs.iter().map(|run| run.version.workflow_key.len()).max();
    let widest = widest.unwrap_or(0).max("WORKFLOW".len());
    let id_width = runs.first().map_or(2, |run| run.id.len());
    writeln!(
        out,
        "{:<id_width$}  {:<9}  {:<widest$}  {:<20}  TOOK",
        "ID", "STATE", "WORKFLOW", "STARTED"
    )?;
    for run in runs {
        let line = format!(
            "{:<id_width$}  {:<9}  {:<widest$}  {:<20}  {}",
            run.id,
            word_for(&run.state),
            run.version.workflow_key,
            run.started_at.as_ref().map(instant).unwrap_or_default(),
            took(run),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()
}

fn instant(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn took(run: &ListedRun) -> String {
    let span = run.started_at.zip(run.finished_at).map(|(from, to)| to - from);
    span.and_then(|span| span.to_std().ok())
        .map(format_duration)
        .unwrap_or_default()
}

fn word_for(state: &list_runs::RunState) -> &str {
    use list_runs::RunState as Is;
    match state {
        Is::Queued => "QUEUED",
        Is::Running => "RUNNING",
        Is::Paused => "PAUSED",
        Is::Succeeded => "SUCCEEDED",
        Is::Failed => "FAILED",
        Is::Cancelled => "CANCELLED",
        Is::TimedOut => "TIMED_OUT",
        Is::Other(word) => word,
    }
}

fn state_of(state: RunStateArg) -> list_runs::RunState {
    use list_runs::RunState as Is;
    match state {
        RunStateArg::Queued => Is::Queued,
        RunStateArg::Running => Is::Running,
        RunStateArg::Paused => Is::Paused,
        RunStateArg::Succeeded => Is::Succeeded,
        RunStateArg::Failed => Is::Failed,
        RunStateArg::Cancelled => Is::Cancelled,
        RunStateArg::TimedOut => Is::TimedOut,
    }
}
