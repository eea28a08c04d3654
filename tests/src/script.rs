//! Executors that do as the test says.
//!
//! A [`Scripted`] executor speaks to the service exactly as a real one does, through a [`WorkSource`], and performs
//! nothing: the test decides what it takes, how each attempt ends, and when it falls silent.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use waterclock_core::id::ExecutorId;
use waterclock_core::run::Outcome;
use waterclock_core::signal::{Signal, SignalReceiver, Signals};
use waterclock_core::source::PostgresSource;
use waterclock_core::store::Database;
use waterclock_core::work::{
    Assignment, Exchange, Exchanged, Heartbeat, HeartbeatReply, Lease, Registration, Report, WorkSource,
    WorkSourceError,
};

use crate::world::{Running, World};

/// How long a scripted executor's lease lasts: longer than any test, unless it moves time by more than this.
pub const LEASE: Duration = Duration::from_mins(2);

/// How long an executor may wait for work that a test says is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// An executor that is about to join.
pub struct Joining {
    registration: Registration,
    database: Database,
    signals: Signals,
    callback_base: Option<String>,
}

impl World {
    /// An executor with one slot, shared by all tenants, once it [joins](Joining::join).
    #[must_use]
    pub fn executor(&self, key: &str) -> Joining {
        Joining {
            registration: Registration {
                executor_id: ExecutorId::generate(),
                key: key.to_owned(),
                tenant: None,
                labels: Vec::new(),
                slots: 1,
                hostname: "here".to_owned(),
                containment: "script".to_owned(),
            },
            database: self.engine.clone(),
            signals: self.signals.clone(),
            callback_base: None,
        }
    }
}

impl Joining {
    /// How much cost it carries at once.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.registration.slots = slots;
        self
    }

    /// What it offers.
    #[must_use]
    pub fn labels(mut self, labels: &[&str]) -> Self {
        self.registration.labels = labels.iter().map(ToString::to_string).collect();
        self
    }

    /// It works for this tenant only.
    #[must_use]
    pub fn only_for(mut self, tenant: &str) -> Self {
        self.registration.tenant = Some(tenant.to_owned());
        self
    }

    /// It reaches the database and hears signals as another process does.
    #[must_use]
    pub fn through(mut self, database: Database, signals: Signals) -> Self {
        self.database = database;
        self.signals = signals;
        self
    }

    /// Endpoints that it calls are told to call back below this address.
    #[must_use]
    pub fn called_back_at(mut self, base: &str) -> Self {
        self.callback_base = Some(base.to_owned());
        self
    }

    /// Registers it.
    pub async fn join(self) -> Scripted {
        self.try_join().await.expect("the executor is let in")
    }

    /// Registers it, or tells why not.
    pub async fn try_join(self) -> Result<Scripted, WorkSourceError> {
        let source = PostgresSource::new(self.database, self.signals.clone(), LEASE)
            .called_back_at(self.callback_base);
        let (id, slots) = (self.registration.executor_id, self.registration.slots);
        source.register(self.registration).await?;
        Ok(Scripted {
            id,
            slots,
            source,
            signals: self.signals,
        })
    }
}

/// An executor in the hands of a test. Dropped, it falls silent without a word.
pub struct Scripted {
    /// This life of it.
    pub id: ExecutorId,
    /// How much cost it carries at once.
    pub slots: u32,
    /// The door through which it meets the world.
    pub source: PostgresSource,
    signals: Signals,
}

impl Scripted {
    /// Hands in and takes, asking again as long as others are just deciding.
    pub async fn exchange(&self, reports: Vec<Report>, free_slots: u32) -> Exchanged {
        let mut exchange = Exchange {
            reports,
            free_slots,
            ..Exchange::default()
        };
        loop {
            let exchanged = self.source.exchange(self.id, exchange).await;
            let exchanged = exchanged.expect("the exchange succeeds");
            if !exchanged.again || !exchanged.assignments.is_empty() {
                return exchanged;
            }
            exchange = Exchange {
                free_slots,
                ..Exchange::default()
            };
            tokio::task::yield_now().await;
        }
    }

    /// Takes what there is for `free_slots` now.
    pub async fn take(&self, free_slots: u32) -> Vec<Assignment> {
        self.exchange(Vec::new(), free_slots).await.assignments
    }

    /// Takes the one attempt that the test knows to be there.
    pub async fn take_one(&self) -> Assignment {
        let mut taken = self.take(1).await;
        assert_eq!(taken.len(), 1, "{taken:#?}");
        taken.remove(0)
    }

    /// Waits for something to take, and takes it.
    pub async fn wait_for_one(&self) -> Assignment {
        let mut receiver = self.signals.receiver();
        let waiting = async {
            loop {
                if let Some(assignment) = self.take(1).await.pop() {
                    return assignment;
                }
                until_news(&mut receiver).await;
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .expect("something comes for the executor")
    }

    /// Hands in the end of one attempt.
    pub async fn report(&self, assignment: &Assignment, outcome: Outcome) {
        self.exchange(vec![ended(assignment, outcome)], 0).await;
    }

    /// Hands over an attempt whose endpoint answered that it will call back.
    pub async fn defer(&self, assignment: &Assignment) {
        let exchange = Exchange {
            deferrals: vec![assignment.lease()],
            ..Exchange::default()
        };
        let exchanged = self.source.exchange(self.id, exchange).await;
        exchanged.expect("the exchange succeeds");
    }

    /// What it is told to stop.
    pub async fn cancellations(&self) -> Vec<Lease> {
        let exchanged = self.exchange(Vec::new(), 0).await;
        exchanged.cancellations.iter().map(|told| told.lease).collect()
    }

    /// Says that it lives and is at ease.
    pub async fn beat(&self) -> HeartbeatReply {
        self.beat_as(|_| {}).await
    }

    /// Says that it lives, and more.
    pub async fn beat_as(&self, say: impl FnOnce(&mut Heartbeat)) -> HeartbeatReply {
        let mut heartbeat = Heartbeat {
            executor_id: self.id,
            cpu: 0.1,
            memory: 0.1,
            running: 0,
            overloaded: false,
            draining: false,
        };
        say(&mut heartbeat);
        self.source
            .heartbeat(heartbeat)
            .await
            .expect("the heartbeat is heard")
    }

    /// Stops, and hands back what it holds.
    pub async fn leave(&self) {
        self.source.leave(self.id).await.expect("the executor is let go");
    }

    /// Works by itself from now on: everything it takes ends as `script` says.
    #[must_use]
    pub fn perform(self, script: impl Fn(&Assignment) -> Report + Send + Sync + 'static) -> Running {
        Arc::new(self).perform_beside(script)
    }

    /// Works by itself, and leaves the test a hand on it.
    #[must_use]
    pub fn perform_beside(
        self: Arc<Self>,
        script: impl Fn(&Assignment) -> Report + Send + Sync + 'static,
    ) -> Running {
        Running::spawn(async move |shutdown| {
            let mut receiver = self.signals.receiver();
            let mut reports = Vec::new();
            while !shutdown.is_cancelled() {
                let exchanged = self.exchange(std::mem::take(&mut reports), self.slots).await;
                reports = exchanged.assignments.iter().map(&script).collect();
                if reports.is_empty() {
                    tokio::select! {
                        () = until_news(&mut receiver) => {}
                        () = shutdown.cancelled() => {}
                    }
                }
            }
            self.exchange(reports, 0).await;
            self.leave().await;
        })
    }
}

/// Waits until there may be something for an executor.
async fn until_news(receiver: &mut SignalReceiver) {
    while matches!(receiver.next().await, Signal::Events(_) | Signal::Log(_)) {}
}

/// The report that an attempt ended so.
#[must_use]
pub fn ended(assignment: &Assignment, outcome: Outcome) -> Report {
    let message = match outcome {
        Outcome::Succeeded => None,
        Outcome::Failed => Some("exit code 1"),
        Outcome::Fault => Some("it could not be started"),
        Outcome::Cancelled => Some("it was stopped"),
        Outcome::TimedOut => Some("it took too long"),
    };
    Report {
        lease: assignment.lease(),
        outcome,
        exit_code: match outcome {
            Outcome::Succeeded => Some(0),
            Outcome::Failed => Some(1),
            _ => None,
        },
        http_status: None,
        message: message.map(str::to_owned),
        output: None,
        retry_after: None,
    }
}

/// The script by which everything succeeds.
#[must_use]
pub fn succeed(assignment: &Assignment) -> Report {
    ended(assignment, Outcome::Succeeded)
}
