//! Takes the work that is assigned to it, performs it, reports.
//!
//! [`run`] is an executor. It meets the world through one [`WorkSource`] and knows nothing of tables. Inside:
//!
//! - `poll` is the loop that hands in what has ended and takes what is next; `report` keeps what is not yet durable;
//! - `heartbeat` prolongs the lease and `load` reads how busy the machine is;
//! - `perform` does the work: programs as child processes, endpoints as HTTP calls;
//! - `containment` holds the process trees of programs, so that stopped means gone;
//! - `package` keeps uploaded code on disk; `log` takes what programs print to where people read it, and `progress` how far
//!   they are.
//!
//! An executor has **lives**. Each begins with a registration under a fresh id and ends when the executor leaves or its lease
//! is lost; then everything of that life is ended, and another begins.

mod asking;
mod backoff;
mod config;
mod containment;
mod heartbeat;
mod load;
mod log;
mod package;
mod patience;
mod perform;
mod poll;
mod progress;
mod report;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};
use waterclock_core::id::ExecutorId;
use waterclock_core::work::{Registration, WorkSource, WorkSourceError};

pub use config::ExecutorConfig;
pub use load::LoadThresholds;

use backoff::Backoff;
use containment::Containment;
use heartbeat::{Pulse, Standing, Vitals};
use log::Log;
use patience::in_time;
use perform::Performer;
use poll::{ExchangeLoop, LifeEnd, Orders};
use progress::Bulletin;

/// How often a key that is taken is tried again, while it may still be that of a life that was killed.
const KEY_WAIT: Duration = Duration::from_millis(500);

/// Why an executor does not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// It cannot be made known.
    #[error(transparent)]
    Refused(WorkSourceError),
    /// Without slots it could never do anything.
    #[error("an executor needs at least one slot; give it --slots 1 or more")]
    NoSlots,
    /// Another executor on this machine uses its folder.
    #[error(
        "the folder {0} is used by another executor on this machine; give this one another --key or --data-dir"
    )]
    FolderTaken(PathBuf),
    /// Its folder cannot be used.
    #[error("the folder {folder} cannot be used; look at --data-dir")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It could not hold the processes of programs.
    #[error("the process that holds programs could not be started")]
    Containment(#[source] io::Error),
}

/// Runs an executor until `shutdown` is cancelled or the service asks it to drain, and everything it ran has ended.
///
/// While the source cannot be reached, it keeps trying. Dropping the future kills what runs and reports nothing.
pub async fn run(
    config: ExecutorConfig,
    source: Arc<dyn WorkSource>,
    shutdown: CancellationToken,
) -> Result<(), ExecutorError> {
    if config.slots == 0 {
        return Err(ExecutorError::NoSlots);
    }
    let (folder, _lock) = lock_folder(&config.folder())?;
    let containment = Arc::new(Containment::begin(config.use_cgroups).map_err(ExecutorError::Containment)?);
    raise_open_files();
    let (log, writer) = Log::new(Arc::clone(&source), Arc::clone(&config.clock));
    let _writing = AbortOnDropHandle::new(tokio::spawn(writer.run()));
    let (bulletin, telling) = Bulletin::new(Arc::clone(&source));
    let _telling = AbortOnDropHandle::new(tokio::spawn(telling.run()));
    let performer = Performer::new(
        &config,
        &folder,
        Arc::clone(&source),
        Arc::clone(&containment),
        log,
        bulletin,
    )
    .map_err(|source| ExecutorError::Folder { folder, source })?;
    let executor = Executor {
        config: Arc::new(config),
        source,
        performer: Arc::new(performer),
        containment: containment.name(),
        shutdown,
    };
    executor.run().await
}

/// What stays the same from one life to the next.
struct Executor {
    config: Arc<ExecutorConfig>,
    source: Arc<dyn WorkSource>,
    performer: Arc<Performer>,
    containment: &'static str,
    shutdown: CancellationToken,
}

impl Executor {
    async fn run(&self) -> Result<(), ExecutorError> {
        loop {
            let begun = tokio::select! {
                begun = self.register() => begun?,
                () = self.shutdown.cancelled() => return Ok(()),
            };
            if self.live(begun).await == LifeEnd::Left {
                return Ok(());
            }
        }
    }

    /// Begins a life: its id, and when its lease began at the earliest.
    async fn register(&self) -> Result<(ExecutorId, Instant), ExecutorError> {
        let executor_id = ExecutorId::generate();
        let since = Instant::now();
        let mut backoff = Backoff::default();
        loop {
            let sent = Instant::now();
            match in_time(self.source.register(self.registration(executor_id))).await {
                Ok(()) => {
                    info!(
                        executor.id = %executor_id, key = self.config.key, slots = self.config.slots,
                        containment = self.containment, "registered"
                    );
                    return Ok((executor_id, sent));
                }
                Err(WorkSourceError::Unavailable(cause)) => {
                    if !backoff.is_failing() {
                        warn!(
                            error = &*cause as &dyn std::error::Error,
                            "the work source cannot be reached; trying on"
                        );
                    }
                    sleep(backoff.next_wait()).await;
                }
                // An executor that was killed lives on in the books until its lease ends.
                Err(WorkSourceError::KeyTaken(_)) if since.elapsed() < self.config.lease * 5 / 4 => {
                    sleep(KEY_WAIT).await;
                }
                Err(refused) => return Err(ExecutorError::Refused(refused)),
            }
        }
    }

    fn registration(&self, executor_id: ExecutorId) -> Registration {
        let config = &self.config;
        Registration {
            executor_id,
            key: config.key.clone(),
            tenant: config.tenant.clone(),
            labels: config.labels.clone(),
            slots: config.slots,
            hostname: fs::read_to_string("/proc/sys/kernel/hostname")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            containment: self.containment.to_owned(),
        }
    }

    async fn live(&self, (executor_id, registered): (ExecutorId, Instant)) -> LifeEnd {
        let vitals = Arc::new(Vitals::default());
        let drain = CancellationToken::new();
        let (standing, stands) = watch::channel(Standing::Held);
        let pulse = Pulse::new(
            &self.config,
            Arc::clone(&self.source),
            executor_id,
            Arc::clone(&vitals),
            drain.clone(),
        );
        let _beating = AbortOnDropHandle::new(tokio::spawn(pulse.beat(registered, standing)));
        let exchanges = ExchangeLoop::new(
            Arc::clone(&self.config),
            Arc::clone(&self.source),
            executor_id,
            Arc::clone(&self.performer),
            vitals,
        );
        let orders = Orders {
            shutdown: self.shutdown.clone(),
            drain,
            standing: stands,
        };
        let end = exchanges.run(orders).await;
        if end == LifeEnd::Left {
            poll::leave(&*self.source, executor_id).await;
        }
        end
    }
}

/// Makes the executor's folder, and holds it for as long as the file is open. Programs are told whole paths.
fn lock_folder(folder: &Path) -> Result<(PathBuf, File), ExecutorError> {
    let refused = |source| ExecutorError::Folder {
        folder: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(refused)?;
    let folder = folder.canonicalize().map_err(refused)?;
    if folder.to_str().is_none() {
        return Err(refused(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "its path is not UTF-8, and programs are told paths as text",
        )));
    }
    let file = File::create(folder.join("lock")).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok((folder, file)),
        Err(fs::TryLockError::WouldBlock) => Err(ExecutorError::FolderTaken(folder)),
        Err(fs::TryLockError::Error(error)) => Err(refused(error)),
    }
}

/// Raises the number of open files to what the system allows: every call in flight holds a socket.
fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        warn!(%error, "the number of open files could not be raised");
    }
}
