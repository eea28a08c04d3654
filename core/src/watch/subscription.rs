//! One subscriber's events: first from the log, then as they come.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Inner, WatchError};
use crate::event::{BEGINNING, Event, Span, Topic};
use crate::id::TenantId;
use crate::store::events::{EventPage, Interest, find_last_event_of_run, list_events, list_events_of_run};
use crate::store::{Actor, StoreError};

/// The most events that are handed over at once.
const PAGE: usize = 256;

/// The events of one topic. The one about a run ends when the run has ended.
pub struct Subscription {
    inner: Arc<Inner>,
    tenant: TenantId,
    topic: Topic,
    ticket: u64,
    /// The number up to which everything was handed over.
    position: i64,
    /// Up to here the log must be read; everything later arrives.
    live_after: i64,
    events: mpsc::Receiver<Arc<Event>>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It begins after the beginning of the log, so its run may have ended before.
    Resuming,
    Replaying,
    Live,
    Ended,
}

impl Subscription {
    /// Joins those who listen, and is to begin after `from`.
    pub(super) fn open(inner: &Arc<Inner>, tenant: TenantId, topic: Topic, from: i64, settled: i64) -> Self {
        let joined = inner.fan_out().join(tenant, topic, settled);
        inner.wanted.notify_one();
        Self {
            inner: Arc::clone(inner),
            tenant,
            topic,
            ticket: joined.ticket,
            position: from,
            live_after: joined.live_after,
            events: joined.events,
            stage: if from > BEGINNING {
                Stage::Resuming
            } else {
                Stage::Replaying
            },
        }
    }

    /// The next events, at least one; `None` when there will be no more. After an error there will be no more either.
    pub async fn next(&mut self) -> Option<Result<Vec<Arc<Event>>, WatchError>> {
        match self.next_events().await {
            Ok(events) if events.is_empty() => None,
            Ok(events) => Some(Ok(events)),
            Err(error) => {
                self.stage = Stage::Ended;
                Some(Err(error))
            }
        }
    }

    /// As [`Subscription::next`], with an empty list as the end.
    async fn next_events(&mut self) -> Result<Vec<Arc<Event>>, WatchError> {
        loop {
            let events = match self.stage {
                Stage::Resuming => {
                    self.stage = if self.was_handed_over().await? {
                        Stage::Ended
                    } else {
                        Stage::Replaying
                    };
                    continue;
                }
                Stage::Replaying => self.replay().await?,
                Stage::Live => self.take_live().await?,
                Stage::Ended => return Ok(Vec::new()),
            };
            if events.last().is_some_and(|event| self.is_end(event)) {
                self.stage = Stage::Ended;
            }
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    fn is_end(&self, event: &Event) -> bool {
        matches!(self.topic, Topic::Run(_)) && event.kind.ends_run()
    }

    /// Whether the subscriber had the last event of its run already.
    async fn was_handed_over(&self) -> Result<bool, StoreError> {
        let Topic::Run(run) = self.topic else {
            return Ok(false);
        };
        let mut transaction = self.inner.database.begin(Actor::Tenant(self.tenant)).await?;
        let last = find_last_event_of_run(&mut transaction, self.tenant, run).await?;
        transaction.commit().await?;
        Ok(last.is_some_and(|(seq, kind)| seq <= self.position && kind.ends_run()))
    }

    /// A page of the log, up to where the live events begin.
    async fn replay(&mut self) -> Result<Vec<Arc<Event>>, StoreError> {
        if self.position >= self.live_after {
            self.stage = Stage::Live;
            return Ok(Vec::new());
        }
        let page = self.read_page().await?;
        self.position = page.read_until;
        Ok(page.events.into_iter().map(Arc::new).collect())
    }

    async fn read_page(&self) -> Result<EventPage, StoreError> {
        let span = Span {
            tenant: self.tenant,
            after: self.position,
            upto: self.live_after,
        };
        let limit = i64::try_from(PAGE).expect("a page is small");
        let mut transaction = self.inner.database.begin(Actor::Tenant(self.tenant)).await?;
        let page = match self.topic {
            Topic::Run(run) => list_events_of_run(&mut transaction, span, run, limit).await?,
            topic => list_events(&mut transaction, span, &Interest::of(topic), limit).await?,
        };
        transaction.commit().await?;
        Ok(page)
    }

    /// What has arrived and was not handed over before.
    async fn take_live(&mut self) -> Result<Vec<Arc<Event>>, WatchError> {
        let mut events = Vec::new();
        if self.events.recv_many(&mut events, PAGE).await == 0 {
            return Err(WatchError::SlowConsumer);
        }
        events.retain(|event| event.seq > self.position);
        self.position = events.last().map_or(self.position, |event| event.seq);
        Ok(events)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inner.fan_out().leave(self.tenant, self.topic, self.ticket);
    }
}
