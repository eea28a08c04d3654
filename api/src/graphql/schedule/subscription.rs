//! Following occurrences.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, Subscription};
use futures_util::stream::BoxStream;
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{OccurrenceId, ScheduleId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::schedule::occurrence;
use waterclock_core::store::StoreError;
use waterclock_core::store::timetable::Occurrence as Record;

use super::occurrence::{Occurrence, OccurrenceOutcome};
use crate::graphql::event::{EventCursor, all_told, encode, follow, told};
use crate::graphql::guard::VIEWER;
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::loader::load;
use crate::graphql::scalar::DateTime;
use crate::transport::ErrorCode;

/// It was decided what becomes of an occurrence.
pub(crate) struct OccurrenceEvent {
    event: Arc<Event>,
    occurrence: Arc<Record>,
}

/// It was decided what becomes of an occurrence. One that waits is decided about again.
#[Object]
impl OccurrenceEvent {
    /// The place of this event; given as `after`, a subscription goes on behind it.
    async fn cursor(&self) -> String {
        encode(EventCursor(self.event.seq))
    }

    /// When.
    async fn at(&self) -> DateTime {
        self.event.at.into()
    }

    /// What was decided.
    async fn outcome(&self) -> OccurrenceOutcome {
        let decided: Option<occurrence::OccurrenceOutcome> = told(&self.event, "outcome");
        decided.unwrap_or(self.occurrence.outcome).into()
    }

    /// Why, in a sentence.
    async fn reason(&self) -> Option<&str> {
        self.event.data.as_ref()?.get("reason")?.as_str()
    }

    /// The occurrence, as it is now.
    async fn occurrence(&self) -> Occurrence {
        Occurrence(Arc::clone(&self.occurrence))
    }
}

/// Following occurrences.
#[derive(Default)]
pub(crate) struct OccurrenceSubscription;

#[Subscription]
impl OccurrenceSubscription {
    /// What becomes of occurrences: every decision once, in order, none missed; from now on, or from a cursor on. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn occurrences(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those of this schedule; of all when absent.")] schedule_id: Option<ID>,
        #[graphql(desc = "The cursor of the last event that the client has; from now on when absent.")] after: Option<
            String,
        >,
    ) -> Result<BoxStream<'static, Result<OccurrenceEvent>>> {
        let after = EventCursor::read(after, "occurrences")?;
        let schedule: Option<ScheduleId> = schedule_id.map(|id| of_kind(Kind::Schedule, &id));
        if let Some(id) = schedule
            && load(context, id).await?.is_none()
        {
            return Err(ErrorCode::NotFound.error("There is no schedule with that id."));
        }
        let show = move |journal, tenant, events| show(journal, tenant, schedule, events);
        follow(context, Topic::Occurrences, after, show).await
    }
}

/// Events with the occurrences that they are about, those of `schedule` when one is given.
async fn show(
    journal: Journal,
    tenant: TenantId,
    schedule: Option<ScheduleId>,
    events: Vec<Arc<Event>>,
) -> Result<Vec<OccurrenceEvent>, StoreError> {
    const TOLD_AS: &str = "occurrenceId";
    let found = journal
        .occurrences_by_id(tenant, &all_told(&events, TOLD_AS))
        .await?;
    let occurrences: HashMap<OccurrenceId, Arc<Record>> = found
        .into_iter()
        .filter(|occurrence| schedule.is_none_or(|schedule| schedule == occurrence.schedule_id))
        .map(|occurrence| (occurrence.id, Arc::new(occurrence)))
        .collect();
    let show = |event: Arc<Event>| {
        let occurrence = told(&event, TOLD_AS).and_then(|id| occurrences.get(&id).cloned())?;
        Some(OccurrenceEvent { event, occurrence })
    };
    Ok(events.into_iter().filter_map(show).collect())
}
