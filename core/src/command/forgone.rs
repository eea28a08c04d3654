//! Occurrences that an edit takes away.
//!
//! An edit settles what is due by the old rule and leaves what is due from now on to the new one. Between the two lie the occurrences whose
//! instants have passed and that are due later, by jitter or because their day does not work: the new rule may have them due in the past,
//! which no edit may fire, or not at all. They are recorded as missed, so that they are not lost without a word.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::edit_schedule::ScheduleEditor;
use super::occurrences::{Armed, Case, Edition};
use crate::id::{ScheduleId, TenantId};
use crate::schedule::occurrence::{OccurrenceOutcome, ScheduleState};
use crate::schedule::timing::{Placement, Planned, Reaction, Timing};
use crate::store::occurrences::{Recorded, list_recorded, record_occurrences};
use crate::store::schedule_states::{DueSchedule, find_due_schedules};
use crate::store::{StoreError, Transaction};

/// How many occurrences ahead of a schedule are looked at, where they move to a later day.
const MOST_LOOKED_AT: usize = 1_000;

/// What schedules have outstanding before an edit.
#[derive(Default)]
pub(super) struct Outstanding(Vec<(Arc<Armed>, Planned)>);

impl ScheduleEditor {
    /// The occurrences of the schedules whose instants have passed and that are not due yet.
    pub(super) async fn outstanding(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        schedules: &[ScheduleId],
    ) -> Result<Outstanding, StoreError> {
        let mut outstanding = Outstanding::default();
        for (due, armed) in self.arm_all(transaction, tenant, schedules).await? {
            let names = !matches!(due.state, ScheduleState::Stopped | ScheduleState::Finished);
            if !names || armed.plan.follows_runs() {
                continue;
            }
            let ahead = armed.plan.upcoming(due.now);
            let begun = ahead
                .take(most_outstanding(&armed.spec().timing))
                .filter(|planned| planned.nominal <= due.now && planned.placement == Placement::Kept)
                .map(|planned| (Arc::clone(&armed), planned));
            outstanding.0.extend(begun);
        }
        Ok(outstanding)
    }

    /// Records as missed what was outstanding and is not any more, now that the schedules are edited.
    pub(super) async fn record_forgone(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        outstanding: Outstanding,
    ) -> Result<(), StoreError> {
        let mut schedules: Vec<ScheduleId> = outstanding.0.iter().map(|(before, _)| before.id()).collect();
        schedules.dedup();
        let armed = self.arm_all(transaction, tenant, &schedules).await?;
        let after: HashMap<ScheduleId, _> = armed
            .into_iter()
            .map(|(due, after)| (due.schedule_id, (due.now, after)))
            .collect();
        let mut forgone = Vec::new();
        for (before, planned) in outstanding.0 {
            let Some((now, after)) = after.get(&before.id()) else {
                continue;
            };
            let now_due = after.plan.at(planned.nominal).map(|planned| planned.due);
            if now_due.is_none_or(|now_due| now_due <= *now) {
                forgone.push(missed(&before, &planned, now_due));
            }
        }
        let wanted: Vec<_> = forgone
            .iter()
            .map(|row| (row.tenant_id, row.schedule_id, row.nominal))
            .collect();
        let known = list_recorded(transaction, &wanted).await?;
        forgone.retain(|row| !known.contains_key(&(row.schedule_id, row.nominal)));
        record_occurrences(transaction, &forgone).await
    }

    /// The schedules as they stand, ready to be asked; those that cannot be asked are left out.
    async fn arm_all(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        schedules: &[ScheduleId],
    ) -> Result<Vec<(DueSchedule, Arc<Armed>)>, StoreError> {
        let due = find_due_schedules(transaction, tenant, schedules).await?;
        let editions: Vec<Edition> = due.iter().map(Into::into).collect();
        let mut armed = self.memory.plans.get(transaction, &editions).await?;
        let ready = |due: DueSchedule| {
            let armed = armed.remove(&due.schedule_id)?.ok()?;
            Some((due, armed))
        };
        Ok(due.into_iter().filter_map(ready).collect())
    }
}

/// Among how many of the next occurrences those are that may be outstanding. Jitter leads no further than to the next one; only those that move
/// to a later day can be many.
fn most_outstanding(timing: &Timing) -> usize {
    match (timing.reaction, timing.jitter_ms) {
        (Reaction::Next, _) => MOST_LOOKED_AT,
        (Reaction::Skip | Reaction::Previous, 0) => 0,
        (Reaction::Skip | Reaction::Previous, _) => 1,
    }
}

fn missed(armed: &Arc<Armed>, planned: &Planned, now_due: Option<DateTime<Utc>>) -> Recorded {
    let now = now_due.map_or_else(
        || "does not name it".to_owned(),
        |now_due| format!("has it due at {now_due}, which has passed"),
    );
    let reason = format!(
        "its schedule was edited after its instant and before it was due at {}; the new rule {now}",
        planned.due
    );
    Case::planned(armed, planned).recorded(OccurrenceOutcome::Missed, reason)
}
