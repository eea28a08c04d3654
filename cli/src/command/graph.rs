//! `waterclock graph`.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::{CommandError, written};
use crate::args::{GraphArgs, GraphFormat};
use crate::client::{Api, Edition, Level, ShownCriticalPath, ShownPaths};
use crate::exit::Exit;

/// Prints the graph of a workflow's draft, or of one version.
pub(crate) async fn graph(args: GraphArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let of = Edition {
        key: args.workflow.clone(),
        version: args.version,
    };
    let text = match args.format {
        GraphFormat::Mermaid => api.draw_graph(of, args.ends).await?.map(|drawn| drawn.mermaid),
        GraphFormat::Dot => api.draw_graph(of, args.ends).await?.map(|drawn| drawn.dot),
        GraphFormat::Levels => api
            .levels_of_graph(of, args.ends)
            .await?
            .map(|levels| levels_as_text(&levels)),
        GraphFormat::Paths => api
            .paths_of_graph(of, args.limit)
            .await?
            .map(|paths| paths_as_text(&paths)),
        GraphFormat::Critical => api.critical_path(of).await?.map(|path| critical_as_text(&path)),
    };
    let text = text.ok_or_else(|| CommandError::Input(unknown(&args)))?;
    written(io::stdout().lock().write_all(text.as_bytes()))
}

fn unknown(args: &GraphArgs) -> String {
    match args.version {
        None => format!("there is no workflow {:?}", args.workflow),
        Some(number) => format!("there is no version {number} of a workflow {:?}", args.workflow),
    }
}

fn levels_as_text(levels: &[Level]) -> String {
    let line = |level: &Level| format!("{:>5}  {}\n", level.level, level.keys.join(" "));
    levels.iter().map(line).collect()
}

/// The paths, and below them how many there are beside.
fn paths_as_text(shown: &ShownPaths) -> String {
    let mut text = String::new();
    for path in &shown.paths {
        text.push_str(&path.join(" → "));
        text.push('\n');
    }
    if shown.total != shown.paths.len().to_string() {
        let count = shown.paths.len();
        writeln!(
            text,
            "… {} paths in all; --limit shows more than {count}",
            shown.total
        )
        .expect("a text can always be written to");
    }
    text
}

fn critical_as_text(path: &ShownCriticalPath) -> String {
    let widest = path
        .nodes
        .iter()
        .map(|node| node.key.len())
        .max()
        .unwrap_or_default();
    let mut text: String = path
        .nodes
        .iter()
        .map(|node| match &node.duration {
            Some(duration) => format!(
                "{:<widest$}  {duration}  median of {} runs\n",
                node.key, node.runs
            ),
            None => format!("{:<widest$}  never succeeded yet\n", node.key),
        })
        .collect();
    let total = match path.unknown_nodes {
        0 => format!("{} in all\n", path.duration),
        unknown => format!(
            "{} in all; {unknown} nodes of the graph never succeeded yet\n",
            path.duration
        ),
    };
    text.push_str(&total);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_counted() {
        let mut shown = ShownPaths {
            total: "3486784401".to_owned(),
            paths: vec![vec!["a".to_owned(), "b".to_owned()]],
        };
        assert_eq!(
            paths_as_text(&shown),
            "a → b\n… 3486784401 paths in all; --limit shows more than 1\n"
        );
        shown.total = "1".to_owned();
        assert_eq!(paths_as_text(&shown), "a → b\n");
    }
}
