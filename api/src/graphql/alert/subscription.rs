//! Following alerts.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object, Result, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{AlertId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::alerts::Alert as Record;
use waterclock_core::watch::Watch;

use super::object::Alert;
use crate::graphql::error::internal;
use crate::graphql::event::{EventCursor, EventKind, encode, flow, watch_error};
use crate::graphql::guard::{VIEWER, caller};
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
        let tenant = caller(context)?.tenant_id;
        let journal = context.data::<Journal>()?.clone();
        let subscribed = context
            .data::<Watch>()?
            .subscribe(tenant, Topic::Alerts, after)
            .await;
        let batches = stream::unfold(subscribed.map_err(watch_error)?, async |mut subscription| {
            let events = subscription.next().await?;
            Some((events, subscription))
        });
        Ok(flow(batches.then(move |events| {
            let journal = journal.clone();
            async move {
                show(&journal, tenant, events.map_err(watch_error)?)
                    .await
                    .map_err(|error| internal(&error))
            }
        })))
    }
}

/// Events with the alerts that they are about.
async fn show(
    journal: &Journal,
    tenant: TenantId,
    events: Vec<Arc<Event>>,
) -> Result<Vec<AlertEvent>, StoreError> {
    let id = |event: &Event| -> Option<AlertId> { event.data.as_ref()?.get("alert")?.as_str()?.parse().ok() };
    let mut ids: Vec<AlertId> = events.iter().filter_map(|event| id(event)).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = journal.alerts_by_id(tenant, &ids).await?;
    let alerts: HashMap<AlertId, Arc<Record>> = found
        .into_iter()
        .map(|alert| (alert.id, Arc::new(alert)))
        .collect();
    let show = |event: Arc<Event>| {
        let alert = id(&event).and_then(|id| alerts.get(&id).cloned());
        AlertEvent { event, alert }
    };
    Ok(events.into_iter().map(show).collect())
}
