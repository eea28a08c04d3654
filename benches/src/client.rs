//! A client of the GraphQL API over HTTP, with a connection that is kept.

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const START_RUN: &str =
    "mutation ($input: StartRunInput!) { startRun(input: $input) { run { id } userErrors { message } } }";
const START_RUNS: &str =
    "mutation ($input: StartRunsInput!) { startRuns(input: $input) { runs { id } userErrors { message } } }";
const CANCEL_RUN: &str =
    "mutation ($input: CancelRunInput!) { cancelRun(input: $input) { run { id } userErrors { message } } }";

/// The most runs that one call of `startRuns` takes.
const MOST_RUNS_A_CALL: usize = 1_000;

/// Who asks, and where.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    message: String,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneRun {
    run: Option<Node>,
    user_errors: Vec<Message>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManyRuns {
    runs: Option<Vec<Node>>,
    user_errors: Vec<Message>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartRun {
    start_run: OneRun,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartRuns {
    start_runs: ManyRuns,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelRun {
    cancel_run: OneRun,
}

impl Api {
    pub(crate) fn new(address: &str, token: String) -> anyhow::Result<Self> {
        let url = format!("http://{address}/graphql");
        Ok(Self {
            http: connection()?,
            url,
            token,
        })
    }

    /// The same caller on a connection of its own.
    pub(crate) fn another(&self) -> anyhow::Result<Self> {
        Ok(Self {
            http: connection()?,
            ..self.clone()
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Starts a run and gives its id.
    pub(crate) async fn start_run(&self, workflow: &str, inputs: Value) -> anyhow::Result<String> {
        let input = json!({"workflow": workflow, "inputs": inputs});
        let answer: StartRun = self.ask(START_RUN, input).await?;
        id_of(answer.start_run)
    }

    /// Starts `count` runs, as many a call as can be, and gives their ids.
    pub(crate) async fn start_runs(&self, workflow: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let size = MOST_RUNS_A_CALL.min(count - ids.len());
            let runs = vec![json!({"workflow": workflow}); size];
            let answer: StartRuns = self.ask(START_RUNS, json!({"runs": runs})).await?;
            check(&answer.start_runs.user_errors)?;
            let started = answer.start_runs.runs.context("startRuns gave no runs")?;
            ensure!(
                started.len() == size,
                "startRuns gave {} runs and not {size}",
                started.len()
            );
            ids.extend(started.into_iter().map(|run| run.id));
        }
        Ok(ids)
    }

    /// Cancels a run.
    pub(crate) async fn cancel_run(&self, id: &str) -> anyhow::Result<()> {
        let answer: CancelRun = self.ask(CANCEL_RUN, json!({"id": id})).await?;
        id_of(answer.cancel_run).map(drop)
    }

    /// Asks `query`, whose only variable is `input`.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, query: &str, input: Value) -> anyhow::Result<T> {
        let body = json!({"query": query, "variables": {"input": input}});
        let answer = self
            .http
            .post(&self.url)
            .bearer_auth(&self.token)
            .json(&body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.bytes().await?;
        let answer: Answer<T> = serde_json::from_slice(&text).with_context(|| {
            format!(
                "an answer cannot be read ({status}): {}",
                String::from_utf8_lossy(&text)
            )
        })?;
        check(&answer.errors)?;
        answer.data.context("an answer without data")
    }
}

fn connection() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()
}

fn id_of(answer: OneRun) -> anyhow::Result<String> {
    check(&answer.user_errors)?;
    Ok(answer.run.context("the service gave no run")?.id)
}

fn check(errors: &[Message]) -> anyhow::Result<()> {
    match errors.first() {
        Some(error) => anyhow::bail!("the service says: {}", error.message),
        None => Ok(()),
    }
}

/// The id in the database of what the API calls `id`: a letter for the kind, then the UUID.
pub(crate) fn uuid_of(id: &str) -> anyhow::Result<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(id)?;
    let uuid: [u8; 16] = bytes
        .get(1..)
        .unwrap_or_default()
        .try_into()
        .with_context(|| format!("{id:?} is no id"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(uuid)))
}
