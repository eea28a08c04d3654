//! One pass over a partition.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::assign::{Candidate, Choice, Head, assign};
use crate::id::{ExecutorId, TenantId};
use crate::store::dispatch::{
    assign_task_runs, count_running, list_heads, lock_executors, next_due, promote_retries,
    try_lock_partition,
};
use crate::store::{Actor, Database, StoreError, Transaction};

/// The most that one pass assigns from one queue; what is left is for the next.
const BATCH: u32 = 500;

/// What a pass did.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// How many task runs it assigned.
    pub(super) assigned: u64,
    /// The executors that it gave something to.
    pub(super) woken: BTreeSet<ExecutorId>,
    /// How long until something is to be tried again or looked at.
    pub(super) due: Option<Duration>,
    /// A timer is due now.
    pub(super) fires: bool,
    /// A lock was taken: it is to be done again soon.
    pub(super) contended: bool,
}

/// Makes ready what is to be tried again by now, and gives ready task runs to executors.
pub(super) async fn pass(database: &Database, partition: i16) -> Result<Passed, StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    if !try_lock_partition(&mut transaction, partition).await? {
        transaction.rollback().await?;
        return Ok(Passed {
            contended: true,
            ..Passed::default()
        });
    }
    promote_retries(&mut transaction, partition).await?;
    let due = next_due(&mut transaction, partition).await?;
    let found = lock_executors(&mut transaction).await?;
    let free: Vec<Candidate> = found
        .candidates
        .into_iter()
        .filter(|candidate| candidate.free() > 0)
        .collect();
    let chosen = choose(&mut transaction, partition, free).await?;
    if !chosen.choices.is_empty() {
        assign_task_runs(&mut transaction, &chosen.choices).await?;
    }
    transaction.commit().await?;
    Ok(Passed {
        assigned: chosen.choices.len() as u64,
        woken: chosen.choices.iter().map(|choice| choice.executor_id).collect(),
        due: due
            .iter()
            .map(|next| Duration::from_millis(next.due_ms.unsigned_abs()))
            .min(),
        fires: due.iter().any(|next| next.is_timer && next.due_ms == 0),
        contended: found.contended || chosen.more,
    })
}

/// What was chosen in a partition.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// Who gets what.
    pub(crate) choices: Vec<Choice>,
    /// The cost of all of it.
    pub(crate) cost: u32,
    /// Slots are left, and so may be work: the batch was full.
    pub(crate) more: bool,
}

/// Chooses executors for what is ready in the partition, whose lock is held, as are the candidates'.
pub(crate) async fn choose(
    transaction: &mut Transaction,
    partition: i16,
    candidates: Vec<Candidate>,
) -> Result<Chosen, StoreError> {
    let free: u32 = candidates.iter().map(Candidate::free).sum();
    if free == 0 {
        return Ok(Chosen::default());
    }
    let limit = free.min(BATCH);
    let heads = list_heads(transaction, partition, limit).await?;
    if heads.is_empty() {
        return Ok(Chosen::default());
    }
    let tenants: BTreeSet<TenantId> = heads.iter().map(|head| head.tenant_id).collect();
    let running = if tenants.len() > 1 {
        count_running(transaction, &tenants.into_iter().collect::<Vec<_>>()).await?
    } else {
        // A tenant that waits alone is served first whatever it holds.
        std::collections::HashMap::new()
    };
    let full = heads.len() >= limit as usize;
    let costs: std::collections::HashMap<_, _> = heads
        .iter()
        .map(|head: &Head| (head.task_run_id, head.cost))
        .collect();
    let choices = assign(heads, candidates, &running);
    let cost = choices.iter().map(|choice| costs[&choice.task_run_id]).sum();
    Ok(Chosen {
        more: full && cost < free && !choices.is_empty(),
        cost,
        choices,
    })
}
