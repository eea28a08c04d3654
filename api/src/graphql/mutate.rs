//! Mutations of what is registered, which all run alike.

use async_graphql::{Context, ID, InputObject, Result};
use waterclock_core::command::Proposal;
use waterclock_core::command::register::{New, register};
use waterclock_core::command::revise::{Edit, revise};
use waterclock_core::command::unregister::unregister;
use waterclock_core::error::CommandError;
use waterclock_core::registered::{Registered, Registrable};
use waterclock_core::store::{Database, Registry};

use super::guard::author;
use super::id::{Kind, of_kind};

/// Deletes one thing, if nothing uses it.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DeleteInput {
    /// What to delete.
    pub(crate) id: ID,
    /// The revision that the caller has read; another one is a conflict.
    pub(crate) expected_revision: i32,
}

/// What registering came to: the thing, or what is wrong with the input.
pub(crate) type Outcome<S> = std::result::Result<Registered<S>, CommandError>;

/// Registers something for the caller.
pub(crate) async fn create<P: Proposal>(context: &Context<'_>, new: New<P>) -> Result<Outcome<P::Spec>> {
    Ok(register(context.data::<Database>()?, &author(context)?, &new).await)
}

/// Edits something of the caller's.
pub(crate) async fn update<P: Proposal>(context: &Context<'_>, edit: Edit<P>) -> Result<Outcome<P::Spec>> {
    Ok(revise(context.data::<Database>()?, &author(context)?, &edit).await)
}

/// Deletes something of the caller's and gives its id back.
pub(crate) async fn delete<S: Registry>(
    context: &Context<'_>,
    kind: Kind,
    input: DeleteInput,
) -> Result<std::result::Result<ID, CommandError>> {
    let id: <S as Registrable>::Id = of_kind(kind, &input.id);
    let deleted = unregister::<S>(
        context.data::<Database>()?,
        &author(context)?,
        id,
        input.expected_revision,
    )
    .await;
    Ok(deleted.map(|()| input.id))
}
