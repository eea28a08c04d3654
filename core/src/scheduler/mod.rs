//! Decides what runs when and where.
//!
//! The work is dealt into partitions, and a pass over one of them is one transaction that begins by trying the partition's
//! advisory lock: lock and work commit or vanish together, and nothing leaks when a process dies. Any number of schedulers
//! may look at once; who does not get the lock goes on to another partition. They also agree, by rendezvous hashing over
//! the living, which of them looks at a partition first, so that they rarely meet; that is only manners, the lock is the rule.
//!
//! A pass is woken by a signal, by the instant at which something is to be tried again, and by a slow sweep that makes both
//! of those mere hints. A sweep looks only at what is live, so its cost does not grow with history.

mod occurrences;
mod pass;
mod prefer;
mod reclaim;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::command::fire_timers::fire_timers;
use crate::command::work_off_bulk_job::work_off_bulk_job;
use crate::id::SchedulerId;
use crate::metrics::Metrics;
use crate::signal::{Signal, Signals};
use crate::store::dispatch::{list_due_partitions, list_ready_partitions};
use crate::store::executors::{leave_scheduler, renew_scheduler};
use crate::store::{Actor, Database, StoreError, Versions};

use occurrences::Occurrences;
pub(crate) use pass::choose;
use prefer::Preference;

/// How often a scheduler looks at everything that is live, whatever it was told.
const SWEEP: Duration = Duration::from_secs(1);

/// How often it says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// How long it counts as alive after that.
const LEASE: Duration = Duration::from_secs(10);

/// How long until a partition is looked at again whose lock, or whose executors' locks, somebody else had.
const CONTENDED: Duration = Duration::from_millis(5);

/// How long it waits after the database failed it.
const FAILED: Duration = Duration::from_millis(500);

/// A scheduler of this process.
pub struct Scheduler {
    id: SchedulerId,
    hostname: String,
    database: Database,
    signals: Signals,
    versions: Versions,
    metrics: Metrics,
    preference: watch::Sender<Preference>,
    /// Partitions that want a pass, and none before the instant.
    waiting: BTreeSet<i16>,
    not_before: Instant,
    next_sweep: Instant,
    next_heartbeat: Instant,
    /// When a bulk job is given its next turn, while there may be one.
    next_bulk_turn: Option<Instant>,
}

impl Scheduler {
    /// A scheduler on the machine `hostname`.
    #[must_use]
    pub fn new(database: Database, signals: Signals, metrics: Metrics, hostname: String) -> Self {
        let now = Instant::now();
        Self {
            id: SchedulerId::generate(),
            hostname,
            database,
            signals,
            versions: Versions::default(),
            metrics,
            preference: watch::Sender::new(Preference::default()),
            waiting: BTreeSet::new(),
            not_before: now,
            next_sweep: now,
            next_heartbeat: now,
            next_bulk_turn: None,
        }
    }

    /// Schedules until `shutdown`. A database that goes away is waited for.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let occurrences = Occurrences::new(
            self.database.clone(),
            self.signals.clone(),
            self.metrics.clone(),
            self.versions.clone(),
            self.preference.subscribe(),
        );
        tokio::join!(
            Box::pin(self.assign(&shutdown)),
            Box::pin(occurrences.run(&shutdown))
        );
        self.leave().await;
    }

    async fn assign(&mut self, shutdown: &CancellationToken) {
        let mut receiver = self.signals.receiver();
        tracing::info!(scheduler.id = %self.id, "the scheduler has started");
        loop {
            let wake = self.next_wake();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                signal = receiver.next() => self.note(signal),
                () = sleep_until(wake) => {
                    if let Err(error) = self.work().await {
                        tracing::warn!(scheduler.id = %self.id, error = &error as &dyn std::error::Error, "a pass failed; trying again");
                        self.not_before = Instant::now() + FAILED;
                        self.next_sweep = self.not_before;
                    }
                }
            }
        }
    }

    /// Does all that there is to do now, and comes back: what [`run`](Self::run) does each time that it is woken, for whoever
    /// decides himself when that is.
    pub async fn work_off(&mut self) -> Result<(), StoreError> {
        self.sweep().await?;
        while !self.waiting.is_empty() || self.next_bulk_turn.is_some() {
            self.pass_over_waiting().await?;
            self.give_bulk_turn().await?;
        }
        Ok(())
    }

    fn next_wake(&self) -> Instant {
        let pass = (!self.waiting.is_empty()).then_some(self.not_before);
        [pass, self.next_bulk_turn]
            .into_iter()
            .flatten()
            .fold(self.next_sweep, Instant::min)
    }

    fn note(&mut self, signal: Signal) {
        match signal {
            Signal::Ready(partition) if self.preference.borrow().prefers(partition) => {
                self.waiting.insert(partition);
            }
            Signal::BulkJobs => self.next_bulk_turn = Some(Instant::now()),
            Signal::Everything => self.next_sweep = Instant::now(),
            _ => {}
        }
    }

    async fn work(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        if now >= self.next_heartbeat {
            self.beat().await?;
            self.next_heartbeat = now + HEARTBEAT;
        }
        if now >= self.next_sweep {
            self.sweep().await?;
        }
        self.pass_over_waiting().await?;
        if self.next_bulk_turn.is_some_and(|turn| Instant::now() >= turn) {
            self.give_bulk_turn().await?;
        }
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), StoreError> {
        let mut transaction = self.database.begin(Actor::Engine).await?;
        let lease_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        let living = renew_scheduler(&mut transaction, self.id, &self.hostname, lease_ms).await?;
        transaction.commit().await?;
        self.preference.send_replace(Preference::among(self.id, &living));
        Ok(())
    }

    /// Takes back what lost executors owned, and notes every partition that has something to do.
    async fn sweep(&mut self) -> Result<(), StoreError> {
        reclaim::reclaim(&self.database, &self.versions, &self.signals).await?;
        let mut transaction = self.database.begin(Actor::Engine).await?;
        let ready = list_ready_partitions(&transaction).await?;
        let due = list_due_partitions(&mut transaction).await?;
        transaction.commit().await?;
        let soonest = due
            .iter()
            .map(|due| due.due_ms)
            .filter(|&due_ms| due_ms > 0)
            .min();
        self.next_bulk_turn.get_or_insert_with(Instant::now);
        self.waiting.extend(ready);
        self.waiting
            .extend(due.iter().filter(|due| due.due_ms == 0).map(|due| due.partition));
        let until_due = soonest
            .and_then(|due_ms| u64::try_from(due_ms).ok())
            .map(Duration::from_millis);
        self.next_sweep = Instant::now() + until_due.map_or(SWEEP, |until| until.min(SWEEP));
        Ok(())
    }

    async fn pass_over_waiting(&mut self) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        for &partition in &waiting {
            let began = Instant::now();
            let passed = pass::pass(&self.database, partition).await;
            let passed = match passed {
                Ok(passed) => passed,
                Err(StoreError::Contended(_)) => pass::Passed {
                    contended: true,
                    ..pass::Passed::default()
                },
                Err(error) => {
                    self.waiting.extend(waiting);
                    return Err(error);
                }
            };
            self.metrics.passes.observe(began.elapsed().as_secs_f64());
            self.metrics.assignments.inc_by(passed.assigned);
            self.signals.raise(passed.woken.into_iter().map(Signal::Executor));
            if let Some(due) = passed.due {
                self.next_sweep = self.next_sweep.min(Instant::now() + due);
            }
            let contended = if passed.fires {
                self.fire(partition).await?
            } else {
                passed.contended
            };
            if contended {
                self.waiting.insert(partition);
                self.not_before = Instant::now() + CONTENDED;
            }
        }
        Ok(())
    }

    /// Acts on the timers of a partition that are due. Whether it is to be looked at again soon.
    async fn fire(&mut self, partition: i16) -> Result<bool, StoreError> {
        match fire_timers(&self.database, &self.versions, partition).await {
            Ok(Some(raised)) => {
                self.signals.raise(raised);
                Ok(true)
            }
            Ok(None) | Err(StoreError::Contended(_)) => Ok(true),
            Err(error) => {
                self.waiting.insert(partition);
                Err(error)
            }
        }
    }

    /// Gives a bulk job a turn, and then rests for as long as it took: passes come first, and so do callers.
    async fn give_bulk_turn(&mut self) -> Result<(), StoreError> {
        let began = Instant::now();
        self.next_bulk_turn = None;
        let raised = match work_off_bulk_job(&self.database, &self.versions).await {
            Ok(raised) => raised,
            Err(StoreError::Contended(_)) => Some(BTreeSet::new()),
            Err(error) => return Err(error),
        };
        self.next_bulk_turn = raised.as_ref().map(|_| Instant::now() + began.elapsed());
        self.signals.raise(raised.into_iter().flatten());
        Ok(())
    }

    async fn leave(&self) {
        let left = async {
            let mut transaction = self.database.begin(Actor::Engine).await?;
            leave_scheduler(&mut transaction, self.id).await?;
            transaction.commit().await
        };
        match left.await {
            Ok(()) => tracing::info!(scheduler.id = %self.id, "the scheduler has stopped"),
            Err(error) => {
                tracing::info!(scheduler.id = %self.id, %error, "the scheduler has stopped without saying so");
            }
        }
    }
}
