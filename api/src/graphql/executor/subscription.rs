//! Following executors.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object, Result, Subscription};
use futures_util::stream::BoxStream;
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{ExecutorId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::executor_lives::Executor as Record;

use super::object::Executor;
use crate::graphql::event::{EventCursor, EventKind, all_told, encode, follow, told};
use crate::graphql::guard::VIEWER;
use crate::graphql::scalar::DateTime;

/// Something that happened to an executor.
pub(crate) struct ExecutorEvent {
    event: Arc<Event>,
    executor: Option<Arc<Record>>,
}

/// Something that happened to an executor.
#[Object]
impl ExecutorEvent {
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

    /// The executor's key.
    async fn key(&self) -> Option<&str> {
        self.event.data.as_ref()?.get("key")?.as_str()
    }

    /// The executor, as it is now; absent once its life is forgotten.
    async fn executor(&self) -> Option<Executor> {
        self.executor.clone().map(Executor)
    }
}

/// Following executors.
#[derive(Default)]
pub(crate) struct ExecutorSubscription;

#[Subscription]
impl ExecutorSubscription {
    /// What happens to the tenant's executors and the shared ones: every event once, in order, none missed; from now on, or
    /// from a cursor on. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn executors(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The cursor of the last event that the client has; from now on when absent.")] after: Option<
            String,
        >,
    ) -> Result<BoxStream<'static, Result<ExecutorEvent>>> {
        let after = EventCursor::read(after, "executors")?;
        follow(context, Topic::Executors, after, show).await
    }
}

/// Events with the executors that they are about.
async fn show(
    journal: Journal,
    tenant: TenantId,
    events: Vec<Arc<Event>>,
) -> Result<Vec<ExecutorEvent>, StoreError> {
    const TOLD_AS: &str = "executor";
    let found = journal
        .executors_by_id(tenant, &all_told(&events, TOLD_AS))
        .await?;
    let executors: HashMap<ExecutorId, Arc<Record>> = found
        .into_iter()
        .map(|executor| (executor.id, Arc::new(executor)))
        .collect();
    let show = |event: Arc<Event>| {
        let executor = told(&event, TOLD_AS).and_then(|id| executors.get(&id).cloned());
        ExecutorEvent { event, executor }
    };
    Ok(events.into_iter().map(show).collect())
}
