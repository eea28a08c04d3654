//! Settles attempts that have ended: what becomes of each task run, who may start now, and which runs are over.
//!
//! Reports, reclaimed attempts and those that a stopping executor hands back all come through here, in batches, within the
//! caller's transaction. The runs concerned are locked first and in order, so that the parents of one join, ending in many
//! transactions at once, are counted one transaction after the other, and the join is released exactly once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::try_join;
use serde_json::Value;

use crate::id::{ExecutorId, RunId, TenantId, WorkflowVersionId};
use crate::retry::Symptoms;
use crate::run::{Ending, Outcome, Standing, TaskRunState, Verdict, verdict};
use crate::signal::Signal;
use crate::store::dispatch::{HeldAttempt, lock_attempts};
use crate::store::settle::{
    Doomed, Endings, Progress, Released, fail_descendants, finish_attempts, finish_runs, release_task_runs,
};
use crate::store::{StoreError, Transaction, Versions};
use crate::work::{Lease, Report};
use crate::workflow::PinnedVersion;

/// Settles the attempts of `executor` that `reports` tell of, as far as it still owns them, and gives the signals to raise
/// after the commit.
pub(crate) async fn settle(
    transaction: &mut Transaction,
    versions: &Versions,
    executor: ExecutorId,
    reports: Vec<Report>,
) -> Result<BTreeSet<Signal>, StoreError> {
    let leases: Vec<Lease> = reports.iter().map(|report| report.lease).collect();
    let held = lock_attempts(transaction, executor, &leases).await?;
    if held.is_empty() {
        return Ok(BTreeSet::new());
    }
    let wanted = held
        .iter()
        .map(|attempt| (TenantId::from(attempt.tenant_id), attempt.version_id()));
    let versions = versions.get(transaction, wanted).await?;
    let mut settling = Settling::new(versions);
    let mut reports: HashMap<Lease, Report> =
        reports.into_iter().map(|report| (report.lease, report)).collect();
    for attempt in held {
        if let Some(report) = reports.remove(&lease_of(&attempt)) {
            settling.end(&attempt, report);
        }
    }
    settling.write(transaction).await
}

fn lease_of(attempt: &HeldAttempt) -> Lease {
    Lease {
        tenant_id: attempt.tenant_id.into(),
        run_id: attempt.run_id(),
        task_run_id: attempt.task_run_id(),
        fence: attempt.fence,
    }
}

/// What is to be written, gathered over a batch.
struct Settling {
    versions: HashMap<WorkflowVersionId, Arc<PinnedVersion>>,
    endings: Endings,
    released: BTreeMap<(RunId, i32), Released>,
    doomed: Vec<Doomed>,
    progress: BTreeMap<RunId, Progress>,
    signals: BTreeSet<Signal>,
}

impl Settling {
    fn new(versions: HashMap<WorkflowVersionId, Arc<PinnedVersion>>) -> Self {
        Self {
            versions,
            endings: Endings::default(),
            released: BTreeMap::new(),
            doomed: Vec::new(),
            progress: BTreeMap::new(),
            signals: BTreeSet::new(),
        }
    }

    /// Decides what becomes of one task run, and of those that wait for it.
    fn end(&mut self, attempt: &HeldAttempt, report: Report) {
        let version = Arc::clone(&self.versions[&attempt.version_id()]);
        let node = version.node(attempt.node);
        let standing = Standing {
            failures: attempt.failures,
            faults: attempt.faults,
            elapsed: attempt.elapsed(),
            stopping: attempt.cancelling,
        };
        let ending = Ending {
            outcome: report.outcome,
            symptoms: Symptoms {
                exit_code: report.exit_code,
                http_status: report.http_status,
                message: report.message.as_deref(),
            },
            retry_after: None,
        };
        let verdict = verdict(&node.retry, standing, ending, rand::random());
        self.signals.insert(Signal::Events(attempt.tenant_id.into()));
        match verdict.state {
            TaskRunState::Succeeded if !attempt.cancelling => self.release_children(&version, attempt),
            TaskRunState::Failed => self.doom_descendants(&version, attempt, &node.key),
            // Ready now, or at an instant that a scheduler has to set its timer to.
            TaskRunState::Ready | TaskRunState::RetryWait => {
                self.signals.insert(Signal::Ready(attempt.partition));
            }
            _ => {}
        }
        if verdict.state.is_terminal() {
            self.count(attempt, &node.key, &verdict);
        }
        self.record(attempt, report, verdict);
    }

    fn release_children(&mut self, version: &PinnedVersion, attempt: &HeldAttempt) {
        for child in version.children(attempt.node) {
            let released = self.released.entry((attempt.run_id(), child)).or_insert_with(|| {
                let node = version.node(child);
                Released {
                    tenant_id: attempt.tenant_id.into(),
                    run_id: attempt.run_id(),
                    version_id: version.id,
                    partition: attempt.partition,
                    node: child,
                    parents: 0,
                    priority: node.priority.unwrap_or(attempt.run_priority),
                    cost: node.cost,
                    labels: node.required_labels.join(" "),
                }
            });
            released.parents += 1;
        }
    }

    fn doom_descendants(&mut self, version: &PinnedVersion, attempt: &HeldAttempt, key: &str) {
        self.doomed
            .extend(version.descendants(attempt.node).into_iter().map(|node| Doomed {
                tenant_id: attempt.tenant_id.into(),
                run_id: attempt.run_id(),
                node,
                reason: format!("the task node {key:?} before it failed"),
            }));
    }

    fn count(&mut self, attempt: &HeldAttempt, key: &str, verdict: &Verdict) {
        let progress = self.progress.entry(attempt.run_id()).or_insert_with(|| Progress {
            tenant_id: attempt.tenant_id.into(),
            run_id: attempt.run_id(),
            ended: 0,
            failed: 0,
            reason: None,
        });
        progress.ended += 1;
        if verdict.state == TaskRunState::Failed {
            progress.failed += 1;
            let reason = verdict.reason.as_deref().unwrap_or_default();
            progress
                .reason
                .get_or_insert_with(|| without_nul(format!("the task node {key:?} failed: {reason}")));
        }
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

    async fn write(mut self, transaction: &mut Transaction) -> Result<BTreeSet<Signal>, StoreError> {
        let released: Vec<Released> = self.released.into_values().collect();
        // Sent in this order and so carried out in it: an event that another caused has the higher number.
        let ((), ready) = try_join!(
            finish_attempts(transaction, self.endings),
            release_task_runs(transaction, &released),
        )?;
        if ready > 0 {
            self.signals
                .extend(released.iter().map(|released| Signal::Ready(released.partition)));
        }
        if !self.doomed.is_empty() {
            for (run, ended) in fail_descendants(transaction, &self.doomed).await? {
                if let Some(progress) = self.progress.get_mut(&run) {
                    progress.ended += ended;
                }
            }
        }
        if !self.progress.is_empty() {
            finish_runs(transaction, &self.progress.into_values().collect::<Vec<_>>()).await?;
        }
        Ok(self.signals)
    }
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
