//! How far attempts are, on its way to the work source.
//!
//! Only the latest of each attempt is worth sending, so there is no queue: what waits is a map, which news replaces. A call
//! that fails leaves in it what nothing newer has replaced, and is made again after a while.
//!
//! An attempt that ends has its last progress sent before its report, and waits for one try of that. It does not wait for
//! more: a report is worth more than the progress before it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};
use tracing::warn;
use waterclock_core::work::{Lease, Progress, WorkSource, WorkSourceError};

use crate::backoff::Backoff;
use crate::patience::in_time;

/// How long news may wait for others to go with it.
const BATCH_WAIT: Duration = Duration::from_millis(100);

/// Where attempts tell how far they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bulletin {
    shared: Arc<Shared>,
}

/// Takes what was told to the work source.
pub(crate) struct ProgressWriter {
    source: Arc<dyn WorkSource>,
    shared: Arc<Shared>,
    backoff: Backoff,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to send.
    news: Notify,
    /// Somebody waits for it to be sent.
    urgent: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    latest: BTreeMap<Lease, Progress>,
    /// To be answered after the next try.
    tries: Vec<oneshot::Sender<()>>,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bulletin {
    /// A bulletin and its writer, which is to be [run](ProgressWriter::run).
    pub(crate) fn new(source: Arc<dyn WorkSource>) -> (Self, ProgressWriter) {
        let bulletin = Self::default();
        let writer = ProgressWriter {
            source,
            shared: Arc::clone(&bulletin.shared),
            backoff: Backoff::default(),
        };
        (bulletin, writer)
    }

    /// Tells how far an attempt is now.
    pub(crate) fn tell(&self, progress: Progress) {
        self.shared.waiting().latest.insert(progress.lease, progress);
        self.shared.news.notify_one();
    }

    /// Waits until what was told so far has been sent, or its sending has failed once.
    pub(crate) async fn tried(&self) {
        let (sender, receiver) = oneshot::channel();
        self.shared.waiting().tries.push(sender);
        self.shared.urgent.notify_one();
        self.shared.news.notify_one();
        let _ = receiver.await;
    }
}

impl ProgressWriter {
    /// Sends what is told, for as long as somebody waits for this.
    pub(crate) async fn run(mut self) {
        loop {
            self.shared.news.notified().await;
            let _ = timeout(BATCH_WAIT, self.shared.urgent.notified()).await;
            let Waiting { latest, tries } = std::mem::take(&mut *self.shared.waiting());
            let sent = self.send(latest).await;
            for waiting in tries {
                let _ = waiting.send(());
            }
            if !sent {
                sleep(self.backoff.next_wait()).await;
                self.shared.news.notify_one();
            }
        }
    }

    async fn send(&mut self, latest: BTreeMap<Lease, Progress>) -> bool {
        if latest.is_empty() {
            return true;
        }
        let progress = latest.values().cloned().collect();
        match in_time(self.source.report_progress(progress)).await {
            Ok(()) => {
                self.backoff.succeeded();
                true
            }
            Err(error) => {
                if !self.backoff.is_failing() {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "the progress of attempts could not be told"
                    );
                }
                if matches!(error, WorkSourceError::Unavailable(_)) {
                    self.keep(latest);
                }
                false
            }
        }
    }

    /// Puts back what nothing newer has replaced.
    fn keep(&self, unsent: BTreeMap<Lease, Progress>) {
        let mut waiting = self.shared.waiting();
        for (lease, progress) in unsent {
            waiting.latest.entry(lease).or_insert(progress);
        }
    }
}
