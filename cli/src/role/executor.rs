//! `waterclock executor`.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use waterclock_core::egress::{EgressPolicy, NetworkError};
use waterclock_core::source::PostgresSource;
use waterclock_executor::{ExecutorConfig, LoadThresholds};

use super::FEW_CONNECTIONS;
use super::foundation::{Behind, Foundation, hostname};
use crate::args::{EgressArgs, ExecutorArgs, ExecutorRoleArgs, ProcessArgs};

pub(super) async fn run(
    process: &ProcessArgs,
    args: ExecutorRoleArgs,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let config = ExecutorConfig {
        tenant: args.tenant,
        ..config(args.executor, args.egress, args.key, &process.data_dir)?
    };
    let public_url = args.callback.public_url;
    let foundation = Foundation::new(args.database.database_url, FEW_CONNECTIONS);
    if foundation.ready(Behind::Wait, &shutdown).await? {
        let tasks = TaskTracker::new();
        foundation.start(&tasks, &shutdown);
        let performed = perform(&foundation, config, public_url, shutdown.clone()).await;
        shutdown.cancel();
        tasks.close();
        tasks.wait().await;
        performed?;
    }
    Ok(())
}

/// What the executor is to be, under the machine's name unless `key` gives another.
pub(super) fn config(
    args: ExecutorArgs,
    egress: EgressArgs,
    key: Option<String>,
    data_dir: &Path,
) -> Result<ExecutorConfig, NetworkError> {
    Ok(ExecutorConfig {
        labels: args.labels,
        drain_grace: args.drain_grace,
        load: LoadThresholds {
            cpu: args.cpu_threshold,
            memory: args.memory_threshold,
        },
        egress: EgressPolicy::allowing(egress.allowed_networks)?,
        ..ExecutorConfig::new(key.unwrap_or_else(hostname), args.slots, data_dir)
    })
}

/// Performs work until `shutdown`, and then until what runs has ended or was handed back. Endpoints call back below `public_url`.
pub(super) async fn perform(
    foundation: &Foundation,
    config: ExecutorConfig,
    public_url: Option<Url>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let Foundation {
        database, signals, ..
    } = foundation.clone();
    let source =
        PostgresSource::new(database, signals, config.lease).called_back_at(public_url.map(String::from));
    waterclock_executor::run(config, Arc::new(source), shutdown).await?;
    Ok(())
}
