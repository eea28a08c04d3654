//! What runs wait for.

use graphql_client::GraphQLQuery;
use serde::Serialize;
use serde_json::Value;

use super::{Api, ClientError};

type Id = String;

macro_rules! operations {
    ($($name:ident in $path:tt;)+) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../schema.graphql",
            query_path = $path,
            normalization = "rust",
            // A later release may know kinds of waiting that this one does not.
            fragments_other_variant = "true",
            variables_derives = "Clone, Debug",
            response_derives = "Clone, Debug, PartialEq"
        )]
        pub(crate) struct $name;
    )+};
}

operations! {
    WaitsOfRun in "src/client/operations/waits_of_run.graphql";
    WaitsOfTaskRuns in "src/client/operations/waits_of_task_runs.graphql";
}

/// Why something of a run waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunWait {
    /// The reason, in a sentence.
    pub(crate) message: String,
    /// The keys of the nodes whose task runs wait for it, with the place of the share where one is of a share.
    pub(crate) nodes: Vec<String>,
    /// How many task runs wait for it.
    pub(crate) count: i64,
}

/// A run, and what it waits for.
#[derive(Clone, Debug)]
pub(crate) struct WaitingRun {
    pub(crate) workflow: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) waits: Vec<RunWait>,
}

/// A task run of a run, and what it waits for.
#[derive(Clone, Debug)]
pub(crate) struct WaitingNode {
    pub(crate) key: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) waits: Vec<String>,
}

/// A value of an enum, as the API says it.
fn word_for(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

impl RunWait {
    /// Who waits, and for what: `load, send[3] and 7 more: …`.
    pub(crate) fn told(&self) -> String {
        let more = self.count - i64::try_from(self.nodes.len()).unwrap_or(i64::MAX);
        match self.nodes.join(", ") {
            nodes if nodes.is_empty() => self.message.clone(),
            nodes if more > 0 => format!("{nodes} and {more} more: {}", self.message),
            nodes => format!("{nodes}: {}", self.message),
        }
    }
}

impl Api {
    /// What a run waits for now; `None` when there is no such run.
    pub(crate) async fn waits_of_run(&self, id: &str) -> Result<Option<WaitingRun>, ClientError> {
        let id = id.to_owned();
        let answer = self.ask::<WaitsOfRun>(waits_of_run::Variables { id }).await?;
        let wait = |reason: waits_of_run::WaitsOfRunRunWaitReasons| RunWait {
            message: reason.message,
            nodes: reason
                .task_runs
                .into_iter()
                .map(|task_run| match task_run.item {
                    Some(item) => format!("{}[{item}]", task_run.key),
                    None => task_run.key,
                })
                .collect(),
            count: reason.task_run_count,
        };
        Ok(answer.run.map(|run| WaitingRun {
            workflow: run.version.workflow_key,
            state: word_for(&run.state),
            reason: run.state_reason,
            waits: run.wait_reasons.into_iter().map(wait).collect(),
        }))
    }

    /// What the task run of one node of a run waits for now; `None` when the run has no such node.
    pub(crate) async fn waits_of_node(
        &self,
        id: &str,
        key: &str,
    ) -> Result<Option<WaitingNode>, ClientError> {
        let mut after = None;
        loop {
            let id = id.to_owned();
            let variables = waits_of_task_runs::Variables { id, after };
            let Some(run) = self.ask::<WaitsOfTaskRuns>(variables).await?.run else {
                return Ok(None);
            };
            if let Some(node) = run.task_runs.nodes.into_iter().find(|node| node.key == key) {
                return Ok(Some(WaitingNode {
                    key: node.key,
                    state: word_for(&node.state),
                    reason: node.state_reason,
                    waits: node
                        .wait_reasons
                        .into_iter()
                        .map(|reason| reason.message)
                        .collect(),
                }));
            }
            if !run.task_runs.page_info.has_next_page {
                return Ok(None);
            }
            after = run.task_runs.page_info.end_cursor;
        }
    }
}
