//! `waterclock scheduler`.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waterclock_core::alert::{Courier, DeliverySettings, Raiser};
use waterclock_core::egress::EgressPolicy;
use waterclock_core::scheduler::Scheduler;

use super::FEW_CONNECTIONS;
use super::foundation::{Behind, Foundation, hostname};
use crate::args::{EgressArgs, MailArgs, SchedulerArgs};

pub(super) async fn run(args: SchedulerArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let deliveries = delivery_settings(args.egress, &args.mail)?;
    let foundation = Foundation::new(args.database.database_url, FEW_CONNECTIONS);
    if foundation.ready(Behind::Wait, &shutdown).await? {
        let tasks = TaskTracker::new();
        foundation.start(&tasks, &shutdown);
        let scheduled = schedule(&foundation, deliveries, shutdown).await;
        tasks.close();
        tasks.wait().await;
        scheduled?;
    }
    Ok(())
}

/// How alerts leave this process.
pub(super) fn delivery_settings(egress: EgressArgs, mail: &MailArgs) -> anyhow::Result<DeliverySettings> {
    Ok(DeliverySettings {
        egress: EgressPolicy::allowing(egress.allowed_networks)?,
        mailer: mail.mailer()?,
    })
}

/// Schedules, raises alerts and delivers them until `shutdown`.
pub(super) async fn schedule(
    foundation: &Foundation,
    deliveries: DeliverySettings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let Foundation {
        database,
        signals,
        metrics,
    } = foundation.clone();
    let courier = Courier::new(database.clone(), signals.clone(), deliveries)?;
    let raiser = Raiser::new(database.clone(), signals.clone());
    let scheduler = Scheduler::new(database, signals, metrics, hostname());
    tokio::join!(
        scheduler.run(shutdown.clone()),
        raiser.run(shutdown.clone()),
        courier.run(shutdown),
    );
    Ok(())
}
