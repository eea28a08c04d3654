//! `waterclock scheduler`.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waterclock_core::scheduler::Scheduler;

use super::FEW_CONNECTIONS;
use super::foundation::{Behind, Foundation, hostname};
use crate::args::SchedulerArgs;

pub(super) async fn run(args: SchedulerArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let foundation = Foundation::new(args.database.database_url, FEW_CONNECTIONS);
    if foundation.ready(Behind::Wait, &shutdown).await? {
        let tasks = TaskTracker::new();
        foundation.start(&tasks, &shutdown);
        schedule(&foundation, shutdown).await;
        tasks.close();
        tasks.wait().await;
    }
    Ok(())
}

/// Schedules until `shutdown`.
pub(super) async fn schedule(foundation: &Foundation, shutdown: CancellationToken) {
    let Foundation {
        database,
        signals,
        metrics,
    } = foundation.clone();
    Scheduler::new(database, signals, metrics, hostname())
        .run(shutdown)
        .await;
}
