//! The options of the commands that are clients of the API.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use url::Url;

use super::steering::RerunPartArgs;

/// Where the API is, and who asks.
#[derive(Args, Debug)]
#[command(next_help_heading = "Service")]
pub(crate) struct ClientArgs {
    /// Where the API is; /graphql is added where the path is empty
    #[arg(long, env = "WATERCLOCK_URL", value_name = "URL", default_value = "http://127.0.0.1:8080/graphql", value_parser = api_url)]
    pub(crate) url: Url,
    /// The token to ask with; `waterclock token` prints one
    #[arg(long, env = "WATERCLOCK_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

/// Options of `apply`.
#[derive(Args, Debug)]
#[command(after_help = "\
A file holds YAML documents, separated by ---, each with its `kind` (Program, Endpoint, TaskNode, Workflow,
AlertChannel, AlertRule, Calendar, Schedule, Trigger), its `key`, and the fields of the GraphQL input of that kind, by the same names. Order does not matter, within files or among them.
A program's `package: {file: ./app.jar}` is uploaded first, its path counted from the YAML file.

What is wrong with documents by themselves is told of all of them, with file and line, and nothing is changed while there is any. What only the service
finds is told where it finds it: the other documents are applied, and once it is mended the same command does the rest.

Example:
    waterclock apply -f examples/packages --dry-run")]
pub(crate) struct ApplyArgs {
    /// A YAML file, or a folder with .yaml and .yml files in it or below it; may be given several times
    #[arg(short = 'f', long = "file", value_name = "FILE|FOLDER", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Say what would be created, changed and left, and what would be wrong with workflows, and change nothing; what is wrong with the rest shows
    /// when it is applied
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `graph`.
#[derive(Args, Debug)]
#[command(after_help = "\
Edges that follow from what nodes require and produce are among those of the graph.

Examples:
    waterclock graph nightly --format dot | dot -Tsvg > nightly.svg
    waterclock graph nightly --version 3 --format paths --limit 10")]
pub(crate) struct GraphArgs {
    /// The workflow's key
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    /// What is shown of it
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    pub(crate) format: GraphFormat,
    /// The number of a version, to show its graph; the draft when not given
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<i32>,
    /// Show one START before all and one END behind all, where the format has them
    #[arg(long)]
    pub(crate) ends: bool,
    /// How many paths
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// What is shown of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// The graph in Mermaid's language
    Mermaid,
    /// The graph in Graphviz's language
    Dot,
    /// The nodes by how far they are from the start
    Levels,
    /// The paths from the start to the end, one a line
    Paths,
    /// The path that takes longest, by past durations
    Critical,
}

/// Options of `diff`.
#[derive(Args, Debug)]
#[command(after_help = "\
Nodes, edges and inputs that were added begin with +, removed ones with -, changed ones with ~, with the values below.

Examples:
    waterclock diff nightly                 what publishing the draft would change
    waterclock diff nightly --from 3 --to 4")]
pub(crate) struct DiffArgs {
    /// The workflow's key
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    /// The earlier version; the published one when not given
    #[arg(long, value_name = "VERSION")]
    pub(crate) from: Option<i32>,
    /// The later version; the draft when not given
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<i32>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `roll-back`.
#[derive(Args, Debug)]
#[command(after_help = "\
A version is made that holds what the earlier one held. Runs under way keep the version they have, and the draft stays as it
is: `waterclock diff` tells what publishing it would change.

Example:
    waterclock roll-back nightly 3")]
pub(crate) struct RollBackArgs {
    /// The workflow's key
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    /// The number of the version to go back to
    #[arg(value_name = "VERSION")]
    pub(crate) version: i32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `run`.
#[derive(Args, Debug)]
#[command(after_help = "\
With --watch the exit code is the run's: 0 it succeeded, 1 it failed or timed out, 3 it was cancelled.
Ctrl-C ends the watching and not the run.

Example:
    waterclock run nightly --input day=2026-11-21 --input 'limits={\"rows\": 10}' --watch")]
pub(crate) struct RunArgs {
    /// The workflow's key
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    /// What the run is given: name=value, where a value that reads as JSON is JSON and any other is text; may be given
    /// several times
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    pub(crate) inputs: Vec<(String, Value)>,
    /// 0 (last) to 9 (first)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=9))]
    pub(crate) priority: Option<i32>,
    /// Calls with the same idempotency key start one run, however often they are made
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Show its task nodes and their states until it ends
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `rerun`.
#[derive(Args, Debug)]
#[command(after_help = "\
The run that has ended stays as it is; what runs is a run of its own. Task nodes that do not run again keep their end and
their outputs. Without --from-failed, --from and --node all of it runs again.

Examples:
    waterclock rerun RUN --from-failed --watch
    waterclock rerun RUN --from load --latest
    waterclock rerun RUN --node load --with upstream")]
pub(crate) struct RerunArgs {
    /// The run's id, as `waterclock run` and `waterclock runs` print it
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) part: RerunPartArgs,
    /// Calls with the same idempotency key start one run, however often they are made
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Show its task nodes and their states until it ends
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// What runs again besides the task nodes that are named, as an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RerunExtentArg {
    /// Nothing
    Only,
    /// All that is before them
    Upstream,
    /// All that is after them
    Downstream,
}

/// Options of `runs`.
#[derive(Args, Debug)]
pub(crate) struct RunsArgs {
    /// Only runs of this workflow
    #[arg(long, value_name = "WORKFLOW")]
    pub(crate) workflow: Option<String>,
    /// Only runs in this state; may be given several times
    #[arg(long = "state", value_name = "STATE", ignore_case = true)]
    pub(crate) states: Vec<RunStateArg>,
    /// How many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// The state of a run, as an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunStateArg {
    Queued,
    Running,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
    TimedOut,
}

/// Options of `why`.
#[derive(Args, Debug)]
#[command(after_help = "\
A run tells what of it waits for something outside of it: executors, people, an instant, an event. What waits for another task
node of the run tells so when it is asked by its key.

Examples:
    waterclock why RUN
    waterclock why RUN load")]
pub(crate) struct WhyArgs {
    /// The run's id, as `waterclock run` and `waterclock runs` print it
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The key of a task node
    #[arg(value_name = "NODE")]
    pub(crate) node: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `alerts`.
#[derive(Args, Debug)]
pub(crate) struct AlertsArgs {
    /// Only alerts of this rule
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Option<String>,
    /// Only alerts about this workflow
    #[arg(long, value_name = "WORKFLOW")]
    pub(crate) workflow: Option<String>,
    /// Also alerts that are resolved
    #[arg(long)]
    pub(crate) resolved: bool,
    /// How many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `logs`.
#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    /// The id of a task run, or of a run, whose task runs' lines then begin with their keys
    #[arg(value_name = "TASK_RUN|RUN")]
    pub(crate) id: String,
    /// Go on until it ends
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Options of `import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Make a workflow of a JSON list of tasks with their parents and runtimes
    Dag(ImportDagArgs),
}

/// Options of `import dag`.
#[derive(Args, Debug)]
#[command(after_help = "\
The file is {\"name\": …, \"tasks\": [{\"id\": …, \"runtime_s\": …, \"parents\": […]}]}, or that compressed with gzip (.gz).
Each task becomes a task node that sleeps for its runtime times the scale; with scale 0 it does nothing.

Example:
    waterclock import dag build.json --scale 0.001 --run --watch")]
pub(crate) struct ImportDagArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What runtimes are multiplied by
    #[arg(long, value_name = "FACTOR", value_parser = scale)]
    pub(crate) scale: f64,
    /// Start a run of it
    #[arg(long)]
    pub(crate) run: bool,
    /// Show the run's progress until it ends
    #[arg(long, requires = "run")]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

fn api_url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("write it as http://host:port/graphql".to_owned());
    }
    if matches!(url.path(), "" | "/") {
        url.set_path("/graphql");
    }
    Ok(url)
}

/// Reads `name=value`.
pub(super) fn input(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("write it as name=value")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale.is_finite() && scale >= 0.0 => Ok(scale),
        _ => Err("a scale is a number that is not negative, such as 0.001".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_base_address_means_its_graphql_path() {
        assert_eq!(
            api_url("http://localhost:9000").unwrap().as_str(),
            "http://localhost:9000/graphql"
        );
        assert_eq!(
            api_url("https://a.example/x/graphql").unwrap().path(),
            "/x/graphql"
        );
        assert!(api_url("localhost:9000").is_err());
    }

    #[test]
    fn an_input_is_json_where_it_reads_as_json_and_text_elsewhere() {
        assert_eq!(input("n=3").unwrap(), ("n".to_owned(), json!(3)));
        assert_eq!(
            input("day=2026-11-21").unwrap(),
            ("day".to_owned(), json!("2026-11-21"))
        );
        assert_eq!(input("x={\"a\":[1]}").unwrap().1, json!({"a": [1]}));
        assert_eq!(input("equation=a=b").unwrap().1, json!("a=b"));
        assert!(input("=3").is_err());
        assert!(input("name").is_err());
    }
}
