//! Puts another specification in the place of what is registered.

use super::conclude::conclude;
use super::register::LONGEST_DESCRIPTION;
use super::{Author, Proposal};
use crate::check::{Faults, check_text};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::registered::{Registered, Registrable};
use crate::store::registry::Registry;
use crate::store::{Actor, Database, Transaction};

/// An edit.
#[derive(Clone, Debug)]
pub struct Edit<P: Proposal> {
    /// What is edited.
    pub id: <P::Spec as Registrable>::Id,
    /// The revision that the edit was made from.
    pub expected_revision: i32,
    /// What it is for.
    pub description: String,
    /// What it is to be, as a whole.
    pub proposal: P,
}

/// Edits a program, an endpoint or a task node. An edit that changes nothing leaves the revision as it is.
pub async fn revise<P: Proposal>(
    database: &Database,
    author: &Author,
    edit: &Edit<P>,
) -> Result<Registered<P::Spec>, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let revised = revise_in(&mut transaction, author, edit).await;
    conclude(transaction, revised).await
}

pub(super) async fn revise_in<P: Proposal>(
    transaction: &mut Transaction,
    author: &Author,
    edit: &Edit<P>,
) -> Result<Registered<P::Spec>, CommandError> {
    let mut faults = Faults::default();
    let current = lock_current::<P::Spec>(transaction, author, edit.id).await?;
    check_revision(&current, edit.expected_revision, &mut faults);
    faults.within("description", |faults| {
        check_text(faults, &edit.description, LONGEST_DESCRIPTION);
    });
    let spec = edit
        .proposal
        .check(&current.key, transaction, author.tenant, &mut faults)
        .await?;
    faults.into_result()?;
    let spec = spec.expect("a proposal without faults is a specification");
    if spec == current.spec && edit.description == current.description {
        return Ok(current);
    }
    Ok(P::Spec::replace(
        transaction,
        author.tenant,
        edit.id.into(),
        &edit.description,
        &spec,
    )
    .await?)
}

/// What `id` names, which is the caller's alone until the transaction ends.
pub(super) async fn lock_current<S: Registry>(
    transaction: &mut Transaction,
    author: &Author,
    id: S::Id,
) -> Result<Registered<S>, CommandError> {
    let current = S::lock(transaction, author.tenant, id.into()).await?;
    current.ok_or_else(|| {
        CommandError::refused(Refusal::not_found(
            ["id"],
            format!("there is no {} with that id", S::NOUN),
        ))
    })
}

/// Checks that the caller has seen the latest edit.
pub(super) fn check_revision<S: Registrable>(current: &Registered<S>, expected: i32, faults: &mut Faults) {
    if current.revision != expected {
        let message = format!(
            "the {} {:?} is at revision {}, not {expected}: it was edited since it was read; read it again and repeat the edit",
            S::NOUN,
            current.key,
            current.revision
        );
        let code = RefusalCode::RevisionConflict {
            current: current.revision,
        };
        faults.within("expectedRevision", |faults| faults.tell(code, message));
    }
}
