//! `waterclock diff`.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::Value;

use super::{CommandError, written};
use crate::args::DiffArgs;
use crate::client::{Api, Change, FieldDifference, WorkflowDiff};
use crate::exit::Exit;

/// Prints what two editions of a workflow do not have in common: a line for what was added, removed or changed, and below what
/// was changed a line for each value.
pub(crate) async fn diff(args: DiffArgs) -> Result<Exit, CommandError> {
    let api = Api::new(&args.client)?;
    let found = api
        .diff_workflow(args.workflow.clone(), args.from, args.to)
        .await?;
    let found = found.ok_or_else(|| {
        let message = format!(
            "{:?} has no such editions to compare: the workflow or a version does not exist, nothing was published yet, or its \
             draft names what was deleted",
            args.workflow
        );
        CommandError::Input(message)
    })?;
    written(io::stdout().lock().write_all(told(&found).as_bytes()))
}

fn told(diff: &WorkflowDiff) -> String {
    let edition = |number: Option<i64>| match number {
        Some(number) => format!("version {number}"),
        None => "the draft".to_owned(),
    };
    let from = edition(diff.from.as_ref().map(|version| version.number));
    let to = edition(diff.to.as_ref().map(|version| version.number));
    let mut text = String::new();
    let mut line = |indent: &str, line: String| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{indent}{line}");
    };
    for node in &diff.nodes {
        line("", format!("{} node {}", sign(&node.change), node.name));
        for field in &node.fields {
            line(
                "    ",
                value(&field.path, field.before.as_ref(), field.after.as_ref()),
            );
        }
    }
    for edge in &diff.edges {
        line(
            "",
            format!("{} edge {} -> {}", sign(&edge.change), edge.from, edge.to),
        );
    }
    for input in &diff.inputs {
        line("", format!("{} input {}", sign(&input.change), input.name));
        for field in &input.fields {
            line(
                "    ",
                value(&field.path, field.before.as_ref(), field.after.as_ref()),
            );
        }
    }
    for FieldDifference { path, before, after } in &diff.fields {
        line("", format!("~ {}", value(path, before.as_ref(), after.as_ref())));
    }
    if text.is_empty() {
        return format!("{from} and {to} hold the same\n");
    }
    format!("from {from} to {to}\n{text}")
}

fn sign(change: &Change) -> char {
    match change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Changed | Change::Other(_) => '~',
    }
}

fn value(path: &[String], before: Option<&Value>, after: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| value.map_or_else(|| "null".to_owned(), Value::to_string);
    format!("{}: {} -> {}", path.join("."), shown(before), shown(after))
}
