//! From facts to reasons.

use super::facts::{Around, LiveFacts, LivingExecutor, TaskRunFacts};
use super::{
    ApprovalWait, AssignmentWait, CallbackWait, ChildRunWait, EventWait, ExecutorsWait, HinderedExecutor,
    Hindrance, ItemsWait, LabelsWait, MOST_NAMED, OpenNode, ParentsWait, PausedWait, QUEUE_SEEN, QueueWait,
    RetryWait, StartWait, StoppingWait, TimeWait, TurnWait, WaitReason,
};
use crate::assign::Obstacle;
use crate::executor::ExecutorState;
use crate::run::{Hold, Readiness, TaskRunState};
use crate::workflow::{Spread, Work};

/// What the task run waits for now; nothing when an executor is at it.
#[must_use]
pub fn reasons(task_run: &TaskRunFacts, around: &Around) -> Vec<WaitReason> {
    let Some(live) = &task_run.live else {
        return blocked(task_run, around);
    };
    let mut found = match live.state {
        TaskRunState::Ready if live.paused => Vec::new(),
        TaskRunState::Ready => ready(task_run, live, around),
        TaskRunState::Assigned => vec![WaitReason::Start(assigned(live, around))],
        TaskRunState::RetryWait => vec![WaitReason::Retry(retry(task_run, live, around))],
        TaskRunState::Running => match live.hold {
            Some(hold) => held(task_run, live, hold, around).into_iter().collect(),
            None if live.stop_requested => stop_of(task_run, around).into_iter().collect(),
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    if live.paused {
        found.extend(paused(task_run, around));
    }
    found
}

fn paused(task_run: &TaskRunFacts, around: &Around) -> Option<WaitReason> {
    let (by, since) = around.runs.get(&task_run.run_id)?.paused.clone()?;
    Some(WaitReason::Paused(PausedWait { by, since }))
}

/// A task run that has not begun. A share waits for its turn, a node for those before it, and either for the run to go on.
fn blocked(task_run: &TaskRunFacts, around: &Around) -> Vec<WaitReason> {
    let mut found = Vec::new();
    if let Some(parent) = task_run.parent_id {
        found.extend(turn(task_run, around, parent).map(WaitReason::Turn));
    } else {
        let rule = task_run.version.node(task_run.node).trigger_rule;
        if task_run.parents.readiness(rule) == Readiness::Wait {
            let open = open_parents(task_run, around);
            found.push(WaitReason::Parents(ParentsWait {
                rule,
                open_count: task_run.parents.pending,
                count: task_run.parents.all,
                open,
            }));
        }
    }
    found.extend(paused(task_run, around));
    found
}

fn open_parents(task_run: &TaskRunFacts, around: &Around) -> Vec<OpenNode> {
    let places = around
        .parents
        .get(&task_run.run_id)
        .and_then(|parents| parents.get(&task_run.node));
    let open = around.open_nodes.get(&task_run.run_id);
    let (Some(places), Some(open)) = (places, open) else {
        return Vec::new();
    };
    let known = places.iter().filter_map(|place| open.get(place).cloned());
    known.take(MOST_NAMED).collect()
}

fn turn(task_run: &TaskRunFacts, around: &Around, parent: crate::id::TaskRunId) -> Option<TurnWait> {
    let shares = around.shares.get(&parent)?;
    Some(TurnWait {
        parallelism: parallelism(task_run).unwrap_or(shares.count),
        under_way: shares.under_way,
    })
}

fn parallelism(task_run: &TaskRunFacts) -> Option<i64> {
    match &task_run.version.node(task_run.node).spread {
        Some(Spread::Map(map)) => map.parallelism.map(i64::from),
        _ => None,
    }
}

/// A task run that an executor could have.
fn ready(task_run: &TaskRunFacts, live: &LiveFacts, around: &Around) -> Vec<WaitReason> {
    let head = task_run.head(live);
    let living = || {
        around
            .executors
            .iter()
            .filter(|executor| executor.state != ExecutorState::Lost)
    };
    let suits = |executor: &&LivingExecutor| {
        !matches!(
            executor.candidate.obstacle(&head),
            Some(Obstacle::Tenant | Obstacle::Labels)
        )
    };
    let matching: Vec<&LivingExecutor> = living().filter(suits).collect();
    if matching.is_empty() {
        let offered = |label: &&String| living().any(|executor| executor.candidate.labels.contains(label));
        let missing = live
            .labels
            .iter()
            .filter(|label| !offered(label))
            .cloned()
            .collect();
        let gone = |key: &&String| living().all(|executor| executor.key != **key);
        return vec![WaitReason::Labels(LabelsWait {
            labels: live.labels.clone(),
            missing,
            pinned_to: live.pinned_to.as_ref().filter(gone).cloned(),
            living: living().count(),
        })];
    }
    let hindered = |executor: &&LivingExecutor| hindrance(executor, executor.candidate.obstacle(&head));
    let ahead = around.ahead.get(&task_run.id).copied().unwrap_or(QUEUE_SEEN);
    let queue = (ahead > 0).then(|| {
        WaitReason::Queue(QueueWait {
            labels: live.labels.clone(),
            ahead,
        })
    });
    if let Some(free) = matching.iter().find(|executor| hindered(executor).is_none()) {
        let assignment = AssignmentWait {
            executor_id: free.candidate.executor_id,
            key: free.key.clone(),
        };
        return vec![queue.unwrap_or(WaitReason::Assignment(assignment))];
    }
    let told = |executor: &&LivingExecutor| {
        hindered(executor).map(|hindrance| HinderedExecutor {
            executor_id: executor.candidate.executor_id,
            key: executor.key.clone(),
            shared: executor.candidate.tenant_id.is_none(),
            hindrance,
            slots: executor.candidate.slots,
            used: executor.own_used,
            cpu: executor.cpu,
            memory: executor.memory,
        })
    };
    let executors = ExecutorsWait {
        labels: live.labels.clone(),
        cost: live.cost,
        executors: matching.iter().filter_map(told).take(MOST_NAMED).collect(),
        count: matching.len(),
    };
    let mut found = vec![WaitReason::Executors(executors)];
    found.extend(queue);
    found
}

/// Why an executor that suits takes the task run not now.
fn hindrance(executor: &LivingExecutor, obstacle: Option<Obstacle>) -> Option<Hindrance> {
    match (executor.state, obstacle) {
        (ExecutorState::Draining, _) => Some(Hindrance::Draining),
        (_, Some(Obstacle::Size)) => Some(Hindrance::TooSmall),
        (ExecutorState::Overloaded, _) => Some(Hindrance::Overloaded),
        (_, Some(Obstacle::Full)) => Some(Hindrance::Full),
        _ => None,
    }
}

fn assigned(live: &LiveFacts, around: &Around) -> StartWait {
    let executor = around
        .executors
        .iter()
        .find(|executor| Some(executor.candidate.executor_id) == live.executor_id);
    StartWait {
        executor_id: live.executor_id.expect("what is assigned has an executor"),
        key: executor.map(|executor| executor.key.clone()).unwrap_or_default(),
        since: live.assigned_at.unwrap_or(live.ready_at),
        lease_until: executor.map(|executor| executor.lease_until),
    }
}

fn retry(task_run: &TaskRunFacts, live: &LiveFacts, around: &Around) -> RetryWait {
    let last = around.last_attempts.get(&task_run.id);
    RetryWait {
        at: live.ready_at,
        attempt: live.fence,
        outcome: last.map(|last| last.outcome),
        told: last.and_then(|last| last.message.clone()),
    }
}

/// A task run in the service's own hands.
fn held(task_run: &TaskRunFacts, live: &LiveFacts, hold: Hold, around: &Around) -> Option<WaitReason> {
    let since = live.started_at.unwrap_or(live.ready_at);
    let until = around.due.get(&task_run.id).copied();
    match hold {
        Hold::Items => {
            let shares = around.shares.get(&task_run.id)?;
            Some(WaitReason::Items(ItemsWait {
                open: shares.open,
                count: shares.count,
                failed: shares.failed,
                under_way: shares.under_way,
                parallelism: parallelism(task_run),
            }))
        }
        Hold::Run => {
            let run = around.child_runs.get(&task_run.id)?;
            Some(WaitReason::ChildRun(ChildRunWait {
                run_id: run.id,
                state: run.state,
            }))
        }
        Hold::Approval => {
            let Work::Approval(approval) = &task_run.version.node(task_run.node).work else {
                return None;
            };
            let question = around.questions.get(&task_run.id);
            Some(WaitReason::Approval(ApprovalWait {
                question: question.unwrap_or(&approval.question).clone(),
                scope: approval.scope.clone(),
                since,
                until,
                default: approval.default,
            }))
        }
        Hold::Wait => match (around.events.get(&task_run.id), until) {
            (Some(event), until) => Some(WaitReason::Event(EventWait {
                name: event.name.clone(),
                key: event.key.clone(),
                since,
                until,
            })),
            (None, Some(until)) => Some(WaitReason::Time(TimeWait { until, since })),
            // Its timer was taken a moment ago: it ends now.
            (None, None) => None,
        },
        Hold::Callback => Some(WaitReason::Callback(CallbackWait { since, until })),
    }
}

/// An attempt that its executor is to stop.
fn stop_of(task_run: &TaskRunFacts, around: &Around) -> Option<WaitReason> {
    let stop = around.runs.get(&task_run.run_id)?.stop.as_ref()?;
    Some(WaitReason::Stopping(StoppingWait {
        by: stop.by.clone(),
        since: stop.at,
        ends_as: stop.ends_as,
        open: vec![OpenNode::of(task_run)],
        open_count: 1,
    }))
}
