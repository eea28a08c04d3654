//! Starts what schedules name, at its instant.
//!
//! The loop sleeps until the next instant that any schedule waits for, not from tick to tick, so an occurrence is late by a wake-up and
//! one transaction and by nothing else. It runs beside the passes that assign task runs, on a connection and under locks of its
//! own, since an occurrence must not be late because there is much to assign. As with passes, signals and timers are hints:
//! once in a while it looks at every partition, also at those that another scheduler prefers, in case that one is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::prefer::{Preference, partitions};
use super::{CONTENDED, FAILED, SWEEP};
use crate::command::firings::{settle_firings, settle_firings_apart};
use crate::command::occurrences::{Memory, settle_apart, settle_partitions};
use crate::metrics::Metrics;
use crate::signal::{Signal, Signals};
use crate::store::{Database, StoreError, Versions};

/// How long until a partition is tried again that somebody else settles.
const TAKEN: Duration = Duration::from_millis(2);

/// Settles schedules for one scheduler.
pub(super) struct Occurrences {
    database: Database,
    signals: Signals,
    metrics: Metrics,
    memory: Memory,
    preference: watch::Receiver<Preference>,
    next_look: Instant,
    next_sweep: Instant,
}

impl Occurrences {
    /// Settles what the scheduler of `preference` prefers.
    pub(super) fn new(
        database: Database,
        signals: Signals,
        metrics: Metrics,
        versions: Versions,
        preference: watch::Receiver<Preference>,
    ) -> Self {
        let now = Instant::now();
        Self {
            database,
            signals,
            metrics,
            memory: Memory {
                versions,
                ..Memory::default()
            },
            preference,
            next_look: now,
            next_sweep: now,
        }
    }

    /// Settles until `shutdown`. A database that goes away is waited for.
    pub(super) async fn run(mut self, shutdown: &CancellationToken) {
        let mut receiver = self.signals.receiver();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                signal = receiver.next() => self.note(signal),
                () = sleep_until(self.next_look.min(self.next_sweep)) => self.look().await,
            }
        }
    }

    fn note(&mut self, signal: Signal) {
        match signal {
            Signal::Occurrences(partition) if self.preference.borrow().prefers(partition) => {
                self.next_look = Instant::now();
            }
            Signal::Everything => self.next_sweep = Instant::now(),
            _ => {}
        }
    }

    async fn look(&mut self) {
        let began = Instant::now();
        let looked_at: Vec<i16> = if began >= self.next_sweep {
            self.next_sweep = began + SWEEP;
            partitions().collect()
        } else {
            self.preference.borrow().iter().collect()
        };
        match settle_partitions(&self.database, &self.memory, &looked_at).await {
            Ok(settled) => {
                for late in settled.lateness {
                    self.metrics.lateness.observe(late.as_seconds_f64());
                }
                self.signals.raise(settled.signals);
                let next = settled.next.map_or(SWEEP, |next| next.min(SWEEP));
                let next = if settled.contended { next.min(TAKEN) } else { next };
                self.next_look = Instant::now() + next;
                self.decide_about(&settled.firings).await;
            }
            Err(error) => {
                self.wait_after(&error);
                if !error.is_transient() {
                    self.conclude(settle_apart(&self.database, &self.memory, &looked_at).await);
                }
            }
        }
    }

    /// Decides about the first firings in the partitions.
    async fn decide_about(&mut self, partitions: &[i16]) {
        if partitions.is_empty() {
            return;
        }
        let decided = settle_firings(&self.database, &self.memory, partitions).await;
        let refused = decided.as_ref().is_err_and(|error| !error.is_transient());
        self.conclude(decided);
        if refused {
            self.conclude(settle_firings_apart(&self.database, &self.memory, partitions).await);
        }
    }

    fn conclude(&mut self, settled: Result<BTreeSet<Signal>, StoreError>) {
        match settled {
            Ok(signals) => self.signals.raise(signals),
            Err(error) => self.wait_after(&error),
        }
    }

    /// Tries again a little later.
    fn wait_after(&mut self, error: &StoreError) {
        if matches!(error, StoreError::Contended(_)) {
            self.next_look = Instant::now() + CONTENDED;
            return;
        }
        let error = error as &dyn std::error::Error;
        tracing::warn!(error, "schedules and triggers were not settled; trying again");
        self.next_look = Instant::now() + FAILED;
        self.next_sweep = self.next_look;
    }
}
