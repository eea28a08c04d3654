//! The pinned form of task nodes, programs and endpoints.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::retry::RetryPolicy;

use super::behaviour::{
    ApprovalSpec, BranchSpec, Deadline, FailureStrategy, Overdue, Spread, SubWorkflowSpec, TriggerRule,
    WaitSpec,
};
use super::graph::Edge;

/// Everything that a run needs to know of its workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The task nodes; an edge names them by their place in this list.
    pub nodes: Vec<NodeSpec>,
    /// Who waits for whom: the edges that were given, and those that follow from what nodes require.
    pub edges: Vec<Edge>,
    /// What a run may be given, by name. Empty: anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, InputSpec>,
    /// How its runs go as a whole.
    #[serde(flatten)]
    pub conduct: Conduct,
}

/// How the runs of a workflow go as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conduct {
    /// What a run does when a node has failed for good.
    #[serde(default)]
    pub failure_strategy: FailureStrategy,
    /// How long a run may take from its start; unbounded when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Deadline>,
    /// Expressions that give what a successful run returns, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
}

/// What a run may be given under one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// What kind of value it is.
    pub r#type: InputType,
    /// The run cannot start without it, unless there is a default.
    #[serde(default)]
    pub required: bool,
    /// What it is when the run is given none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it may be beyond its type, as a JSON Schema: see [`InputSchema`](super::InputSchema).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// The kinds of values that a run may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Any JSON.
    Json,
}

impl InputType {
    /// Whether `value` is of this kind.
    #[must_use]
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Json => true,
        }
    }
}

/// A task node of a workflow version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Its name within the workflow.
    pub key: String,
    /// What it does.
    pub work: Work,
    /// What an executor must offer to be given it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_labels: Vec<String>,
    /// 0 (last) to 9 (first); the run's own priority is used when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i16>,
    /// How many slots it takes while it runs, at least 1.
    #[serde(default = "one")]
    pub cost: i16,
    /// How long an attempt may take, in milliseconds; unbounded when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<i64>,
    /// What becomes of an attempt that takes longer.
    #[serde(default)]
    pub on_timeout: Overdue,
    /// How long it may wait for its first attempt to start; unbounded when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_deadline: Option<Deadline>,
    /// How long a program has between TERM and KILL, in milliseconds.
    #[serde(default = "ten_seconds")]
    pub grace_ms: i64,
    /// When to try again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// When it starts, by how the nodes before it ended.
    #[serde(default)]
    pub trigger_rule: TriggerRule,
    /// An expression that must be true when it starts; it is skipped otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Its failure counts as success: for the nodes that wait for it, and for its run.
    #[serde(default)]
    pub allow_failure: bool,
    /// It passes as a success without being done.
    #[serde(default)]
    pub disabled: bool,
    /// The list, the shards or the executors that it runs over; it runs once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// The names that it needs somebody to have produced before; the edges that follow are among the edges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// The names that others may require.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub produces: Vec<String>,
}

impl NodeSpec {
    /// A node that says no more than what it does.
    #[must_use]
    pub fn new(key: impl Into<String>, work: Work) -> Self {
        Self {
            key: key.into(),
            work,
            required_labels: Vec::new(),
            priority: None,
            cost: one(),
            timeout_ms: None,
            on_timeout: Overdue::default(),
            start_deadline: None,
            grace_ms: ten_seconds(),
            retry: RetryPolicy::default(),
            trigger_rule: TriggerRule::default(),
            condition: None,
            allow_failure: false,
            disabled: false,
            spread: None,
            requires: Vec::new(),
            produces: Vec::new(),
        }
    }
}

fn one() -> i16 {
    1
}

fn ten_seconds() -> i64 {
    10_000
}

/// What a task node does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Work {
    /// Ends as soon as an executor starts it: a gate in a graph.
    NoOp,
    /// Runs a child process.
    Program(ProgramSpec),
    /// Calls an HTTP address.
    Endpoint(EndpointSpec),
    /// Runs another workflow.
    Workflow(SubWorkflowSpec),
    /// Chooses which of the nodes that wait for it run.
    Branch(BranchSpec),
    /// Asks people.
    Approval(ApprovalSpec),
    /// Waits.
    Wait(WaitSpec),
}

impl Work {
    /// Whether executors perform it; the service itself does otherwise.
    #[must_use]
    pub fn is_for_executors(&self) -> bool {
        matches!(self, Self::NoOp | Self::Program(_) | Self::Endpoint(_))
    }
}

/// How a program's argument vector is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Runtime {
    /// `command… arguments…`; with a package and no command, the package's file itself is executed.
    Exec,
    /// `/bin/sh <script> arguments…`: the script is the package, or the working file that the entry point names.
    /// Arguments are the script's `$1`, `$2`, …
    Shell,
    /// `python3 -m <module>` or `python3 <path>`, then arguments; a package is on `PYTHONPATH`.
    Python,
    /// `java -cp <package> <main class> arguments…`; `java -jar <package> arguments…` without an entry point.
    Java,
    /// `node <path> arguments…`
    Node,
}

/// A program as a version pinned it, with its task node's arguments and environment merged in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgramSpec {
    /// The program's key.
    pub key: String,
    /// How the argument vector is made.
    pub runtime: Runtime,
    /// The words before the arguments (`EXEC`), or in place of the runtime's own executable (`["python3.12", "-u"]`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The code, where it is not on the executor's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageRef>,
    /// The main class, module or path at which the package begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<String>,
    /// Templates; each renders to exactly one argument.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// Templates, by variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Templates of files that are written into the working directory first, by relative path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// The folder it runs in, on the executor's machine; a fresh one that is removed afterwards when absent. A template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// The most memory that its processes may address, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<i64>,
    /// The most files that a process may hold open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files_limit: Option<i64>,
    /// The most bytes of output that are kept per attempt.
    #[serde(default = "default_output_limit")]
    pub output_limit: i64,
}

fn default_output_limit() -> i64 {
    16 * 1024 * 1024
}

/// Uploaded code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRef {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// The name it is stored under on the executor's machine: `app.jar`, `tool-1.0-py3-none-any.whl`, `job.tar.gz`.
    /// Archives (`.zip`, `.tar`, `.tar.gz`, `.tgz`) are unpacked; jars, wheels and all else are used as they are.
    pub file_name: String,
}

/// An endpoint as a version pinned it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointSpec {
    /// The endpoint's key.
    pub key: String,
    /// `GET`, `POST`, …
    pub method: String,
    /// A template of an `http` or `https` address.
    pub url: String,
    /// Templates, by header.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Templates, by query parameter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// A template of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The statuses that are success; 200 to 299 when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_status: Vec<StatusRange>,
    /// How long the call may take, in milliseconds.
    pub timeout_ms: i64,
    /// What a successful call gives, by name: expressions over `response`. Status, headers and body when empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// It may answer 202 and finish later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackSpec>,
}

/// How an endpoint that answered 202 finishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackSpec {
    /// How long after its answer it must have called back, in milliseconds.
    pub deadline_ms: i64,
}

/// A span of HTTP statuses, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRange {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
}

/// The SHA-256 of a package, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

/// Text that is not a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256: 64 hexadecimal digits, optionally after `sha256:`")]
pub struct DigestError(String);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || DigestError(text.to_owned());
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
