//! Reasons as clients see them: each kind with its figures and links, and all with a sentence.

use async_graphql::{ComplexObject, Context, Enum, Interface, Result, SimpleObject};
use waterclock_core::id::ExecutorId;
use waterclock_core::wait::{self, OpenNode, Wait};

use crate::graphql::attempt::Outcome;
use crate::graphql::executor::Executor;
use crate::graphql::journal::load;
use crate::graphql::run::{Run, RunState};
use crate::graphql::scalar::DateTime;
use crate::graphql::task_run::{TaskRun, TaskRunState};
use crate::graphql::workflow::{Answer, ApprovalScope, TriggerRule};

/// Why something waits, true at the moment of asking.
#[derive(Clone, Debug, Interface)]
#[graphql(
    field(name = "message", ty = "&String", desc = "The reason, in a sentence."),
    field(
        name = "task_runs",
        ty = "&Vec<TaskRun>",
        desc = "Who waits for it: the first ten."
    ),
    field(
        name = "task_run_count",
        ty = "&i32",
        desc = "How many wait for it; of a run's, the first hundred are looked at."
    )
)]
pub(crate) enum WaitReason {
    /// Task runs before it.
    Parents(ParentsWait),
    /// Its turn among the shares of its node.
    Turn(TurnWait),
    /// An executor that offers what it requires.
    Labels(LabelsWait),
    /// An executor that can take it now.
    Executors(ExecutorsWait),
    /// Those that go before it.
    Queue(QueueWait),
    /// A scheduler that looks.
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
    /// Its endpoint.
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

/// Declares kinds of reasons: what all have, and what each has of its own.
macro_rules! waits {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => {$(
        #[derive(Clone, Debug, SimpleObject)]
        $(#[$doc])*
        pub(crate) struct $name {
            /// The reason, in a sentence.
            message: String,
            /// Who waits for it: the first ten.
            task_runs: Vec<TaskRun>,
            /// How many wait for it; of a run's, the first hundred are looked at.
            task_run_count: i32,
            $($(#[$field_doc])* $field: $type,)*
        }
    )+};
}

waits! {
    /// Waits for task runs before it.
    ParentsWait {
        /// When it starts.
        trigger_rule: TriggerRule,
        /// Those that have not ended: the first ten.
        parents: Vec<OpenTaskRun>,
        /// How many have not ended.
        open_parent_count: i32,
        /// How many there are.
        parent_count: i32,
    }
    /// Waits for its turn: its node runs no more of its items at once.
    TurnWait {
        /// How many run at once.
        parallelism: i32,
        /// How many are under way.
        under_way: i32,
    }
    /// Waits for an executor that offers what it requires. None that is alive and works for its tenant does.
    LabelsWait {
        /// What it requires.
        labels: Vec<String>,
        /// What of that nobody offers; empty when each is offered by somebody, and all together by nobody.
        missing_labels: Vec<String>,
        /// The key of the executor that it was dealt to, which is gone.
        gone_executor: Option<String>,
        /// How many executors are alive and work for its tenant.
        executor_count: i32,
    }
    /// Waits for an executor that can take it: those that offer what it requires cannot.
    ExecutorsWait {
        /// What it requires.
        labels: Vec<String>,
        /// How many slots it takes.
        cost: i32,
        /// Those that offer what it requires, and what hinders each: the first ten by their keys.
        executors: Vec<HinderedExecutor>,
        /// How many offer what it requires.
        executor_count: i32,
    }
    /// Waits for others of its tenant that require the same labels and go before it, by priority and then by time.
    QueueWait {
        /// What all of them require.
        labels: Vec<String>,
        /// How many go before it; 1,000 when these are more.
        ahead: i32,
    }
    /// Waits for a scheduler to look: an executor has room for it.
    #[graphql(complex)]
    AssignmentWait {
        #[graphql(skip)]
        executor_id: ExecutorId,
    }
    /// Waits for the executor that it was assigned to, which has not fetched it yet.
    #[graphql(complex)]
    StartWait {
        #[graphql(skip)]
        executor_id: ExecutorId,
        /// When that executor was chosen.
        since: DateTime,
        /// Until when that executor counts as alive without being heard of; it goes to another then.
        lease_until: Option<DateTime>,
    }
    /// Waits for the instant of its next attempt.
    RetryWait {
        /// The instant.
        at: DateTime,
        /// The number of the last attempt.
        attempt: i32,
        /// How that one ended.
        outcome: Option<Outcome>,
        /// Why, in a sentence.
        attempt_message: Option<String>,
    }
    /// Waits until an instant.
    TimeWait {
        /// The instant.
        until: DateTime,
        /// Since when.
        since: DateTime,
    }
    /// Waits for an event: `publishEvent`.
    EventWait {
        /// The name that the event must have.
        name: String,
        /// The key that it must have; any will do when absent.
        key: Option<String>,
        /// Since when.
        since: DateTime,
        /// When it fails; never when absent.
        deadline: Option<DateTime>,
    }
    /// Waits for somebody to answer: `answerApproval`.
    ApprovalWait {
        /// What is asked.
        question: String,
        /// The scope that whoever answers needs.
        scope: ApprovalScope,
        /// Since when.
        since: DateTime,
        /// When the default counts; never when absent.
        deadline: Option<DateTime>,
        /// The answer when nobody gives one in time.
        default: Answer,
    }
    /// Waits for its endpoint to call back.
    CallbackWait {
        /// Since when the attempt runs.
        since: DateTime,
        /// When the attempt is given up.
        deadline: Option<DateTime>,
    }
    /// Waits for its items, shards or executors.
    ItemsWait {
        /// How many have not ended.
        open: i32,
        /// How many there are.
        count: i32,
        /// How many failed.
        failed: i32,
        /// How many are under way.
        under_way: i32,
        /// How many run at once; unbounded when absent.
        parallelism: Option<i32>,
    }
    /// Waits for the run that it is.
    ChildRunWait {
        /// That run.
        run: Run,
        /// What it is.
        state: RunState,
    }
    /// Waits for somebody who lets the run go on: `resumeRun`.
    PausedWait {
        /// The subject of the token that paused it.
        by: String,
        /// Since when.
        since: DateTime,
    }
    /// Waits for what still runs of what was told to stop.
    StoppingWait {
        /// The subject of the token that told it so; nobody when the run's own rules did.
        by: Option<String>,
        /// Since when.
        since: DateTime,
        /// What the run ends as.
        ends_as: RunState,
        /// What still runs: the first ten.
        open: Vec<OpenTaskRun>,
    }
}

/// A task run that has not ended.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct OpenTaskRun {
    /// The task run.
    task_run: TaskRun,
    /// The key of its node.
    key: String,
    /// What it was at the moment of the answer.
    state: TaskRunState,
}

/// Why an executor takes a task run not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "wait::Hindrance")]
pub(crate) enum Hindrance {
    /// Too few of its slots are free.
    Full,
    /// It has fewer slots than the task run takes.
    TooSmall,
    /// It passed a load threshold, and takes nothing until it falls well below.
    Overloaded,
    /// It takes nothing more and will stop.
    Draining,
}

/// An executor that could have a task run, were it not for something.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct HinderedExecutor {
    #[graphql(skip)]
    executor_id: ExecutorId,
    /// Its name among people.
    key: String,
    /// Whether it works for every tenant.
    shared: bool,
    /// What hinders it.
    hindrance: Hindrance,
    /// The cost that it carries at once.
    slots: i32,
    /// How many of its slots the caller's tenant uses. A shared one may be full of others' work.
    used: i32,
    /// The share of its machine's processors in use, 0 to 1, by its last heartbeat.
    cpu: f32,
    /// The share of its machine's memory in use, 0 to 1, by its last heartbeat.
    memory: f32,
}

#[ComplexObject]
impl HinderedExecutor {
    /// The executor.
    async fn executor(&self, context: &Context<'_>) -> Result<Option<Executor>> {
        Ok(load(context, self.executor_id).await?.map(Executor))
    }
}

#[ComplexObject]
impl AssignmentWait {
    /// An executor that has room for it.
    async fn executor(&self, context: &Context<'_>) -> Result<Option<Executor>> {
        Ok(load(context, self.executor_id).await?.map(Executor))
    }
}

#[ComplexObject]
impl StartWait {
    /// The executor that it was assigned to.
    async fn executor(&self, context: &Context<'_>) -> Result<Option<Executor>> {
        Ok(load(context, self.executor_id).await?.map(Executor))
    }
}

/// A number as GraphQL's `Int` holds it.
fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

fn open(nodes: &[OpenNode]) -> Vec<OpenTaskRun> {
    let shown = |node: &OpenNode| OpenTaskRun {
        task_run: TaskRun::new(node.task_run_id),
        key: node.key.clone(),
        state: node.state.into(),
    };
    nodes.iter().map(shown).collect()
}

impl From<&wait::HinderedExecutor> for HinderedExecutor {
    fn from(executor: &wait::HinderedExecutor) -> Self {
        Self {
            executor_id: executor.executor_id,
            key: executor.key.clone(),
            shared: executor.shared,
            hindrance: executor.hindrance.into(),
            slots: int(executor.slots),
            used: int(executor.used),
            cpu: executor.cpu,
            memory: executor.memory,
        }
    }
}

impl WaitReason {
    /// A reason with those who wait for it.
    pub(super) fn of(wait: &Wait) -> Self {
        use wait::WaitReason as Reason;
        let message = wait.reason.to_string();
        let task_runs: Vec<TaskRun> = wait.task_runs.iter().map(|&id| TaskRun::new(id)).collect();
        let task_run_count = int(wait.count);
        macro_rules! shown {
            ($kind:ident: $name:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
                Self::$kind($name { message, task_runs, task_run_count, $($field $(: $value)?),* })
            };
        }
        match &wait.reason {
            Reason::Parents(of) => shown!(Parents: ParentsWait {
                trigger_rule: of.rule.into(),
                parents: open(&of.open),
                open_parent_count: of.open_count,
                parent_count: of.count,
            }),
            Reason::Turn(of) => shown!(Turn: TurnWait {
                parallelism: int(of.parallelism),
                under_way: int(of.under_way),
            }),
            Reason::Labels(of) => shown!(Labels: LabelsWait {
                labels: of.labels.clone(),
                missing_labels: of.missing.clone(),
                gone_executor: of.pinned_to.clone(),
                executor_count: int(of.living),
            }),
            Reason::Executors(of) => shown!(Executors: ExecutorsWait {
                labels: of.labels.clone(),
                cost: int(of.cost),
                executors: of.executors.iter().map(Into::into).collect(),
                executor_count: int(of.count),
            }),
            Reason::Queue(of) => shown!(Queue: QueueWait {
                labels: of.labels.clone(),
                ahead: int(of.ahead),
            }),
            Reason::Assignment(of) => shown!(Assignment: AssignmentWait {
                executor_id: of.executor_id,
            }),
            Reason::Start(of) => shown!(Start: StartWait {
                executor_id: of.executor_id,
                since: of.since.into(),
                lease_until: of.lease_until.map(Into::into),
            }),
            Reason::Retry(of) => shown!(Retry: RetryWait {
                at: of.at.into(),
                attempt: of.attempt,
                outcome: of.outcome.map(Into::into),
                attempt_message: of.told.clone(),
            }),
            Reason::Time(of) => shown!(Time: TimeWait {
                until: of.until.into(),
                since: of.since.into(),
            }),
            Reason::Event(of) => shown!(Event: EventWait {
                name: of.name.clone(),
                key: of.key.clone(),
                since: of.since.into(),
                deadline: of.until.map(Into::into),
            }),
            Reason::Approval(of) => shown!(Approval: ApprovalWait {
                question: of.question.clone(),
                scope: ApprovalScope::of(&of.scope),
                since: of.since.into(),
                deadline: of.until.map(Into::into),
                default: of.default.into(),
            }),
            Reason::Callback(of) => shown!(Callback: CallbackWait {
                since: of.since.into(),
                deadline: of.until.map(Into::into),
            }),
            Reason::Items(of) => shown!(Items: ItemsWait {
                open: int(of.open),
                count: int(of.count),
                failed: int(of.failed),
                under_way: int(of.under_way),
                parallelism: of.parallelism.map(int),
            }),
            Reason::ChildRun(of) => shown!(ChildRun: ChildRunWait {
                run: Run::new(of.run_id),
                state: of.state.into(),
            }),
            Reason::Paused(of) => shown!(Paused: PausedWait {
                by: of.by.clone(),
                since: of.since.into(),
            }),
            Reason::Stopping(of) => shown!(Stopping: StoppingWait {
                by: of.by.clone(),
                since: of.since.into(),
                ends_as: of.ends_as.into(),
                open: open(&of.open),
            }),
        }
    }
}
