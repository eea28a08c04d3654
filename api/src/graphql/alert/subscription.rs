//! Following alerts.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object, Result, Subscription};
use futures_util::stream::BoxStream;
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{AlertId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::alerts::Alert as Record;

use super::object::Alert;
use crate::graphql::event::{EventCursor, EventKind, all_told, encode, follow, told};
use crate::graphql::guard::VIEWER;
use crate::graphql::scalar::DateTime;

/// Something that happened to an alert.
pub(crate) struct AlertEvent {
    event: Arc<Event>,
    alert: Option<Arc<Record>>,
}

/// Something that happened to an alert.
#[Object]
impl AlertEvent {
    /// The place of this event; given as `after`, a subscription goes on behind it.
    async fn cursor(&self) -> String {
        encode(EventCursor(self.event.seq))
    }

    /// What happened.
    async fn kind(&self) -> EventKind {
        self.event.kind.into()
    }

    /// When.
    async fn at(&self) -> DateTime {
        self.event.at.into()
    }

    /// The alert, as it is now; absent once it was removed.
    async fn alert(&self) -> Option<Alert> {
        self.alert.clone().map(Alert)
    }
}

/// Following alerts.
#[derive(Default)]
pub(crate) struct AlertSubscription;

#[Subscription]
impl AlertSubscription {
    /// The alerts that are raised and resolved: every event once, in order, none missed; from now on, or from a cursor on. Causes
    /// that fold into an alert make no event. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn alerts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cursor of the last event that the client has; from now on when absent.")] after: Option<
            String,
        >,
    ) -> Result<BoxStream<'static, Result<AlertEvent>>> {
        let after = EventCursor::read(after, "alerts")?;
        follow(context, Topic::Alerts, after, show).await
    }
}

/// Events with the alerts that they are about.
async fn show(
    journal: Journal,
    tenant: TenantId,
    events: Vec<Arc<Event>>,
) -> Result<Vec<AlertEvent>, StoreError> {
    const TOLD_AS: &str = "alert";
    let found = journal.alerts_by_id(tenant, &all_told(&events, TOLD_AS)).await?;
    let alerts: HashMap<AlertId, Arc<Record>> = found
        .into_iter()
        .map(|alert| (alert.id, Arc::new(alert)))
        .collect();
    let show = |event: Arc<Event>| {
        let alert = told(&event, TOLD_AS).and_then(|id| alerts.get(&id).cloned());
        AlertEvent { event, alert }
    };
    Ok(events.into_iter().map(show).collect())
}
