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

/// The fields of an input that say what something is to be.
pub(crate) trait Propose {
    /// What the core takes.
    type Proposal: Proposal;

    /// The description, and what is proposed.
    fn propose(self) -> (String, Self::Proposal);
}

/// Declares the inputs that register and edit things of one kind, whose fields are `$fields`.
macro_rules! inputs {
    ($(#[$new_doc:meta])* $new:ident, $(#[$edit_doc:meta])* $edit:ident, $fields:ty, $kind:expr) => {
        $(#[$new_doc])*
        #[derive(Clone, Debug, async_graphql::InputObject)]
        pub(crate) struct $new {
            /// Its name among people: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
            key: String,
            /// The caller's name for this call: made again under the same name, it answers the same.
            idempotency_key: Option<String>,
            /// What it is.
            #[graphql(flatten)]
            fields: $fields,
        }

        $(#[$edit_doc])*
        #[derive(Clone, Debug, async_graphql::InputObject)]
        pub(crate) struct $edit {
            /// What to replace.
            id: async_graphql::ID,
            /// The revision that the caller has read; another one is a conflict.
            expected_revision: i32,
            /// What it is to be.
            #[graphql(flatten)]
            fields: $fields,
        }

        impl From<$new> for waterclock_core::command::register::New<<$fields as Propose>::Proposal> {
            fn from(input: $new) -> Self {
                let (description, proposal) = input.fields.propose();
                Self { key: input.key, description, proposal, idempotency_key: input.idempotency_key }
            }
        }

        impl From<$edit> for waterclock_core::command::revise::Edit<<$fields as Propose>::Proposal> {
            fn from(input: $edit) -> Self {
                let (description, proposal) = input.fields.propose();
                let id = crate::graphql::id::of_kind($kind, &input.id);
                Self { id, expected_revision: input.expected_revision, description, proposal }
            }
        }
    };
}

pub(crate) use inputs;
