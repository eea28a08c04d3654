//! A service of its own: `waterclock up --bare` in an empty data directory, with the private cluster that belongs to it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Config, NoTls};

use crate::client::Api;
use crate::process::Process;
use crate::profile;
use crate::session::Session;

/// The tenant that everything is measured for.
pub(crate) const TENANT: &str = "bench";
/// The slots of executors, where a scenario does not say otherwise.
pub(crate) const SLOTS: u32 = 50;

/// How long the service has until it is ready.
const PATIENCE_FOR_START: Duration = Duration::from_mins(1);
/// How long anything may take that a scenario waits for.
const PATIENCE: Duration = Duration::from_mins(10);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The names that the private cluster gives its superuser and its database.
const OWNER: &str = "waterclock";
const DATABASE: &str = "waterclock";

/// A running service. Dropped, it stops, and its directory goes.
#[derive(Debug)]
pub(crate) struct Stack {
    // In the order in which they have to go.
    up: Process,
    folder: TempDir,
    program: PathBuf,
    api: Api,
    cluster: PathBuf,
    counts_statements: bool,
}

impl Stack {
    /// Starts a service whose executor has the usual slots, and returns once it is ready.
    pub(crate) async fn start(session: &Session) -> anyhow::Result<Self> {
        Self::start_with(session, &["--slots", &SLOTS.to_string()]).await
    }

    /// Starts a service with `options` of `waterclock up`, and returns once it is ready.
    pub(crate) async fn start_with(session: &Session, options: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("waterclock-bench-").tempdir()?;
        let stack = Self::launch(folder, options).await?;
        let stack = if session.profile {
            stack.counting_statements(options).await?
        } else {
            stack
        };
        session.note_server(stack.server().await?);
        Ok(stack)
    }

    async fn launch(folder: TempDir, options: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("waterclock");
        let data = folder.path().join("data");
        let address = free_address()?;
        let mut command = waterclock(&program, &data);
        command.args(["up", "--bare", "--listen", &address]).args(options);
        let mut up = Process::start(command, &folder.path().join("up.log"))?;
        await_ready(&mut up, &address).await?;
        Ok(Self {
            up,
            api: Api::new(&address, token(&program, &data)?)?,
            cluster: cluster_of(&data)?,
            counts_statements: false,
            program,
            folder,
        })
    }

    /// Starts again, with a server that counts statements: a setting that it reads at its start only.
    async fn counting_statements(self, options: &[&str]) -> anyhow::Result<Self> {
        self.database()
            .await?
            .batch_execute(profile::COUNT_STATEMENTS)
            .await?;
        let Self { up, folder, .. } = self;
        drop(up);
        let again = Self::launch(folder, options).await?;
        Ok(Self {
            counts_statements: true,
            ..again
        })
    }

    /// The API, as the tenant's administrator.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// The process of `waterclock up`.
    pub(crate) fn pid(&self) -> u32 {
        self.up.pid()
    }

    /// Whether the server counts statements, for a profile.
    pub(crate) fn counts_statements(&self) -> bool {
        self.counts_statements
    }

    /// Where the program `name` of the cluster's own installation is, if it is there.
    pub(crate) fn postgres_program(&self, name: &str) -> Option<PathBuf> {
        let text = std::fs::read_to_string(self.cluster.join("postmaster.pid")).ok()?;
        let server = std::fs::read_link(format!("/proc/{}/exe", text.lines().next()?.trim())).ok()?;
        Some(server.with_file_name(name)).filter(|path| path.is_file())
    }

    /// The folder of the cluster, in which its socket is.
    pub(crate) fn cluster(&self) -> &Path {
        &self.cluster
    }

    /// Connects to a database of the cluster as its superuser.
    pub(crate) fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.cluster).user(OWNER).dbname(database);
        config
    }

    /// Connects to the service's own database as its superuser.
    pub(crate) async fn database(&self) -> anyhow::Result<Client> {
        connect(&self.config(DATABASE)).await
    }

    /// Makes the tenant match `documents`.
    pub(crate) async fn define(&self, documents: &[Value]) -> anyhow::Result<()> {
        let text: Vec<String> = documents.iter().map(Value::to_string).collect();
        let file = self.folder.path().join("definitions.yaml");
        std::fs::write(&file, text.join("\n---\n"))?;
        self.command_line(|command| command.args(["apply", "-f"]).arg(&file))
            .await
    }

    /// Makes a workflow of a real graph, its runtimes multiplied by `scale`, and gives the workflow's key.
    pub(crate) async fn import(&self, graph: &Path, scale: f64) -> anyhow::Result<String> {
        self.command_line(|command| {
            command
                .args(["import", "dag"])
                .arg(graph)
                .args(["--scale", &scale.to_string()])
        })
        .await?;
        let newest = "SELECT key FROM workflows ORDER BY id DESC LIMIT 1";
        Ok(self.database().await?.query_one(newest, &[]).await?.get(0))
    }

    /// Runs a command that is a client of the API, to its end.
    async fn command_line(&self, arguments: impl FnOnce(&mut Command) -> &mut Command) -> anyhow::Result<()> {
        let mut command = waterclock(&self.program, &self.folder.path().join("data"));
        arguments(&mut command);
        command
            .env("WATERCLOCK_URL", self.api.url())
            .env("WATERCLOCK_TOKEN", self.api.token());
        let mut command = tokio::process::Command::from(command);
        let output = command.kill_on_drop(true).output().await?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "a command failed ({}): {}",
            output.status,
            told.trim_end()
        );
        Ok(())
    }

    /// Starts an executor in a process of its own, which offers `label`.
    pub(crate) fn executor(&self, label: &str, slots: u32, options: &[&str]) -> anyhow::Result<Process> {
        let folder = self.folder.path().join(format!("executor-{label}"));
        let mut command = waterclock(&self.program, &folder);
        command
            .args([
                "executor",
                "--key",
                label,
                "--label",
                label,
                "--slots",
                &slots.to_string(),
            ])
            .args(["--database-url", &self.database_url()])
            .args(options);
        Process::start(command, &folder.with_extension("log"))
    }

    fn database_url(&self) -> String {
        let host = self
            .cluster
            .to_string_lossy()
            .replace('%', "%25")
            .replace('/', "%2F");
        format!("postgresql:///{DATABASE}?user={OWNER}&host={host}")
    }

    /// Returns once no run of the tenant is live.
    pub(crate) async fn until_all_ended(&self) -> anyhow::Result<()> {
        let database = self.database().await?;
        let statement = database
            .prepare(
                "SELECT EXISTS (
                    SELECT FROM runs
                    WHERE tenant_id = (SELECT id FROM tenants WHERE key = $1) AND state IN ('QUEUED', 'RUNNING'))",
            )
            .await?;
        let begun = Instant::now();
        while database.query_one(&statement, &[&TENANT]).await?.get(0) {
            ensure!(begun.elapsed() < PATIENCE, "runs go on after {PATIENCE:?}");
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn server(&self) -> anyhow::Result<String> {
        let row = self
            .database()
            .await?
            .query_one(
                "SELECT
                    'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync')
                    || ', synchronous_commit ' || current_setting('synchronous_commit')
                    || ', shared_buffers ' || current_setting('shared_buffers')",
                &[],
            )
            .await?;
        let folder = self.folder.path();
        let kind = nix::sys::statfs::statfs(folder)?.filesystem_type();
        let memory = if kind == nix::sys::statfs::TMPFS_MAGIC {
            ", which is memory: fsync costs nothing"
        } else {
            ""
        };
        Ok(format!(
            "{}, in {}{memory}",
            row.get::<_, String>(0),
            folder.parent().unwrap_or(folder).display()
        ))
    }
}

/// Connects; the connection ends with the client.
pub(crate) async fn connect(config: &Config) -> anyhow::Result<Client> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The binary, with `data_dir` and without any setting of whoever calls us.
fn waterclock(program: &Path, data_dir: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("WATERCLOCK_") {
            command.env_remove(name);
        }
    }
    command.arg("--data-dir").arg(data_dir);
    command
}

/// An address that was free a moment ago.
fn free_address() -> std::io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

async fn await_ready(up: &mut Process, address: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    let probe = reqwest::Client::builder().no_proxy().build()?;
    loop {
        up.check_alive()?;
        let answer = probe.get(format!("http://{address}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < PATIENCE_FOR_START,
            "the service is not ready after {PATIENCE_FOR_START:?}; its log ends:\n{}",
            up.end_of_log()
        );
        sleep(LOOK_AGAIN).await;
    }
}

fn token(program: &Path, data_dir: &Path) -> anyhow::Result<String> {
    let output = waterclock(program, data_dir)
        .args(["token", "--tenant", TENANT, "--scope", "admin"])
        .output()?;
    ensure!(
        output.status.success(),
        "no token: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The folder of the private cluster, once its server runs there.
fn cluster_of(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let cluster = data_dir.join("postgres");
    ensure!(
        cluster.join("postmaster.pid").exists(),
        "no server runs in {}",
        cluster.display()
    );
    cluster
        .canonicalize()
        .context("the cluster's folder cannot be read")
}
