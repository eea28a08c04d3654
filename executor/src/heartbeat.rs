//! Prolongs the executor's lease, and says in time when that does not succeed.
//!
//! When the lease ends, the work is given to others. Work that two executors do at once is the one thing that must not be,
//! so the executor ends its own before: when two thirds of the lease have passed since the last heartbeat that is known to
//! have arrived, counted from when it was sent.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
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
    source: Arc<dyn WorkSource>,
    executor_id: ExecutorId,
    vitals: Arc<Vitals>,
    meter: LoadMeter,
    /// How often.
    interval: Duration,
    /// How long after a heartbeat nothing may run, unless another has arrived.
    trust: Duration,
    /// Cancelled when the service asks the executor to drain.
    drain: CancellationToken,
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
            let trusted_until = renewed + self.trust;
            let (sent, reply) = watched(self.beat_once(next), trusted_until, &standing).await;
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
                    next = sent + self.interval;
                    backoff.succeeded();
                    stand(&standing, Standing::Held);
                }
                None => next = Instant::now() + backoff.next_wait().min(self.interval),
            }
        }
    }

    /// Sends one heartbeat when it is due; `None` when it is not known to have arrived.
    async fn beat_once(&mut self, due: Instant) -> (Instant, Option<HeartbeatReply>) {
        sleep_until(due).await;
        let heartbeat = self.heartbeat();
        let sent = Instant::now();
        // A call that hangs is given up for another.
        let reply = match timeout(self.interval, self.source.heartbeat(heartbeat)).await {
            Ok(Ok(reply)) => Some(reply),
            Ok(Err(error)) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "a heartbeat did not arrive"
                );
                None
            }
            Err(_) => {
                warn!(waited = ?self.interval, "a heartbeat was not answered");
                None
            }
        };
        (sent, reply)
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

/// Waits for `beating`, and says so when the lease cannot be trusted any more meanwhile.
async fn watched<T>(
    beating: impl Future<Output = T>,
    trusted_until: Instant,
    standing: &watch::Sender<Standing>,
) -> T {
    let mut beating = pin!(beating);
    tokio::select! {
        biased;
        beaten = &mut beating => return beaten,
        () = sleep_until(trusted_until) => stand(standing, Standing::Ending),
    }
    beating.await
}

/// Says how the executor stands, if that is news.
fn stand(standing: &watch::Sender<Standing>, now: Standing) {
    standing.send_if_modified(|before| std::mem::replace(before, now) != now);
}
