//! Announcements to other processes.

use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;

use super::statement::{Fixed, statement};
use super::{Database, StoreError};

/// Announces `payloads` on `channel`, in a transaction of its own.
pub(crate) async fn announce(
    database: &Database,
    channel: &str,
    payloads: &[String],
) -> Result<(), StoreError> {
    let mut connection = database.pool.get().await?;
    Fixed(
        statement!("announce_signals")
            .bind::<Text, _>(channel)
            .bind::<Array<Text>, _>(payloads),
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
