//! Prolongs the executor's lease, and says in time when that does not succeed.
//!
//! When the lease ends, the work is given to others. Work that two executors do at once is the one thing that must not be,
//! so the executor ends its own before: when two thirds of the lease have passed since the last heartbeat that is known to
//! have arrived, counted from when it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use waterclock_core::id::ExecutorId;
use waterclock_core::work::{Heartbeat, HeartbeatReply, WorkSource};

use crate::backoff::Backoff;
use crate::config::ExecutorConfig;
use crate::load::LoadMeter;

/// How the executor stands with its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is prolonged.
    Held,
    /// It will end soon, for it could not be prolonged: nothing may run.
    Ending,
    /// It has ended, and the work was given to others.
    Lost,
}

/// What the exchange loop and the heartbeat tell each other.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    /// Attempts under way.
    pub(crate) running: AtomicU32,
    /// The executor takes no more work and will stop.
    pub(crate) draining: AtomicBool,
    /// The machine is too busy for more work.
    pub(crate) overloaded: AtomicBool,
}

/// Sends heartbeats for one life of the executor.
pub(crate) struct Pulse {
    pub(crate) source: Arc<dyn WorkSource>,
    pub(crate) executor_id: ExecutorId,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) meter: LoadMeter,
    /// How often.
    pub(crate) interval: Duration,
    /// How long after a heartbeat nothing may run, unless another has arrived.
    pub(crate) trust: Duration,
    /// Cancelled when the service asks the executor to drain.
    pub(crate) drain: CancellationToken,
}

impl Pulse {
    /// The heartbeat of the life `executor_id`.
    pub(crate) fn new(
        config: &ExecutorConfig,
        source: Arc<dyn WorkSource>,
        executor_id: ExecutorId,
        vitals: Arc<Vitals>,
        drain: CancellationToken,
    ) -> Self {
        Self {
            source,
            executor_id,
            vitals,
            meter: LoadMeter::new(config.load),
            interval: config.heartbeat_interval,
            trust: config.lease * 2 / 3,
            drain,
        }
    }

    /// Beats until the lease is lost. `renewed` is when the lease was last known to begin.
    pub(crate) async fn beat(mut self, mut renewed: Instant, standing: watch::Sender<Standing>) {
        let mut backoff = Backoff::default();
        let mut next = renewed + self.interval;
        loop {
            sleep_until(next).await;
            let sent = Instant::now();
            let reply = self.send(renewed + self.trust, &standing).await;
            match reply {
                Some(HeartbeatReply::Lost) => {
                    standing.send_replace(Standing::Lost);
                    return;
                }
                Some(reply) => {
                    if reply == HeartbeatReply::Drain {
                        self.drain.cancel();
                    }
                    renewed = sent;
                    backoff.succeeded();
                    standing.send_if_modified(|standing| {
                        std::mem::replace(standing, Standing::Held) != Standing::Held
                    });
                    next = sent + self.interval;
                }
                None => next = Instant::now() + backoff.next_wait().min(self.interval),
            }
        }
    }

    /// Sends one heartbeat; `None` when it is not known to have arrived. `trusted_until` may pass meanwhile.
    async fn send(
        &mut self,
        trusted_until: Instant,
        standing: &watch::Sender<Standing>,
    ) -> Option<HeartbeatReply> {
        let heartbeat = self.heartbeat();
        let mut sending = self.source.heartbeat(heartbeat);
        let arrived = match timeout_at(trusted_until, &mut sending).await {
            Ok(arrived) => arrived,
            Err(_) => {
                standing.send_if_modified(|standing| {
                    std::mem::replace(standing, Standing::Ending) != Standing::Ending
                });
                // A call that hangs is given up for another.
                timeout_at(Instant::now() + self.interval, sending).await.ok()?
            }
        };
        arrived
            .inspect_err(|error| {
                warn!(error = error as &dyn std::error::Error, "a heartbeat did not arrive");
            })
            .ok()
    }

    fn heartbeat(&mut self) -> Heartbeat {
        let (load, overloaded) = self.meter.read();
        self.vitals.overloaded.store(overloaded, Ordering::Relaxed);
        Heartbeat {
            executor_id: self.executor_id,
            cpu: load.cpu,
            memory: load.memory,
            running: self.vitals.running.load(Ordering::Relaxed),
            overloaded,
            draining: self.vitals.draining.load(Ordering::Relaxed),
        }
    }
}
