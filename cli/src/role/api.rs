//! `waterclock api`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;
use waterclock_api::auth::{AuthConfig, Authenticator, Gate, Keys};
use waterclock_api::callbacks::{self, Callbacks};
use waterclock_api::graphql::{self, Services};
use waterclock_api::health::Readiness;
use waterclock_api::packages::{self, Packages};
use waterclock_api::server::{self, ServerConfig};
use waterclock_api::tenants::StoredTenants;
use waterclock_api::transport::{AllowedOrigins, Settings, Shutdown};
use waterclock_api::webhooks::{self, Webhooks};
use waterclock_core::clock::SystemClock;
use waterclock_core::store::{Actor, Database, Versions};
use waterclock_core::watch::Watch;
use waterclock_core::workflow::WorkflowLimits;

use super::MANY_CONNECTIONS;
use super::foundation::{Behind, Foundation};
use crate::args::{ApiArgs, AuthArgs, LimitArgs};

/// What the API needs beside its [`Foundation`].
pub(super) struct ApiSettings {
    pub(super) listener: TcpListener,
    pub(super) allowed_origins: AllowedOrigins,
    pub(super) authenticator: Authenticator,
    pub(super) sends_mail: bool,
    pub(super) limits: LimitArgs,
}

pub(super) async fn run(args: ApiArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let settings = ApiSettings {
        listener: bind(args.listen.listen).await?,
        allowed_origins: AllowedOrigins::parse(&args.listen.allowed_origins.join(","))?,
        authenticator: Authenticator::new(auth_config(args.auth, None)?, Arc::new(SystemClock))?,
        sends_mail: args.mail.mailer()?.is_some(),
        limits: args.limits,
    };
    let foundation = Foundation::new(args.database.database_url, MANY_CONNECTIONS);
    let tasks = TaskTracker::new();
    // It answers from the start: that it is alive, and why it is not ready.
    let usable = Usable::default();
    let preparing = async {
        let ready = foundation.ready(Behind::Wait, &shutdown).await;
        match ready {
            Ok(true) => {
                foundation.start(&tasks, &shutdown);
                usable.begin();
            }
            // What cannot be waited for is no use to serve.
            _ => shutdown.cancel(),
        }
        ready.map(drop)
    };
    let serving = serve(&foundation, settings, usable.clone(), shutdown.clone());
    let serving = async {
        let served = serving.await;
        shutdown.cancel();
        served
    };
    let (served, prepared) = tokio::join!(serving, preparing);
    tasks.close();
    tasks.wait().await;
    served.and(prepared.map_err(Into::into))
}

/// Takes the address.
pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => anyhow::anyhow!(
                "{address} is in use by another process; stop it, or choose another address with --listen"
            ),
            _ => anyhow::Error::new(error).context(format!(
                "cannot listen on {address}; choose another address with --listen"
            )),
        })
}

/// How tokens are verified: as `args` say, or with `own_secret` when they name no key.
pub(super) fn auth_config(args: AuthArgs, own_secret: Option<String>) -> anyhow::Result<AuthConfig> {
    let pem = args
        .jwt_public_key
        .map(|path| {
            std::fs::read_to_string(&path)
                .with_context(|| format!("WATERCLOCK_JWT_PUBLIC_KEY: {} cannot be read", path.display()))
        })
        .transpose()?;
    let secret = match args.jwt_secret {
        None if pem.is_none() && args.jwt_jwks.is_none() => own_secret,
        secret => secret,
    };
    Ok(AuthConfig {
        issuer: args.claims.jwt_issuer,
        audience: args.claims.jwt_audience,
        keys: Keys::from_settings(secret.map(String::into_bytes), pem, args.jwt_jwks)?,
    })
}

/// Serves until `shutdown`.
pub(super) async fn serve(
    foundation: &Foundation,
    settings: ApiSettings,
    usable: Usable,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let Foundation { signals, metrics, .. } = foundation.clone();
    let database = foundation.database.for_api(MANY_CONNECTIONS);
    let tenants = Arc::new(StoredTenants::new(database.clone()));
    let gate = Gate::new(Arc::new(settings.authenticator), tenants);
    let watch = Watch::new(database.clone(), signals.clone());
    metrics.show_subscribers(watch.clone());
    let versions = Versions::default();
    let webhooks = Webhooks {
        database: database.clone(),
        signals: signals.clone(),
    };
    let callbacks = Callbacks {
        database: database.clone(),
        signals: signals.clone(),
        versions: versions.clone(),
    };
    let schema = graphql::schema(Services {
        database: database.clone(),
        signals,
        watch: watch.clone(),
        versions,
        workflow_limits: workflow_limits(settings.limits),
        sends_mail: settings.sends_mail,
    });
    let packages = Packages {
        gate: gate.clone(),
        database: database.clone(),
    };
    let streams = Shutdown::on(shutdown.clone());
    let router = server::router(ServerConfig {
        engine: Arc::new(schema),
        sdl: graphql::sdl(),
        gate,
        allowed_origins: settings.allowed_origins,
        settings: Settings {
            max_body_bytes: settings.limits.request_bytes as usize,
            ..Settings::default()
        },
        readiness: Arc::new(DatabaseReadiness { database, usable }),
        metrics: metrics.registry,
        routes: packages::routes(packages)
            .merge(callbacks::routes(callbacks))
            .merge(webhooks::routes(webhooks)),
        shutdown: streams.clone(),
    });
    info!(address = %settings.listener.local_addr()?, "the API listens");
    let serving = server::serve(settings.listener, router, streams);
    tokio::join!(serving, watch.run(&shutdown)).0?;
    Ok(())
}

fn workflow_limits(args: LimitArgs) -> WorkflowLimits {
    WorkflowLimits {
        nodes: args.workflow_nodes as usize,
        edges: args.workflow_edges as usize,
    }
}

/// Whether the database was found to have this release's schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Usable(Arc<AtomicBool>);

impl Usable {
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Ready is who reaches a database with the schema of this release.
struct DatabaseReadiness {
    database: Database,
    usable: Usable,
}

#[async_trait]
impl Readiness for DatabaseReadiness {
    async fn check(&self) -> Result<(), String> {
        if !self.usable.0.load(Ordering::Relaxed) {
            return Err("the database has not been reached yet, or awaits `waterclock migrate`".to_owned());
        }
        let transaction = self.database.begin(Actor::Nobody).await;
        let reached = match transaction {
            Ok(transaction) => transaction.commit().await,
            Err(error) => Err(error),
        };
        reached.map_err(|error| error.to_string())
    }
}
