//! Acts on the ends of runs that schedules and triggers wait for.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{ScheduleId, TenantId};
use crate::run::RunState;
use crate::signal::Signal;
use crate::store::firings::{insert_firings, list_triggers_of_ends};
use crate::store::occurrences::{Among, wake_waiting};
use crate::store::schedule_states::{RunEnd, Tally, note_run_ends, pause_schedules, take_run_ends};
use crate::store::{StoreError, Transaction};

/// The most ends of a partition that one transaction acts on.
const BATCH: i64 = 1_000;

/// Takes the ends of runs in the partitions, whose locks are held, has the schedules looked at that wait for them, and
/// records what triggers they fire.
pub(super) async fn act_on_ends(
    transaction: &mut Transaction,
    partitions: &[i16],
) -> Result<BTreeSet<Signal>, StoreError> {
    let ends = take_run_ends(transaction, partitions, BATCH).await?;
    if ends.is_empty() {
        return Ok(BTreeSet::new());
    }
    let failing = note_run_ends(transaction, &tallies(&ends)).await?;
    let paused: Vec<_> = failing
        .iter()
        .map(|failing| {
            let reason = format!("{} runs in a row ended without success", failing.failures);
            (failing.tenant_id, failing.schedule_id, reason)
        })
        .collect();
    let mut signals = super::backfills::end_steps(transaction, &ends).await?;
    if !paused.is_empty() {
        pause_schedules(transaction, &paused).await?;
        signals.extend(paused.iter().map(|(tenant, ..)| Signal::Events(*tenant)));
    }
    let among: BTreeSet<(TenantId, Among)> = ends
        .iter()
        .flat_map(|end| {
            let scopes = [
                end.schedule_id.map(Among::Schedule),
                Some(Among::Workflow(end.workflow_id)),
                end.overlap_key.clone().map(Among::Key),
            ];
            scopes.into_iter().flatten().map(|among| (end.tenant_id, among))
        })
        .collect();
    wake_waiting(transaction, &among.into_iter().collect::<Vec<_>>()).await?;
    let firings = list_triggers_of_ends(transaction, &ends).await?;
    insert_firings(transaction, &firings).await?;
    signals.extend(firings.iter().map(|firing| Signal::Events(firing.tenant_id)));
    Ok(signals)
}

/// How the runs of each schedule ended, in the order in which they did. Runs that somebody cancelled say nothing of the schedule.
fn tallies(ends: &[RunEnd]) -> Vec<Tally> {
    let mut tallies: BTreeMap<(TenantId, ScheduleId), Tally> = BTreeMap::new();
    for end in ends {
        let Some(schedule_id) = end.schedule_id else {
            continue;
        };
        let tally = tallies.entry((end.tenant_id, schedule_id)).or_insert(Tally {
            tenant_id: end.tenant_id,
            schedule_id,
            failed: 0,
            succeeded: false,
            last_end: end.ended_at,
        });
        tally.last_end = tally.last_end.max(end.ended_at);
        match end.ended_as {
            RunState::Succeeded => {
                tally.failed = 0;
                tally.succeeded = true;
            }
            RunState::Failed | RunState::TimedOut => tally.failed += 1,
            RunState::Cancelled | RunState::Queued | RunState::Running | RunState::Paused => {}
        }
    }
    tallies.into_values().collect()
}
