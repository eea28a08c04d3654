//! Brings a database to the schema of this release.

use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Database, StoreError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A migration failed; those before it stand.
    #[error("a migration failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database was migrated by a later release.
    #[error(
        "the database was migrated by a later release ({0}); run that release, or give this one another database"
    )]
    Newer(String),
}

/// Runs the migrations that have not run, one process at a time, and names them in order.
pub async fn migrate(database: &Database) -> Result<Vec<String>, MigrateError> {
    let mut connection = database.pool.get().await.map_err(StoreError::from)?;
    // Held by the session and not by a transaction, since each migration is a transaction of its own. The connection is
    // not given back to the pool, so the lock ends with it, however this function ends.
    connection
        .batch_execute("SELECT pg_advisory_lock(7340033, 1)")
        .await
        .map_err(StoreError::from)?;
    let connection = diesel_async::pooled_connection::deadpool::Object::<AsyncPgConnection>::take(connection);
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        refuse_newer(&mut harness)?;
        let run = harness
            .run_pending_migrations(MIGRATIONS)
            .map_err(MigrateError::Failed)?;
        Ok(run.iter().map(ToString::to_string).collect())
    })
    .await
    .map_err(|stopped| MigrateError::Failed(Box::new(stopped)))?
}

/// Whether every migration of this release has run.
pub async fn is_migrated(database: &Database) -> Result<bool, MigrateError> {
    let connection = database.pool.get().await.map_err(StoreError::from)?;
    let connection = diesel_async::pooled_connection::deadpool::Object::<AsyncPgConnection>::take(connection);
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        refuse_newer(&mut harness)?;
        harness
            .has_pending_migration(MIGRATIONS)
            .map(|pending| !pending)
            .map_err(MigrateError::Failed)
    })
    .await
    .map_err(|stopped| MigrateError::Failed(Box::new(stopped)))?
}

fn refuse_newer(harness: &mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<(), MigrateError> {
    use diesel::migration::{Migration, MigrationSource};

    let known: Vec<Box<dyn Migration<diesel::pg::Pg>>> =
        MIGRATIONS.migrations().map_err(MigrateError::Failed)?;
    let applied = harness.applied_migrations().map_err(MigrateError::Failed)?;
    match applied.iter().find(|version| {
        !known
            .iter()
            .any(|migration| migration.name().version() == **version)
    }) {
        Some(unknown) => Err(MigrateError::Newer(unknown.to_string())),
        None => Ok(()),
    }
}
