//! How far a run has come, put together from what its events say.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use waterclock_core::run::{RunState, TaskRunState};

use super::tree::{self, Branch};

/// A run that is watched.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) workflow: String,
    pub(super) state: RunState,
    pub(super) reason: Option<String>,
    pub(super) nodes: Vec<Node>,
    pub(super) tree: Vec<Branch>,
    /// What of it waits for longer than a moment, in sentences.
    pub(super) waits: Vec<String>,
    last_seen_waits: Vec<String>,
    places: HashMap<String, usize>,
    span: Span,
}

/// A task node of the run.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) key: String,
    pub(super) state: TaskRunState,
    pub(super) attempt: i64,
    pub(super) message: Option<String>,
    span: Span,
}

/// How long something takes: by the service's clock when it is over, by ours while it goes on.
#[derive(Clone, Copy, Debug, Default)]
enum Span {
    #[default]
    Unbegun,
    Since {
        at: DateTime<Utc>,
        heard: Instant,
    },
    Took(Duration),
}

impl Span {
    fn begin(at: DateTime<Utc>) -> Self {
        Self::Since {
            at,
            heard: Instant::now(),
        }
    }

    /// How much of it had passed at an instant of the service's.
    fn until(self, at: DateTime<Utc>) -> Option<Duration> {
        match self {
            Self::Unbegun => None,
            Self::Since { at: begun, .. } => (at - begun).to_std().ok(),
            Self::Took(took) => Some(took),
        }
    }

    fn elapsed(self) -> Option<Duration> {
        match self {
            Self::Unbegun => None,
            Self::Since { heard, .. } => Some(heard.elapsed()),
            Self::Took(took) => Some(took),
        }
    }

    fn end(&mut self, at: DateTime<Utc>) {
        *self = self.until(at).map_or(Self::Unbegun, Self::Took);
    }
}

/// What happened to one task node.
#[derive(Clone, Debug)]
pub(super) struct NodeChange<'a> {
    pub(super) key: &'a str,
    pub(super) at: DateTime<Utc>,
    pub(super) state: TaskRunState,
    /// Its number, where it is about one.
    pub(super) attempt: Option<i64>,
    pub(super) message: Option<String>,
}

impl Progress {
    /// A run of which nothing is known but its graph: the keys of its task nodes, each with those that it waits for.
    pub(super) fn of_graph(workflow: String, graph: Vec<(String, Vec<String>)>) -> Self {
        let places: HashMap<String, usize> = graph
            .iter()
            .enumerate()
            .map(|(place, (key, _))| (key.clone(), place))
            .collect();
        let parents: Vec<Vec<usize>> = graph
            .iter()
            .map(|(_, parents)| {
                parents
                    .iter()
                    .filter_map(|key| places.get(key).copied())
                    .collect()
            })
            .collect();
        let nodes = graph
            .into_iter()
            .zip(&parents)
            .map(|((key, _), parents)| Node {
                key,
                state: if parents.is_empty() {
                    TaskRunState::Ready
                } else {
                    TaskRunState::Blocked
                },
                attempt: 0,
                message: None,
                span: Span::Unbegun,
            })
            .collect();
        Self {
            workflow,
            state: RunState::Queued,
            reason: None,
            nodes,
            tree: tree::arrange(&parents),
            waits: Vec::new(),
            last_seen_waits: Vec::new(),
            places,
            span: Span::Unbegun,
        }
    }

    /// Takes over what happened to the run itself.
    pub(super) fn change_run(&mut self, at: DateTime<Utc>, state: RunState, reason: Option<String>) {
        self.state = state;
        self.reason = reason;
        if state.is_terminal() {
            self.waits.clear();
            self.span.end(at);
        } else if matches!(self.span, Span::Unbegun) {
            self.span = Span::begin(at);
        }
    }

    /// Takes over what waits at this moment; gives what has come to wait for longer.
    pub(super) fn look_at_waits(&mut self, seen: Vec<String>) -> Vec<String> {
        let last_seen = std::mem::replace(&mut self.last_seen_waits, seen);
        let lasting: Vec<String> = self
            .last_seen_waits
            .iter()
            .filter(|wait| last_seen.contains(wait))
            .cloned()
            .collect();
        let known = std::mem::replace(&mut self.waits, lasting);
        let is_news = |wait: &&String| !known.contains(wait);
        self.waits.iter().filter(is_news).cloned().collect()
    }

    /// Takes over what happened to a task node; gives its place when that is news.
    pub(super) fn change_node(&mut self, change: NodeChange<'_>) -> Option<usize> {
        let place = *self.places.get(change.key)?;
        let node = &mut self.nodes[place];
        let attempt = change.attempt.unwrap_or(node.attempt);
        if (node.state, node.attempt) == (change.state, attempt) {
            return None;
        }
        node.state = change.state;
        node.attempt = attempt;
        node.message = change.message;
        match change.state {
            TaskRunState::Running => node.span = Span::begin(change.at),
            TaskRunState::Ready => node.span = Span::Unbegun,
            _ => node.span.end(change.at),
        }
        Some(place)
    }

    /// How long it has taken so far, or took.
    pub(super) fn elapsed(&self) -> Duration {
        self.span.elapsed().unwrap_or_default()
    }

    /// How long it had taken at an instant of the service's.
    pub(super) fn elapsed_at(&self, at: DateTime<Utc>) -> Duration {
        self.span.until(at).unwrap_or_default()
    }

    /// How many task nodes are in each state, in the order of the states, without those that no node is in.
    pub(super) fn counts(&self) -> Vec<(TaskRunState, usize)> {
        TaskRunState::ALL
            .iter()
            .map(|&state| {
                (
                    state,
                    self.nodes.iter().filter(|node| node.state == state).count(),
                )
            })
            .filter(|&(_, count)| count > 0)
            .collect()
    }
}

impl Node {
    /// How long its present or last attempt has taken.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        self.span.elapsed()
    }

    /// Whether it is what somebody who watches looks for: under way, or gone wrong.
    pub(super) fn is_of_interest(&self) -> bool {
        matches!(
            self.state,
            TaskRunState::Running | TaskRunState::Assigned | TaskRunState::RetryWait | TaskRunState::Failed
        )
    }
}
