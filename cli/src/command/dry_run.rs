//! `waterclock dry-run`.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::{CommandError, written};
use crate::args::{AssumedEnd, DryRunArgs};
use crate::client::{Api, AssumedState, DryRunProspect, ForeseenNode};
use crate::exit::Exit;

/// Prints what a run would do, in which order, and why.
pub(crate) async fn dry_run(args: DryRunArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let assumptions = args.assumptions.into_iter();
    let assume = assumptions.map(|(node, end)| (node, state_of(end))).collect();
    let foreseen = api
        .dry_run(args.workflow, args.inputs.into_iter().collect(), assume)
        .await?;
    let nodes = foreseen.map_err(|errors| CommandError::refused(&errors))?;
    written(io::stdout().lock().write_all(as_text(nodes).as_bytes()))
}

fn as_text(mut nodes: Vec<ForeseenNode>) -> String {
    nodes.sort_by_key(|node| node.level);
    let widest = nodes.iter().map(|node| node.key.len()).max().unwrap_or_default();
    let mut text = String::new();
    for node in &nodes {
        let line = format!(
            "{:>5}  {:<widest$}  {:<15}  {}",
            node.level,
            node.key,
            word_for(&node.prospect),
            node.reason.as_deref().unwrap_or_default()
        );
        writeln!(text, "{}", line.trim_end()).expect("a text can always be written to");
    }
    text
}

fn word_for(prospect: &DryRunProspect) -> &str {
    match prospect {
        DryRunProspect::Runs => "runs",
        DryRunProspect::Skipped => "skipped",
        DryRunProspect::UpstreamFailed => "upstream failed",
        DryRunProspect::Undecided => "undecided",
        DryRunProspect::Other(word) => word,
    }
}

fn state_of(end: AssumedEnd) -> AssumedState {
    match end {
        AssumedEnd::Succeeded => AssumedState::Succeeded,
        AssumedEnd::Failed => AssumedState::Failed,
        AssumedEnd::Skipped => AssumedState::Skipped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stand_in_the_order_in_which_they_may_run() {
        let node = |key: &str, level, prospect, reason: Option<&str>| ForeseenNode {
            key: key.to_owned(),
            level,
            prospect,
            reason: reason.map(str::to_owned),
        };
        let nodes = vec![
            node("load", 1, DryRunProspect::Skipped, Some("not chosen")),
            node("extract", 0, DryRunProspect::Runs, None),
        ];
        assert_eq!(
            as_text(nodes),
            "    0  extract  runs\n    1  load     skipped          not chosen\n"
        );
    }
}
