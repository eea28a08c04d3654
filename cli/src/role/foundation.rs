//! What every role stands on: the database, the signals of the processes that share it, and the measures of this one.

use std::error::Error;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use waterclock_core::housekeeping::keep_house;
use waterclock_core::metrics::Metrics;
use waterclock_core::signal::Signals;
use waterclock_core::store::{Database, DatabaseUrl, MigrateError, is_migrated, migrate};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The shared ground of the roles in one process.
#[derive(Clone)]
pub(super) struct Foundation {
    pub(super) database: Database,
    pub(super) signals: Signals,
    pub(super) metrics: Metrics,
}

/// What is done about a database that is behind this release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// Migrate it.
    Migrate,
    /// Wait until somebody else has: several processes start at once, and one person decides when.
    Wait,
}

impl Foundation {
    /// Of the database at `url`, which need not be reachable yet.
    pub(super) fn new(url: DatabaseUrl, connections: usize) -> Self {
        Self {
            database: Database::new(url, connections),
            signals: Signals::new(),
            metrics: Metrics::new(),
        }
    }

    /// Returns once the database can be used; `false` when `shutdown` came first. A server that is away is waited for, and
    /// the log says so.
    pub(super) async fn ready(
        &self,
        behind: Behind,
        shutdown: &CancellationToken,
    ) -> Result<bool, MigrateError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.prepare(behind).await {
                Ok(true) => return Ok(true),
                Ok(false) => warn!("the database awaits `waterclock migrate`"),
                Err(MigrateError::Store(error)) if error.is_transient() => {
                    warn!(reason = %root_of(&error), "waiting for the database");
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(false),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    async fn prepare(&self, behind: Behind) -> Result<bool, MigrateError> {
        match behind {
            Behind::Wait => is_migrated(&self.database).await,
            Behind::Migrate => {
                for migration in migrate(&self.database).await? {
                    info!(migration, "migrated");
                }
                Ok(true)
            }
        }
    }

    /// Starts what goes on beside the roles of a process: signals from and to other processes, and housekeeping.
    pub(super) fn start(&self, tasks: &TaskTracker, shutdown: &CancellationToken) {
        let (this, token) = (self.clone(), shutdown.clone());
        tasks.spawn(async move { this.signals.relay(&this.database, &token).await });
        let (this, token) = (self.clone(), shutdown.clone());
        tasks.spawn(async move {
            if let Err(error) = keep_house(this.database, this.metrics, token).await {
                warn!(error = &error as &dyn Error, "there is no housekeeping");
            }
        });
    }
}

/// What an error finally comes from.
fn root_of(error: &dyn Error) -> &dyn Error {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

/// The machine's name.
pub(super) fn hostname() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "localhost".to_owned())
}
