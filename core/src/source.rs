//! The work source of executors inside the trust boundary: PostgreSQL itself.
//!
//! One exchange is one transaction. It settles what has ended, which may make other task runs ready, and then, when the
//! partition's lock is free, gives the slots that have just come free to what is ready: the executor is there, its slots are
//! there, and waiting for a scheduler to notice would only cost time. The decision is the scheduler's own function under
//! the scheduler's own lock. When the lock is taken, whoever holds it decides, and the executor asks again in a moment.

mod details;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::try_join;
use tokio::sync::Mutex;

use crate::assign::Choice;
use crate::command::answer_callback::defer;
use crate::command::settle::{fault, settle};
use crate::id::{ExecutorId, TenantId};
use crate::scheduler::choose;
use crate::signal::{Signal, SignalReceiver, Signals};
use crate::store::append_log::append_log_lines;
use crate::store::dispatch::{
    LockedExecutors, Owner, StartedAttempt, count_assigned, list_cancellations, list_held_attempts,
    list_ready_partitions, list_running_attempts, lock_executor, start_task_runs, try_lock_partition,
};
use crate::store::executors::{leave_executor, register_executor, renew_executor};
use crate::store::package_content::read_package;
use crate::store::progress::write_progress;
use crate::store::{Actor, Database, StoreError, Transaction, Versions, tenants};
use crate::work::{
    Assignment, Exchange, Exchanged, Heartbeat, HeartbeatReply, Lease, LogLine, Progress, Registration,
    Report, WorkSource, WorkSourceError,
};
use crate::workflow::Digest;
use details::Details;

/// How many partitions one exchange looks for work in. The next one goes on with the others.
const PARTITIONS_PER_EXCHANGE: usize = 4;

/// How often an exchange that met another transaction is tried again before the executor is told.
const TRIES: usize = 5;

/// Work from PostgreSQL, for one executor.
pub struct PostgresSource {
    database: Database,
    signals: Signals,
    versions: Versions,
    tenants: Mutex<HashMap<TenantId, Arc<str>>>,
    receiver: Mutex<SignalReceiver>,
    lease: Duration,
    delivered: Delivered,
    /// Where the next exchange begins to look, so that every partition gets its turn.
    turn: AtomicUsize,
    callback_base: Option<String>,
}

impl PostgresSource {
    /// The source of one executor, whose leases last `lease`.
    #[must_use]
    pub fn new(database: Database, signals: Signals, lease: Duration) -> Self {
        let receiver = Mutex::new(signals.receiver());
        Self {
            database,
            signals,
            versions: Versions::default(),
            tenants: Mutex::default(),
            delivered: Delivered::default(),
            receiver,
            lease,
            turn: AtomicUsize::new(0),
            callback_base: None,
        }
    }

    /// The address of the API, as endpoints reach it: what they are told to call back at lies below it.
    #[must_use]
    pub fn called_back_at(mut self, base: Option<String>) -> Self {
        self.callback_base = base;
        self
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX)
    }

    async fn try_exchange(&self, executor: ExecutorId, exchange: Exchange) -> Result<Exchanged, StoreError> {
        let mut transaction = self.database.begin(Actor::Engine).await?;
        let mut signals = BTreeSet::new();
        if !exchange.reports.is_empty() {
            let owner = Owner::executor(executor);
            signals = settle(&mut transaction, &self.versions, owner, exchange.reports).await?;
        }
        if !exchange.deferrals.is_empty() {
            signals.extend(defer(&mut transaction, &self.versions, executor, &exchange.deferrals).await?);
        }
        let wants_work = exchange.free_slots > 0;
        let (cancellations, open) = try_join!(
            list_cancellations(&transaction, executor),
            look(&transaction, executor, wants_work)
        )?;
        let (mut assignments, mut again) = (Vec::new(), false);
        if self.delivered.is_uncertain() {
            let running = list_running_attempts(&mut transaction, executor).await?;
            let unheard = running
                .into_iter()
                .filter(|attempt| !self.delivered.contains(&attempt.lease()));
            assignments = self.assignments(&mut transaction, unheard.collect()).await?;
            again = true;
        } else if wants_work {
            let chosen = self
                .choose_for(&mut transaction, open, exchange.free_slots)
                .await?;
            again = chosen.again;
            let started =
                start_task_runs(&mut transaction, executor, exchange.free_slots, &chosen.choices).await?;
            signals.extend(
                started
                    .iter()
                    .map(|attempt| Signal::Events(attempt.tenant_id.into())),
            );
            assignments = self.assignments(&mut transaction, started).await?;
        }
        transaction.commit().await?;
        self.signals.raise(signals);
        Ok(Exchanged {
            assignments,
            cancellations,
            again,
        })
    }

    /// Chooses ready task runs for the caller's own free slots, as far as the locks are free.
    async fn choose_for(
        &self,
        transaction: &mut Transaction,
        open: Open,
        free_slots: u32,
    ) -> Result<Chosen, StoreError> {
        let mut chosen = Chosen::default();
        let Open {
            partitions,
            executor,
            assigned,
        } = open;
        if partitions.is_empty() {
            return Ok(chosen);
        }
        let Some(mut candidate) = executor.candidates.into_iter().next() else {
            chosen.again = executor.contended;
            return Ok(chosen);
        };
        // The executor knows of slots that came free whose reports are still on their way here; what was assigned to it
        // and waits to be started takes its slots first.
        candidate.used = candidate.slots.saturating_sub(free_slots.min(candidate.slots)) + assigned;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for at in 0..partitions.len().min(PARTITIONS_PER_EXCHANGE) {
            if candidate.free() == 0 {
                break;
            }
            let partition = partitions[(turn + at) % partitions.len()];
            if !try_lock_partition(transaction, partition).await? {
                chosen.again = true;
                continue;
            }
            let choices = choose(transaction, partition, vec![candidate.clone()]).await?;
            candidate.used += choices.cost;
            chosen.choices.extend(choices.choices);
        }
        chosen.again |= partitions.len() > PARTITIONS_PER_EXCHANGE && candidate.free() > 0;
        Ok(chosen)
    }

    /// What the executor needs to know of the attempts it now owns.
    async fn assignments(
        &self,
        transaction: &mut Transaction,
        started: Vec<StartedAttempt>,
    ) -> Result<Vec<Assignment>, StoreError> {
        let wanted = started
            .iter()
            .map(|attempt| (attempt.tenant_id.into(), attempt.version_id.into()));
        let versions = self.versions.get(transaction, wanted).await?;
        let keys = self
            .tenant_keys(
                transaction,
                started.iter().map(|attempt| attempt.tenant_id.into()),
            )
            .await?;
        let base = self.callback_base.as_deref();
        let details = Details::read(transaction, &started, &versions, base).await?;
        let assignment = |attempt: StartedAttempt| {
            let version = &versions[&attempt.version_id.into()];
            let tenant_id = TenantId::from(attempt.tenant_id);
            let task_run_id = attempt.task_run_id.into();
            let node = Arc::clone(version.node(attempt.node));
            Assignment {
                tenant_id,
                tenant: Arc::clone(&keys[&tenant_id]),
                run_id: attempt.run_id.into(),
                task_run_id,
                workflow: Arc::clone(&version.workflow),
                version_id: version.id,
                fence: attempt.fence,
                inputs: Arc::new(attempt.inputs),
                nodes: details.nodes(task_run_id),
                item: details.item(&node, task_run_id),
                shard: details.shard(&node, task_run_id),
                callback_url: details.callback_url(task_run_id),
                node,
            }
        };
        Ok(started.into_iter().map(assignment).collect())
    }

    /// The keys of tenants, which never change; each is read once.
    async fn tenant_keys(
        &self,
        transaction: &mut Transaction,
        tenants: impl Iterator<Item = TenantId>,
    ) -> Result<HashMap<TenantId, Arc<str>>, StoreError> {
        let mut known = self.tenants.lock().await;
        let unknown: BTreeSet<TenantId> = tenants.filter(|tenant| !known.contains_key(tenant)).collect();
        if !unknown.is_empty() {
            let unknown: Vec<TenantId> = unknown.into_iter().collect();
            let read = tenants::list_tenants_by_id(transaction, &unknown).await?;
            known.extend(read.into_iter().map(|tenant| (tenant.id, tenant.key.into())));
        }
        Ok(known.clone())
    }

    async fn hand_back(&self, executor: ExecutorId) -> Result<(), StoreError> {
        loop {
            let mut transaction = self.database.begin(Actor::Engine).await?;
            let held = list_held_attempts(&mut transaction, executor).await?;
            if held.is_empty() {
                let tenant = leave_executor(&mut transaction, executor).await?;
                transaction.commit().await?;
                self.signals.raise(tenant.map(Signal::Events));
                return Ok(());
            }
            let reports: Vec<Report> = held
                .into_iter()
                .map(|lease| fault(lease, "the executor stopped".to_owned()))
                .collect();
            let signals = settle(
                &mut transaction,
                &self.versions,
                Owner::executor(executor),
                reports,
            )
            .await?;
            transaction.commit().await?;
            self.signals.raise(signals);
        }
    }
}

/// The attempts that the executor was told to start and has not reported.
#[derive(Default)]
struct Delivered {
    leases: std::sync::Mutex<HashSet<Lease>>,
    /// An exchange failed since: it may have started attempts of which the executor never heard.
    uncertain: AtomicBool,
}

impl Delivered {
    fn is_uncertain(&self) -> bool {
        self.uncertain.load(Ordering::Acquire)
    }

    fn doubt(&self) {
        self.uncertain.store(true, Ordering::Release);
    }

    fn contains(&self, lease: &Lease) -> bool {
        self.leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(lease)
    }

    fn landed(&self, reported: &[Lease], assignments: &[Assignment]) {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        for lease in reported {
            leases.remove(lease);
        }
        leases.extend(assignments.iter().map(Assignment::lease));
        self.uncertain.store(false, Ordering::Release);
    }
}

/// What an exchange finds before it chooses.
#[derive(Default)]
struct Open {
    /// Partitions with ready task runs.
    partitions: Vec<i16>,
    /// The executor, if it may be given work and nobody else is giving it some.
    executor: LockedExecutors,
    /// The cost of what was assigned to it and waits for it to start.
    assigned: u32,
}

/// Looks for ready work and at the executor, in one round trip; at nothing when the executor wants no work.
async fn look(transaction: &Transaction, executor: ExecutorId, wants_work: bool) -> Result<Open, StoreError> {
    if !wants_work {
        return Ok(Open::default());
    }
    let (partitions, executor, assigned) = try_join!(
        list_ready_partitions(transaction),
        lock_executor(transaction, executor),
        count_assigned(transaction, executor),
    )?;
    Ok(Open {
        partitions,
        executor,
        assigned,
    })
}

/// What was chosen for an executor.
#[derive(Default)]
struct Chosen {
    choices: Vec<Choice>,
    again: bool,
}

fn unavailable(error: StoreError) -> WorkSourceError {
    WorkSourceError::Unavailable(Box::new(error))
}

#[async_trait]
impl WorkSource for PostgresSource {
    async fn register(&self, registration: Registration) -> Result<(), WorkSourceError> {
        let mut transaction = self.database.begin(Actor::Engine).await.map_err(unavailable)?;
        let tenant = match &registration.tenant {
            None => TenantId::PLATFORM,
            Some(key) => {
                tenants::find_tenant(&mut transaction, key)
                    .await
                    .map_err(unavailable)?
                    .ok_or_else(|| WorkSourceError::NoSuchTenant(key.clone()))?
                    .id
            }
        };
        match register_executor(&mut transaction, tenant, &registration, self.lease_ms()).await {
            Err(StoreError::Unique(_)) => return Err(WorkSourceError::KeyTaken(registration.key)),
            registered => registered.map_err(unavailable)?,
        }
        transaction.commit().await.map_err(unavailable)?;
        // Work may have been waiting for an executor like this one.
        self.signals
            .raise([Signal::Events(tenant), Signal::Executor(registration.executor_id)]);
        Ok(())
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<HeartbeatReply, WorkSourceError> {
        let mut transaction = self.database.begin(Actor::Engine).await.map_err(unavailable)?;
        let renewed = renew_executor(&mut transaction, &heartbeat, self.lease_ms())
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(match renewed {
            None => HeartbeatReply::Lost,
            Some(renewed) => {
                if renewed.changed {
                    self.signals.raise([Signal::Events(renewed.tenant_id)]);
                }
                if renewed.drain_requested {
                    HeartbeatReply::Drain
                } else {
                    HeartbeatReply::Alive
                }
            }
        })
    }

    async fn exchange(&self, executor: ExecutorId, exchange: Exchange) -> Result<Exchanged, WorkSourceError> {
        let reports = exchange.reports.iter().map(|report| report.lease);
        let reported: Vec<Lease> = reports.chain(exchange.deferrals.iter().copied()).collect();
        let mut tries = 1;
        let exchanged = loop {
            match self.try_exchange(executor, exchange.clone()).await {
                Err(StoreError::Contended(_)) if tries < TRIES => tries += 1,
                exchanged => break exchanged,
            }
        };
        match &exchanged {
            Ok(exchanged) => self.delivered.landed(&reported, &exchanged.assignments),
            Err(_) => self.delivered.doubt(),
        }
        exchanged.map_err(unavailable)
    }

    async fn woken(&self, executor: ExecutorId) {
        let mut receiver = self.receiver.lock().await;
        loop {
            match receiver.next().await {
                Signal::Executor(woken) if woken == executor => return,
                Signal::Everything => return,
                _ => {}
            }
        }
    }

    async fn report_progress(&self, progress: Vec<Progress>) -> Result<(), WorkSourceError> {
        let mut transaction = self.database.begin(Actor::Engine).await.map_err(unavailable)?;
        let tenants = write_progress(&mut transaction, &progress)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        self.signals.raise(tenants.into_iter().map(Signal::Events));
        Ok(())
    }

    async fn append_log(&self, lines: Vec<LogLine>) -> Result<(), WorkSourceError> {
        let mut transaction = self.database.begin(Actor::Engine).await.map_err(unavailable)?;
        append_log_lines(&mut transaction, &lines)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        let tenants: BTreeSet<TenantId> = lines.iter().map(|line| line.lease.tenant_id).collect();
        self.signals.raise(tenants.into_iter().map(Signal::Log));
        Ok(())
    }

    async fn fetch_package(&self, tenant: TenantId, digest: &Digest) -> Result<Bytes, WorkSourceError> {
        let mut transaction = self.database.begin(Actor::Engine).await.map_err(unavailable)?;
        let content = read_package(&mut transaction, tenant, digest)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        content.ok_or(WorkSourceError::NoSuchPackage(*digest))
    }

    async fn leave(&self, executor: ExecutorId) -> Result<(), WorkSourceError> {
        self.hand_back(executor).await.map_err(unavailable)
    }
}
