//! Lets anybody watch what happens: every event once, in order, none missed.
//!
//! # The order, and how far it is settled
//!
//! An event takes its number when it is inserted, so an event whose writer saw another's commit always has the higher
//! number: causes come before effects. Commits, however, come in any order. A reader that simply went on from the highest
//! number it has seen would step over 41, still uncommitted, as soon as it saw 42. So a reader goes no further than the
//! *settled* number: the one up to which every event is either visible to it or will never be.
//!
//! Two statements, one after the other, find it (`horizon`). The first reads the highest number that was given
//! out. The second lists the transactions that hold the lock on the log which every INSERT takes *before* it takes a
//! number and which is held until the transaction has ended and is visible. Whoever took a number by the first statement
//! and is still under way is therefore on the list of the second. A transaction that was not on the list of one look can
//! only have taken numbers above that look's, so each transaction on a list has a floor, and the settled number is the
//! lowest floor of those still under way. A statement begun afterwards sees all of it.
//!
//! This holds for every writer, an INSERT typed by hand included, and nothing that does not write events (a backup, a long
//! report, another database) holds anybody up.
//!
//! # From one tailer to many subscribers
//!
//! One [`Watch`] runs in each process that serves subscriptions. While nobody subscribes it does nothing at all. Else it is
//! woken by signals, and by a slow poll since signals may be lost; moves the settled number; reads what is new, once for each
//! tenant that has subscribers and under that tenant's row-level security; and hands it to those subscribers whose topic
//! it is (`fan_out`).
//!
//! A subscription first joins the live flow, then replays the log from its cursor to the place where it joined, and drops
//! whatever the flow brings from before its own position. Nothing lies between the two and nothing comes twice.

mod fan_out;
mod follow_log;
pub(crate) mod horizon;
mod subscription;
mod tailer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::event::{BEGINNING, Topic};
use crate::id::TenantId;
use crate::signal::Signals;
use crate::store::{Database, StoreError};

use fan_out::FanOut;

pub use follow_log::LogFollower;
pub use subscription::Subscription;

/// How many events may wait for a subscriber until it counts as too slow.
const BUFFER: usize = 4096;

/// Why a subscription cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Its buffer is full.
    #[error("events came faster than they were taken; subscribe again after the last cursor that you have")]
    SlowConsumer,
    /// It wants to go on from where the log has not come to.
    #[error("the cursor is ahead of the event log; take one that a subscription of this service gave")]
    AheadOfLog,
    /// The log cannot be read.
    #[error("the event log cannot be read now; subscribe again after the last cursor that you have")]
    Unavailable(#[from] StoreError),
}

/// Hands out what happens to all subscribers of a process. Clones share it.
#[derive(Clone)]
pub struct Watch {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    signals: Signals,
    fan_out: Mutex<FanOut>,
    /// Those who want to know a number up to which everything is settled that was committed before they asked.
    asking: Mutex<Vec<oneshot::Sender<i64>>>,
    /// Wakes the tailer when there is somebody to serve.
    wanted: Notify,
}

impl Watch {
    /// A watch over the event log of `database`. It begins when [`Watch::run`] does.
    #[must_use]
    pub fn new(database: Database, signals: Signals) -> Self {
        let inner = Inner {
            database,
            signals,
            fan_out: Mutex::new(FanOut::new(BUFFER)),
            asking: Mutex::default(),
            wanted: Notify::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Reads the log for those who subscribe, until `shutdown`.
    pub async fn run(&self, shutdown: &CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tailer::tail(&self.inner) => {}
        }
    }

    /// The events of `topic` after the number `after`; without one, a run's from its beginning and others' from now on.
    pub async fn subscribe(
        &self,
        tenant: TenantId,
        topic: Topic,
        after: Option<i64>,
    ) -> Result<Subscription, WatchError> {
        let settled = self.settle().await?;
        if after.is_some_and(|after| after > settled) {
            return Err(WatchError::AheadOfLog);
        }
        let from = after.unwrap_or(match topic {
            Topic::Run(_) => BEGINNING,
            Topic::Runs
            | Topic::Executors
            | Topic::Alerts
            | Topic::BulkJobs
            | Topic::Occurrences
            | Topic::Backfills
            | Topic::Firings => settled,
        });
        Ok(Subscription::open(&self.inner, tenant, topic, from, settled))
    }

    /// How many subscriptions are open.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.inner.fan_out().subscribers()
    }

    /// A number up to which everything is settled; everything committed before this call has at most this number.
    async fn settle(&self) -> Result<i64, WatchError> {
        let (answer, answered) = oneshot::channel();
        self.inner
            .asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(answer);
        self.inner.wanted.notify_one();
        answered
            .await
            .map_err(|_| StoreError::Unavailable("the event log was not reached".into()).into())
    }
}

impl Inner {
    fn fan_out(&self) -> MutexGuard<'_, FanOut> {
        self.fan_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_asking(&self) -> Vec<oneshot::Sender<i64>> {
        std::mem::take(&mut *self.asking.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_wanted(&self) -> bool {
        !self
            .asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
            || !self.fan_out().is_empty()
    }
}
