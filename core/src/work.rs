//! What an executor does, and the one door through which it meets the world.
//!
//! An executor knows nothing of tables. It is given [`Assignment`]s, hands in [`Report`]s, and does both through a
//! [`WorkSource`]. Inside the trust boundary the source is PostgreSQL itself ([`crate::store`]); a test gives another.

use std::collections::BTreeMap;
use std::sync::Arc;

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
}

/// The most JSON that an attempt's output may take, in bytes; what is longer is cut and the cut is marked.
pub const OUTPUT_LIMIT: usize = 256 * 1024;

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
    /// How much cost the executor can begin now; 0 asks for nothing.
    pub free_slots: u32,
}

/// What an exchange gives back.
#[derive(Clone, Debug, Default)]
pub struct Exchanged {
    /// Attempts that the executor owns from now on and is to start at once.
    pub assignments: Vec<Assignment>,
    /// Attempts that it is to stop: their runs were cancelled.
    pub cancellations: Vec<Lease>,
    /// There may be more for the executor that could not be decided just now: it is to ask again in a moment.
    pub again: bool,
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

    /// Adds lines to the logs of attempts. Lines that are there already are left as they are.
    async fn append_log(&self, lines: Vec<LogLine>) -> Result<(), WorkSourceError>;

    /// The bytes of a package.
    async fn fetch_package(&self, tenant: TenantId, digest: &Digest) -> Result<Bytes, WorkSourceError>;

    /// Ends the executor's lease: what it still owned is a FAULT and goes to others at once.
    async fn leave(&self, executor: ExecutorId) -> Result<(), WorkSourceError>;
}

/// The values that `${…}` may refer to in arguments, environment, files, URLs, headers and bodies.
///
/// `${inputs.name}` is the run's input (a string as it is, anything else as JSON; dots go deeper), `${run.id}`,
/// `${run.workflow}`, `${task.key}`, `${task.id}`, `${attempt}` and `${tenant}` tell who asks. `$${` stands for a plain `${`.
#[derive(Clone, Debug)]
pub struct TemplateContext<'a> {
    assignment: &'a Assignment,
}

/// A reference that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without its `}`.
    #[error("`${{` at byte {0} is never closed by `}}`; write `$${{` for a plain `${{`")]
    Unclosed(usize),
    /// A name that means nothing.
    #[error(
        "`${{{0}}}` refers to nothing; there are inputs.NAME, run.id, run.workflow, task.key, task.id, attempt and tenant"
    )]
    Unknown(String),
    /// An input that the run was not given.
    #[error("`${{inputs.{0}}}` refers to an input that this run does not have")]
    MissingInput(String),
}

impl<'a> TemplateContext<'a> {
    /// The values of one attempt.
    #[must_use]
    pub fn new(assignment: &'a Assignment) -> Self {
        Self { assignment }
    }

    /// Replaces every reference in `template`.
    pub fn render(&self, template: &str) -> Result<String, TemplateError> {
        render(template, |name| self.value(name))
    }

    /// Replaces every reference in the template of an address. Values are percent-encoded, so that none of them ends the part
    /// of the address that it stands in and begins another.
    pub fn render_url(&self, template: &str) -> Result<String, TemplateError> {
        render(template, |name| {
            self.value(name).map(|value| percent_encoded(&value))
        })
    }

    /// Replaces every reference in the values of `templates`.
    pub fn render_map(
        &self,
        templates: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, TemplateError> {
        templates
            .iter()
            .map(|(name, template)| Ok((name.clone(), self.render(template)?)))
            .collect()
    }

    fn value(&self, name: &str) -> Result<String, TemplateError> {
        let assignment = self.assignment;
        match name {
            "run.id" => Ok(assignment.run_id.to_string()),
            "run.workflow" => Ok(assignment.workflow.to_string()),
            "task.key" => Ok(assignment.node.key.clone()),
            "task.id" => Ok(assignment.task_run_id.to_string()),
            "attempt" => Ok(assignment.fence.to_string()),
            "tenant" => Ok(assignment.tenant.to_string()),
            _ => {
                let path = name
                    .strip_prefix("inputs.")
                    .ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
                let missing = || TemplateError::MissingInput(path.to_owned());
                let value = path
                    .split('.')
                    .try_fold(assignment.inputs.as_ref(), |value, part| match value {
                        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
                        value => value.get(part),
                    })
                    .ok_or_else(missing)?;
                Ok(match value {
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                })
            }
        }
    }
}

/// `value` with everything encoded that RFC 3986 does not leave to all parts of an address.
fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.extend([
                '%',
                char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]),
                char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]),
            ]);
        }
    }
    encoded
}

/// Checks the form and the names of every reference in `template`, without values: for a definition that is saved.
///
/// `inputs` are the names that a run may have; `None` when the workflow declares none, and any name will do.
pub fn check_template(template: &str, inputs: Option<&[&str]>) -> Result<(), TemplateError> {
    render(template, |name| match name {
        "run.id" | "run.workflow" | "task.key" | "task.id" | "attempt" | "tenant" => Ok(String::new()),
        _ => {
            let path = name
                .strip_prefix("inputs.")
                .ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            let first = path.split('.').next().unwrap_or(path);
            match inputs {
                Some(known) if !known.contains(&first) => Err(TemplateError::MissingInput(path.to_owned())),
                _ => Ok(String::new()),
            }
        }
    })
    .map(drop)
}

fn render(
    template: &str,
    mut value: impl FnMut(&str) -> Result<String, TemplateError>,
) -> Result<String, TemplateError> {
    let mut rendered = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("${") {
        if at > 0 && rest.as_bytes()[at - 1] == b'$' {
            rendered.push_str(&rest[..at - 1]);
            rendered.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        rendered.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = inside
            .find('}')
            .ok_or(TemplateError::Unclosed(template.len() - rest.len() + at))?;
        rendered.push_str(&value(inside[..end].trim())?);
        rest = &inside[end + 1..];
    }
    rendered.push_str(rest);
    Ok(rendered)
}
