//! Settles one thing after the other what could not be settled together.
//!
//! A transaction settles what is due of many tenants, and the database refuses all of it for the fault of one: a fault of ours, since what a
//! tenant writes is checked before it is taken, but tenants who did nothing must not wait for us to mend it. So each partition is tried
//! alone, and where that fails each schedule and each step; what fails even alone is put aside with the reason, where its owner sees it. This
//! costs many statements, and nothing as long as nothing fails.

use std::collections::BTreeSet;

use super::backfills::{reject_step, start_steps};
use super::{BATCH, Memory, put_aside, settle_partitions, settle_schedules};
use crate::signal::Signal;
use crate::store::backfill_steps::{DueStep, list_steps_to_start};
use crate::store::schedule_states::{
    DueSchedule, find_due_schedule, list_due_schedules, lock_partitions, wait_for_partition,
};
use crate::store::{Actor, Database, StoreError, Transaction};

/// Why something is put aside that fails even alone.
pub(crate) const UNSTORABLE: &str = "the database refuses what comes of it; look at what it is given and computes, or tell the operators, whose log says more";

/// Settles what is due in each of the partitions apart from the others. Gives the signals to raise.
pub(crate) async fn settle_apart(
    database: &Database,
    memory: &Memory,
    partitions: &[i16],
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut signals = BTreeSet::new();
    for partition in partitions {
        let partition = std::slice::from_ref(partition);
        match settle_partitions(database, memory, partition).await {
            Ok(settled) => signals.extend(settled.signals),
            Err(error) if error.is_transient() => return Err(error),
            Err(_) => signals.extend(settle_one_by_one(database, memory, partition).await?),
        }
    }
    Ok(signals)
}

/// Settles every schedule and every step of a backfill that is due in the partition by itself, at most a batch of each.
async fn settle_one_by_one(
    database: &Database,
    memory: &Memory,
    partition: &[i16],
) -> Result<BTreeSet<Signal>, StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let schedules = list_due_schedules(&mut transaction, partition, BATCH).await?;
    transaction.commit().await?;
    let mut signals = BTreeSet::new();
    for schedule in &schedules {
        signals.extend(settle_schedule(database, memory, schedule).await?);
    }
    for _ in 0..BATCH {
        let Some(raised) = settle_step(database, memory, partition).await? else {
            break;
        };
        signals.extend(raised);
    }
    Ok(signals)
}

async fn settle_schedule(
    database: &Database,
    memory: &Memory,
    schedule: &DueSchedule,
) -> Result<BTreeSet<Signal>, StoreError> {
    let (tenant, id) = (schedule.tenant_id, schedule.schedule_id);
    let mut transaction = database.begin(Actor::Engine).await?;
    wait_for_partition(&mut transaction, tenant).await?;
    let due = find_due_schedule(&mut transaction, tenant, id).await?;
    match settle_schedules(&mut transaction, memory, due.into_iter().collect()).await {
        Ok(closed) => {
            transaction.commit().await?;
            Ok(closed.signals)
        }
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            transaction.rollback().await?;
            tracing::error!(
                error = &error as &dyn std::error::Error,
                schedule = %id,
                "a schedule cannot be settled and is paused"
            );
            let mut transaction = database.begin(Actor::Engine).await?;
            wait_for_partition(&mut transaction, tenant).await?;
            put_aside(&mut transaction, vec![(schedule, UNSTORABLE.to_owned())]).await?;
            transaction.commit().await?;
            Ok(BTreeSet::from([Signal::Events(tenant)]))
        }
    }
}

/// Starts the first step of the partition that wants to start. Nothing when there is none, or somebody else settles the partition.
async fn settle_step(
    database: &Database,
    memory: &Memory,
    partition: &[i16],
) -> Result<Option<BTreeSet<Signal>>, StoreError> {
    let (mut transaction, steps) = next_step(database, partition).await?;
    let Some(step) = steps.first() else {
        transaction.commit().await?;
        return Ok(None);
    };
    match start_steps(&mut transaction, memory, &steps).await {
        Ok(signals) => {
            transaction.commit().await?;
            Ok(Some(signals))
        }
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            transaction.rollback().await?;
            tracing::error!(
                error = &error as &dyn std::error::Error,
                backfill = %step.backfill_id,
                "a step cannot be started and is rejected"
            );
            let (mut transaction, steps) = next_step(database, partition).await?;
            for step in &steps {
                reject_step(&mut transaction, step, UNSTORABLE.to_owned()).await?;
            }
            transaction.commit().await?;
            Ok(Some(BTreeSet::from([Signal::Events(step.tenant_id)])))
        }
    }
}

/// The first step that wants to start, under the partition's lock.
async fn next_step(
    database: &Database,
    partition: &[i16],
) -> Result<(Transaction, Vec<DueStep>), StoreError> {
    let mut transaction = database.begin(Actor::Engine).await?;
    let held = lock_partitions(&transaction, partition).await?;
    let steps = list_steps_to_start(&mut transaction, &held, 1).await?;
    Ok((transaction, steps))
}
