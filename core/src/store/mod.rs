//! Every SQL statement, and the only module that names diesel.
//!
//! Functions here borrow a [`Transaction`]; commands and schedulers begin and commit them. A transaction is begun for an
//! [`Actor`]: the API acts for one tenant, as a role that owns nothing and under row-level security; the engine acts for
//! all. Role and tenant are set with `SET LOCAL`, in the same round trip as `BEGIN`, so that a connection pool or a
//! transaction pooler in between can never hand one tenant's setting to another.

pub(crate) mod alert_channels;
pub mod alert_deliveries;
pub(crate) mod alert_pass;
pub(crate) mod alert_rules;
pub mod alerts;
pub(crate) mod append_log;
pub mod attempts;
pub(crate) mod backfill_steps;
pub mod backfills;
pub mod bulk_jobs;
pub(crate) mod calendars;
pub(crate) mod callbacks;
mod connect;
pub(crate) mod dispatch;
pub(crate) mod endpoints;
pub mod events;
pub mod executor_lives;
pub(crate) mod executors;
pub mod firings;
pub(crate) mod flow;
pub(crate) mod housekeeping;
pub(crate) mod items;
pub mod log_lines;
mod migrate;
pub(crate) mod node_times;
pub mod occurrences;
pub(crate) mod package_content;
pub(crate) mod packages;
pub(crate) mod pause_runs;
pub(crate) mod programs;
pub(crate) mod progress;
pub(crate) mod published_events;
pub(crate) mod questions;
pub(crate) mod quotas;
pub(crate) mod registry;
pub mod runs;
pub(crate) mod scan_runs;
pub mod schedule_states;
pub(crate) mod schedules;
#[expect(
    clippy::doc_markdown,
    reason = "the comments are those of the tables, where nothing is marked up"
)]
mod schema;
pub(crate) mod settle;
pub mod signals;
pub(crate) mod start_runs;
mod statement;
pub(crate) mod steer;
pub(crate) mod stop_runs;
pub(crate) mod task_nodes;
pub mod task_runs;
pub mod tenants;
pub(crate) mod timers;
pub mod timetable;
pub mod triggers;
mod versions;
pub(crate) mod waits;
pub(crate) mod webhook_secrets;
pub(crate) mod workflow_versions;
pub(crate) mod workflows;

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};

use crate::id::TenantId;

pub use connect::{DatabaseUrl, DatabaseUrlError, Listener};
pub use migrate::{MigrateError, is_migrated, migrate};
pub use registry::Registry;
pub use versions::Versions;

/// A pool of connections to the one database.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    url: DatabaseUrl,
}

/// The engine's statements are written for their indexes. Tables that swing between empty and a million rows in a minute have
/// no statistics to trust, and one plan that reads the whole of one costs more than all others gain. Plans without an index
/// then look so dear to the planner that it would compile them, which takes longer than carrying them out.
const BEGIN_ENGINE: &str = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";

/// Whoever begins a transaction may be stopped within it, with its machine or by its network, and hold locks that everybody else waits for.
/// A server that hears nothing for so long ends the transaction and lets them go; none of ours is silent for a second.
const END_WHEN_SILENT: &str = "; SET LOCAL idle_in_transaction_session_timeout = '15s'";

/// How the API begins to work for a tenant.
const BEGIN_TENANT: &str = "; SET LOCAL ROLE waterclock_api; SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL app.tenant = ";

fn begin_tenant(begin: &str, tenant: TenantId) -> String {
    format!("{begin}{BEGIN_TENANT}'{tenant}'")
}

/// For whom a transaction works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The API on behalf of one tenant: it sees that tenant's rows and no others.
    Tenant(TenantId),
    /// The API before it knows for whom: it sees the keys of tenants and nothing else.
    Nobody,
    /// A scheduler or an executor: it sees all tenants.
    Engine,
}

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or no connection came free in time; the same may go through later.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Two transactions stood in each other's way; this one was rolled back and may be tried again.
    #[error("the transaction met another and was rolled back")]
    Contended(#[source] DieselError),
    /// A unique constraint refused a row.
    #[error("the constraint {0} refused a row")]
    Unique(String),
    /// A foreign key refused a change.
    #[error("the constraint {0} refused a change")]
    Reference(String),
    /// It refused the statement: a fault of ours.
    #[error("the database refused a statement")]
    Refused(#[source] DieselError),
    /// A row does not read as this release writes it.
    #[error("a stored value cannot be read: {0}")]
    Unreadable(String),
}

impl StoreError {
    /// Whether the same call may go through later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Contended(_))
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, ref told) => {
                Self::Unique(told.constraint_name().unwrap_or_default().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, ref told) => {
                Self::Reference(told.constraint_name().unwrap_or_default().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Contended(error),
            DieselError::DatabaseError(_, ref told) if told.message().contains("deadlock detected") => {
                Self::Contended(error)
            }
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
            | DieselError::BrokenTransactionManager => Self::Unavailable(Box::new(error)),
            DieselError::DatabaseError(_, ref told) if is_shutdown(told.message()) => {
                Self::Unavailable(Box::new(error))
            }
            error => Self::Refused(error),
        }
    }
}

/// Whether PostgreSQL says that it is going, coming or gone; diesel has no kind for these.
fn is_shutdown(message: &str) -> bool {
    [
        "terminating connection",
        "the database system is",
        "connection closed",
        "Connection refused",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl Database {
    /// A pool of at most `size` connections, made when they are first needed.
    #[must_use]
    pub fn new(url: DatabaseUrl, size: usize) -> Self {
        let pool = Pool::builder(connect::connection_manager(&url))
            .max_size(size)
            // The connection that was used last has its statements planned and its memory warm.
            .queue_mode(deadpool::managed::QueueMode::Lifo)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_secs(10)))
            .create_timeout(Some(Duration::from_secs(10)))
            .recycle_timeout(Some(Duration::from_secs(5)))
            .build()
            .expect("a pool with timeouts was given a runtime");
        Self { pool, url }
    }

    /// A pool of at most `size` connections to the same database that work as the API's role: they own nothing, and see no
    /// tenant's rows until a transaction names one.
    #[must_use]
    pub fn for_api(&self, size: usize) -> Self {
        Self::new(self.url.for_api(), size)
    }

    /// Begins a transaction for `actor`.
    pub async fn begin(&self, actor: Actor) -> Result<Transaction, StoreError> {
        let mut transaction = Transaction {
            connection: Some(self.pool.get().await?),
        };
        let mut begin = match actor {
            Actor::Tenant(tenant) => begin_tenant("BEGIN", tenant),
            Actor::Nobody => "BEGIN; SET LOCAL ROLE waterclock_api".to_owned(),
            Actor::Engine => BEGIN_ENGINE.to_owned(),
        };
        begin.push_str(END_WHEN_SILENT);
        AnsiTransactionManager::begin_transaction_sql(&mut *transaction, &begin).await?;
        Ok(transaction)
    }

    /// Begins a transaction for a tenant that reads, and whose statements all see one instant.
    pub(crate) async fn begin_snapshot(&self, tenant: TenantId) -> Result<Transaction, StoreError> {
        let mut transaction = Transaction {
            connection: Some(self.pool.get().await?),
        };
        let begin = begin_tenant("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", tenant);
        AnsiTransactionManager::begin_transaction_sql(&mut *transaction, &begin).await?;
        Ok(transaction)
    }

    /// Opens a connection of its own that hears what other processes announce.
    pub async fn listen(&self, channel: &str) -> Result<Listener, StoreError> {
        Listener::open(&self.url, channel).await
    }

    /// How many connections are open, and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }
}

/// A transaction under way. Dropped without [`Transaction::commit`], it is rolled back with its connection.
pub struct Transaction {
    /// Absent only once the transaction has ended.
    connection: Option<Object<AsyncPgConnection>>,
}

impl Transaction {
    /// Makes everything done in it durable.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        AnsiTransactionManager::commit_transaction(&mut *self).await?;
        self.give_back();
        Ok(())
    }

    /// Undoes everything done in it, and keeps the connection.
    pub async fn rollback(mut self) -> Result<(), StoreError> {
        AnsiTransactionManager::rollback_transaction(&mut *self).await?;
        self.give_back();
        Ok(())
    }

    fn give_back(&mut self) {
        drop(self.connection.take());
    }
}

impl Drop for Transaction {
    /// Closes the connection of a transaction that was given up. Back in the pool it would hold its locks until somebody
    /// happened to use it again, for only then does the pool look at it.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

const OPEN: &str = "a transaction has its connection until it ends";

impl Deref for Transaction {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref().expect(OPEN)
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut().expect(OPEN)
    }
}
