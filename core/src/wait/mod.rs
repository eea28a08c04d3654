//! What waits, and what for.
//!
//! Whatever waits is asked one question, and the answer must hold at the moment of asking: not what was the case when it came
//! to wait, but what keeps it now. So nothing of it is stored. The facts are read from one snapshot, and [`reasons()`] makes
//! the answer of them. Where somebody decides by the same facts, his function is asked and none is written anew: whether an
//! executor may have a task run says [`crate::assign::Candidate::obstacle`], whether a trigger rule holds says
//! [`crate::run::Parents::readiness`].
//!
//! A task run tells everything that it waits for. A run tells what of it waits for something outside of the run: a node
//! that waits for another node, or for its own items, is told of by those that it waits for (see [`gather()`]).
//!
//! A reason is a [`WaitReason`]. A kind of waiting that comes to be has a variant of its own, and whoever shows reasons
//! matches all of them.

mod facts;
mod gather;
mod reasons;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, Utc};

use crate::id::{ExecutorId, RunId};
use crate::run::{Outcome, RunState, TaskRunState, named};
use crate::workflow::{Answer, TriggerRule};

pub use facts::{
    Around, AwaitedEvent, ChildRun, LastAttempt, LiveFacts, LivingExecutor, OpenNode, RunStanding, Shares,
    Stop, TaskRunFacts,
};
pub use gather::{Wait, gather};
pub use reasons::reasons;

/// The most parents, executors or task runs that a reason names; beyond it only their number is told.
pub const MOST_NAMED: usize = 10;

/// The most reasons of one run.
pub const MOST_REASONS: usize = 20;

/// How far places in a queue are told; what is farther back is told to be at least there.
pub const QUEUE_SEEN: usize = 1_000;

/// What something waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitReason {
    /// Task runs before it.
    Parents(ParentsWait),
    /// Its turn among the shares of its node.
    Turn(TurnWait),
    /// An executor that offers what it requires; none that lives does.
    Labels(LabelsWait),
    /// An executor that can take it now.
    Executors(ExecutorsWait),
    /// Those that go before it.
    Queue(QueueWait),
    /// A scheduler that looks: an executor has room for it.
    Assignment(AssignmentWait),
    /// The executor that it was assigned to.
    Start(StartWait),
    /// The instant of its next attempt.
    Retry(RetryWait),
    /// An instant.
    Time(TimeWait),
    /// An event.
    Event(EventWait),
    /// An answer.
    Approval(ApprovalWait),
    /// Its endpoint, which is to call back.
    Callback(CallbackWait),
    /// Its items, shards or executors.
    Items(ItemsWait),
    /// The run that it is.
    ChildRun(ChildRunWait),
    /// Somebody who lets its run go on.
    Paused(PausedWait),
    /// What still runs of what was told to stop.
    Stopping(StoppingWait),
}

/// Waits for task runs before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentsWait {
    /// When it starts.
    pub rule: TriggerRule,
    /// Those that have not ended, the first in the definition; at most [`MOST_NAMED`].
    pub open: Vec<OpenNode>,
    /// How many have not ended.
    pub open_count: i32,
    /// How many there are.
    pub count: i32,
}

/// Waits for its turn among the shares of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnWait {
    /// How many shares run at once.
    pub parallelism: i64,
    /// How many are under way.
    pub under_way: i64,
}

/// Waits for an executor that offers what it requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelsWait {
    /// What it requires.
    pub labels: Vec<String>,
    /// What of that no living executor offers; empty when each is offered, and no executor offers all together.
    pub missing: Vec<String>,
    /// The key of the executor that it was dealt to, which is gone.
    pub pinned_to: Option<String>,
    /// How many executors live that work for its tenant.
    pub living: usize,
}

/// Waits for an executor that can take it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutorsWait {
    /// What it requires.
    pub labels: Vec<String>,
    /// How many slots it takes.
    pub cost: u32,
    /// Those that offer what it requires, each with what hinders it, by their keys; at most [`MOST_NAMED`].
    pub executors: Vec<HinderedExecutor>,
    /// How many offer what it requires.
    pub count: usize,
}

named! {
    /// Why an executor takes something not now.
    Hindrance {
        /// Too few of its slots are free.
        Full = "FULL",
        /// It has fewer slots than the task run takes.
        TooSmall = "TOO_SMALL",
        /// It passed a load threshold, and takes nothing until it falls well below.
        Overloaded = "OVERLOADED",
        /// It takes nothing more and will stop.
        Draining = "DRAINING",
    }
}

/// An executor that could have the task run, were it not for something.
#[derive(Clone, Debug, PartialEq)]
pub struct HinderedExecutor {
    /// Which life.
    pub executor_id: ExecutorId,
    /// Its name among people.
    pub key: String,
    /// It works for every tenant.
    pub shared: bool,
    /// What hinders it.
    pub hindrance: Hindrance,
    /// The cost it carries at once.
    pub slots: u32,
    /// How much of that the tenant's own attempts take. What others' take is not the tenant's to see.
    pub used: u32,
    /// The share of its machine's processors in use.
    pub cpu: f32,
    /// The share of its machine's memory in use.
    pub memory: f32,
}

/// Waits for those that go before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueWait {
    /// What all of them require.
    pub labels: Vec<String>,
    /// How many go before it; at most [`QUEUE_SEEN`].
    pub ahead: usize,
}

/// Waits for a scheduler to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentWait {
    /// An executor that has room for it.
    pub executor_id: ExecutorId,
    /// Its name among people.
    pub key: String,
}

/// Waits for the executor that it was assigned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartWait {
    /// Which life.
    pub executor_id: ExecutorId,
    /// Its name among people.
    pub key: String,
    /// When it was chosen.
    pub since: DateTime<Utc>,
    /// Until when that executor counts as alive without being heard of; it goes to another then.
    pub lease_until: Option<DateTime<Utc>>,
}

/// Waits for the instant of its next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryWait {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The number of the last attempt.
    pub attempt: i32,
    /// How that one ended.
    pub outcome: Option<Outcome>,
    /// Why, in a sentence.
    pub told: Option<String>,
}

/// Waits for an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeWait {
    /// The instant.
    pub until: DateTime<Utc>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Waits for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventWait {
    /// The name that the event must have.
    pub name: String,
    /// The key that it must have; any will do when absent.
    pub key: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it fails.
    pub until: Option<DateTime<Utc>>,
}

/// Waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalWait {
    /// What is asked.
    pub question: String,
    /// The scope that whoever answers needs.
    pub scope: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the default counts.
    pub until: Option<DateTime<Utc>>,
    /// The answer when nobody gives one in time.
    pub default: Answer,
}

/// Waits for its endpoint to call back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackWait {
    /// Since when the attempt runs.
    pub since: DateTime<Utc>,
    /// When the attempt is given up.
    pub until: Option<DateTime<Utc>>,
}

/// Waits for its items, shards or executors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemsWait {
    /// How many have not ended.
    pub open: i64,
    /// How many there are.
    pub count: i64,
    /// How many failed.
    pub failed: i64,
    /// How many are under way.
    pub under_way: i64,
    /// How many run at once; unbounded when absent.
    pub parallelism: Option<i64>,
}

/// Waits for the run that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildRunWait {
    /// That run.
    pub run_id: RunId,
    /// What it is.
    pub state: RunState,
}

/// Waits for somebody who lets its run go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PausedWait {
    /// Who paused it.
    pub by: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Waits for what still runs of what was told to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppingWait {
    /// Who told it; nobody when its own rules did.
    pub by: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the run ends as.
    pub ends_as: RunState,
    /// What still runs; at most [`MOST_NAMED`].
    pub open: Vec<OpenNode>,
    /// How many still run, as far as was looked.
    pub open_count: usize,
}

impl OpenNode {
    /// `extract (RUNNING)`, for a list of them.
    fn told(&self) -> String {
        format!("{} ({})", self.key, self.state)
    }

    /// The task run itself.
    fn of(task_run: &TaskRunFacts) -> Self {
        Self {
            task_run_id: task_run.id,
            key: task_run.key.clone(),
            state: task_run
                .live
                .as_ref()
                .map_or(TaskRunState::Blocked, |live| live.state),
        }
    }
}
