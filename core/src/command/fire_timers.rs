//! Looks at what timers were set for.
//!
//! A timer decides nothing. By the time it is looked at, what it was set for may have ended, been retried or been stopped, so
//! whoever takes it reads what is true now, with the run held, and acts on that alone. A timer that came too late is dropped.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::flow::{EndedTaskRun, Flow, Hand};
use super::settle::{settle, timed_out};
use super::stop_run::{Order, Stop, stop_held_run};
use crate::event::EventKind;
use crate::id::{RunId, TaskRunId, TenantId};
use crate::run::{Hold, RunState, TaskRunState, TimerKind};
use crate::signal::Signal;
use crate::store::dispatch::{Owner, try_lock_partition};
use crate::store::flow::{LiveTaskRun, Notice, list_held_task_runs, lock_runs};
use crate::store::items::unpin_shares;
use crate::store::published_events::find_awaited_event;
use crate::store::runs::find_run_within;
use crate::store::timers::{TakenTimer, list_due_timers, take_timers};
use crate::store::{Actor, Database, StoreError, Transaction, Versions};
use crate::work::Lease;
use crate::workflow::{Answer, NodeSpec, Overdue, Spread, WaitSpec, Work};

/// Takes the timers of a partition that are due, at most a batch, and acts on them. Gives the signals to raise; nothing when
/// somebody else has the partition.
pub(crate) async fn fire_timers(
    database: &Database,
    versions: &Versions,
    partition: i16,
) -> Result<Option<BTreeSet<Signal>>, StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    if !try_lock_partition(&mut transaction, partition).await? {
        transaction.rollback().await?;
        return Ok(None);
    }
    let due = list_due_timers(&mut transaction, partition).await?;
    let wanted: BTreeSet<(TenantId, RunId)> = due
        .iter()
        .map(|timer| (timer.tenant_id.into(), timer.run_id.into()))
        .collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let held = lock_runs(&mut transaction, &wanted).await?;
    let live: Vec<_> = held.into_iter().filter(|run| !run.has_ended()).collect();
    let pinned = versions
        .get(
            &transaction,
            live.iter()
                .map(|run| (run.tenant_id.into(), run.version_id.into())),
        )
        .await?;
    let hands: Vec<Hand> = live.iter().map(|run| Hand::of(run, &pinned)).collect();
    let timers = take_timers(&mut transaction, &due).await?;
    let signals = Firing::new(versions, hands)
        .fire(&mut transaction, timers)
        .await?;
    transaction.commit().await?;
    Ok(Some(signals))
}

struct Firing<'a> {
    versions: &'a Versions,
    flow: Flow<'a>,
    tenants: HashMap<RunId, TenantId>,
    signals: BTreeSet<Signal>,
}

impl<'a> Firing<'a> {
    fn new(versions: &'a Versions, hands: Vec<Hand>) -> Self {
        Self {
            versions,
            tenants: hands.iter().map(|hand| (hand.run_id, hand.tenant_id)).collect(),
            flow: Flow::new(versions, hands),
            signals: BTreeSet::new(),
        }
    }

    async fn fire(
        mut self,
        transaction: &mut Transaction,
        timers: Vec<TakenTimer>,
    ) -> Result<BTreeSet<Signal>, StoreError> {
        let wanted: Vec<(TenantId, TaskRunId)> = timers
            .iter()
            .filter_map(|timer| Some((*self.tenants.get(&timer.run_id)?, timer.task_run_id?)))
            .collect();
        let live = list_held_task_runs(transaction, &wanted).await?;
        let live: HashMap<TaskRunId, LiveTaskRun> = live
            .into_iter()
            .map(|task_run| (task_run.task_run_id, task_run))
            .collect();
        let mut done = BTreeSet::new();
        let mut over = Vec::new();
        for timer in timers {
            if !self.tenants.contains_key(&timer.run_id) {
                continue;
            }
            if timer.kind == TimerKind::RunTimeout {
                over.push(timer.run_id);
                continue;
            }
            let Some(task_run) = timer.task_run_id.and_then(|id| live.get(&id)) else {
                continue;
            };
            // What one timer has ended is not there for the next.
            if done.insert((task_run.task_run_id, timer.kind)) {
                self.look_at(transaction, &timer, task_run, &mut done).await?;
            }
        }
        self.signals.extend(self.flow.advance(transaction).await?);
        for run in over {
            let raised = time_out(transaction, self.versions, self.tenants[&run], run).await?;
            self.signals.extend(raised);
        }
        Ok(self.signals)
    }

    async fn look_at(
        &mut self,
        transaction: &mut Transaction,
        timer: &TakenTimer,
        task_run: &LiveTaskRun,
        done: &mut BTreeSet<(TaskRunId, TimerKind)>,
    ) -> Result<(), StoreError> {
        let spec = self.flow.hand(timer.run_id).version.node(task_run.node).clone();
        let ended = match (timer.kind, task_run.hold) {
            (TimerKind::StartDeadline, None) => self.start_deadline(&spec, task_run),
            (TimerKind::AttemptOverdue, _) => {
                self.attempt_overdue(&spec, timer, task_run);
                false
            }
            (TimerKind::HoldOver, Some(Hold::Wait)) => self.wait_over(&spec, task_run),
            (TimerKind::HoldOver, Some(Hold::Approval)) => self.unanswered(&spec, task_run),
            (TimerKind::EventPublished, Some(Hold::Wait)) => {
                let tenant = self.tenants[&timer.run_id];
                let found =
                    find_awaited_event(transaction, tenant, timer.run_id, task_run.task_run_id).await?;
                if let Some(event) = &found {
                    self.end(task_run, TaskRunState::Succeeded, None, Some(event.clone()));
                }
                found.is_some()
            }
            (TimerKind::RunEnded, Some(Hold::Run)) => self.run_ended(transaction, timer, task_run).await?,
            (TimerKind::CallbackDue, Some(Hold::Callback)) if timer.fence == Some(task_run.fence) => {
                self.uncalled(transaction, task_run).await?;
                false
            }
            (TimerKind::ExecutorGone, None) => self.executor_gone(transaction, &spec, task_run).await?,
            _ => false,
        };
        if ended {
            // Whatever else was set for it is void.
            done.extend(TimerKind::ALL.iter().map(|kind| (task_run.task_run_id, *kind)));
        }
        Ok(())
    }

    fn end(
        &mut self,
        task_run: &LiveTaskRun,
        state: TaskRunState,
        reason: Option<&str>,
        output: Option<Value>,
    ) {
        let end = EndedTaskRun {
            run_id: task_run.run_id,
            node: task_run.node,
            task_run_id: task_run.task_run_id,
            is_share: task_run.item.is_some(),
            state,
            reason,
        };
        self.flow.end(end, output);
    }

    fn start_deadline(&mut self, spec: &NodeSpec, task_run: &LiveTaskRun) -> bool {
        let waits = matches!(task_run.state, TaskRunState::Ready | TaskRunState::RetryWait);
        let Some(deadline) = spec.start_deadline.filter(|_| waits && !task_run.begun) else {
            return false;
        };
        let after = deadline.after_ms;
        if deadline.overdue == Overdue::Warn {
            self.notice(task_run, EventKind::TaskRunWaitsLong, json!({"afterMs": after}));
            return false;
        }
        let reason = format!("it did not start within {after} ms of being ready");
        self.end(task_run, TaskRunState::Failed, Some(&reason), None);
        true
    }

    fn attempt_overdue(&mut self, spec: &NodeSpec, timer: &TakenTimer, task_run: &LiveTaskRun) {
        if timer.fence == Some(task_run.fence) && task_run.state == TaskRunState::Running {
            let data = json!({"attempt": task_run.fence, "afterMs": spec.timeout_ms});
            self.notice(task_run, EventKind::TaskRunLate, data);
        }
    }

    fn notice(&mut self, task_run: &LiveTaskRun, kind: EventKind, data: Value) {
        let tenant_id = self.tenants[&task_run.run_id];
        self.signals.insert(Signal::Events(tenant_id));
        self.flow.notice(Notice {
            tenant_id,
            run_id: task_run.run_id,
            task_run_id: Some(task_run.task_run_id),
            kind,
            data,
        });
    }

    fn wait_over(&mut self, spec: &NodeSpec, task_run: &LiveTaskRun) -> bool {
        if let Work::Wait(WaitSpec::Event {
            name, deadline_ms, ..
        }) = &spec.work
        {
            let after = deadline_ms.unwrap_or_default();
            let reason = format!("no event {name:?} was published within {after} ms");
            self.end(task_run, TaskRunState::Failed, Some(&reason), None);
        } else {
            self.end(task_run, TaskRunState::Succeeded, None, None);
        }
        true
    }

    fn unanswered(&mut self, spec: &NodeSpec, task_run: &LiveTaskRun) -> bool {
        let Work::Approval(approval) = &spec.work else {
            return false;
        };
        let after = approval.deadline_ms.unwrap_or_default();
        let output = json!({"answer": approval.default.as_str(), "by": null});
        match approval.default {
            Answer::Approve => {
                let reason = format!("nobody answered within {after} ms, which approves");
                self.end(task_run, TaskRunState::Succeeded, Some(&reason), Some(output));
            }
            Answer::Reject => {
                let reason = format!("nobody answered within {after} ms, which rejects");
                self.end(task_run, TaskRunState::Failed, Some(&reason), Some(output));
            }
        }
        true
    }

    async fn run_ended(
        &mut self,
        transaction: &mut Transaction,
        timer: &TakenTimer,
        task_run: &LiveTaskRun,
    ) -> Result<bool, StoreError> {
        let tenant = self.tenants[&timer.run_id];
        let Some(run) = find_run_within(transaction, tenant, timer.run_id, task_run.task_run_id).await?
        else {
            return Ok(false);
        };
        let stopping = self.flow.hand(timer.run_id).stopping;
        match run.state {
            RunState::Queued | RunState::Running | RunState::Paused => return Ok(false),
            RunState::Succeeded => self.end(task_run, TaskRunState::Succeeded, None, run.output),
            RunState::Failed | RunState::Cancelled | RunState::TimedOut if stopping => {
                self.end(
                    task_run,
                    TaskRunState::Cancelled,
                    Some("its run was stopped"),
                    None,
                );
            }
            RunState::Failed | RunState::Cancelled | RunState::TimedOut => {
                let told = run.reason.as_deref().unwrap_or("no reason was given");
                let reason = format!("its run ended as {}: {}", run.state, shortened(told));
                self.end(task_run, TaskRunState::Failed, Some(&reason), None);
            }
        }
        Ok(true)
    }

    /// An endpoint that should have called back did not: its attempt has taken longer than it may.
    async fn uncalled(
        &mut self,
        transaction: &mut Transaction,
        task_run: &LiveTaskRun,
    ) -> Result<(), StoreError> {
        let Some(executor) = task_run.executor_id else {
            return Ok(());
        };
        let lease = Lease {
            tenant_id: self.tenants[&task_run.run_id],
            run_id: task_run.run_id,
            task_run_id: task_run.task_run_id,
            fence: task_run.fence,
        };
        let owner = Owner {
            executor: executor.into(),
            called_back: true,
        };
        let report = timed_out(lease, "the endpoint did not call back in time".to_owned());
        let raised = settle(transaction, self.versions, owner, vec![report]).await?;
        self.signals.extend(raised);
        Ok(())
    }

    async fn executor_gone(
        &mut self,
        transaction: &mut Transaction,
        spec: &NodeSpec,
        task_run: &LiveTaskRun,
    ) -> Result<bool, StoreError> {
        let Some(key) = &task_run.pinned_to else {
            return Ok(false);
        };
        if spec.spread == Some(Spread::Broadcast) {
            let reason = format!("the executor {key:?} that it was for is gone");
            self.end(task_run, TaskRunState::Failed, Some(&reason), None);
            return Ok(true);
        }
        let tenant = self.tenants[&task_run.run_id];
        unpin_shares(transaction, &[(tenant, task_run.task_run_id)]).await?;
        self.signals.insert(Signal::Ready(tenant.partition()));
        Ok(false)
    }
}

/// The time of a run is over.
async fn time_out(
    transaction: &mut Transaction,
    versions: &Versions,
    tenant: TenantId,
    run: RunId,
) -> Result<BTreeSet<Signal>, StoreError> {
    let held = lock_runs(transaction, &[(tenant, run)]).await?;
    let Some(held) = held
        .into_iter()
        .find(|run| !run.has_ended() && run.stop_as.is_none())
    else {
        return Ok(BTreeSet::new());
    };
    let pinned = versions
        .get(transaction, [(tenant, held.version_id.into())])
        .await?;
    let hand = Hand::of(&held, &pinned);
    let Some(timeout) = hand.version.conduct.timeout else {
        return Ok(BTreeSet::new());
    };
    let after = timeout.after_ms;
    if timeout.overdue == Overdue::Warn {
        let mut flow = Flow::new(versions, [hand]);
        flow.notice(Notice {
            tenant_id: tenant,
            run_id: run,
            task_run_id: None,
            kind: EventKind::RunLate,
            data: json!({"afterMs": after}),
        });
        flow.signal(Signal::Events(tenant));
        return flow.advance(transaction).await;
    }
    let stop = Stop {
        ends_as: RunState::TimedOut,
        by: None,
        reason: format!("the run took longer than {after} ms"),
        order: Order::Stop,
    };
    stop_held_run(transaction, tenant, run, &stop).await
}

/// The most characters of the reason of a run that its node repeats. Runs within runs would add up otherwise.
const REPEATED: usize = 200;

fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}
