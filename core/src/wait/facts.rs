//! What must be known to tell what waits for what.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::assign::{Candidate, Head};
use crate::executor::ExecutorState;
use crate::id::{ExecutorId, RunId, TaskRunId, TenantId};
use crate::run::{Hold, Outcome, Parents, RunState, TaskRunState};
use crate::workflow::PinnedVersion;

/// A task run that has not ended.
#[derive(Clone, Debug)]
pub struct TaskRunFacts {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which it is.
    pub id: TaskRunId,
    /// Its run.
    pub run_id: RunId,
    /// The version that its run is pinned to.
    pub version: Arc<PinnedVersion>,
    /// The place of its node in the definition.
    pub node: i32,
    /// The key of its node.
    pub key: String,
    /// What it is a share of.
    pub parent_id: Option<TaskRunId>,
    /// How the nodes before it stand.
    pub parents: Parents,
    /// What the dispatch says; absent while it is blocked.
    pub live: Option<LiveFacts>,
}

/// A live task run.
#[derive(Clone, Debug)]
pub struct LiveFacts {
    /// What it is.
    pub state: TaskRunState,
    /// Why it is in the service's own hands.
    pub hold: Option<Hold>,
    /// 0 (last) to 9 (first).
    pub priority: i16,
    /// How many slots it takes.
    pub cost: u32,
    /// What an executor must offer, sorted.
    pub labels: Vec<String>,
    /// Since when it could run; until when it waits before the next attempt.
    pub ready_at: DateTime<Utc>,
    /// The number of its latest attempt.
    pub fence: i32,
    /// Its run is paused, so it does not start.
    pub paused: bool,
    /// The key of the executor that its share was dealt to.
    pub pinned_to: Option<String>,
    /// Who has the attempt under way.
    pub executor_id: Option<ExecutorId>,
    /// When that executor was chosen.
    pub assigned_at: Option<DateTime<Utc>>,
    /// When it started.
    pub started_at: Option<DateTime<Utc>>,
    /// Its executor is to stop it.
    pub stop_requested: bool,
}

impl TaskRunFacts {
    /// It as assignment sees it.
    pub(super) fn head(&self, live: &LiveFacts) -> Head {
        Head {
            tenant_id: self.tenant_id,
            task_run_id: self.id,
            priority: live.priority,
            cost: live.cost,
            labels: live.labels.clone(),
            ready_at: live.ready_at,
        }
    }
}

/// How a run stands as a whole.
#[derive(Clone, Debug)]
pub struct RunStanding {
    /// What it is.
    pub state: RunState,
    /// Who paused it, and when.
    pub paused: Option<(String, DateTime<Utc>)>,
    /// That it was told to stop.
    pub stop: Option<Stop>,
}

/// That a run was told to stop.
#[derive(Clone, Debug)]
pub struct Stop {
    /// What it ends as.
    pub ends_as: RunState,
    /// Who told it; nobody when its own rules did.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A task run of a node that has not ended, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenNode {
    /// Which it is.
    pub task_run_id: TaskRunId,
    /// The key of its node.
    pub key: String,
    /// What it is.
    pub state: TaskRunState,
}

/// An executor that the tenant may see and whose life has not been ended.
#[derive(Clone, Debug)]
pub struct LivingExecutor {
    /// It as assignment sees it.
    pub candidate: Candidate,
    /// Its name among people.
    pub key: String,
    /// What it is; [`ExecutorState::Lost`] once its lease is over.
    pub state: ExecutorState,
    /// How many of its slots the tenant's own attempts take.
    pub own_used: u32,
    /// The share of its machine's processors in use.
    pub cpu: f32,
    /// The share of its machine's memory in use.
    pub memory: f32,
    /// Until when it counts as alive without being heard of.
    pub lease_until: DateTime<Utc>,
}

/// How the last attempt of a task run ended.
#[derive(Clone, Debug)]
pub struct LastAttempt {
    /// In a word.
    pub outcome: Outcome,
    /// In a sentence.
    pub message: Option<String>,
}

/// The event that a task run waits for.
#[derive(Clone, Debug)]
pub struct AwaitedEvent {
    /// The name that it must have.
    pub name: String,
    /// The key that it must have.
    pub key: Option<String>,
}

/// The run that a task run is.
#[derive(Clone, Copy, Debug)]
pub struct ChildRun {
    /// Which run.
    pub id: RunId,
    /// What it is.
    pub state: RunState,
}

/// How the shares of a task run stand.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// How many there are.
    pub count: i64,
    /// How many have not ended.
    pub open: i64,
    /// How many failed.
    pub failed: i64,
    /// How many are under way.
    pub under_way: i64,
}

/// What lies around task runs, from the same snapshot. What none of them needs need not be there.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Their runs.
    pub runs: HashMap<RunId, RunStanding>,
    /// The nodes before them that have not ended, by place.
    pub open_nodes: HashMap<RunId, BTreeMap<i32, OpenNode>>,
    /// Who each of their nodes waits for, by place.
    pub parents: HashMap<RunId, BTreeMap<i32, Vec<i32>>>,
    /// The executors that their tenant may see, by their keys.
    pub executors: Vec<LivingExecutor>,
    /// How many go before them; absent for what is farther back than was looked.
    pub ahead: HashMap<TaskRunId, usize>,
    /// When those that are held are looked at.
    pub due: HashMap<TaskRunId, DateTime<Utc>>,
    /// How their last attempts ended.
    pub last_attempts: HashMap<TaskRunId, LastAttempt>,
    /// The events that they wait for.
    pub events: HashMap<TaskRunId, AwaitedEvent>,
    /// The runs that they are.
    pub child_runs: HashMap<TaskRunId, ChildRun>,
    /// How shares stand, by the task run that they are shares of.
    pub shares: HashMap<TaskRunId, Shares>,
    /// What is asked, with its references replaced.
    pub questions: HashMap<TaskRunId, String>,
}
