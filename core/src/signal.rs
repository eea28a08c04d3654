//! Hints that wake what waits.
//!
//! A signal says that something may have changed; it carries no truth, and losing one costs a moment, never work: whoever
//! waits for signals also looks by itself now and then. Inside a process a signal arrives at once. Other processes hear of
//! it through NOTIFY, sent after the commit and in a transaction of its own, because a NOTIFY inside a transaction makes
//! all commits of the whole server wait for one lock. While one announcement is under way the next ones gather, so there
//! is never more than one at a time, however many commits there are.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::id::{ExecutorId, TenantId};
use crate::store::{self, Database};

/// The channel that every process listens on.
const CHANNEL: &str = "waterclock";

/// How many signals a slow receiver may lag behind before it is told [`Signal::Everything`] instead.
const BACKLOG: usize = 4096;

/// The most bytes that one NOTIFY carries; PostgreSQL's bound is 8,000.
const PAYLOAD_LIMIT: usize = 7_900;

/// Something may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Task runs became ready in this partition.
    Ready(i16),
    /// A schedule of this partition was changed, or a run has ended that a schedule or a trigger waits for.
    Occurrences(i16),
    /// There is work, or a cancellation, for this executor.
    Executor(ExecutorId),
    /// Events of this tenant were committed.
    Events(TenantId),
    /// Log lines of this tenant were committed.
    Log(TenantId),
    /// Deliveries of alerts are due.
    Deliveries,
    /// Something is to be done to many runs.
    BulkJobs,
    /// Signals were lost; anything may have changed.
    Everything,
}

/// Raises signals and hands them out, within this process and to others.
#[derive(Clone)]
pub struct Signals {
    inner: Arc<Inner>,
}

struct Inner {
    /// Marks what this process announced, so that it does not hear itself.
    origin: String,
    local: broadcast::Sender<Signal>,
    unannounced: Mutex<BTreeSet<Signal>>,
    announce: Notify,
}

/// Signals as they come.
pub struct SignalReceiver {
    receiver: broadcast::Receiver<Signal>,
}

impl SignalReceiver {
    /// The next signal; [`Signal::Everything`] in place of those that this receiver was too slow for.
    pub async fn next(&mut self) -> Signal {
        match self.receiver.recv().await {
            Ok(signal) => signal,
            Err(broadcast::error::RecvError::Lagged(_)) => Signal::Everything,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Default for Signals {
    fn default() -> Self {
        Self::new()
    }
}

impl Signals {
    /// Signals of one process. [`Signals::relay`] connects them to the others.
    #[must_use]
    pub fn new() -> Self {
        let inner = Inner {
            origin: uuid::Uuid::new_v4().simple().to_string()[..8].to_owned(),
            local: broadcast::Sender::new(BACKLOG),
            unannounced: Mutex::default(),
            announce: Notify::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Hears every signal from now on.
    #[must_use]
    pub fn receiver(&self) -> SignalReceiver {
        SignalReceiver {
            receiver: self.inner.local.subscribe(),
        }
    }

    /// Raises `signals` here at once, and elsewhere as soon as they were announced.
    pub fn raise(&self, signals: impl IntoIterator<Item = Signal>) {
        let mut unannounced = self
            .inner
            .unannounced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for signal in signals {
            // Nobody listening in this process is no fault.
            let _ = self.inner.local.send(signal);
            unannounced.insert(signal);
        }
        drop(unannounced);
        self.inner.announce.notify_one();
    }

    /// Announces signals to other processes and hears theirs, until `shutdown`.
    pub async fn relay(&self, database: &Database, shutdown: &CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.announce(database) => {}
            () = self.hear(database) => {}
        }
    }

    async fn announce(&self, database: &Database) {
        loop {
            self.inner.announce.notified().await;
            let gathered = std::mem::take(
                &mut *self
                    .inner
                    .unannounced
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner),
            );
            if gathered.is_empty() {
                continue;
            }
            if let Err(error) = store::signals::announce(database, CHANNEL, &self.encode(&gathered)).await {
                tracing::debug!(error = %error, "signals were not announced; others will look by themselves");
            }
        }
    }

    async fn hear(&self, database: &Database) {
        loop {
            match database.listen(CHANNEL).await {
                Ok(mut listener) => {
                    // Whatever was announced while nobody listened is unknown.
                    let _ = self.inner.local.send(Signal::Everything);
                    while let Some(payload) = listener.next().await {
                        for signal in self.decode(&payload) {
                            let _ = self.inner.local.send(signal);
                        }
                    }
                    tracing::warn!("the listening connection was lost; connecting again");
                }
                Err(error) => tracing::debug!(error = %error, "cannot listen yet"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Payloads that together carry `signals`, each within PostgreSQL's bound.
    fn encode(&self, signals: &BTreeSet<Signal>) -> Vec<String> {
        let mut payloads = Vec::new();
        let mut payload = self.inner.origin.clone();
        for signal in signals {
            if payload.len() + 40 > PAYLOAD_LIMIT {
                payloads.push(std::mem::replace(&mut payload, self.inner.origin.clone()));
            }
            let written = match signal {
                Signal::Ready(partition) => write!(payload, " r{partition}"),
                Signal::Occurrences(partition) => write!(payload, " o{partition}"),
                Signal::Executor(executor) => write!(payload, " x{executor}"),
                Signal::Events(tenant) => write!(payload, " e{tenant}"),
                Signal::Log(tenant) => write!(payload, " l{tenant}"),
                Signal::Deliveries => write!(payload, " d"),
                Signal::BulkJobs => write!(payload, " b"),
                Signal::Everything => write!(payload, " *"),
            };
            written.expect("writing to a string cannot fail");
        }
        payloads.push(payload);
        payloads
    }

    /// What another process announced; nothing when it was this one. A word of a later release is passed over.
    fn decode(&self, payload: &str) -> Vec<Signal> {
        let mut words = payload.split(' ');
        if words.next() == Some(&self.inner.origin) {
            return Vec::new();
        }
        words
            .filter_map(|word| match word.split_at_checked(1)? {
                ("r", partition) => partition.parse().ok().map(Signal::Ready),
                ("o", partition) => partition.parse().ok().map(Signal::Occurrences),
                ("x", executor) => executor.parse().ok().map(Signal::Executor),
                ("e", tenant) => tenant.parse().ok().map(Signal::Events),
                ("l", tenant) => tenant.parse().ok().map(Signal::Log),
                ("d", _) => Some(Signal::Deliveries),
                ("b", _) => Some(Signal::BulkJobs),
                ("*", _) => Some(Signal::Everything),
                _ => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_announces_another_decodes_and_it_does_not_hear_itself() {
        let (here, there) = (Signals::new(), Signals::new());
        let raised = BTreeSet::from([
            Signal::Ready(7),
            Signal::Occurrences(7),
            Signal::Executor(ExecutorId::generate()),
            Signal::Events(TenantId::generate()),
            Signal::Log(TenantId::generate()),
            Signal::Deliveries,
            Signal::BulkJobs,
            Signal::Everything,
        ]);
        let payloads = here.encode(&raised);
        assert_eq!(payloads.len(), 1);
        assert_eq!(
            there.decode(&payloads[0]).into_iter().collect::<BTreeSet<_>>(),
            raised
        );
        assert_eq!(here.decode(&payloads[0]), []);
    }

    #[test]
    fn many_signals_are_split_within_the_bound_of_a_payload() {
        let signals = Signals::new();
        let raised: BTreeSet<_> = (0..1000).map(|_| Signal::Events(TenantId::generate())).collect();
        let payloads = signals.encode(&raised);
        assert!(payloads.iter().all(|payload| payload.len() <= PAYLOAD_LIMIT));
        let heard: BTreeSet<_> = payloads
            .iter()
            .flat_map(|payload| Signals::new().decode(payload))
            .collect();
        assert_eq!(heard, raised);
    }

    #[tokio::test]
    async fn a_receiver_that_lags_is_told_that_anything_may_have_changed() {
        let signals = Signals::new();
        let mut receiver = signals.receiver();
        signals.raise((0..=BACKLOG).map(|_| Signal::Ready(1)));
        assert_eq!(receiver.next().await, Signal::Everything);
    }
}
