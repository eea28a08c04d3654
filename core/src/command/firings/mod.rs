//! Decides what becomes of firings.
//!
//! A firing is written where its cause happens, in that transaction, so no cause is lost and none fires twice. Here, under the lock of
//! the partition, the trigger's filter is asked, its inputs are worked out, and run and outcome are written together. Whoever
//! dies before the commit has done nothing. A trigger that is edited is first asked about what has happened by then, so that
//! what happened is judged by what the trigger was.

mod armed;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize as _;
use serde_json::json;

use super::new_run::{ForOccurrence, NewRun, begin_runs};
use super::occurrences::{Memory, Startable, UNSTORABLE, read_startable};
use super::start_run::complete_inputs;
use crate::id::{RunId, TenantId, TriggerId};
use crate::signal::Signal;
use crate::store::firings::{
    DecidedFiring, PendingFiring, decide_firings, find_last_pending, list_pending_firings,
    list_pending_of_trigger,
};
use crate::store::schedule_states::lock_partitions;
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::trigger::firing::{FiringFacts, FiringOutcome as Outcome};

pub(crate) use armed::ArmedTriggers;
use armed::{Armed, Refused};

/// The most firings that one transaction decides about. What each is about may take 256 KiB.
const BATCH: i64 = 100;

/// How long one transaction asks filters; what is left is for the next.
const LONGEST: Duration = Duration::from_millis(100);

/// Decides about the first firings of the partitions, as far as nobody else does. Gives the signals to raise.
///
/// It is a transaction of its own, after that of the schedules: an occurrence must not be late because filters take long.
pub(crate) async fn settle_firings(
    database: &Database,
    memory: &Memory,
    partitions: &[i16],
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let held = lock_partitions(&transaction, partitions).await?;
    let pending = list_pending_firings(&mut transaction, &held, BATCH).await?;
    let signals = decide(&mut transaction, memory, pending).await?;
    transaction.commit().await?;
    Ok(signals)
}

/// The same, one after the other, when they could not be decided about together. What cannot be decided about even alone is rejected.
pub(crate) async fn settle_firings_apart(
    database: &Database,
    memory: &Memory,
    partitions: &[i16],
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut signals = BTreeSet::new();
    for _ in 0..BATCH {
        let (mut transaction, pending) = next_firing(database, partitions).await?;
        let Some(firing) = pending.first().map(|firing| (firing.tenant_id, firing.id)) else {
            transaction.commit().await?;
            break;
        };
        match decide(&mut transaction, memory, pending).await {
            Ok(raised) => {
                transaction.commit().await?;
                signals.extend(raised);
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                transaction.rollback().await?;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    firing = %firing.1,
                    "a firing cannot be decided about and is rejected"
                );
                let (mut transaction, pending) = next_firing(database, partitions).await?;
                let rejected: Vec<_> = pending.iter().map(rejected_at_last).collect();
                decide_firings(&mut transaction, &rejected).await?;
                transaction.commit().await?;
                signals.insert(Signal::Events(firing.0));
            }
        }
    }
    Ok(signals)
}

/// The first firing that nobody has decided about, under its partition's lock.
async fn next_firing(
    database: &Database,
    partitions: &[i16],
) -> Result<(Transaction, Vec<PendingFiring>), StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let held = lock_partitions(&transaction, partitions).await?;
    let pending = list_pending_firings(&mut transaction, &held, 1).await?;
    Ok((transaction, pending))
}

fn rejected_at_last(firing: &PendingFiring) -> DecidedFiring {
    DecidedFiring {
        tenant_id: firing.tenant_id,
        id: firing.id,
        outcome: Outcome::Rejected,
        reason: Some(format!("it cannot be decided about: {UNSTORABLE}")),
        run_id: None,
    }
}

/// Decides about all that is pending of the trigger, whose partition's lock is held; what comes meanwhile is left.
pub(crate) async fn settle_trigger(
    transaction: &mut Transaction,
    memory: &Memory,
    tenant: TenantId,
    trigger: TriggerId,
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut signals = BTreeSet::new();
    let Some(last) = find_last_pending(transaction, tenant, trigger).await? else {
        return Ok(signals);
    };
    loop {
        let pending = list_pending_of_trigger(transaction, tenant, trigger, last, BATCH).await?;
        if pending.is_empty() {
            return Ok(signals);
        }
        signals.extend(decide(transaction, memory, pending).await?);
    }
}

/// Decides about the first batch of what is pending of the trigger, whose partition's lock is held. Gives the signals to raise after the
/// commit, and whether more is left.
pub(crate) async fn settle_trigger_in_part(
    transaction: &mut Transaction,
    memory: &Memory,
    tenant: TenantId,
    trigger: TriggerId,
) -> Result<(BTreeSet<Signal>, bool), StoreError> {
    let Some(last) = find_last_pending(transaction, tenant, trigger).await? else {
        return Ok((BTreeSet::new(), false));
    };
    let pending = list_pending_of_trigger(transaction, tenant, trigger, last, BATCH).await?;
    let signals = decide(transaction, memory, pending).await?;
    let left = find_last_pending(transaction, tenant, trigger).await?;
    Ok((signals, left.is_some()))
}

/// Why a firing starts nothing.
type Rejection = (Outcome, String);

/// Decides about the first of the firings, at least about one.
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
    let mut startable = read_startable(transaction, &memory.versions, workflows.collect()).await?;
    let mut runs = Vec::new();
    let mut decided = Vec::with_capacity(pending.len());
    let begun = Instant::now();
    for firing in &pending {
        if begun.elapsed() > LONGEST && !decided.is_empty() {
            break;
        }
        let run = judge(firing, triggers.get(&firing.trigger_id), &startable).and_then(|run| {
            let reached = startable.room.take(run.tenant).map(|()| run);
            reached.map_err(|reached| (Outcome::RejectedQuota, reached.to_string()))
        });
        decided.push(decision(firing, &run));
        runs.extend(run);
    }
    let mut signals: BTreeSet<Signal> = decided
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
    startable: &Startable,
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
    let version = startable.version(armed.tenant, spec.workflow).map_err(rejected)?;
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
