//! Edits of what is settled by partition.
//!
//! A schedule, and whatever else starts runs by itself, is decided about under the lock of its tenant's partition. Whoever edits it takes the
//! same lock and waits for it: what was decided before the edit was decided by the old rule, and all after it is by the new one.

/// How often an edit that met another transaction is tried again.
pub(super) const TRIES: usize = 5;

/// Does `$edit` in a transaction that holds the lock of the partition of the author's tenant, again if it met another transaction; then raises
/// the signals that it collected. `$self` has a `database` and the function `raise`. It is a macro, because nobody can say yet that what an
/// asynchronous closure gives may be sent to another thread.
macro_rules! under_lock {
    ($self:ident, $author:ident, |$transaction:ident, $signals:ident| $edit:block) => {{
        use $crate::command::conclude::conclude;
        use $crate::command::partition_lock::TRIES;
        use $crate::error::CommandError;
        use $crate::store::schedule_states::wait_for_partition;
        use $crate::store::{Actor, StoreError};

        let mut tries = 1;
        loop {
            let mut signals = std::collections::BTreeSet::new();
            let mut transaction = $self.database.begin(Actor::Tenant($author.tenant)).await?;
            let done: Result<_, CommandError> =
                match wait_for_partition(&mut transaction, $author.tenant).await {
                    Ok(()) => {
                        let ($transaction, $signals) = (&mut transaction, &mut signals);
                        async { $edit }.await
                    }
                    Err(error) => Err(error.into()),
                };
            match conclude(transaction, done).await {
                Err(CommandError::Store(StoreError::Contended(_))) if tries < TRIES => tries += 1,
                Ok(done) => {
                    $self.raise($author.tenant, signals);
                    return Ok(done);
                }
                refused => return refused,
            }
        }
    }};
}

pub(super) use under_lock;
