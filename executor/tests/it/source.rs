//! A work source in memory, and an executor that works for it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use waterclock_core::egress::EgressPolicy;
use waterclock_core::id::{ExecutorId, TenantId};
use waterclock_core::work::{
    Assignment, Cancellation, Exchange, Exchanged, Heartbeat, HeartbeatReply, Lease, LogLine, LogStream,
    Progress, Registration, Report, WorkSource, WorkSourceError,
};
use waterclock_core::workflow::Digest;
use waterclock_executor::{ExecutorConfig, ExecutorError};

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A call that a test may cut off.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Exchange,
    Heartbeat,
    ReportProgress,
}

/// What the source was told, and what it will say.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) ready: VecDeque<Assignment>,
    pub(crate) cancellations: Vec<Cancellation>,
    /// What was handed in, with the number of lines that the log of the attempt had by then.
    pub(crate) reports: Vec<(Report, usize)>,
    pub(crate) deferrals: Vec<Lease>,
    /// Deferrals of exchanges that did not get through.
    pub(crate) undelivered_deferrals: Vec<Lease>,
    pub(crate) progress: Vec<Progress>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) packages: HashMap<Digest, Bytes>,
    pub(crate) registrations: Vec<Registration>,
    pub(crate) heartbeats: Vec<Heartbeat>,
    pub(crate) asked: Vec<u32>,
    pub(crate) left: Vec<ExecutorId>,
    /// These calls cannot get through.
    pub(crate) deaf_to: HashSet<Call>,
    /// Said once, to the next heartbeat.
    pub(crate) reply: Option<HeartbeatReply>,
    pub(crate) key_taken: bool,
}

#[derive(Default)]
pub(crate) struct Source {
    books: Mutex<Books>,
    hint: Notify,
    changed: watch::Sender<()>,
}

fn unavailable() -> WorkSourceError {
    WorkSourceError::Unavailable("the test cut the line".into())
}

impl Source {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Changes the books, and hints to the executor that something is there.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Books)) {
        change(&mut self.books());
        self.hint.notify_one();
    }

    /// Lets no call of this kind get through from now on.
    pub(crate) fn cut_off(&self, call: Call) {
        self.change(|books| {
            books.deaf_to.insert(call);
        });
    }

    /// Lets calls of this kind get through again.
    pub(crate) fn let_through(&self, call: Call) {
        self.change(|books| {
            books.deaf_to.remove(&call);
        });
    }

    /// Gives work to the executor.
    pub(crate) fn give(&self, assignment: Assignment) -> Lease {
        let lease = assignment.lease();
        self.change(|books| books.ready.push_back(assignment));
        lease
    }

    /// Has an attempt stopped, with its grace.
    pub(crate) fn cancel(&self, lease: Lease) {
        let at_once = false;
        self.change(|books| books.cancellations.push(Cancellation { lease, at_once }));
    }

    /// Has an attempt stopped at once, also when it was stopping with its grace.
    pub(crate) fn terminate(&self, lease: Lease) {
        let at_once = true;
        self.change(|books| {
            books.cancellations.retain(|told| told.lease != lease);
            books.cancellations.push(Cancellation { lease, at_once });
        });
    }

    /// Waits until the books show something.
    pub(crate) async fn shows<T>(&self, mut look: impl FnMut(&Books) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let looking = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look(&self.books()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, looking).await.unwrap_or_else(|_| {
            let texts: Vec<String> = self.books().log.iter().map(|line| line.text.clone()).collect();
            panic!("what must happen did not happen; the log says {texts:?}")
        })
    }

    /// Waits for the report of an attempt.
    pub(crate) async fn report_of(&self, lease: Lease) -> Report {
        self.shows(|books| {
            let found = books.reports.iter().find(|(report, _)| report.lease == lease);
            found.map(|(report, _)| report.clone())
        })
        .await
    }

    /// What an attempt printed on a stream.
    pub(crate) fn printed(&self, lease: Lease, stream: LogStream) -> Vec<String> {
        let books = self.books();
        let mut lines: Vec<_> = books.log.iter().filter(|line| line.lease == lease).collect();
        lines.sort_by_key(|line| line.number);
        let numbers: Vec<i32> = lines.iter().map(|line| line.number).collect();
        let expected: Vec<i32> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "lines are numbered without gaps");
        lines
            .into_iter()
            .filter(|line| line.stream == stream)
            .map(|line| line.text.clone())
            .collect()
    }

    fn note<T>(&self, note: impl FnOnce(&mut Books) -> T) -> T {
        let noted = note(&mut self.books());
        self.changed.send_replace(());
        noted
    }
}

#[async_trait]
impl WorkSource for Source {
    async fn register(&self, registration: Registration) -> Result<(), WorkSourceError> {
        self.note(|books| {
            if books.key_taken {
                return Err(WorkSourceError::KeyTaken(registration.key));
            }
            books.registrations.push(registration);
            Ok(())
        })
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<HeartbeatReply, WorkSourceError> {
        self.note(|books| {
            books.heartbeats.push(heartbeat);
            if books.deaf_to.contains(&Call::Heartbeat) {
                return Err(unavailable());
            }
            Ok(books.reply.take().unwrap_or(HeartbeatReply::Alive))
        })
    }

    async fn exchange(&self, _: ExecutorId, exchange: Exchange) -> Result<Exchanged, WorkSourceError> {
        self.note(|books| {
            books.asked.push(exchange.free_slots);
            if books.deaf_to.contains(&Call::Exchange) {
                books.undelivered_deferrals.extend(exchange.deferrals);
                return Err(unavailable());
            }
            for report in exchange.reports {
                let lines = books.log.iter().filter(|line| line.lease == report.lease).count();
                books.cancellations.retain(|told| told.lease != report.lease);
                books.reports.push((report, lines));
            }
            books.deferrals.extend(exchange.deferrals);
            let mut free = exchange.free_slots;
            let mut assignments = Vec::new();
            while let Some(next) = books.ready.front()
                && let Some(left) = free.checked_sub(next.node.cost.unsigned_abs().into())
            {
                free = left;
                assignments.extend(books.ready.pop_front());
            }
            Ok(Exchanged {
                assignments,
                cancellations: books.cancellations.clone(),
                again: false,
            })
        })
    }

    async fn woken(&self, _: ExecutorId) {
        self.hint.notified().await;
    }

    async fn report_progress(&self, progress: Vec<Progress>) -> Result<(), WorkSourceError> {
        self.note(|books| {
            if books.deaf_to.contains(&Call::ReportProgress) {
                return Err(unavailable());
            }
            books.progress.extend(progress);
            Ok(())
        })
    }

    async fn append_log(&self, lines: Vec<LogLine>) -> Result<(), WorkSourceError> {
        self.note(|books| books.log.extend(lines));
        Ok(())
    }

    async fn fetch_package(&self, _: TenantId, digest: &Digest) -> Result<Bytes, WorkSourceError> {
        let found = self.books().packages.get(digest).cloned();
        found.ok_or(WorkSourceError::NoSuchPackage(*digest))
    }

    async fn leave(&self, executor: ExecutorId) -> Result<(), WorkSourceError> {
        self.note(|books| books.left.push(executor));
        Ok(())
    }
}

/// An executor at work.
pub(crate) struct World {
    pub(crate) source: Arc<Source>,
    pub(crate) shutdown: CancellationToken,
    executor: JoinHandle<Result<(), ExecutorError>>,
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// An executor that may call this machine, with what else `configure` changes.
    pub(crate) fn with(configure: impl FnOnce(&mut ExecutorConfig)) -> Self {
        Self::begin(Arc::default(), configure)
    }

    pub(crate) fn begin(source: Arc<Source>, configure: impl FnOnce(&mut ExecutorConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ExecutorConfig::new("tester", 8, folder.path());
        config.egress = EgressPolicy::allowing(["127.0.0.0/8"]).unwrap();
        configure(&mut config);
        let shutdown = CancellationToken::new();
        let work_source = Arc::clone(&source) as Arc<dyn WorkSource>;
        let executor = tokio::spawn(waterclock_executor::run(config, work_source, shutdown.clone()));
        Self {
            source,
            shutdown,
            executor,
            folder,
        }
    }

    /// Has an attempt made, and waits for its report.
    pub(crate) async fn perform(&self, assignment: Assignment) -> Report {
        let lease = self.source.give(assignment);
        self.source.report_of(lease).await
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Waits until the executor has ended.
    pub(crate) async fn ended(self) -> Result<(), ExecutorError> {
        timeout(PATIENCE, self.executor).await.unwrap().unwrap()
    }

    /// Asks the executor to stop and waits until it has.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.ended().await.unwrap();
    }
}
