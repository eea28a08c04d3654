//! The roles: each put together from the libraries, run until it is told to stop, and then stopped in order.

mod api;
mod executor;
mod foundation;
mod migrate;
mod runtime;
mod scheduler;
mod up;
mod welcome;

use crate::args::{ApiArgs, ExecutorRoleArgs, MigrateArgs, ProcessArgs, SchedulerArgs, UpArgs};
use crate::exit::Exit;
use crate::shutdown;

/// Connections of a role that answers many clients at once, and of one that works through its own loop.
const MANY_CONNECTIONS: usize = 12;
const FEW_CONNECTIONS: usize = 4;

pub(crate) fn up(process: &ProcessArgs, args: UpArgs) -> anyhow::Result<Exit> {
    runtime::of_role()?.block_on(async {
        let shutdown = shutdown::on_signals()?;
        up::run(process, args, shutdown).await
    })?;
    Ok(Exit::Success)
}

pub(crate) fn api(args: ApiArgs) -> anyhow::Result<Exit> {
    runtime::of_role()?.block_on(async {
        let shutdown = shutdown::on_signals()?;
        api::run(args, shutdown).await
    })?;
    Ok(Exit::Success)
}

pub(crate) fn scheduler(args: SchedulerArgs) -> anyhow::Result<Exit> {
    runtime::of_role()?.block_on(async {
        let shutdown = shutdown::on_signals()?;
        scheduler::run(args, shutdown).await
    })?;
    Ok(Exit::Success)
}

pub(crate) fn executor(process: &ProcessArgs, args: ExecutorRoleArgs) -> anyhow::Result<Exit> {
    runtime::of_role()?.block_on(async {
        let shutdown = shutdown::on_signals()?;
        executor::run(process, args, shutdown).await
    })?;
    Ok(Exit::Success)
}

pub(crate) fn migrate(args: MigrateArgs) -> anyhow::Result<Exit> {
    runtime::of_role()?.block_on(async {
        let shutdown = shutdown::on_signals()?;
        migrate::run(args, shutdown).await
    })?;
    Ok(Exit::Success)
}
