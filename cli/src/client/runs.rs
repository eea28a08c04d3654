//! Runs: started, listed, cancelled, followed.

use std::collections::HashMap;

use chrono::{DateTime as Instant, Utc};
use graphql_client::GraphQLQuery;
use serde_json::{Map, Value};

use super::operation::operations;
use super::{Api, ClientError, EventOf, Tail, UserError};

type DateTime = Instant<Utc>;
type Json = Value;
type Id = String;

operations! {
    StartRun in "src/client/operations/start_run.graphql";
    Rerun in "src/client/operations/rerun.graphql";
    ListRuns in "src/client/operations/list_runs.graphql";
    GraphOfRun in "src/client/operations/graph_of_run.graphql";
    TaskRunsOfRun in "src/client/operations/task_runs_of_run.graphql";
    KindOfNode in "src/client/operations/kind_of_node.graphql";
    LogOfTaskRun in "src/client/operations/log_of_task_run.graphql";
    RunEvents in "src/client/operations/run_events.graphql";
    TaskRunLog in "src/client/operations/task_run_log.graphql";
}

/// The most items that a page has.
const PAGE: i64 = 100;

pub(crate) use list_runs::ListRunsRunsNodes as ListedRun;
pub(crate) use run_events::{EventKind, RunEventsRunEvents as RunEvent};
pub(crate) use task_run_log::LogStream;

/// A run to be started.
#[derive(Clone, Debug)]
pub(crate) struct NewRun {
    pub(crate) workflow: String,
    pub(crate) inputs: Map<String, Value>,
    pub(crate) priority: Option<i32>,
    pub(crate) idempotency_key: Option<String>,
}

/// A run that is to be run again.
#[derive(Clone, Debug)]
pub(crate) struct RepeatedRun {
    pub(crate) id: String,
    pub(crate) from_failed: bool,
    /// The keys of the task nodes that run again; all of them when empty.
    pub(crate) nodes: Vec<String>,
    pub(crate) with: rerun::RerunExtent,
    pub(crate) latest: bool,
    pub(crate) inputs: Option<Map<String, Value>>,
    pub(crate) idempotency_key: Option<String>,
}

/// What is run: the task nodes, each with those it waits for.
#[derive(Clone, Debug)]
pub(crate) struct RunGraph {
    pub(crate) workflow: String,
    pub(crate) nodes: Vec<(String, Vec<String>)>,
}

/// What an id names, of what has a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logged {
    Run,
    TaskRun,
    Nothing,
}

/// A line that a program printed, or that was remarked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrintedLine {
    pub(crate) is_output: bool,
    pub(crate) text: String,
}

impl Api {
    /// Starts a run and gives its id, or what is wrong with it.
    pub(crate) async fn start_run(&self, run: NewRun) -> Result<Result<String, Vec<UserError>>, ClientError> {
        let input = start_run::StartRunInput {
            workflow: run.workflow,
            inputs: Some(Value::Object(run.inputs)),
            priority: run.priority.map(i64::from),
            idempotency_key: run.idempotency_key,
        };
        let answer = self
            .ask::<StartRun>(start_run::Variables { input })
            .await?
            .start_run;
        let errors = answer.user_errors.into_iter().map(|error| UserError {
            message: error.message,
            path: error.path,
        });
        Ok(answer.run.map(|run| run.id).ok_or_else(|| errors.collect()))
    }

    /// Runs a run again and gives the new run's id, or what is wrong with it.
    pub(crate) async fn rerun(
        &self,
        wanted: RepeatedRun,
    ) -> Result<Result<String, Vec<UserError>>, ClientError> {
        let from = if wanted.from_failed {
            rerun::RerunFromInput::Failed(true)
        } else if wanted.nodes.is_empty() {
            rerun::RerunFromInput::All(true)
        } else {
            rerun::RerunFromInput::Nodes(rerun::RerunNodesInput {
                keys: wanted.nodes,
                with: wanted.with,
            })
        };
        let version = if wanted.latest {
            rerun::RerunVersion::Latest
        } else {
            rerun::RerunVersion::Same
        };
        let input = rerun::RerunInput {
            id: wanted.id,
            from,
            version,
            inputs: wanted.inputs.map(Value::Object),
            idempotency_key: wanted.idempotency_key,
        };
        let answer = self.ask::<Rerun>(rerun::Variables { input }).await?.rerun;
        let errors = answer.user_errors.into_iter().map(|error| UserError {
            message: error.message,
            path: error.path,
        });
        Ok(answer.run.map(|run| run.id).ok_or_else(|| errors.collect()))
    }

    /// The latest runs, at most `limit`.
    pub(crate) async fn list_runs(
        &self,
        workflow: Option<String>,
        states: Vec<list_runs::RunState>,
        limit: u32,
    ) -> Result<Vec<ListedRun>, ClientError> {
        let filter = list_runs::RunFilter {
            workflow,
            states: (!states.is_empty()).then_some(states),
            started_by: None,
            created_after: None,
            created_before: None,
        };
        let (mut runs, mut after) = (Vec::new(), None);
        loop {
            let missing = i64::from(limit) - i64::try_from(runs.len()).unwrap_or(i64::MAX);
            let variables = list_runs::Variables {
                first: missing.min(PAGE),
                after,
                filter: Some(filter.clone()),
            };
            let page = self.ask::<ListRuns>(variables).await?.runs;
            runs.extend(page.nodes);
            if missing <= PAGE || !page.page_info.has_next_page {
                return Ok(runs);
            }
            after = page.page_info.end_cursor;
        }
    }

    /// The graph that a run works through; `None` when there is no such run.
    pub(crate) async fn graph_of_run(&self, id: String) -> Result<Option<RunGraph>, ClientError> {
        let answer = self.ask::<GraphOfRun>(graph_of_run::Variables { id }).await?;
        Ok(answer.run.map(|run| {
            let mut parents: HashMap<String, Vec<String>> = HashMap::new();
            for edge in run.version.edges {
                parents.entry(edge.to).or_default().push(edge.from);
            }
            let nodes = run
                .version
                .nodes
                .into_iter()
                .map(|node| {
                    let parents = parents.remove(&node.key).unwrap_or_default();
                    (node.key, parents)
                })
                .collect();
            RunGraph {
                workflow: run.version.workflow_key,
                nodes,
            }
        }))
    }

    /// The ids of a run's task runs with the keys of their nodes.
    pub(crate) async fn task_runs_of_run(&self, id: &str) -> Result<Vec<(String, String)>, ClientError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let id = id.to_owned();
            let answer = self
                .ask::<TaskRunsOfRun>(task_runs_of_run::Variables { id, after })
                .await?;
            let Some(run) = answer.run else { return Ok(found) };
            found.extend(run.task_runs.nodes.into_iter().map(|node| (node.id, node.key)));
            if !run.task_runs.page_info.has_next_page {
                return Ok(found);
            }
            after = run.task_runs.page_info.end_cursor;
        }
    }

    /// What `id` names.
    pub(crate) async fn logged(&self, id: String) -> Result<Logged, ClientError> {
        use kind_of_node::KindOfNodeNode as Node;
        let answer = self.ask::<KindOfNode>(kind_of_node::Variables { id }).await?;
        Ok(match answer.node {
            Some(Node::Run) => Logged::Run,
            Some(Node::TaskRun) => Logged::TaskRun,
            _ => Logged::Nothing,
        })
    }

    /// All that a task run has printed so far, given to `take` line by line.
    pub(crate) async fn log_of_task_run(
        &self,
        id: &str,
        mut take: impl FnMut(PrintedLine),
    ) -> Result<(), ClientError> {
        use log_of_task_run::{LogOfTaskRunNode as Node, LogStream};
        let mut after = None;
        loop {
            let id = id.to_owned();
            let answer = self
                .ask::<LogOfTaskRun>(log_of_task_run::Variables { id, after })
                .await?;
            let Some(Node::TaskRun(task_run)) = answer.node else {
                return Ok(());
            };
            for line in task_run.log.nodes {
                take(PrintedLine {
                    is_output: line.stream == LogStream::Stdout,
                    text: line.text,
                });
            }
            if !task_run.log.page_info.has_next_page {
                return Ok(());
            }
            after = task_run.log.page_info.end_cursor;
        }
    }
}

/// The events of a run, from its beginning.
pub(crate) struct RunTail {
    pub(crate) run: String,
}

impl Tail for RunTail {
    type Query = RunEvents;

    fn variables_after(&self, cursor: Option<&str>) -> run_events::Variables {
        run_events::Variables {
            run_id: self.run.clone(),
            after: cursor.map(str::to_owned),
        }
    }

    fn cursor_of(event: &EventOf<Self>) -> Option<&str> {
        Some(&event.run_events.cursor)
    }
}

/// What a task run prints, from its beginning.
pub(crate) struct LogTail {
    pub(crate) task_run: String,
}

impl Tail for LogTail {
    type Query = TaskRunLog;

    fn variables_after(&self, cursor: Option<&str>) -> task_run_log::Variables {
        task_run_log::Variables {
            task_run_id: self.task_run.clone(),
            after: cursor.map(str::to_owned),
        }
    }

    fn cursor_of(event: &EventOf<Self>) -> Option<&str> {
        Some(&event.task_run_log.cursor)
    }
}
