//! Following firings.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, Subscription};
use futures_util::stream::BoxStream;
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{FiringId, TenantId, TriggerId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::firings::Firing as Record;

use super::firing::Firing;
use crate::graphql::event::{EventCursor, all_told, encode, follow, told};
use crate::graphql::guard::VIEWER;
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::loader::load;
use crate::graphql::scalar::DateTime;
use crate::transport::ErrorCode;

/// It was decided what becomes of a firing.
pub(crate) struct FiringEvent {
    event: Arc<Event>,
    firing: Arc<Record>,
}

/// It was decided what becomes of a firing, which is decided once.
#[Object]
impl FiringEvent {
    /// The place of this event; given as `after`, a subscription goes on behind it.
    async fn cursor(&self) -> String {
        encode(EventCursor(self.event.seq))
    }

    /// When.
    async fn at(&self) -> DateTime {
        self.event.at.into()
    }

    /// The firing, with what became of it.
    async fn firing(&self) -> Firing {
        Firing(Arc::clone(&self.firing))
    }
}

/// Following firings.
#[derive(Default)]
pub(crate) struct FiringSubscription;

#[Subscription]
impl FiringSubscription {
    /// What becomes of firings: every decision once, in order, none missed; from now on, or from a cursor on. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn firings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those of this trigger; of all when absent.")] trigger_id: Option<ID>,
        #[graphql(desc = "The cursor of the last event that the client has; from now on when absent.")] after: Option<
            String,
        >,
    ) -> Result<BoxStream<'static, Result<FiringEvent>>> {
        let after = EventCursor::read(after, "firings")?;
        let trigger: Option<TriggerId> = trigger_id.map(|id| of_kind(Kind::Trigger, &id));
        if let Some(id) = trigger
            && load(context, id).await?.is_none()
        {
            return Err(ErrorCode::NotFound.error("There is no trigger with that id."));
        }
        let show = move |journal, tenant, events| show(journal, tenant, trigger, events);
        follow(context, Topic::Firings, after, show).await
    }
}

/// Events with the firings that they are about, those of `trigger` when one is given.
async fn show(
    journal: Journal,
    tenant: TenantId,
    trigger: Option<TriggerId>,
    events: Vec<Arc<Event>>,
) -> Result<Vec<FiringEvent>, StoreError> {
    const TOLD_AS: &str = "firingId";
    let found = journal.firings_by_id(tenant, &all_told(&events, TOLD_AS)).await?;
    let firings: HashMap<FiringId, Arc<Record>> = found
        .into_iter()
        .filter(|firing| trigger.is_none_or(|trigger| trigger == firing.trigger_id))
        .map(|firing| (firing.id, Arc::new(firing)))
        .collect();
    let show = |event: Arc<Event>| {
        let firing = told(&event, TOLD_AS).and_then(|id| firings.get(&id).cloned())?;
        Some(FiringEvent { event, firing })
    };
    Ok(events.into_iter().filter_map(show).collect())
}
