//! What a run waits for: the reasons of its task runs, each once.

use super::facts::{Around, RunStanding, TaskRunFacts};
use super::{MOST_NAMED, MOST_REASONS, OpenNode, PausedWait, StoppingWait, WaitReason, reasons};
use crate::id::TaskRunId;

/// A reason, and who waits for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// The reason.
    pub reason: WaitReason,
    /// The task runs that wait for it, the first in the definition; at most [`MOST_NAMED`].
    pub task_runs: Vec<TaskRunId>,
    /// How many wait for it, as far as was looked.
    pub count: usize,
}

impl Wait {
    /// A reason of one task run.
    #[must_use]
    pub fn of(reason: WaitReason, task_run: TaskRunId) -> Self {
        Self {
            reason,
            task_runs: vec![task_run],
            count: 1,
        }
    }

    fn add(&mut self, task_run: TaskRunId) {
        self.count += 1;
        if self.task_runs.len() < MOST_NAMED {
            self.task_runs.push(task_run);
        }
    }
}

/// What a run waits for: that it is paused or being stopped, and what those of its live task runs wait for that wait for
/// something outside of it. Task runs with the same reason are told of together, and at most [`MOST_REASONS`] reasons are told.
#[must_use]
pub fn gather(run: &RunStanding, live: &[TaskRunFacts], around: &Around) -> Vec<Wait> {
    if let Some(stopping) = stopping(run, live) {
        return vec![stopping];
    }
    let mut waits: Vec<Wait> = Vec::new();
    if let Some((by, since)) = run.paused.clone() {
        waits.push(Wait {
            reason: WaitReason::Paused(PausedWait { by, since }),
            task_runs: Vec::new(),
            count: 0,
        });
    }
    for task_run in live {
        let outside = reasons(task_run, around).into_iter().filter(leads_outside);
        for reason in outside {
            if let Some(wait) = waits.iter_mut().find(|wait| is_same(&wait.reason, &reason)) {
                wait.add(task_run.id);
            } else if waits.len() < MOST_REASONS {
                waits.push(Wait::of(reason, task_run.id));
            }
        }
    }
    waits
}

/// That a run is being stopped, and what still runs of it.
fn stopping(run: &RunStanding, live: &[TaskRunFacts]) -> Option<Wait> {
    let stop = run.stop.as_ref()?;
    Some(Wait {
        reason: WaitReason::Stopping(StoppingWait {
            by: stop.by.clone(),
            since: stop.at,
            ends_as: stop.ends_as,
            open: live.iter().take(MOST_NAMED).map(OpenNode::of).collect(),
            open_count: live.len(),
        }),
        task_runs: live.iter().take(MOST_NAMED).map(|task_run| task_run.id).collect(),
        count: live.len(),
    })
}

/// Whether it is something outside of the run. What waits within it is told of by what it waits for.
fn leads_outside(reason: &WaitReason) -> bool {
    match reason {
        WaitReason::Parents(_) | WaitReason::Turn(_) | WaitReason::Items(_) => false,
        WaitReason::Labels(_)
        | WaitReason::Executors(_)
        | WaitReason::Queue(_)
        | WaitReason::Assignment(_)
        | WaitReason::Start(_)
        | WaitReason::Retry(_)
        | WaitReason::Time(_)
        | WaitReason::Event(_)
        | WaitReason::Approval(_)
        | WaitReason::Callback(_)
        | WaitReason::ChildRun(_)
        | WaitReason::Paused(_)
        | WaitReason::Stopping(_) => true,
    }
}

/// Whether two task runs wait for the same. Of those in one queue the first tells its place.
fn is_same(one: &WaitReason, other: &WaitReason) -> bool {
    match (one, other) {
        (WaitReason::Queue(one), WaitReason::Queue(other)) => one.labels == other.labels,
        (one, other) => one == other,
    }
}
