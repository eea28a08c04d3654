//! Starts the steps of backfills, and follows their runs.
//!
//! A backfill is not asked whether its occurrences overlap with others, and its runs count as nothing of the schedule's: whoever asked
//! for it said how many may be under way together, and live occurrences go on as if there were none. A step and its run are written by
//! one transaction under the partition's lock, so a step has at most one run, whoever dies on the way.
//!
//! A live occurrence for which the tenant has no room is rejected, since its instant passes; a step has time, and waits for room.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Memory;
use super::plans::{Armed, Edition};
use super::runs::{Cause, Startable, read_startable, run_of};
use crate::backfill::StepState;
use crate::command::new_run::{NewRun, begin_runs};
use crate::id::ScheduleId;
use crate::signal::Signal;
use crate::store::backfill_steps::{
    BegunStep, Counts, DueStep, StepEnd, begin_backfill_steps, count_backfill_steps, end_backfill_steps,
    hold_backfills, list_steps_to_start,
};
use crate::store::schedule_states::RunEnd;
use crate::store::{StoreError, Transaction};

/// The most steps that one transaction starts.
const BATCH: i64 = 500;

/// Starts what backfills of the partitions, whose locks are held, want to start now, at most a batch. Gives the signals to raise after
/// the commit.
pub(super) async fn advance_backfills(
    transaction: &mut Transaction,
    memory: &Memory,
    partitions: &[i16],
) -> Result<BTreeSet<Signal>, StoreError> {
    let steps = list_steps_to_start(transaction, partitions, BATCH).await?;
    start_steps(transaction, memory, &steps).await
}

/// Starts the steps, as far as there is room.
pub(super) async fn start_steps(
    transaction: &mut Transaction,
    memory: &Memory,
    steps: &[DueStep],
) -> Result<BTreeSet<Signal>, StoreError> {
    if steps.is_empty() {
        return Ok(BTreeSet::new());
    }
    let armed = arm(transaction, memory, steps).await?;
    let workflows = armed.values().flatten();
    let workflows = workflows.map(|armed| (armed.tenant, armed.spec().workflow));
    let mut startable = read_startable(transaction, &memory.versions, workflows.collect()).await?;
    let (mut runs, mut begun, mut counts) = (Vec::new(), Vec::new(), Counts::new());
    let mut held = BTreeMap::new();
    for step in steps {
        let of = (step.tenant_id, step.backfill_id);
        let run = run_for(step, &armed[&step.schedule_id], &startable);
        let state = match run {
            Err(_) => StepState::Rejected,
            Ok(_) => match startable.room.take(step.tenant_id) {
                Ok(()) => StepState::Running,
                Err(reached) => {
                    held.insert(of, format!("the next steps wait: {reached}"));
                    continue;
                }
            },
        };
        counts.entry(of).or_default().step(StepState::Pending, state);
        begun.push(BegunStep {
            tenant_id: step.tenant_id,
            backfill_id: step.backfill_id,
            place: step.place,
            run: run.as_ref().map(|run| run.id).map_err(Clone::clone),
        });
        runs.extend(run);
    }
    let mut signals: BTreeSet<Signal> = steps.iter().map(|step| Signal::Events(step.tenant_id)).collect();
    if !runs.is_empty() {
        signals.extend(begin_runs(transaction, &memory.versions, runs).await?);
    }
    begin_backfill_steps(transaction, &begun).await?;
    count_backfill_steps(transaction, &counts).await?;
    hold_backfills(transaction, &held).await?;
    Ok(signals)
}

/// Records that the step does not start, for this reason.
pub(super) async fn reject_step(
    transaction: &mut Transaction,
    step: &DueStep,
    reason: String,
) -> Result<(), StoreError> {
    let begun = BegunStep {
        tenant_id: step.tenant_id,
        backfill_id: step.backfill_id,
        place: step.place,
        run: Err(reason),
    };
    let mut counts = Counts::new();
    let of = (step.tenant_id, step.backfill_id);
    counts
        .entry(of)
        .or_default()
        .step(StepState::Pending, StepState::Rejected);
    begin_backfill_steps(transaction, &[begun]).await?;
    count_backfill_steps(transaction, &counts).await
}

/// The schedules of the steps, or why one cannot be asked.
async fn arm(
    transaction: &mut Transaction,
    memory: &Memory,
    steps: &[DueStep],
) -> Result<HashMap<ScheduleId, Result<Arc<Armed>, String>>, StoreError> {
    let mut editions: Vec<Edition> = steps
        .iter()
        .map(|step| Edition {
            tenant_id: step.tenant_id,
            schedule_id: step.schedule_id,
            plan_revision: step.plan_revision,
        })
        .collect();
    editions.sort_unstable();
    editions.dedup();
    memory.plans.get(transaction, &editions).await
}

/// The run of a step, or why it cannot be made.
fn run_for(
    step: &DueStep,
    armed: &Result<Arc<Armed>, String>,
    startable: &Startable,
) -> Result<NewRun, String> {
    let armed = armed
        .as_ref()
        .map_err(|fault| format!("its schedule cannot be asked: {fault}"))?;
    let cause = Cause::Backfill {
        id: step.backfill_id,
        by: &step.created_by,
    };
    let facts = armed.facts(step.nominal, step.due);
    run_of(armed, startable, &facts, Some(&step.inputs), cause)
}

/// Tells backfills of the ends of their runs.
pub(super) async fn end_steps(
    transaction: &mut Transaction,
    ends: &[RunEnd],
) -> Result<BTreeSet<Signal>, StoreError> {
    let ends: Vec<StepEnd> = ends
        .iter()
        .filter_map(|end| {
            Some(StepEnd {
                tenant_id: end.tenant_id,
                backfill_id: end.backfill_id?,
                run_id: end.run_id,
                state: end.ended_as.into(),
            })
        })
        .collect();
    if ends.is_empty() {
        return Ok(BTreeSet::new());
    }
    let counts = end_backfill_steps(transaction, &ends).await?;
    count_backfill_steps(transaction, &counts).await?;
    Ok(counts.keys().map(|(tenant, _)| Signal::Events(*tenant)).collect())
}
