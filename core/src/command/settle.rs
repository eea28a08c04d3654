//! Settles attempts that have ended: what becomes of each task run, who may start now, and which runs are over.
//!
//! Reports, reclaimed attempts and those that a stopping executor hands back all come through here, in batches, within the
//! caller's transaction. The runs concerned are locked first and in order, so that the parents of one join, ending in many
//! transactions at once, are counted one transaction after the other, and the join is released exactly once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::flow::{EndedTaskRun, Flow, GIVEN_UP, Hand};
use crate::id::{RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::retry::Symptoms;
use crate::run::{Ending, Outcome, Standing, TaskRunState, Verdict, verdict};
use crate::signal::Signal;
use crate::store::dispatch::{HeldAttempt, Owner, lock_attempts};
use crate::store::settle::Endings;
use crate::store::{StoreError, Transaction, Versions};
use crate::work::{Lease, Report};
use crate::workflow::{NodeSpec, PinnedVersion};

/// Settles the attempts that `reports` tell of, as far as `owner` still has them, and gives the signals to raise
/// after the commit.
pub(crate) async fn settle(
    transaction: &mut Transaction,
    versions: &Versions,
    owner: Owner,
    reports: Vec<Report>,
) -> Result<BTreeSet<Signal>, StoreError> {
    let leases: Vec<Lease> = reports.iter().map(|report| report.lease).collect();
    let held = lock_attempts(transaction, owner, &leases).await?;
    if held.is_empty() {
        return Ok(BTreeSet::new());
    }
    let wanted = held
        .iter()
        .map(|attempt| (TenantId::from(attempt.tenant_id), attempt.version_id()));
    let pinned = versions.get(transaction, wanted).await?;
    let mut settling = Settling::default();
    let mut reports: HashMap<Lease, Report> =
        reports.into_iter().map(|report| (report.lease, report)).collect();
    for attempt in &held {
        if let Some(report) = reports.remove(&lease_of(attempt)) {
            settling.end(pinned[&attempt.version_id()].node(attempt.node), attempt, report);
        }
    }
    let mut flow = Flow::new(versions, hands(&held, &pinned));
    for ended in &settling.ended {
        flow.task_run_ended(&EndedTaskRun {
            run_id: ended.run_id,
            node: ended.node,
            task_run_id: ended.task_run_id,
            is_share: ended.is_share,
            state: ended.state,
            reason: ended.reason.as_deref(),
        });
    }
    flow.record(settling.endings);
    let mut signals = flow.advance(transaction).await?;
    signals.extend(settling.signals);
    Ok(signals)
}

fn lease_of(attempt: &HeldAttempt) -> Lease {
    Lease {
        tenant_id: attempt.tenant_id.into(),
        run_id: attempt.run_id(),
        task_run_id: attempt.task_run_id(),
        fence: attempt.fence,
    }
}

/// Decides what becomes of the attempts' task runs, and writes down that they have ended.
#[derive(Default)]
struct Settling {
    endings: Endings,
    ended: Vec<Ended>,
    signals: BTreeSet<Signal>,
}

/// A task run that has ended with its attempt.
struct Ended {
    run_id: RunId,
    node: i32,
    task_run_id: TaskRunId,
    is_share: bool,
    state: TaskRunState,
    reason: Option<String>,
}

impl Settling {
    /// Decides what becomes of one task run.
    fn end(&mut self, node: &NodeSpec, attempt: &HeldAttempt, report: Report) {
        let standing = Standing {
            failures: attempt.failures,
            faults: attempt.faults,
            elapsed: attempt.elapsed(),
            stopping: attempt.stopping || attempt.told_to_stop,
        };
        let ending = Ending {
            outcome: report.outcome,
            symptoms: Symptoms {
                exit_code: report.exit_code,
                http_status: report.http_status,
                message: report.message.as_deref(),
            },
            retry_after: report.retry_after,
        };
        let mut verdict = verdict(&node.retry, standing, ending, rand::random());
        if verdict.state == TaskRunState::Cancelled && !attempt.stopping {
            verdict.reason = Some(GIVEN_UP.to_owned());
        }
        self.signals.insert(Signal::Events(attempt.tenant_id.into()));
        if verdict.state.is_terminal() {
            self.ended.push(Ended {
                run_id: attempt.run_id(),
                node: attempt.node,
                task_run_id: attempt.task_run_id(),
                is_share: attempt.item.is_some(),
                state: verdict.state,
                reason: verdict.reason.clone().map(without_nul),
            });
        } else {
            // Ready now, or at an instant that a scheduler has to set its timer to.
            self.signals.insert(Signal::Ready(attempt.partition));
        }
        self.record(attempt, report, verdict);
    }

    fn record(&mut self, attempt: &HeldAttempt, report: Report, verdict: Verdict) {
        let endings = &mut self.endings;
        endings.tenant_ids.push(attempt.tenant_id);
        endings.run_ids.push(attempt.run_id);
        endings.task_run_ids.push(attempt.task_run_id);
        endings.fences.push(attempt.fence);
        endings.executor_ids.push(attempt.executor_id);
        endings.outcomes.push(report.outcome.as_str());
        endings.states.push(verdict.state.as_str());
        endings.paused.push(attempt.paused);
        endings.reasons.push(verdict.reason.map(without_nul));
        endings.exit_codes.push(report.exit_code);
        endings.http_statuses.push(report.http_status.map(i32::from));
        endings.messages.push(report.message.map(without_nul));
        endings.outputs.push(report.output.map(without_nul_in));
        endings.assigned_at.push(attempt.assigned_at);
        endings.started_at.push(attempt.started_at);
        endings
            .delays_ms
            .push(i64::try_from(verdict.delay.as_millis()).unwrap_or(i64::MAX));
        endings.failures.push(verdict.failures);
        endings.faults.push(verdict.faults);
    }
}

/// The runs of the attempts, which are held with them.
fn hands(held: &[HeldAttempt], versions: &HashMap<WorkflowVersionId, Arc<PinnedVersion>>) -> Vec<Hand> {
    let mut hands: Vec<Hand> = Vec::new();
    for attempt in held {
        if hands.last().is_none_or(|hand| hand.run_id != attempt.run_id()) {
            hands.push(Hand {
                tenant_id: attempt.tenant_id.into(),
                run_id: attempt.run_id(),
                version: Arc::clone(&versions[&attempt.version_id()]),
                priority: attempt.run_priority,
                depth: attempt.depth,
                paused: attempt.paused,
                stopping: attempt.stopping,
            });
        }
    }
    hands
}

/// `text` as PostgreSQL can store it. Refusing it would hold up every other report of the batch, for good.
fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "")
    } else {
        text
    }
}

/// `value` without NUL in any text of it, names of fields included.
fn without_nul_in(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul_in).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (without_nul(name), without_nul_in(value)))
                .collect(),
        ),
        value => value,
    }
}

/// The report of an attempt that its executor did not end itself.
pub(crate) fn fault(lease: Lease, message: String) -> Report {
    Report {
        lease,
        outcome: Outcome::Fault,
        exit_code: None,
        http_status: None,
        message: Some(message),
        output: None,
        retry_after: None,
    }
}

/// The report of an attempt that took longer than it may.
pub(crate) fn timed_out(lease: Lease, message: String) -> Report {
    Report {
        outcome: Outcome::TimedOut,
        ..fault(lease, message)
    }
}
