//! The options of the roles, and of what serves them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use url::Url;
use waterclock_api::auth::{JwksSource, Scope};
use waterclock_api::transport::AllowedOrigins;
use waterclock_core::alert::{Mailer, MailerError};
use waterclock_core::egress::EgressPolicy;
use waterclock_core::store::DatabaseUrl;

use crate::duration::parse_duration;

/// Options of `up`.
#[derive(Args, Debug)]
#[command(after_help = "\
Without a database URL, a private PostgreSQL cluster is kept in the data directory. Ctrl-C stops everything; the next
start finds all that was there.

Examples:
    waterclock up
    waterclock up --bare --listen 0.0.0.0:8080 --data-dir /var/lib/waterclock
    DATABASE_URL=postgres://waterclock@localhost/waterclock waterclock up")]
pub(crate) struct UpArgs {
    /// Leave the demonstration out: no tenant, no examples, no run
    #[arg(long)]
    pub(crate) bare: bool,
    /// The folder with the demonstration's definitions
    #[arg(long, value_name = "FOLDER", default_value = "examples")]
    pub(crate) examples: PathBuf,
    /// The PostgreSQL server to use in place of a private one
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = database_url)]
    pub(crate) database_url: Option<DatabaseUrl>,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) auth: AuthArgs,
    #[command(flatten)]
    pub(crate) executor: ExecutorArgs,
    #[command(flatten)]
    pub(crate) callback: CallbackArgs,
    #[command(flatten)]
    pub(crate) egress: EgressArgs,
    #[command(flatten)]
    pub(crate) mail: MailArgs,
}

/// Options of `api`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
    WATERCLOCK_JWT_JWKS=https://id.example.org/jwks.json WATERCLOCK_JWT_ISSUER=https://id.example.org \\
        waterclock api --database-url postgres://waterclock@db/waterclock --listen 0.0.0.0:8080")]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) auth: AuthArgs,
    #[command(flatten)]
    pub(crate) mail: MailArgs,
}

/// Options of `scheduler`.
#[derive(Args, Debug)]
#[command(after_help = "\
Run as many as you like: each partition of the tenants is scheduled by one of them at a time, and by another when that
one is lost.")]
pub(crate) struct SchedulerArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) egress: EgressArgs,
    #[command(flatten)]
    pub(crate) mail: MailArgs,
}

/// Options of `executor`.
#[derive(Args, Debug)]
#[command(after_help = "\
SIGTERM drains it: it takes no more work, what runs has the drain grace to finish, and the rest goes to others.

Example:
    waterclock executor --database-url postgres://waterclock@db/waterclock --slots 64 --label gpu --label zone=a")]
pub(crate) struct ExecutorRoleArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Its name among people, which no two live executors share; the machine's name and four random digits when not given
    #[arg(long, env = "WATERCLOCK_EXECUTOR_KEY", value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The only tenant it works for; all when not given
    #[arg(long, env = "WATERCLOCK_EXECUTOR_TENANT", value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) executor: ExecutorArgs,
    #[command(flatten)]
    pub(crate) callback: CallbackArgs,
    #[command(flatten)]
    pub(crate) egress: EgressArgs,
}

/// Options of `migrate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Migrations widen before they narrow, so processes of the release before go on working while it runs.")]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Where the database is.
#[derive(Args, Debug)]
pub(crate) struct DatabaseArgs {
    /// The PostgreSQL server (14 to 18) and the database on it
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = database_url
    )]
    pub(crate) database_url: DatabaseUrl,
}

/// How the API is reached.
#[derive(Args, Debug)]
#[command(next_help_heading = "API")]
pub(crate) struct ListenArgs {
    /// The address and port that the API listens on
    #[arg(
        long,
        env = "WATERCLOCK_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub(crate) listen: SocketAddr,
    /// The origins of web pages that may use the API from a browser, separated by commas; its own always may
    #[arg(
        long,
        env = "WATERCLOCK_ALLOWED_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ',',
        value_parser = origin
    )]
    pub(crate) allowed_origins: Vec<String>,
}

/// How much the API takes.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "API")]
pub(crate) struct LimitArgs {
    /// The most nodes of a workflow
    #[arg(long = "max-workflow-nodes", env = "WATERCLOCK_MAX_WORKFLOW_NODES", value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) workflow_nodes: u32,
    /// The most edges of a workflow, given and required together
    #[arg(long = "max-workflow-edges", env = "WATERCLOCK_MAX_WORKFLOW_EDGES", value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) workflow_edges: u32,
    /// The largest body of a request, in bytes; the largest workflow must fit into it
    #[arg(long = "max-request-bytes", env = "WATERCLOCK_MAX_REQUEST_BYTES", value_name = "BYTES", default_value = "16777216", value_parser = clap::value_parser!(u32).range(65_536..=1_073_741_824))]
    pub(crate) request_bytes: u32,
}

/// How tokens are verified.
#[derive(Args, Debug)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct AuthArgs {
    /// The secret that tokens are signed with (HS256), at least 32 bytes; better given as the variable, since others on
    /// the machine can read a command line
    #[arg(
        long,
        env = "WATERCLOCK_JWT_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub(crate) jwt_secret: Option<String>,
    /// A PEM file with the public key that tokens are verified with (RS256, ES256 or `EdDSA`, by the key's type)
    #[arg(long, env = "WATERCLOCK_JWT_PUBLIC_KEY", value_name = "FILE")]
    pub(crate) jwt_public_key: Option<PathBuf>,
    /// The JSON Web Key Set that tokens are verified with
    #[arg(long, env = "WATERCLOCK_JWT_JWKS", value_name = "FILE|URL")]
    pub(crate) jwt_jwks: Option<JwksSource>,
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
}

/// What every token claims.
#[derive(Args, Debug)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct ClaimArgs {
    /// The issuer (`iss`) that a token names
    #[arg(
        long,
        env = "WATERCLOCK_JWT_ISSUER",
        value_name = "ISSUER",
        default_value = "waterclock"
    )]
    pub(crate) jwt_issuer: String,
    /// The audience (`aud`) that a token names
    #[arg(
        long,
        env = "WATERCLOCK_JWT_AUDIENCE",
        value_name = "AUDIENCE",
        default_value = "waterclock"
    )]
    pub(crate) jwt_audience: String,
}

/// What an executor offers.
#[derive(Args, Debug)]
#[command(next_help_heading = "Executor")]
pub(crate) struct ExecutorArgs {
    /// How much it does at once; a task node costs 1 unless it says otherwise
    #[arg(long, env = "WATERCLOCK_EXECUTOR_SLOTS", value_name = "N", default_value = "16", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) slots: u32,
    /// What it offers to task nodes that require it: a word or name=value; may be given several times
    #[arg(
        long = "label",
        env = "WATERCLOCK_EXECUTOR_LABELS",
        value_name = "LABEL",
        value_delimiter = ','
    )]
    pub(crate) labels: Vec<String>,
    /// The share of the machine's processors in use, 0 to 1, above which it takes no more work
    #[arg(long, env = "WATERCLOCK_EXECUTOR_CPU_THRESHOLD", value_name = "SHARE", value_parser = share)]
    pub(crate) cpu_threshold: Option<f32>,
    /// The share of the machine's memory in use, 0 to 1, above which it takes no more work
    #[arg(long, env = "WATERCLOCK_EXECUTOR_MEMORY_THRESHOLD", value_name = "SHARE", value_parser = share)]
    pub(crate) memory_threshold: Option<f32>,
    /// How long what runs may go on once it is told to stop
    #[arg(long, env = "WATERCLOCK_EXECUTOR_DRAIN_GRACE", value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) drain_grace: Duration,
}

/// Where endpoints that finish later call back.
#[derive(Args, Debug)]
#[command(next_help_heading = "Executor")]
pub(crate) struct CallbackArgs {
    /// The address of the API as endpoints reach it, for those that call back when they have finished; without it they
    /// cannot be called. `up` takes the address that its API listens on when not given
    #[arg(long, env = "WATERCLOCK_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub(crate) public_url: Option<Url>,
}

/// What may be called for a tenant.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Network")]
pub(crate) struct EgressArgs {
    /// A network that is not public and that endpoints, where this performs, and webhooks of alerts, where it schedules, may
    /// reach all the same: 10.1.0.0/16, a single address, or * for every one; may be given several times. `up` allows this
    /// machine itself when not given
    #[arg(
        long = "allow-network",
        env = "WATERCLOCK_ALLOW_NETWORKS",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = network
    )]
    pub(crate) allowed_networks: Vec<String>,
}

/// How mail is sent. The API is told as well, so that it takes no mail addresses where none is.
#[derive(Args, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct MailArgs {
    /// The server that alerts are handed in at as mail: `smtps://user:password@mail.example.org`, or `smtp://` with
    /// ?tls=required; better given as the variable, since others on the machine can read a command line
    #[arg(
        long,
        env = "WATERCLOCK_SMTP_URL",
        hide_env_values = true,
        value_name = "URL",
        requires = "smtp_from"
    )]
    pub(crate) smtp_url: Option<String>,
    /// From whom mail comes, unless a channel says otherwise: "Waterclock <waterclock@example.org>"
    #[arg(long, env = "WATERCLOCK_SMTP_FROM", value_name = "ADDRESS")]
    pub(crate) smtp_from: Option<String>,
}

impl MailArgs {
    /// What sends mail, if anything is to.
    pub(crate) fn mailer(&self) -> Result<Option<Mailer>, MailerError> {
        self.smtp_url
            .as_deref()
            .zip(self.smtp_from.as_deref())
            .map(|(url, from)| Mailer::new(url, from))
            .transpose()
    }
}

/// Options of `token`.
#[derive(Args, Debug)]
#[command(after_help = "\
It is signed with WATERCLOCK_JWT_SECRET, or else with the secret that `up` keeps in the data directory.

Example:
    export WATERCLOCK_TOKEN=$(waterclock token --tenant demo --scope developer)")]
pub(crate) struct TokenArgs {
    /// The tenant that the token is for
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: String,
    /// What it allows, each including those before it: viewer, operator, developer, admin; beside them platform and
    /// executor. May be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = scope)]
    pub(crate) scopes: Vec<Scope>,
    /// Who it is for
    #[arg(long, value_name = "SUBJECT", default_value = "command-line")]
    pub(crate) subject: String,
    /// How long it is valid: 90s, 15m, 12h, 30d
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = parse_duration)]
    pub(crate) ttl: Duration,
    /// The secret to sign with; the data directory's when not given
    #[arg(
        long,
        env = "WATERCLOCK_JWT_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub(crate) jwt_secret: Option<String>,
    #[command(flatten)]
    pub(crate) claims: ClaimArgs,
}

fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    if text.trim().is_empty() {
        return Err("it is empty; write it as postgres://user:password@host:5432/name".to_owned());
    }
    DatabaseUrl::parse(text).map_err(|error| error.to_string())
}

fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() {
        return Err("write it as https://waterclock.example.org".to_owned());
    }
    Ok(url)
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("there are {}", words.join(", "))
    })
}

fn network(text: &str) -> Result<String, String> {
    EgressPolicy::allowing([text])
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

fn origin(text: &str) -> Result<String, String> {
    AllowedOrigins::parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("a share is a number above 0 and at most 1, such as 0.9".to_owned()),
    }
}
