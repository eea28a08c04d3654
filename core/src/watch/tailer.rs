//! Reads the log for all subscribers of the process.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Inner;
use super::horizon::Horizon;
use crate::id::TenantId;
use crate::signal::{Signal, SignalReceiver};
use crate::store::events::{EventPage, list_event_writers, list_events, read_last_event_number};
use crate::store::{Actor, StoreError};

use super::fan_out::Batch;

/// The least time between two looks: about as long as a short transaction, which is what a look most often waits for.
const PACE: Duration = Duration::from_millis(2);

/// The most time between two looks while a transaction holds the order back.
const SLOWEST_PACE: Duration = Duration::from_millis(32);

/// How often the log is looked at without a signal.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// How long to wait after the database could not be asked.
const PAUSE: Duration = Duration::from_millis(500);

/// How many events are read at once.
const PAGE: i64 = 500;

/// How long a transaction may hold the order back until the log of this process says so.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves subscribers for as long as it is polled; while there are none, it waits for the first.
pub(super) async fn tail(inner: &Inner) {
    let mut horizon = Horizon::default();
    loop {
        if !inner.is_wanted() {
            inner.wanted.notified().await;
            continue;
        }
        // Older signals are about what the first look sees anyway.
        let signals = inner.signals.receiver();
        let agenda = Agenda::default();
        Tailer {
            inner,
            signals,
            horizon: &mut horizon,
            agenda,
            settled: 0,
            pace: PACE,
            delay: None,
        }
        .serve()
        .await;
    }
}

struct Tailer<'a> {
    inner: &'a Inner,
    signals: SignalReceiver,
    horizon: &'a mut Horizon,
    agenda: Agenda,
    settled: i64,
    pace: Duration,
    /// The transaction that holds the order back, and since when it does or was last complained of.
    delay: Option<(String, Instant)>,
}

/// What is to be done.
#[derive(Debug, Default)]
struct Agenda {
    /// The tenants whose log may have grown, each with the number up to which it is to be read: the highest that was given
    /// out by the first look after the signal.
    grown: HashMap<TenantId, Option<i64>>,
    /// Those who asked for a settled number, each with what it must at least be.
    asking: Vec<(i64, oneshot::Sender<i64>)>,
}

impl Tailer<'_> {
    /// Serves until nobody is left.
    async fn serve(mut self) {
        let mut polled = Instant::now();
        self.everything_grew();
        while self.inner.is_wanted() || !self.agenda.asking.is_empty() {
            let looked = Instant::now();
            if let Err(error) = self.advance().await {
                tracing::debug!(error = %error, "the event log was not read");
                // Those who asked find their channels closed and may come back.
                self.agenda.asking.clear();
                self.everything_grew();
                tokio::time::sleep(PAUSE).await;
            }
            tokio::time::sleep_until(looked + self.pace).await;
            if self.agenda.is_empty() {
                self.pace = PACE;
                self.wait(polled + SLOW_POLL).await;
            }
            self.hear();
            if polled.elapsed() >= SLOW_POLL {
                polled = Instant::now();
                self.everything_grew();
            }
        }
    }

    /// Waits for a signal, for somebody who wants something, or for `latest`.
    async fn wait(&mut self, latest: Instant) {
        tokio::select! {
            signal = self.signals.next() => self.heard(signal),
            // Events of a tenant may have come, and their signals gone, just before its first subscriber joined.
            () = self.inner.wanted.notified() => self.everything_grew(),
            () = tokio::time::sleep_until(latest) => {}
        }
    }

    /// Takes in the signals that have come already.
    fn hear(&mut self) {
        while let Some(signal) = self.signals.next().now_or_never() {
            self.heard(signal);
        }
    }

    fn heard(&mut self, signal: Signal) {
        match signal {
            Signal::Events(TenantId::PLATFORM) => self.everything_grew(),
            Signal::Events(tenant) => drop(self.agenda.grown.insert(tenant, None)),
            Signal::Log(tenant) => self.inner.fan_out().wake_log(Some(tenant)),
            Signal::Everything => {
                self.everything_grew();
                self.inner.fan_out().wake_log(None);
            }
            Signal::Ready(_)
            | Signal::Occurrences(_)
            | Signal::Executor(_)
            | Signal::Deliveries
            | Signal::BulkJobs => {}
        }
    }

    fn everything_grew(&mut self) {
        self.agenda
            .grown
            .extend(self.inner.fan_out().tenants().map(|tenant| (tenant, None)));
    }

    /// Looks how far the order is settled, and hands out what is new up to there.
    async fn advance(&mut self) -> Result<(), StoreError> {
        let asking = self.inner.take_asking();
        let last = self.look().await?;
        let settled = self.settled;
        self.agenda
            .asking
            .extend(asking.into_iter().map(|answer| (last, answer)));
        for target in self.agenda.grown.values_mut() {
            target.get_or_insert(last);
        }
        self.agenda.answer(settled);
        self.notice_delay();
        for tenant in self.agenda.tenants() {
            let read_until = self.read(tenant, settled).await?;
            self.agenda.has_read(tenant, read_until);
        }
        Ok(())
    }

    /// Finds the settled number, and gives the highest that was given out.
    async fn look(&mut self) -> Result<i64, StoreError> {
        let mut transaction = self.inner.database.begin(Actor::Nobody).await?;
        let last = read_last_event_number(&mut transaction).await?;
        let writers = list_event_writers(&mut transaction).await?;
        transaction.commit().await?;
        let settled = self.horizon.look(last, writers);
        self.pace = if settled > self.settled {
            PACE
        } else {
            SLOWEST_PACE.min(self.pace * 2)
        };
        self.settled = settled;
        Ok(last)
    }

    /// Hands out a page of the tenant's log, and says up to which number it has been read now.
    async fn read(&self, tenant: TenantId, settled: i64) -> Result<i64, StoreError> {
        let Some(batch) = self.inner.fan_out().take_batch(tenant, settled) else {
            return Ok(settled);
        };
        match self.read_page(&batch).await {
            Ok(page) => {
                let mut fan_out = self.inner.fan_out();
                fan_out.put_back(tenant, page.read_until);
                fan_out.deliver(tenant, page.events);
                Ok(page.read_until)
            }
            Err(error) => {
                self.inner.fan_out().put_back(tenant, batch.span.after);
                Err(error)
            }
        }
    }

    async fn read_page(&self, batch: &Batch) -> Result<EventPage, StoreError> {
        let mut transaction = self
            .inner
            .database
            .begin(Actor::Tenant(batch.span.tenant))
            .await?;
        let page = list_events(&mut transaction, batch.span, &batch.interest, PAGE).await?;
        transaction.commit().await?;
        Ok(page)
    }

    /// Says in the log of this process when one transaction holds everybody back for long.
    fn notice_delay(&mut self) {
        let writer = self.horizon.held_by().map(str::to_owned);
        let known = self
            .delay
            .take()
            .filter(|(held_by, _)| writer.as_ref() == Some(held_by));
        self.delay = match (known, writer) {
            (Some((writer, since)), _) if since.elapsed() >= PATIENCE => {
                tracing::warn!(
                    transaction = writer,
                    "an open transaction that wrote events holds back all subscriptions"
                );
                Some((writer, Instant::now()))
            }
            (Some(known), _) => Some(known),
            (None, writer) => writer.map(|writer| (writer, Instant::now())),
        };
    }
}

impl Agenda {
    fn is_empty(&self) -> bool {
        self.grown.is_empty() && self.asking.is_empty()
    }

    fn tenants(&self) -> Vec<TenantId> {
        self.grown.keys().copied().collect()
    }

    /// Answers those for whom enough is settled.
    fn answer(&mut self, settled: i64) {
        for (_, answer) in self.asking.extract_if(.., |(least, _)| *least <= settled) {
            // Who asked may have gone.
            let _ = answer.send(settled);
        }
    }

    /// Strikes out a tenant whose log was read as far as it had grown.
    fn has_read(&mut self, tenant: TenantId, until: i64) {
        if self
            .grown
            .get(&tenant)
            .copied()
            .flatten()
            .is_some_and(|target| target <= until)
        {
            self.grown.remove(&tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_stays_on_the_agenda_until_its_log_was_read_as_far_as_it_had_grown() {
        let tenant = TenantId::generate();
        let mut agenda = Agenda {
            grown: HashMap::from([(tenant, Some(10))]),
            asking: Vec::new(),
        };
        agenda.has_read(tenant, 9);
        assert_eq!(agenda.tenants(), [tenant]);
        agenda.has_read(tenant, 10);
        assert!(agenda.is_empty());
    }

    #[test]
    fn a_signal_that_no_look_has_followed_is_not_struck_out() {
        let tenant = TenantId::generate();
        let mut agenda = Agenda {
            grown: HashMap::from([(tenant, None)]),
            asking: Vec::new(),
        };
        agenda.has_read(tenant, i64::MAX);
        assert_eq!(agenda.tenants(), [tenant]);
    }

    #[test]
    fn who_asks_is_answered_once_all_that_was_given_out_before_is_settled() {
        let (answer, mut answered) = oneshot::channel();
        let mut agenda = Agenda {
            grown: HashMap::new(),
            asking: vec![(10, answer)],
        };
        agenda.answer(9);
        assert!(answered.try_recv().is_err());
        agenda.answer(12);
        assert_eq!(answered.try_recv(), Ok(12));
        assert!(agenda.is_empty());
    }
}
