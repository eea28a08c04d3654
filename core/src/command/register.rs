//! Registers programs, endpoints and task nodes; and workflows, for [`super::edit_workflow`].

use serde::Serialize;
use uuid::Uuid;

use super::conclude::conclude;
use super::idempotency::{Claim, check_idempotency_key, claim};
use super::{Author, Proposal};
use crate::check::{Faults, check_key, check_text};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::registered::{Registered, Registrable};
use crate::store::registry::Registry;
use crate::store::{Actor, Database, Transaction};

/// The most bytes of a description.
pub(super) const LONGEST_DESCRIPTION: usize = 4 * 1024;

/// Something that a caller wants to register.
#[derive(Clone, Debug, Serialize)]
pub struct New<P> {
    /// Its name among people.
    pub key: String,
    /// What it is for.
    pub description: String,
    /// What it is.
    pub proposal: P,
    /// The caller's name for this call: made again under the same name, it answers the same.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Registers a program, an endpoint or a task node.
pub async fn register<P: Proposal>(
    database: &Database,
    author: &Author,
    new: &New<P>,
) -> Result<Registered<P::Spec>, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let registered = register_in(&mut transaction, author, new).await;
    conclude(transaction, registered.map(|(registered, _)| registered)).await
}

/// Gives what was registered, and whether this call did it and not an earlier one under the same idempotency key.
pub(super) async fn register_in<P: Proposal>(
    transaction: &mut Transaction,
    author: &Author,
    new: &New<P>,
) -> Result<(Registered<P::Spec>, bool), CommandError> {
    let mut faults = Faults::default();
    check_new(&mut faults, new);
    let id = Uuid::now_v7();
    if faults.is_empty() {
        let key = new.idempotency_key.as_deref();
        if let Claim::Made(id) = claim(transaction, author.tenant, P::MUTATION, key, new, id).await? {
            return Ok((replay::<P::Spec>(transaction, author, id).await?, false));
        }
        if !P::Spec::find(transaction, author.tenant, &[], &[&new.key])
            .await?
            .is_empty()
        {
            faults.within("key", |faults| {
                faults.tell(RefusalCode::AlreadyExists, taken::<P::Spec>(&new.key));
            });
        }
    }
    let spec = new
        .proposal
        .check(&new.key, transaction, author.tenant, &mut faults)
        .await?;
    faults.into_result()?;
    let spec = spec.expect("a proposal without faults is a specification");
    let inserted = P::Spec::insert(transaction, author.tenant, id, &new.key, &new.description, &spec).await?;
    let registered = inserted.ok_or_else(|| {
        CommandError::refused(Refusal::new(
            RefusalCode::AlreadyExists,
            ["key"],
            taken::<P::Spec>(&new.key),
        ))
    })?;
    Ok((registered, true))
}

/// Checks the form of everything that is not the proposal itself.
pub(super) fn check_new<P>(faults: &mut Faults, new: &New<P>) {
    check_idempotency_key(faults, new.idempotency_key.as_deref());
    faults.within("key", |faults| check_key(faults, &new.key));
    faults.within("description", |faults| {
        check_text(faults, &new.description, LONGEST_DESCRIPTION);
    });
}

fn taken<S: Registrable>(key: &str) -> String {
    format!(
        "there is already a {} with the key {key:?}; update that one, or choose another key",
        S::NOUN
    )
}

/// What an earlier call under the same idempotency key made.
async fn replay<S: Registry>(
    transaction: &mut Transaction,
    author: &Author,
    id: Uuid,
) -> Result<Registered<S>, CommandError> {
    let made = S::find(transaction, author.tenant, &[id], &[]).await?;
    made.into_iter().next().ok_or_else(|| {
        let message = format!(
            "the {} that this idempotency key made was deleted since; use another key",
            S::NOUN
        );
        CommandError::refused(Refusal::new(RefusalCode::Conflict, ["idempotencyKey"], message))
    })
}
