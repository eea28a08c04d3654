//! `waterclock up`: every role in one process, PostgreSQL beside it, and a demonstration.
//!
//! What is started first is stopped last. The listener comes before all else, so that a port in use is told before anything
//! is made; PostgreSQL is stopped after every role has ended, whatever ended them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use waterclock_api::auth::Authenticator;
use waterclock_api::transport::AllowedOrigins;
use waterclock_core::alert::DeliverySettings;
use waterclock_core::clock::SystemClock;
use waterclock_core::store::DatabaseUrl;
use waterclock_executor::ExecutorConfig;

use super::api::{self, ApiSettings, Usable};
use super::foundation::{Behind, Foundation};
use super::welcome::{Welcome, base_of};
use super::{MANY_CONNECTIONS, executor, scheduler};
use crate::args::{ProcessArgs, UpArgs};
use crate::data_dir::DataDir;
use crate::output::note;
use crate::postgres::{Cluster, ClusterError};

/// What the roles are started with.
struct Roles {
    url: DatabaseUrl,
    api: ApiSettings,
    executor: ExecutorConfig,
    public_url: Url,
    deliveries: DeliverySettings,
    welcome: Welcome,
}

/// What endpoints may reach of this machine itself, unless something else is said: whoever runs everything here means to
/// call what else runs here.
const OWN_NETWORKS: [&str; 2] = ["127.0.0.0/8", "::1"];

pub(super) async fn run(
    process: &ProcessArgs,
    args: UpArgs,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let data_dir = DataDir::open(&process.data_dir)?;
    let _lock = data_dir.lock()?;
    let secret = data_dir.secret()?;
    let listener = api::bind(args.listen.listen).await?;
    let auth = api::auth_config(args.auth, Some(secret))?;
    let examples = (!args.bare).then_some(args.examples);
    let welcome = Welcome::new(listener.local_addr()?, &auth, examples, process.data_dir.clone())?;
    let address = listener.local_addr()?;
    let public_url = args.callback.public_url.unwrap_or_else(|| base_of(address));
    let mut egress = args.egress;
    if egress.allowed_networks.is_empty() {
        egress.allowed_networks = OWN_NETWORKS.map(str::to_owned).to_vec();
    }
    let config = executor::config(args.executor, egress.clone(), None, &process.data_dir)?;
    let api = ApiSettings {
        listener,
        allowed_origins: AllowedOrigins::parse(&args.listen.allowed_origins.join(","))?,
        authenticator: Authenticator::new(auth, Arc::new(SystemClock))?,
        limits: args.limits,
        sends_mail: args.mail.smtp_url.is_some(),
    };
    let deliveries = scheduler::delivery_settings(egress, &args.mail)?;
    let roles = |url| Roles {
        url,
        api,
        executor: config,
        public_url,
        deliveries,
        welcome,
    };
    match args.database_url {
        Some(url) => Box::pin(roles(url).run(shutdown)).await,
        None => beside_cluster(&data_dir, roles, shutdown).await,
    }
}

/// Runs the roles on the private cluster of `data_dir`.
async fn beside_cluster(
    data_dir: &DataDir,
    roles: impl FnOnce(DatabaseUrl) -> Roles,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let mut cluster = Cluster::launch(data_dir).await?;
    let ended = on_cluster(&mut cluster, roles, shutdown).await;
    cluster.stop().await;
    ended
}

async fn on_cluster(
    cluster: &mut Cluster,
    roles: impl FnOnce(DatabaseUrl) -> Roles,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        ready = cluster.ready() => ready?,
    }
    let roles = roles(DatabaseUrl::parse(&cluster.url())?);
    let stop = shutdown.child_token();
    let mut running = Box::pin(roles.run(stop.clone()));
    let lost: ClusterError = tokio::select! {
        ended = &mut running => return ended,
        lost = cluster.keep_running() => lost,
    };
    stop.cancel();
    running.await?;
    Err(lost.into())
}

impl Roles {
    async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let foundation = Foundation::new(self.url, MANY_CONNECTIONS);
        if !foundation.ready(Behind::Migrate, &shutdown).await? {
            return Ok(());
        }
        let tasks = TaskTracker::new();
        foundation.start(&tasks, &shutdown);
        let usable = Usable::default();
        usable.begin();
        let serving = api::serve(&foundation, self.api, usable, shutdown.clone());
        let performing = executor::perform(
            &foundation,
            self.executor,
            Some(self.public_url),
            shutdown.clone(),
        );
        let scheduling = scheduler::schedule(&foundation, self.deliveries, shutdown.clone());
        let welcoming = async {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.welcome.tell() => shutdown.cancelled().await,
            }
            note!("\nStopping, once what runs has ended or the drain grace is over; Ctrl-C again forces it.");
        };
        // All are awaited, whichever fails: each has things to put in order at its end.
        let (served, performed, scheduled, ()) = tokio::join!(
            whole(serving, &shutdown),
            whole(performing, &shutdown),
            whole(scheduling, &shutdown),
            welcoming,
        );
        tasks.close();
        tasks.wait().await;
        served.and(performed).and(scheduled)
    }
}

/// Has all roles stop when one ends.
async fn whole<T>(role: impl Future<Output = T>, shutdown: &CancellationToken) -> T {
    let ended = role.await;
    shutdown.cancel();
    ended
}
