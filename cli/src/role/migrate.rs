//! `waterclock migrate`.

use tokio_util::sync::CancellationToken;

use super::FEW_CONNECTIONS;
use super::foundation::{Behind, Foundation};
use crate::args::MigrateArgs;
use crate::output::out;

pub(super) async fn run(args: MigrateArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let foundation = Foundation::new(args.database.database_url, FEW_CONNECTIONS);
    if !foundation.ready(Behind::Migrate, &shutdown).await? {
        anyhow::bail!("stopped before the database was reached");
    }
    out!(
        "The database has the schema of waterclock {}.",
        env!("CARGO_PKG_VERSION")
    );
    Ok(())
}
