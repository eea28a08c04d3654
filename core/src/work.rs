//! What an executor does, and the one door through which it meets the world.
//!
//! An executor knows nothing of tables. It is given [`Assignment`]s, hands in [`Report`]s, and does both through a
//! [`WorkSource`]. Inside the trust boundary the source is PostgreSQL itself ([`crate::store`]); a test gives another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{ExecutorId, RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::run::Outcome;
use crate::workflow::{Digest, NodeSpec};

/// One attempt that an executor now owns.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The tenant whose work this is.
    pub tenant_id: TenantId,
    /// The tenant's key, for logs and the environment of programs.
    pub tenant: Arc<str>,
    /// The run that the task run belongs to.
    pub run_id: RunId,
    /// The task run that is tried.
    pub task_run_id: TaskRunId,
    /// The key of the workflow.
    pub workflow: Arc<str>,
    /// The edition of the workflow that holds [`Assignment::node`].
    pub version_id: WorkflowVersionId,
    /// The attempt's number, from 1, and the proof of ownership: every report presents it.
    pub fence: i32,
    /// What is to be done, as the run's workflow version pinned it.
    pub node: Arc<NodeSpec>,
    /// The run's inputs: an object.
    pub inputs: Arc<Value>,
    /// The task nodes before it that its templates read ([`crate::template::nodes_read_by`]): an object, by key, of
    /// `{"state": "SUCCEEDED", "outputs": …}`, with `null` for the outputs of a node that gave none.
    pub nodes: Arc<Value>,
    /// The item of a mapped task run.
    pub item: Option<MapItem>,
    /// The share of a sharded task run.
    pub shard: Option<Shard>,
    /// Where an endpoint that answers 202 says that it has finished: good once, for this attempt.
    pub callback_url: Option<String>,
}

/// One item of the list that a task node is mapped over.
#[derive(Clone, Debug, PartialEq)]
pub struct MapItem {
    /// Its place in the list, from 0.
    pub index: u32,
    /// How many items the list has.
    pub count: u32,
    /// The item.
    pub value: Value,
}

/// One share of a task node's work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// Which share this is, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
    /// The items that it is to do.
    pub items: Vec<u32>,
    /// The parameters of these items, by item; an item without one is absent.
    pub parameters: BTreeMap<u32, String>,
}

impl Shard {
    /// The items as programs and templates are told them: `0,3,6`.
    #[must_use]
    pub fn items_text(&self) -> String {
        let items: Vec<String> = self.items.iter().map(u32::to_string).collect();
        items.join(",")
    }

    /// The parameters as programs and templates are told them: `0=Beijing,3=Shanghai`.
    #[must_use]
    pub fn parameters_text(&self) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(item, parameter)| format!("{item}={parameter}"))
            .collect();
        parameters.join(",")
    }
}

impl Assignment {
    /// The attempt's identity.
    #[must_use]
    pub fn lease(&self) -> Lease {
        Lease {
            tenant_id: self.tenant_id,
            run_id: self.run_id,
            task_run_id: self.task_run_id,
            fence: self.fence,
        }
    }
}

/// Ownership of one attempt; void as soon as a higher fence was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lease {
    /// The tenant whose work this is.
    pub tenant_id: TenantId,
    /// The run that the task run belongs to.
    pub run_id: RunId,
    /// The task run that is tried.
    pub task_run_id: TaskRunId,
    /// The attempt's number.
    pub fence: i32,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whose end this is.
    pub lease: Lease,
    /// What became of it.
    pub outcome: Outcome,
    /// The program's exit code; `128 + n` when signal `n` ended it, as shells count.
    pub exit_code: Option<i32>,
    /// The status of the endpoint's answer.
    pub http_status: Option<u16>,
    /// Why, in a sentence for people; absent when it succeeded and there is nothing to say.
    pub message: Option<String>,
    /// What it gave, at most [`OUTPUT_LIMIT`] bytes of JSON.
    pub output: Option<Value>,
    /// How long the endpoint that refused asked to be left alone (`Retry-After`), from the moment of its answer.
    pub retry_after: Option<Duration>,
}

/// The most JSON that an attempt's output may take, in bytes; what goes beyond is left out, and the attempt's log and
/// message say so.
pub const OUTPUT_LIMIT: usize = 256 * 1024;

/// Whether an output may have this name, so that templates and expressions can refer to it.
#[must_use]
pub fn is_output_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    begins_well && name.len() <= 63 && name.bytes().all(inner)
}

/// Where a line of output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LogStream {
    /// The program's standard output.
    Stdout,
    /// The program's standard error.
    Stderr,
    /// A remark of the executor's: what it started, why it stopped it, where output was cut.
    System,
}

impl LogStream {
    /// Its name in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "STDOUT",
            Self::Stderr => "STDERR",
            Self::System => "SYSTEM",
        }
    }
}

/// One line that an attempt printed.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Whose line this is.
    pub lease: Lease,
    /// The line's number within the attempt, from 1, without gaps.
    pub number: i32,
    /// Where it came from.
    pub stream: LogStream,
    /// The text without its line end; bytes that are not UTF-8 are replaced, NUL is left out.
    pub text: String,
    /// When the executor read it.
    pub at: DateTime<Utc>,
}

/// How far an attempt says that it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Whose progress this is.
    pub lease: Lease,
    /// 0 to 100.
    pub percent: Option<f64>,
    /// What it is at, for people; one line without NUL, at most [`PROGRESS_MESSAGE_LIMIT`] bytes.
    pub message: Option<String>,
}

/// The most bytes of the message of [`Progress`]; what is longer is cut and ends with `…`.
pub const PROGRESS_MESSAGE_LIMIT: usize = 1024;

/// What an executor says of itself when it starts.
#[derive(Clone, Debug)]
pub struct Registration {
    /// This life of the executor.
    pub executor_id: ExecutorId,
    /// Its name among people; two executors may not live under one key at once.
    pub key: String,
    /// The key of the only tenant it works for; `None` for all.
    pub tenant: Option<String>,
    /// What it offers: each label is a word or `name=value`.
    pub labels: Vec<String>,
    /// The cost it carries at once; a task node costs 1 unless it says otherwise.
    pub slots: u32,
    /// The machine's name.
    pub hostname: String,
    /// How it holds process trees, for people: `cgroup`, `pid namespace` or `subreaper`.
    pub containment: String,
}

/// What an executor says of itself every few seconds.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    /// This life of the executor.
    pub executor_id: ExecutorId,
    /// The share of the machine's processors in use, 0 to 1.
    pub cpu: f32,
    /// The share of the machine's memory in use, 0 to 1.
    pub memory: f32,
    /// Attempts under way.
    pub running: u32,
    /// A load threshold is passed: it wants no more work until it falls well below again.
    pub overloaded: bool,
    /// It takes no more work and will stop.
    pub draining: bool,
}

/// What the service says back to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatReply {
    /// The lease is prolonged.
    Alive,
    /// As `Alive`, and the executor is to drain: somebody asked for it.
    Drain,
    /// The lease had ended and the work was given to others. End everything, then register anew.
    Lost,
}

/// What an executor hands in and asks for in one exchange.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// What has ended since the last exchange.
    pub reports: Vec<Report>,
    /// Attempts whose endpoints answered 202 since: from now on the service holds them, until they are called back or their
    /// deadline passes, and they take no slots. One that was called back already is over, and its deferral changes nothing.
    pub deferrals: Vec<Lease>,
    /// How much cost the executor can begin now; 0 asks for nothing.
    pub free_slots: u32,
}

/// What an exchange gives back.
#[derive(Clone, Debug, Default)]
pub struct Exchanged {
    /// Attempts that the executor owns from now on and is to start at once.
    pub assignments: Vec<Assignment>,
    /// Attempts that it is to stop.
    pub cancellations: Vec<Cancellation>,
    /// There may be more for the executor that could not be decided just now: it is to ask again in a moment.
    pub again: bool,
}

/// An attempt that an executor is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cancellation {
    /// Which one.
    pub lease: Lease,
    /// It has no grace: its run is terminated, not cancelled. May follow a cancellation that left it some.
    pub at_once: bool,
}

/// Why the source could not serve the executor.
#[derive(Debug, thiserror::Error)]
pub enum WorkSourceError {
    /// The source cannot be reached for now; the same call may go through later.
    #[error("the work source cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A live executor has this key already.
    #[error("an executor with the key {0:?} is already alive; give this one another --key")]
    KeyTaken(String),
    /// The tenant that the executor is to serve does not exist.
    #[error("there is no tenant {0:?}")]
    NoSuchTenant(String),
    /// The package is not there, or not this tenant's.
    #[error("there is no package {0}")]
    NoSuchPackage(Digest),
}

/// Where assigned work comes from and reports go.
#[async_trait]
pub trait WorkSource: Send + Sync + 'static {
    /// Makes the executor known. Its lease begins.
    async fn register(&self, registration: Registration) -> Result<(), WorkSourceError>;

    /// Prolongs the lease.
    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<HeartbeatReply, WorkSourceError>;

    /// Hands in what has ended and takes what is next.
    ///
    /// When this returns, the reports are durable. A report whose fence was overtaken changes nothing, silently: the
    /// attempt had been given to another. On an error nothing is known, and handing the same reports in again is safe.
    async fn exchange(&self, executor: ExecutorId, exchange: Exchange) -> Result<Exchanged, WorkSourceError>;

    /// Returns when there may be something for this executor: work, or a cancellation. May return for nothing; may, when
    /// a hint is lost, not return although there is, so the caller also asks now and then of its own accord.
    async fn woken(&self, executor: ExecutorId);

    /// Tells how far attempts are, at most once for each. What an earlier call told of an attempt is replaced; of one that has
    /// ended, or was given to another, nothing is kept.
    async fn report_progress(&self, progress: Vec<Progress>) -> Result<(), WorkSourceError>;

    /// Adds lines to the logs of attempts. Lines that are there already are left as they are.
    async fn append_log(&self, lines: Vec<LogLine>) -> Result<(), WorkSourceError>;

    /// The bytes of a package.
    async fn fetch_package(&self, tenant: TenantId, digest: &Digest) -> Result<Bytes, WorkSourceError>;

    /// Ends the executor's lease: what it still owned is a FAULT and goes to others at once.
    async fn leave(&self, executor: ExecutorId) -> Result<(), WorkSourceError>;
}
