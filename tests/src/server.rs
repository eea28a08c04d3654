//! The PostgreSQL server of this test process.
//!
//! It is started when the first test asks for it, from whatever the machine has, and its life is tied to this process by
//! a pipe: a shell owns the server and waits for the end of its input, which comes when the process is gone, however it
//! went. Then the shell stops the server and removes its folder. The shell is in a process group of its own, so that what
//! ends the tests does not end it before it has cleaned up.
//!
//! `WATERCLOCK_TEST_DATABASE_URL` names a server to use instead; its role must be allowed to create databases and roles.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail, ensure};
use nix::unistd::{Uid, User};
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;
use url::Url;
use waterclock_core::store::{Database, DatabaseUrl, migrate};

/// The role that owns the databases: like a managed PostgreSQL gives it, and not a superuser, whom no policy binds.
const OWNER: &str = "waterclock";

/// What the template is called, before the id of the process that made it.
const TEMPLATE: &str = "waterclock_template_";

/// Durability is not what these tests are about; hundreds of connections are.
const SETTINGS: [&str; 9] = [
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=400",
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "timezone=UTC",
];

/// Owns the server: `$1` starts it, `$2` is its folder, the rest are its arguments.
const KEEPER: &str = r#"
program=$1 folder=$2
shift 2
end() {
    trap "" INT TERM HUP
    kill -QUIT "$server" 2>/dev/null
    wait "$server"
    rm -rf "$folder"
    exit
}
trap end INT TERM HUP
"$program" "$@" </dev/null >"$folder/log" 2>&1 &
server=$!
read -r _
end
"#;

/// Where the databases of this process are made.
#[derive(Debug)]
pub struct Server {
    /// The URL of a database that is always there.
    maintenance: Url,
    /// The name of the migrated database that tests clone.
    template: String,
    /// Holds the pipe whose end ends the server.
    _keeper: Option<Child>,
}

impl Server {
    /// The server of this process, started by whoever asks first.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Server> = OnceCell::const_new();
        SHARED
            .get_or_try_init(Self::start)
            .await
            .expect("a PostgreSQL server for the tests")
    }

    async fn start() -> anyhow::Result<Self> {
        let server = match std::env::var("WATERCLOCK_TEST_DATABASE_URL") {
            Ok(url) => Self {
                maintenance: Url::parse(&url).context("WATERCLOCK_TEST_DATABASE_URL")?,
                template: format!("{TEMPLATE}{}", std::process::id()),
                _keeper: None,
            },
            Err(_) => start_private().await?,
        };
        server.make_template().await?;
        Ok(server)
    }

    /// A connection to the database that is always there.
    pub async fn connect(&self) -> tokio_postgres::Client {
        connect(&self.maintenance)
            .await
            .expect("the server accepts connections")
    }

    /// The URL of the database `name`.
    #[must_use]
    pub fn url(&self, name: &str) -> Url {
        let mut url = self.maintenance.clone();
        url.set_path(name);
        url
    }

    /// Makes an empty database.
    pub async fn create(&self, name: &str) {
        let create = format!("CREATE DATABASE {name}");
        self.connect()
            .await
            .batch_execute(&create)
            .await
            .expect("a database");
    }

    /// Makes a database like the template. PostgreSQL itself waits a few seconds for whoever looks at the template.
    pub async fn clone_template(&self, name: &str) {
        let client = self.connect().await;
        let create = format!("CREATE DATABASE {name} TEMPLATE {}", self.template);
        let mut tries = 0;
        while let Err(error) = client.batch_execute(&create).await {
            tries += 1;
            assert!(tries < 10, "the template cannot be cloned: {error:?}");
        }
    }

    async fn make_template(&self) -> anyhow::Result<()> {
        let client = connect(&self.maintenance).await?;
        let template = &self.template;
        drop_stale_templates(&client).await?;
        client
            .batch_execute(&format!("CREATE DATABASE {template}"))
            .await?;
        let url = self.url(template);
        let database = Database::new(DatabaseUrl::parse(url.as_str())?, 1);
        migrate(&database).await?;
        drop(database);
        let client = connect(&url).await?;
        client
            .batch_execute(include_str!("movable_time.sql"))
            .await
            .context("time that can be moved")
    }
}

/// Removes the templates of processes that are gone; on a server that outlives them nobody else does.
async fn drop_stale_templates(client: &tokio_postgres::Client) -> anyhow::Result<()> {
    let names = client.query("SELECT datname::text FROM pg_database", &[]).await?;
    for name in names.iter().map(|row| row.get::<_, String>(0)) {
        let maker = name
            .strip_prefix(TEMPLATE)
            .and_then(|pid| pid.parse::<u32>().ok());
        if maker.is_some_and(|pid| pid == std::process::id() || !Path::new(&format!("/proc/{pid}")).exists())
        {
            client
                .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                .await?;
        }
    }
    Ok(())
}

/// Connects, and drives the connection as long as the client lives.
pub async fn connect(url: &Url) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn start_private() -> anyhow::Result<Server> {
    let programs = find_programs()?;
    let account = unprivileged_account()?;
    let folder = make_folder(account.as_ref())?;
    let cluster = folder.join("cluster");
    let mut initdb = command(&programs.join("initdb"), account.as_ref(), &folder);
    let output = initdb
        .arg("-D")
        .arg(&cluster)
        .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
        .args(["--locale=C.UTF-8", "--no-sync", "--no-instructions"])
        .output()
        .context("initdb")?;
    ensure!(
        output.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut keeper = command(Path::new("/bin/sh"), account.as_ref(), &folder);
    keeper.args(["-c", KEEPER, "keeper"]);
    keeper.arg(programs.join("postgres")).arg(&folder);
    keeper.arg("-D").arg(&cluster).arg("-k").arg(&folder);
    keeper.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    let keeper = keeper
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("the shell that owns the server")?;
    let superuser = url_of(&folder, "postgres", "postgres")?;
    let client = first_connection(&superuser, &folder).await?;
    client
        .batch_execute(&format!("CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE"))
        .await?;
    Ok(Server {
        maintenance: url_of(&folder, OWNER, "postgres")?,
        template: format!("{TEMPLATE}{}", std::process::id()),
        _keeper: Some(keeper),
    })
}

fn url_of(folder: &Path, user: &str, name: &str) -> anyhow::Result<Url> {
    let mut url = Url::parse(&format!("postgresql:///{name}"))?;
    url.query_pairs_mut()
        .append_pair("user", user)
        .append_pair("host", folder.to_str().context("a folder in UTF-8")?);
    Ok(url)
}

/// The server needs a moment until it listens, and nothing tells when; so this asks again, as fast as it is refused.
async fn first_connection(url: &Url, folder: &Path) -> anyhow::Result<tokio_postgres::Client> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        match connect(url).await {
            Ok(client) => return Ok(client),
            Err(_) if std::time::Instant::now() < deadline => tokio::task::yield_now().await,
            Err(error) => {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                bail!("the server did not start: {error}\n{log}");
            }
        }
    }
}

fn command(program: &Path, account: Option<&User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C.UTF-8");
    if let Some(user) = account {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// PostgreSQL refuses to run as root; then it is somebody who may do less.
fn unprivileged_account() -> anyhow::Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(Some)
        .context("PostgreSQL refuses to run as root, and there is neither `postgres` nor `nobody`")
}

/// A folder whose path is short enough for a socket, and into which nobody else may look.
fn make_folder(account: Option<&User>) -> anyhow::Result<PathBuf> {
    let name = format!("waterclock-tests-{}", uuid::Uuid::new_v4().simple());
    let folder = Path::new("/tmp").join(&name[..30]);
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    if let Some(user) = account {
        chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    Ok(folder)
}

/// The folder of PostgreSQL's programs, of the highest version when there are several.
fn find_programs() -> anyhow::Result<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.and_then(|output| String::from_utf8(output.stdout).ok());
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort_unstable();
    let path = std::env::var_os("PATH").unwrap_or_default();
    told.map(|bin| PathBuf::from(bin.trim_end()))
        .into_iter()
        .chain(versions.into_iter().rev().map(|(_, bin)| bin))
        .chain(std::env::split_paths(&path))
        .find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .context(
            "no PostgreSQL on this machine; install it, or name a server in WATERCLOCK_TEST_DATABASE_URL",
        )
}
