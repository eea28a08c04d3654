//! The running server: started, awaited, stopped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::NoTls;
use tracing::{info, warn};

use super::directory::Directory;
use super::{ClusterError, spawn};

/// How long a server has for an orderly stop, and then for one without a checkpoint, before it is killed.
const STOP_PATIENCE: [(Signal, Duration); 2] = [
    (Signal::SIGINT, Duration::from_secs(20)),
    (Signal::SIGQUIT, Duration::from_secs(5)),
];
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Beyond this size the log begins anew at the next start.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// Settings for a small machine that others work on too. What makes a commit durable is named although it is the default,
/// so that no edit of the cluster's own file takes it away.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("unix_socket_directories", "."),
    ("unix_socket_permissions", "0700"),
    ("cluster_name", "waterclock"),
    ("max_connections", "100"),
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("shared_buffers", "128MB"),
    ("effective_cache_size", "1GB"),
    ("work_mem", "8MB"),
    ("maintenance_work_mem", "64MB"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    ("autovacuum_naptime", "10s"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
    ("log_checkpoints", "off"),
    ("log_line_prefix", "%m [%p] "),
];

/// A server process that we are the parent of.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    log: Log,
}

impl Server {
    /// Starts the server. To be called on the main thread: see [`spawn::bind`].
    pub(super) fn spawn(directory: &Directory, log: &Path) -> Result<Self, ClusterError> {
        let unstarted = |source| ClusterError::Unstarted { source };
        let log = Log::open(log).map_err(unstarted)?;
        let mut command = std::process::Command::new(directory.installation.program("postgres"));
        command
            .arg("-D")
            .arg(directory.path_by_handle())
            .args(
                SETTINGS
                    .iter()
                    .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]),
            )
            .stdin(Stdio::null())
            .stdout(log.writer().map_err(unstarted)?)
            .stderr(log.writer().map_err(unstarted)?);
        // SIGINT is what a fast, orderly shutdown is asked for with; nothing then needs recovery at the next start.
        spawn::bind(
            &mut command,
            directory.account,
            directory.handle().as_raw_fd(),
            Signal::SIGINT,
        );
        let child = Command::from(command).spawn().map_err(unstarted)?;
        Ok(Self { child, log })
    }

    /// Returns once the server accepts connections, however long its recovery takes.
    pub(super) async fn ready(&mut self, url: &str) -> Result<(), ClusterError> {
        let mut told = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().ok().flatten() {
                return Err(ClusterError::Ended {
                    status,
                    log: self.log.path.clone(),
                    said: self.log.since_start(),
                });
            }
            if let Ok((client, connection)) = tokio_postgres::connect(url, NoTls).await {
                drop((client, connection));
                return Ok(());
            }
            if told.elapsed() > Duration::from_secs(3) {
                told = Instant::now();
                info!(log = %self.log.path.display(), "PostgreSQL is not ready yet");
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Returns when the server has ended, which nobody asked it to.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the server in order, or failing that at once. Dropped before its end, it goes on until we are gone.
    pub(super) async fn stop(&mut self) {
        for (signal, patience) in STOP_PATIENCE {
            let Some(pid) = self.child.id() else { return };
            send(signal, pid.cast_signed());
            if timeout(patience, self.child.wait()).await.is_ok() {
                return;
            }
            warn!(?patience, "PostgreSQL does not end after {signal}");
        }
        let _ = self.child.kill().await;
    }
}

/// Ends a server that outlived the process that had started it.
pub(super) async fn end_orphan(directory: &Directory) {
    let Some(pid) = directory.postmaster() else {
        return;
    };
    info!(
        pid,
        "ending a PostgreSQL server that an earlier process left behind"
    );
    for (signal, patience) in STOP_PATIENCE
        .into_iter()
        .chain([(Signal::SIGKILL, Duration::from_secs(5))])
    {
        send(signal, pid);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if directory.postmaster() != Some(pid) {
                return;
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

fn send(signal: Signal, pid: i32) {
    // The only error is that the process has ended meanwhile.
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Where the server writes, and from where on that is this server's.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: File,
    start: u64,
}

impl Log {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .read(true)
            .create(true)
            .open(path)?;
        if file.metadata()?.len() > LOG_LIMIT {
            file.set_len(0)?;
        }
        Ok(Self {
            path: path.to_owned(),
            start: file.metadata()?.len(),
            file,
        })
    }

    fn writer(&self) -> io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }

    fn since_start(&mut self) -> String {
        let mut said = String::new();
        let read = self
            .file
            .seek(SeekFrom::Start(self.start))
            .and_then(|_| self.file.read_to_string(&mut said));
        match read {
            Ok(_) => said.trim_end().to_owned(),
            Err(error) => format!("(the log cannot be read: {error})"),
        }
    }
}
