//! What a node does besides the work of an executor, and when it does it.
//!
//! A node's [`super::Work`] says what is done. What is here says whether, how often and for whom: the trigger rule by which it
//! starts, the list it is spread over, the time it may take. The kinds of work that no executor performs (branches,
//! approvals, waits, workflows within workflows) are here as well: the service does them itself.
//!
//! Every text named *expression* is CEL, checked when the workflow is saved (see [`crate::expression`]).

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::run::named;

named! {
    /// When a node starts, by how the nodes before it ended. The names and their meaning are Airflow's.
    ///
    /// A node before it that failed although it may (`allowFailure`) counts as one that succeeded.
    #[derive(Default)]
    TriggerRule {
        /// All succeeded.
        #[default]
        AllSuccess = "all_success",
        /// All failed, or never started because one before them failed.
        AllFailed = "all_failed",
        /// All have ended, however.
        AllDone = "all_done",
        /// All have ended, and at least one succeeded.
        AllDoneMinOneSuccess = "all_done_min_one_success",
        /// All were skipped.
        AllSkipped = "all_skipped",
        /// One failed. The others are not waited for.
        OneFailed = "one_failed",
        /// One succeeded. The others are not waited for.
        OneSuccess = "one_success",
        /// One succeeded or failed. The others are not waited for.
        OneDone = "one_done",
        /// All have ended, and none failed: each succeeded or was skipped.
        NoneFailed = "none_failed",
        /// All have ended, none failed, and at least one succeeded.
        NoneFailedMinOneSuccess = "none_failed_min_one_success",
        /// All have ended, and none was skipped.
        NoneSkipped = "none_skipped",
        /// At once, whatever the nodes before it do.
        Always = "always",
    }
}

named! {
    /// What becomes of what takes too long.
    #[derive(Default)]
    Overdue {
        /// It ends: a task run fails, a run times out.
        #[default]
        Fail = "FAIL",
        /// It goes on, and an event tells of it.
        Warn = "WARN",
    }
}

/// How long something may take, and what becomes of it then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// How long, in milliseconds.
    pub after_ms: i64,
    /// What becomes of it.
    #[serde(default)]
    pub overdue: Overdue,
}

/// A node that runs as several task runs, children of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Spread {
    /// Once for each item of a list that is known when the node starts.
    Map(MapSpec),
    /// Once for each of a fixed number of shards.
    Shards(ShardingSpec),
    /// Once on every live executor that the node may run on.
    Broadcast,
}

/// How a node runs over a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapSpec {
    /// An expression that gives the list.
    pub items: String,
    /// How many items run at once; unbounded when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i32>,
    /// The share of the items that may fail, 0 to 1, before the node does.
    #[serde(default)]
    pub tolerated_failures: f64,
}

/// How a node is cut into shards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardingSpec {
    /// How many shards there are.
    pub count: i32,
    /// Which executor gets which of them.
    #[serde(default)]
    pub strategy: ShardingStrategy,
    /// What each shard is given, by its index.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "by_index"
    )]
    pub parameters: BTreeMap<i32, String>,
}

/// The names of a JSON object are texts, and within a tagged enum serde does not read numbers out of them.
fn by_index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<i32, String>, D::Error> {
    let named = BTreeMap::<String, String>::deserialize(deserializer)?;
    named
        .into_iter()
        .map(|(index, value)| Ok((index.parse().map_err(D::Error::custom)?, value)))
        .collect()
}

named! {
    /// How shards are dealt to the live executors, in the order of their keys. The names are those of `ElasticJob`.
    #[derive(Default)]
    ShardingStrategy {
        /// Neighbours together; the remainder is dealt from the first executor on: 8 over 3 are `[0,1,6] [2,3,7] [4,5]`.
        #[default]
        Average = "AVERAGE",
        /// Shard i to executor i mod m: 8 over 3 are `[0,3,6] [1,4,7] [2,5]`.
        RoundRobin = "ROUND_ROBIN",
        /// As `AVERAGE`, with the executors rotated by a hash of the node's key.
        Rotate = "ROTATE",
        /// As `AVERAGE`, with the executors in descending order when the hash of the node's key is even.
        Odevity = "ODEVITY",
    }
}

/// A workflow that is run within another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubWorkflowSpec {
    /// Its key. The version that is published when the node starts is run.
    pub key: String,
    /// Expressions that give its inputs, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

/// A choice among the nodes that wait for this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchSpec {
    /// Looked at in order.
    pub cases: Vec<BranchCase>,
    /// The keys of the nodes that run when no case holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<String>,
    /// Whether the first case that holds is the only one that counts.
    #[serde(default)]
    pub mode: BranchMode,
}

/// One case of a branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchCase {
    /// An expression that gives true or false.
    pub when: String,
    /// The keys of the nodes that run when it is true; each waits for the branch.
    pub then: Vec<String>,
}

named! {
    /// How many cases of a branch may count.
    #[derive(Default)]
    BranchMode {
        /// The first that holds.
        #[default]
        First = "FIRST",
        /// Every one that holds.
        All = "ALL",
    }
}

/// A question to people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApprovalSpec {
    /// What is asked, a template.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// The scope that whoever answers needs: `operator`, `developer` or `admin`.
    #[serde(default = "operator")]
    pub scope: String,
    /// A JSON Schema of what is to be filled in; nothing when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
    /// How long the question stands, in milliseconds; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<i64>,
    /// The answer when nobody gives one in time.
    #[serde(default)]
    pub default: Answer,
    /// Whoever started the run may not answer.
    #[serde(default)]
    pub bars_starter: bool,
}

fn operator() -> String {
    "operator".to_owned()
}

named! {
    /// The answer to a question.
    #[derive(Default)]
    Answer {
        /// The node succeeds.
        Approve = "APPROVE",
        /// The node fails.
        #[default]
        Reject = "REJECT",
    }
}

/// What a node waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "until", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WaitSpec {
    /// Until a time has passed.
    Duration {
        /// How long, in milliseconds.
        for_ms: i64,
    },
    /// Until an instant; one that is past is no wait.
    Instant {
        /// An expression that gives it: a timestamp, or its text by RFC 3339.
        at: String,
    },
    /// Until somebody publishes an event. One that was published since the run was accepted counts.
    Event {
        /// The event's name.
        name: String,
        /// An expression that gives the key which the event must have; any will do when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// How long it waits before it fails, in milliseconds; for ever when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<i64>,
    },
}

named! {
    /// What a run does when one of its nodes has failed for good.
    #[derive(Default)]
    FailureStrategy {
        /// Whatever does not depend on it goes on.
        #[default]
        Continue = "CONTINUE",
        /// Nothing more starts; what runs may finish.
        End = "END",
        /// Nothing more starts, and what runs is stopped.
        EndAndStop = "END_AND_STOP",
    }
}
