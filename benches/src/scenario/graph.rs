//! The largest graph that is taken by default, validated and saved; and paths of a graph with billions of them.
//!
//! The time is the caller's: from the value in its hands over JSON, the network, the checks and the database to the answer.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::Api;
use crate::definitions;
use crate::figures::millis;
use crate::session::Session;
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

const VALIDATE: &str =
    "query ($input: CreateWorkflowInput!) { validateWorkflow(input: $input) { problems { message } } }";
const SAVE: &str = "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id } userErrors { message } } }";
const PATHS: &str = "query ($input: String!) { workflow(key: $input) { graph { paths(first: 100) { totalCount nodes { keys } } } } }";

/// How many paths twenty layers of three have.
const PATHS_OF_LAYERS: &str = "3486784401";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Validated {
    validate_workflow: Problems,
}

#[derive(Deserialize)]
struct Problems {
    problems: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    create_workflow: Created,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    user_errors: Vec<Value>,
}

#[derive(Deserialize)]
struct Asked {
    workflow: Shown,
}

#[derive(Deserialize)]
struct Shown {
    graph: Graph,
}

#[derive(Deserialize)]
struct Graph {
    paths: Paths,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paths {
    total_count: String,
    nodes: Vec<IgnoredAny>,
}

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start(session).await?;
    stack
        .define(&[definitions::no_op(), definitions::layers("layers", 20, 3)])
        .await?;
    let row = |name, unit, bound| Row::new(name, unit).with_aim(Aim::AtMost(bound));
    let mut validated = row("graph, validate 10,000 nodes, 100,000 edges", Unit::Seconds, 2.0);
    let mut saved = row("graph, save 10,000 nodes, 100,000 edges", Unit::Seconds, 2.0);
    let mut published = Row::new("graph, save and publish it", Unit::Seconds);
    let mut paths = row("graph, 100 paths of 20 layers of 3", Unit::Millis, 50.0);
    for round in 0..session.rounds {
        let depth = session.amount(1_000, 100);
        let input = |name: &str, publish: bool| large(&format!("{name}-{round}"), depth, publish);
        validated.add(validate(stack.api(), input("validated", false)).await?);
        saved.add(save(stack.api(), input("saved", false)).await?);
        published.add(save(stack.api(), input("published", true)).await?);
        paths.add(page(stack.api()).await?);
    }
    Ok(vec![validated, saved, published, paths])
}

/// The input that creates a workflow of layers of ten, of which the third waits for the first as well: with 1,000 layers, 10,000
/// nodes and 100,000 edges.
fn large(key: &str, depth: usize, publish: bool) -> Value {
    let mut workflow = definitions::layers(key, depth, 10);
    let beside = (0..10).flat_map(|from| (20..30).map(move |to| (from, to)));
    let beside = beside.map(|(from, to)| json!({"from": format!("n{from}"), "to": format!("n{to}")}));
    let edges: Vec<Value> = workflow["edges"]
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .chain(beside)
        .collect();
    json!({"key": key, "nodes": workflow["nodes"].take(), "edges": edges, "publish": publish})
}

/// The seconds that validating takes.
async fn validate(api: &Api, input: Value) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let answer: Validated = api.ask(VALIDATE, input).await?;
    let taken = begun.elapsed().as_secs_f64();
    anyhow::ensure!(
        answer.validate_workflow.problems.is_empty(),
        "the graph is not valid: {:?}",
        answer.validate_workflow.problems
    );
    Ok(taken)
}

/// The seconds that saving takes.
async fn save(api: &Api, input: Value) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let answer: Saved = api.ask(SAVE, input).await?;
    let taken = begun.elapsed().as_secs_f64();
    let errors = answer.create_workflow.user_errors;
    anyhow::ensure!(errors.is_empty(), "the graph was refused: {errors:?}");
    Ok(taken)
}

/// The milliseconds that a page of paths takes.
async fn page(api: &Api) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let answer: Asked = api.ask(PATHS, json!("layers")).await?;
    let taken = millis(begun.elapsed());
    let paths = answer.workflow.graph.paths;
    anyhow::ensure!(
        paths.total_count == PATHS_OF_LAYERS && paths.nodes.len() == 100,
        "{} paths were counted and {} shown",
        paths.total_count,
        paths.nodes.len()
    );
    Ok(taken)
}
