//! A run as it is about to be recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::flow::{Flow, Hand, Start};
use crate::id::{BackfillId, RunId, ScheduleId, TaskRunId, TenantId};
use crate::run::{TimerKind, Trigger};
use crate::signal::Signal;
use crate::store::start_runs::{NewRuns, insert_runs};
use crate::store::timers::{Due, NewTimer, insert_timers};
use crate::store::{StoreError, Transaction, Versions};
use crate::workflow::{PinnedVersion, TriggerRule};

/// A run that is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewRun {
    pub(crate) id: RunId,
    pub(crate) tenant: TenantId,
    /// Whoever, or whatever, started it.
    pub(crate) started_by: Arc<str>,
    pub(crate) version: Arc<PinnedVersion>,
    pub(crate) priority: i16,
    pub(crate) inputs: Map<String, Value>,
    pub(crate) trigger: Trigger,
    /// The occurrence of a schedule that it is for.
    pub(crate) occurrence: Option<ForOccurrence>,
    /// The task run of another run that it is.
    pub(crate) within: Option<Within>,
    pub(crate) rerun_of: Option<RunId>,
    pub(crate) paused: bool,
    /// Its first nodes begin; else all of them wait until whoever inserts it says so.
    pub(crate) begins: bool,
}

/// What a run has from the occurrence that it is for.
#[derive(Clone, Debug)]
pub(crate) struct ForOccurrence {
    /// The schedule that started it, which is told of its end. A rerun has none.
    pub(crate) schedule_id: Option<ScheduleId>,
    /// The occurrence as expressions read it.
    pub(crate) facts: Value,
    /// The key under which it may not overlap with others.
    pub(crate) overlap_key: Option<String>,
    /// The backfill that started it, which is told of its end in place of the schedule.
    pub(crate) backfill_id: Option<BackfillId>,
}

/// Where a run lies within another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within {
    pub(crate) run_id: RunId,
    pub(crate) task_run_id: TaskRunId,
    pub(crate) depth: i16,
}

/// Records runs. Gives for each the run, which this transaction now holds, and those of its first nodes of which more than the
/// statement has to decide.
pub(crate) async fn insert_new_runs(
    transaction: &Transaction,
    runs: Vec<NewRun>,
) -> Result<Vec<(Hand, Vec<Start>)>, StoreError> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = NewRuns::default();
    let mut timers = Vec::new();
    let mut begun = Vec::new();
    for run in runs {
        if let Some(timeout) = run.version.conduct.timeout {
            timers.push(NewTimer {
                tenant_id: run.tenant,
                run_id: run.id,
                task_run_id: None,
                fence: None,
                kind: TimerKind::RunTimeout,
                due: Due::AfterMs(timeout.after_ms),
            });
        }
        let hand = run.hand();
        let starts = run.add_to(&mut rows);
        begun.push((hand, starts));
    }
    insert_runs(transaction, rows).await?;
    insert_timers(transaction, &timers).await?;
    Ok(begun)
}

/// Records runs and begins them. Gives the signals to raise after the commit.
pub(crate) async fn begin_runs(
    transaction: &mut Transaction,
    versions: &Versions,
    runs: Vec<NewRun>,
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut signals = signals_of(&runs);
    let recorded = insert_new_runs(transaction, runs).await?;
    signals.extend(begin_recorded(transaction, versions, recorded).await?);
    Ok(signals)
}

/// What is to be raised once the runs are recorded.
pub(crate) fn signals_of(runs: &[NewRun]) -> BTreeSet<Signal> {
    runs.iter()
        .flat_map(|run| [Signal::Ready(run.tenant.partition()), Signal::Events(run.tenant)])
        .collect()
}

/// Begins runs as [`insert_new_runs`] gave them. Gives the signals to raise after the commit.
pub(crate) async fn begin_recorded(
    transaction: &mut Transaction,
    versions: &Versions,
    recorded: Vec<(Hand, Vec<Start>)>,
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut flow = Flow::new(versions, []);
    let mut decides = false;
    for (hand, starts) in recorded {
        if !starts.is_empty() {
            decides = true;
            flow.hold(hand);
            for start in starts {
                flow.begin(start);
            }
        }
    }
    if decides {
        flow.advance(transaction).await
    } else {
        Ok(BTreeSet::new())
    }
}

impl NewRun {
    fn hand(&self) -> Hand {
        Hand {
            tenant_id: self.tenant,
            run_id: self.id,
            version: Arc::clone(&self.version),
            priority: self.priority,
            depth: self.within.map_or(0, |within| within.depth),
            paused: self.paused,
            stopping: false,
        }
    }

    fn add_to(self, runs: &mut NewRuns) -> Vec<Start> {
        let version = &self.version;
        let (tenant, partition) = (self.tenant.0, self.tenant.partition());
        runs.tenant_ids.push(tenant);
        runs.partitions.push(partition);
        runs.ids.push(self.id.0);
        runs.workflow_ids.push(version.workflow_id.0);
        runs.version_ids.push(version.id.0);
        runs.priorities.push(self.priority);
        runs.inputs.push(Value::Object(self.inputs));
        runs.triggers.push(self.trigger.as_str());
        runs.parent_run_ids
            .push(self.within.map(|within| within.run_id.0));
        runs.parent_task_run_ids
            .push(self.within.map(|within| within.task_run_id.0));
        runs.depths.push(self.within.map_or(0, |within| within.depth));
        runs.reruns_of.push(self.rerun_of.map(|run| run.0));
        runs.paused.push(self.paused);
        runs.started_by.push(self.started_by);
        let occurrence = self.occurrence;
        runs.schedule_ids.push(
            occurrence
                .as_ref()
                .and_then(|occurrence| Some(occurrence.schedule_id?.0)),
        );
        runs.backfill_ids.push(
            occurrence
                .as_ref()
                .and_then(|occurrence| Some(occurrence.backfill_id?.0)),
        );
        let (facts, overlap_key) = occurrence
            .map(|occurrence| (occurrence.facts, occurrence.overlap_key))
            .unzip();
        runs.occurrences.push(facts);
        runs.overlap_keys.push(overlap_key.flatten());
        runs.task_run_counts
            .push(i32::try_from(version.nodes.len()).expect("a workflow has at most 10,000 nodes"));
        let mut starts = Vec::new();
        for ((place, node), &parents) in (0_i32..).zip(&version.nodes).zip(version.graph.parent_counts()) {
            let id = TaskRunId::generate();
            let is_ready = self.begins && parents == 0 && version.is_plain(place);
            runs.task_runs.tenant_ids.push(tenant);
            runs.task_runs.ids.push(id.0);
            runs.task_runs.run_ids.push(self.id.0);
            runs.task_runs.nodes.push(place);
            runs.task_runs.keys.push(node.key.clone());
            runs.task_runs.live.push(is_ready);
            runs.task_runs
                .parents
                .push(i32::try_from(parents).expect("a workflow has at most 100,000 edges"));
            if is_ready {
                runs.dispatch.tenant_ids.push(tenant);
                runs.dispatch.partitions.push(partition);
                runs.dispatch.task_run_ids.push(id.0);
                runs.dispatch.run_ids.push(self.id.0);
                runs.dispatch.version_ids.push(version.id.0);
                runs.dispatch.nodes.push(place);
                runs.dispatch
                    .priorities
                    .push(version.priority_of(place, self.priority));
                runs.dispatch.costs.push(node.cost);
                runs.dispatch.labels.push(node.required_labels.join(" "));
                runs.dispatch.paused.push(self.paused);
            } else if self.begins && (parents == 0 || node.trigger_rule == TriggerRule::Always) {
                starts.push(Start::node(self.id, place, id));
            }
        }
        starts
    }
}
