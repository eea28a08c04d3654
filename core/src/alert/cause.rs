//! What happened, as rules see it.

use chrono::{DateTime, Utc};

use crate::id::{AlertRuleId, ExecutorId, RunId, TaskRunId, TenantId, WorkflowId};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseKind {
    /// A run failed for good, or its time was over.
    RunFailed,
    /// A run succeeded.
    RunSucceeded,
    /// A workflow was refused for its cycle.
    WorkflowRefused,
    /// A task run waits long.
    TaskWaits,
    /// A run is late, or takes long.
    RunLate,
    /// The lease of an executor ended.
    ExecutorLost,
    /// An executor began its life.
    ExecutorRegistered,
}

impl CauseKind {
    /// What an event of the kind `name` is to rules. The names are those of the log, where other releases write too.
    #[must_use]
    pub fn of_event(name: &str) -> Option<Self> {
        Some(match name {
            "RUN_FAILED" | "RUN_TIMED_OUT" => Self::RunFailed,
            "RUN_SUCCEEDED" => Self::RunSucceeded,
            "WORKFLOW_REFUSED" => Self::WorkflowRefused,
            "TASK_RUN_WAITS_LONG" => Self::TaskWaits,
            "RUN_LATE" | "RUN_OVERDUE" => Self::RunLate,
            "EXECUTOR_LOST" => Self::ExecutorLost,
            "EXECUTOR_REGISTERED" => Self::ExecutorRegistered,
            _ => return None,
        })
    }
}

/// Something that happened, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// Whose rules hear of it.
    pub tenant: TenantId,
    /// The only rule that hears of it, when one looked for it by a time of its own.
    pub only_for: Option<AlertRuleId>,
    /// Names it among all causes of the tenant.
    pub name: String,
    /// What happened.
    pub kind: CauseKind,
    /// When.
    pub at: DateTime<Utc>,
    /// The number of the event up to which the log had been read.
    pub seq: i64,
    /// The workflow, with its key.
    pub workflow: Option<(Option<WorkflowId>, String)>,
    /// The run.
    pub run: Option<RunId>,
    /// The task run, with its node's key.
    pub task_run: Option<(TaskRunId, String)>,
    /// The executor, with its key: the one that was lost, or on which it happened.
    pub executor: Option<(ExecutorId, String)>,
    /// What there is to say of it.
    pub detail: Option<String>,
    /// How long it has taken, in milliseconds.
    pub took_ms: Option<i64>,
}

impl Cause {
    /// The workflow's id.
    #[must_use]
    pub fn workflow_id(&self) -> Option<WorkflowId> {
        self.workflow.as_ref().and_then(|(id, _)| *id)
    }
}
