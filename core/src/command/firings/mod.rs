//! Decides what becomes of firings.
//!
//! A firing is written where its cause happens, in that transaction, so no cause is lost and none fires twice. Here, under the lock of
//! the partition, the trigger's filter is asked, its inputs are worked out, and run and outcome are written together. Whoever
//! dies before the commit has done nothing. A trigger that is edited is first asked about what has happened by then, so that
//! what happened is judged by what the trigger was.

mod armed;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::json;

use super::new_run::{ForOccurrence, NewRun, begin_runs};
use super::occurrences::{Memory, Published, read_published};
use super::quota::Room;
use super::start_run::complete_inputs;
use crate::id::{RunId, TenantId, TriggerId};
use crate::signal::Signal;
use crate::store::firings::{
    DecidedFiring, PendingFiring, decide_firings, list_pending_firings, list_pending_of_trigger,
};
use crate::store::{StoreError, Transaction};
use crate::trigger::firing::{FiringFacts, FiringOutcome as Outcome};

pub(crate) use armed::ArmedTriggers;
use armed::{Armed, Refused};

/// The most firings that one transaction decides about. What each is about may take 256 KiB.
const BATCH: i64 = 100;

/// Decides about the first firings of the partitions, whose locks are held. Gives the signals to raise after the commit.
pub(crate) async fn settle_firings(
    transaction: &mut Transaction,
    memory: &Memory,
    partitions: &[i16],
) -> Result<BTreeSet<Signal>, StoreError> {
    let pending = list_pending_firings(transaction, partitions, BATCH).await?;
    decide(transaction, memory, pending).await
}

/// Decides about all firings of the trigger, whose partition's lock is held.
pub(crate) async fn settle_trigger(
    transaction: &mut Transaction,
    memory: &Memory,
    tenant: TenantId,
    trigger: TriggerId,
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut signals = BTreeSet::new();
    loop {
        let pending = list_pending_of_trigger(transaction, tenant, trigger, BATCH).await?;
        if pending.is_empty() {
            return Ok(signals);
        }
        signals.extend(decide(transaction, memory, pending).await?);
    }
}

/// Why a firing starts nothing.
type Rejection = (Outcome, String);

async fn decide(
    transaction: &mut Transaction,
    memory: &Memory,
    pending: Vec<PendingFiring>,
) -> Result<BTreeSet<Signal>, StoreError> {
    if pending.is_empty() {
        return Ok(BTreeSet::new());
    }
    let triggers = memory.triggers.get(transaction, &pending).await?;
    let workflows = triggers
        .values()
        .flatten()
        .map(|armed| (armed.tenant, armed.trigger.spec.workflow));
    let published = read_published(transaction, &memory.versions, workflows.collect()).await?;
    let tenants = pending.iter().map(|firing| firing.tenant_id);
    let mut room = Room::of(transaction, tenants).await?;
    let mut runs = Vec::new();
    let mut decided = Vec::with_capacity(pending.len());
    for firing in &pending {
        let run = judge(firing, triggers.get(&firing.trigger_id), &published).and_then(|run| {
            let reached = room.take(run.tenant).map(|()| run);
            reached.map_err(|reached| (Outcome::RejectedQuota, reached.to_string()))
        });
        decided.push(decision(firing, &run));
        runs.extend(run);
    }
    let mut signals: BTreeSet<Signal> = pending
        .iter()
        .map(|firing| Signal::Events(firing.tenant_id))
        .collect();
    if !runs.is_empty() {
        signals.extend(begin_runs(transaction, &memory.versions, runs).await?);
    }
    decide_firings(transaction, &decided).await?;
    Ok(signals)
}

fn decision(firing: &PendingFiring, run: &Result<NewRun, Rejection>) -> DecidedFiring {
    let (outcome, reason) = match run {
        Ok(_) => (Outcome::Fired, None),
        Err((outcome, reason)) => (*outcome, Some(reason.clone())),
    };
    DecidedFiring {
        tenant_id: firing.tenant_id,
        id: firing.id,
        outcome,
        reason,
        run_id: run.as_ref().ok().map(|run| run.id),
    }
}

/// The run that the firing starts, or why it starts none.
fn judge(
    firing: &PendingFiring,
    trigger: Option<&Result<Arc<Armed>, String>>,
    published: &Published,
) -> Result<NewRun, Rejection> {
    let rejected = |reason: String| (Outcome::Rejected, reason);
    let armed = match trigger {
        _ if firing.paused => return Err((Outcome::Paused, "its trigger was paused".to_owned())),
        None => return Err(rejected("its trigger was deleted".to_owned())),
        Some(Err(fault)) => return Err(rejected(format!("its trigger cannot be asked: {fault}"))),
        Some(Ok(armed)) => armed,
    };
    let facts = FiringFacts::deserialize(&firing.facts)
        .map_err(|error| rejected(format!("what it is about cannot be read: {error}")))?;
    let given = armed.give(&facts).map_err(|refused| match refused {
        Refused::ByFilter => (Outcome::Filtered, "its trigger's filter was false".to_owned()),
        Refused::ByFault(fault) => rejected(fault),
    })?;
    let spec = &armed.trigger.spec;
    let Some(version) = published.get(&(armed.tenant, spec.workflow)) else {
        let reason = "the workflow has no published version; publish it with publishWorkflow";
        return Err(rejected(reason.to_owned()));
    };
    let inputs = complete_inputs(Some(version), &given.inputs).map_err(|faults| {
        let told: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
        rejected(format!(
            "the workflow does not take its inputs: {}",
            told.join("; ")
        ))
    })?;
    Ok(NewRun {
        id: RunId::generate(),
        tenant: armed.tenant,
        started_by: format!("trigger:{}", armed.trigger.key).into(),
        version: Arc::clone(version),
        priority: spec.priority.unwrap_or(version.priority),
        inputs,
        trigger: facts.causes(),
        occurrence: given.occurrence.map(|occurrence| ForOccurrence {
            schedule_id: None,
            facts: json!(occurrence),
            overlap_key: None,
            backfill_id: None,
        }),
        within: None,
        rerun_of: None,
        paused: false,
        begins: true,
    })
}
