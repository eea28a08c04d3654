//! How the transaction of a command ends.

use crate::error::CommandError;
use crate::store::Transaction;

/// Commits what a command did, or undoes what it began when it refused.
///
/// A transaction in which the database itself failed is dropped with its connection, which nobody can trust any more.
pub(super) async fn conclude<T>(
    transaction: Transaction,
    result: Result<T, CommandError>,
) -> Result<T, CommandError> {
    match &result {
        Ok(_) => transaction.commit().await?,
        Err(CommandError::Store(_)) => drop(transaction),
        Err(CommandError::Refused(_) | CommandError::IdempotencyConflict(_)) => {
            transaction.rollback().await?;
        }
    }
    result
}
