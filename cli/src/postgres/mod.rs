//! A private PostgreSQL cluster, for whoever has no server of their own.
//!
//! It belongs to one data directory and lives as long as the process that runs it: started as a direct child, stopped
//! with it, ended by the kernel when it dies. A server that is killed under us is started again.
//!
//! It listens on no network, only on a socket in its own directory, which nobody but the owner (and root) may enter. That
//! is why it trusts whoever connects: a password would have to be kept where the same people could read it. The roles
//! within keep their meaning, for what they hold apart is tenants and not people on this machine.
//!
//! Who may do what is in [`account`], how a closed parent folder is passed in [`directory`], which programs are used in
//! [`installation`].

mod account;
mod directory;
mod installation;
mod server;
mod spawn;

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio_postgres::NoTls;
use tracing::{info, warn};

use crate::data_dir::DataDir;
use directory::Directory;
use server::Server;

/// The superuser of a private cluster, and the owner of the database.
const OWNER: &str = "waterclock";
/// The name of the database.
const DATABASE: &str = "waterclock";
/// What PostgreSQL calls its socket.
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest path of a socket that the kernel takes.
const SOCKET_PATH_LIMIT: usize = 107;
/// How often a server that ends at once is started, since it may have met the last children of a killed one.
const STARTS: u32 = 5;
const PAUSE_BETWEEN_STARTS: Duration = Duration::from_millis(300);

/// Why there is no private cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error(
        "no PostgreSQL {} to {} on this machine; install it (`apt-get install postgresql`), or name a server with --database-url",
        supported.start(), supported.end()
    )]
    NoInstallation { supported: RangeInclusive<u32> },
    #[error(
        "PostgreSQL refuses to run as root and this machine has neither the account `postgres` nor `nobody`; start as \
         another user, or name a server with --database-url"
    )]
    NoAccount,
    #[error(
        "the cluster in {path} belongs to {}; start as that user or as root, or give another --data-dir",
        name_of(*owner)
    )]
    OwnedByAnother { path: PathBuf, owner: Uid },
    #[error(
        "the cluster in {path} was made by PostgreSQL {version}, and this machine has {}; install PostgreSQL {version}, \
         or carry it over with pg_upgrade, or give another --data-dir",
        listed(found)
    )]
    OtherVersion {
        path: PathBuf,
        version: String,
        found: Vec<u32>,
    },
    #[error("the cluster in {path} cannot be read; make it readable, or give another --data-dir")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a cluster cannot be made in {path}; give another --data-dir")]
    Unmade {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a cluster cannot be made in {path}; initdb says:\n{output}")]
    Initialization { path: PathBuf, output: String },
    #[error("PostgreSQL cannot be started")]
    Unstarted {
        #[source]
        source: io::Error,
    },
    #[error("PostgreSQL ended at its start ({status}); its log {log} says:\n{said}")]
    Ended {
        status: ExitStatus,
        log: PathBuf,
        said: String,
    },
    #[error("the database cannot be made in the private cluster")]
    Database(#[source] tokio_postgres::Error),
}

fn name_of(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => format!("the user `{}`", user.name),
        _ => format!("the user id {uid}"),
    }
}

fn listed(versions: &[u32]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    versions.join(", ")
}

/// A private cluster and the server that runs it.
#[derive(Debug)]
pub(crate) struct Cluster {
    directory: Directory,
    log: PathBuf,
    server: Server,
}

impl Cluster {
    /// Starts the cluster of `data_dir`, which the caller has locked, and makes it when there is none. To be called on the
    /// main thread: the server ends with the thread that started it.
    pub(crate) async fn launch(data_dir: &DataDir) -> Result<Self, ClusterError> {
        let directory = Directory::open_or_make(&data_dir.path().join("postgres"))?;
        server::end_orphan(&directory).await;
        let log = data_dir.path().join("postgres.log");
        let server = Server::spawn(&directory, &log)?;
        Ok(Self {
            directory,
            log,
            server,
        })
    }

    /// Returns once the database accepts connections. May be given up at any time.
    pub(crate) async fn ready(&mut self) -> Result<(), ClusterError> {
        let maintenance = self.url_of("postgres");
        let mut starts = 1;
        while let Err(error) = self.server.ready(&maintenance).await {
            if starts == STARTS {
                return Err(error);
            }
            starts += 1;
            tokio::time::sleep(PAUSE_BETWEEN_STARTS).await;
            self.server = Server::spawn(&self.directory, &self.log)?;
        }
        info!(major = self.directory.installation.major, "PostgreSQL is ready");
        make_database(&maintenance).await.map_err(ClusterError::Database)
    }

    /// Keeps the server running; returns only when it cannot be. To be awaited on the main thread, like [`Self::launch`].
    pub(crate) async fn keep_running(&mut self) -> ClusterError {
        loop {
            let status = self.server.ended().await;
            warn!(?status, log = %self.log.display(), "PostgreSQL ended; starting it again");
            match Server::spawn(&self.directory, &self.log) {
                Ok(server) => self.server = server,
                Err(error) => return error,
            }
            if let Err(error) = self.ready().await {
                return error;
            }
        }
    }

    /// Stops the server and returns once nothing of it runs.
    pub(crate) async fn stop(mut self) {
        self.server.stop().await;
    }

    /// Where the owner connects to the database.
    pub(crate) fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    fn url_of(&self, database: &str) -> String {
        let host: String = url::form_urlencoded::byte_serialize(self.socket_directory().as_bytes()).collect();
        // A plus is a space in forms only; in a connection URL it is a plus.
        format!(
            "postgresql:///{database}?user={OWNER}&host={}",
            host.replace('+', "%20")
        )
    }

    /// The socket's directory, by its plain path where the kernel takes that, so that other processes can connect too.
    fn socket_directory(&self) -> String {
        let plain = self.directory.path();
        match plain.to_str() {
            Some(text) if text.len() + 1 + SOCKET.len() <= SOCKET_PATH_LIMIT => text.to_owned(),
            _ => self.directory.path_by_handle().display().to_string(),
        }
    }
}

async fn make_database(maintenance_url: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(maintenance_url, NoTls).await?;
    let made = async move {
        let known = client
            .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&DATABASE])
            .await?;
        if known.is_some() {
            return Ok(());
        }
        client.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await
    };
    tokio::join!(made, connection).0
}
