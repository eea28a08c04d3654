//! The exchange loop: hands in what has ended and takes what is next, in one exchange.
//!
//! One exchange is under way at a time, and the next begins as soon as it has landed and there is a reason: reports to
//! hand in, a hint that there is work, or slots that came free while there was more. So a lone report travels at once, and
//! under load exchanges grow to what gathered during the last one; no timer decides how much. A slot is free as soon as its
//! attempt has ended, before the report of that is durable.
//!
//! What ends at once, a gate in a graph, is done here, without a task of its own.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use waterclock_core::id::ExecutorId;
use waterclock_core::run::Outcome;
use waterclock_core::work::{
    Assignment, Cancellation, Exchanged, Lease, Report, WorkSource, WorkSourceError,
};

use crate::asking::Asking;
use crate::config::ExecutorConfig;
use crate::heartbeat::{Standing, Vitals};
use crate::patience::in_time;
use crate::perform::{Finding, Performed, Performer, Stop, Stops};
use crate::report::{Ending, Outbox};

/// How long the last reports of an executor that stops may take to be handed in.
const FINAL_EXCHANGE: Duration = Duration::from_secs(5);

/// How one life of an executor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifeEnd {
    /// It was asked to stop, and has left.
    Left,
    /// Its lease had ended. Nothing of its work runs any more.
    Lost,
}

/// What tells the loop to stop.
pub(crate) struct Orders {
    /// The process is to stop.
    pub(crate) shutdown: CancellationToken,
    /// The service wants the executor to take no more work and stop when it is idle.
    pub(crate) drain: CancellationToken,
    /// How the lease stands.
    pub(crate) standing: watch::Receiver<Standing>,
}

/// The exchange loop of one life.
pub(crate) struct ExchangeLoop {
    config: Arc<ExecutorConfig>,
    source: Arc<dyn WorkSource>,
    executor_id: ExecutorId,
    performer: Arc<Performer>,
    vitals: Arc<Vitals>,
    stage: Stage,
    standing: Standing,
    attempts: HashMap<Lease, Attempt>,
    tasks: JoinSet<Ending>,
    used_slots: u32,
    outbox: Outbox,
    asking: Asking,
}

/// How far the life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It takes work.
    Taking,
    /// It takes no more; what runs may go on until then, if there is a then.
    Draining(Option<Instant>),
    /// Everything was told to stop; the last reports are handed in until then.
    Stopping(Instant),
}

/// An attempt under way.
struct Attempt {
    cost: u32,
    stop: watch::Sender<Option<Stop>>,
}

impl ExchangeLoop {
    /// The loop of the life `executor_id`, which is registered.
    pub(crate) fn new(
        config: Arc<ExecutorConfig>,
        source: Arc<dyn WorkSource>,
        executor_id: ExecutorId,
        performer: Arc<Performer>,
        vitals: Arc<Vitals>,
    ) -> Self {
        Self {
            config,
            source,
            executor_id,
            performer,
            vitals,
            stage: Stage::Taking,
            standing: Standing::Held,
            attempts: HashMap::new(),
            tasks: JoinSet::new(),
            used_slots: 0,
            outbox: Outbox::default(),
            asking: Asking::at_once(),
        }
    }

    /// Takes and performs work until the executor is to stop or has lost its lease.
    pub(crate) async fn run(mut self, mut orders: Orders) -> LifeEnd {
        let source = Arc::clone(&self.source);
        let mut woken = pin!(source.woken(self.executor_id));
        let mut exchange: Option<BoxFuture<'static, Result<Exchanged, WorkSourceError>>> = None;
        loop {
            if let Some(end) = self.end(exchange.is_some()) {
                return end;
            }
            if exchange.is_none() && self.is_exchange_due() {
                exchange = Some(self.begin_exchange());
            }
            tokio::select! {
                Some(exchanged) = async { Some(exchange.as_mut()?.await) } => {
                    exchange = None;
                    self.landed(exchanged);
                }
                Some(ended) = self.tasks.join_next() => {
                    self.ended(ended);
                    while let Some(ended) = self.tasks.try_join_next() {
                        self.ended(ended);
                    }
                }
                () = &mut woken => {
                    woken.set(source.woken(self.executor_id));
                    self.asking.hinted();
                }
                () = sleep_until(self.asking.next()) => self.asking.came_due(self.config.idle_poll_interval),
                () = orders.shutdown.cancelled(), if !self.has_deadline() => self.shut_down(),
                () = orders.drain.cancelled(), if self.stage == Stage::Taking => self.drain(None),
                () = passed(self.stage) => self.stop_all_for_good(),
                Ok(()) = orders.standing.changed() => {
                    let standing = *orders.standing.borrow_and_update();
                    self.stands(standing);
                }
            }
        }
    }

    /// How the life ends, if it does now.
    fn end(&self, is_exchanging: bool) -> Option<LifeEnd> {
        let idle = self.attempts.is_empty();
        match (self.standing, self.stage) {
            (Standing::Lost, Stage::Taking) => idle.then_some(LifeEnd::Lost),
            (Standing::Lost, _) => idle.then_some(LifeEnd::Left),
            (_, Stage::Taking) => None,
            (_, Stage::Stopping(until)) if Instant::now() >= until => Some(LifeEnd::Left),
            _ => (idle && self.outbox.is_empty() && !is_exchanging).then_some(LifeEnd::Left),
        }
    }

    fn is_exchange_due(&self) -> bool {
        self.standing != Standing::Lost
            && self.asking.is_allowed()
            && (!self.outbox.is_empty() || self.asking.has_reason(self.free_slots()))
    }

    /// How much cost can begin now.
    fn free_slots(&self) -> u32 {
        let takes_work = self.stage == Stage::Taking
            && self.standing == Standing::Held
            && !self.vitals.overloaded.load(Ordering::Relaxed);
        if takes_work {
            self.config.slots.saturating_sub(self.used_slots)
        } else {
            0
        }
    }

    fn begin_exchange(&mut self) -> BoxFuture<'static, Result<Exchanged, WorkSourceError>> {
        let free_slots = self.free_slots();
        self.asking.begun(free_slots, self.config.idle_poll_interval);
        let exchange = self.outbox.hand_in(free_slots);
        let (source, executor_id) = (Arc::clone(&self.source), self.executor_id);
        Box::pin(async move { in_time(source.exchange(executor_id, exchange)).await })
    }

    fn landed(&mut self, exchanged: Result<Exchanged, WorkSourceError>) {
        match exchanged {
            Ok(exchanged) => {
                self.outbox.landed();
                let given = exchanged.assignments.iter().map(cost_of).sum();
                self.asking.answered(given, exchanged.again);
                for cancellation in exchanged.cancellations {
                    self.cancel(cancellation);
                }
                for assignment in exchanged.assignments {
                    self.begin(assignment);
                }
            }
            Err(error) => {
                if !self.asking.is_failing() {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "an exchange failed; reports are kept"
                    );
                }
                self.asking.failed();
            }
        }
    }

    fn begin(&mut self, assignment: Assignment) {
        let lease = assignment.lease();
        if self.attempts.contains_key(&lease) {
            return;
        }
        let refused = match (self.standing, self.stage) {
            (Standing::Lost, _) => return,
            (Standing::Ending, _) => Some(Stop::LeaseEnding),
            (Standing::Held, Stage::Taking) => None,
            (Standing::Held, Stage::Draining(_) | Stage::Stopping(_)) => Some(Stop::Draining),
        };
        let at_once = refused
            .map(Finding::stopped)
            .or_else(|| Performer::perform_at_once(&assignment));
        match at_once {
            Some(finding) => self.outbox.push(Ending::Reported(finding.report_of(&assignment))),
            None => self.spawn(assignment),
        }
    }

    fn spawn(&mut self, assignment: Assignment) {
        let (stop, stops) = Stops::new();
        let cost = cost_of(&assignment);
        self.attempts.insert(assignment.lease(), Attempt { cost, stop });
        self.used_slots += cost;
        self.count_running();
        let performer = Arc::clone(&self.performer);
        self.tasks.spawn(async move {
            let work = AssertUnwindSafe(performer.perform(&assignment, stops));
            let done = work.catch_unwind().await.unwrap_or_else(|_| {
                error!(task_run.id = %assignment.task_run_id, "an attempt met a defect of the executor's");
                Performed::Ended(Finding::fault("the executor met a defect of its own"))
            });
            match done {
                Performed::Ended(finding) => Ending::Reported(finding.report_of(&assignment)),
                Performed::Deferred => Ending::Deferred(assignment.lease()),
            }
        });
    }

    fn ended(&mut self, ended: Result<Ending, tokio::task::JoinError>) {
        // Tasks are neither aborted nor do they panic.
        let Ok(ending) = ended else { return };
        if let Some(attempt) = self.attempts.remove(&ending.lease()) {
            self.used_slots -= attempt.cost;
        }
        self.count_running();
        if self.standing != Standing::Lost {
            self.outbox.push(ending);
        }
    }

    fn count_running(&self) {
        let running = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        self.vitals.running.store(running, Ordering::Relaxed);
    }

    /// Stops an attempt. One that we do not know was given to us in an answer that never arrived.
    fn cancel(&mut self, cancellation: Cancellation) {
        let Cancellation { lease, at_once } = cancellation;
        let stop = if at_once {
            Stop::Terminated
        } else {
            Stop::Cancelled
        };
        match self.attempts.get(&lease) {
            Some(attempt) => attempt.tell(stop),
            None => self.outbox.push(Ending::Reported(Report {
                lease,
                outcome: Outcome::Cancelled,
                exit_code: None,
                http_status: None,
                message: Some(stop.reason().to_owned()),
                output: None,
                retry_after: None,
            })),
        }
    }

    fn stands(&mut self, standing: Standing) {
        self.standing = standing;
        match standing {
            Standing::Held => {
                info!("the lease is prolonged again");
                self.asking.hinted();
            }
            Standing::Ending => {
                warn!("the lease cannot be prolonged; everything is stopped before it ends");
                self.tell_all(Stop::LeaseEnding);
            }
            Standing::Lost => {
                warn!("the lease had ended and the work was given to others; everything is stopped");
                self.tell_all(Stop::Lost);
            }
        }
    }

    fn shut_down(&mut self) {
        info!(running = self.attempts.len(), grace = ?self.config.drain_grace, "stopping: what runs may finish");
        self.drain(Some(Instant::now() + self.config.drain_grace));
    }

    fn drain(&mut self, until: Option<Instant>) {
        self.stage = Stage::Draining(until);
        self.vitals.draining.store(true, Ordering::Relaxed);
    }

    fn has_deadline(&self) -> bool {
        !matches!(self.stage, Stage::Taking | Stage::Draining(None))
    }

    fn stop_all_for_good(&mut self) {
        self.stage = Stage::Stopping(Instant::now() + FINAL_EXCHANGE);
        self.tell_all(Stop::Draining);
    }

    fn tell_all(&self, stop: Stop) {
        self.attempts.values().for_each(|attempt| attempt.tell(stop));
    }
}

impl Attempt {
    /// Tells it to stop, unless it was told something weightier already.
    fn tell(&self, stop: Stop) {
        self.stop.send_if_modified(|told| {
            let is_news = *told < Some(stop);
            if is_news {
                *told = Some(stop);
            }
            is_news
        });
    }
}

fn cost_of(assignment: &Assignment) -> u32 {
    u32::try_from(assignment.node.cost).unwrap_or(1).max(1)
}

/// Waits for the end of the drain's grace.
async fn passed(stage: Stage) {
    match stage {
        Stage::Draining(Some(until)) => sleep_until(until).await,
        Stage::Taking | Stage::Draining(None) | Stage::Stopping(_) => std::future::pending().await,
    }
}

/// Ends the lease: what the executor still owned goes to others at once.
pub(crate) async fn leave(source: &dyn WorkSource, executor_id: ExecutorId) {
    match timeout(FINAL_EXCHANGE, source.leave(executor_id)).await {
        Ok(Ok(())) => info!(executor.id = %executor_id, "left"),
        Ok(Err(error)) => {
            warn!(
                error = &error as &dyn std::error::Error,
                "could not leave; the lease will end by itself"
            );
        }
        Err(_) => warn!("leaving took too long; the lease will end by itself"),
    }
}
