//! Deletes programs, endpoints, task nodes and workflows that nothing uses.

use super::Author;
use super::conclude::conclude;
use super::revise::{check_revision, lock_current};
use crate::check::Faults;
use crate::error::{CommandError, RefusalCode};
use crate::store::registry::Registry;
use crate::store::{Actor, Database, Transaction};

/// Deletes what `id` names, unless something uses it, which is then told.
///
/// Whoever begins to use it holds it first, so nothing can come to lean on what is being deleted.
pub async fn unregister<S: Registry>(
    database: &Database,
    author: &Author,
    id: S::Id,
    expected_revision: i32,
) -> Result<(), CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let removed = remove_unused::<S>(&mut transaction, author, id, expected_revision).await;
    conclude(transaction, removed).await
}

async fn remove_unused<S: Registry>(
    transaction: &mut Transaction,
    author: &Author,
    id: S::Id,
    expected_revision: i32,
) -> Result<(), CommandError> {
    let current = lock_current::<S>(transaction, author, id).await?;
    let mut faults = Faults::default();
    check_revision(&current, expected_revision, &mut faults);
    let users = S::users(transaction, author.tenant, id.into()).await?;
    if !users.is_empty() {
        let message = format!(
            "the {} {:?} cannot be deleted while it is used by the {} {}",
            S::NOUN,
            current.key,
            S::USERS,
            users.join(", ")
        );
        faults.within("id", |faults| faults.tell(RefusalCode::Conflict, message));
    }
    faults.into_result()?;
    Ok(S::remove(transaction, author.tenant, id.into()).await?)
}
