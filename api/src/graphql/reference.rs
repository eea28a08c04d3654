//! How inputs name what exists.

use async_graphql::{ID, OneofObject};
use uuid::Uuid;
use waterclock_core::registered::Reference;

use super::id::{Kind, of_kind};

/// Names something that exists, in one of two ways.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum ReferenceInput {
    /// By its id.
    Id(ID),
    /// By its key.
    Key(String),
}

impl ReferenceInput {
    /// What is named, which is a `kind`.
    pub(crate) fn resolve<Id: From<Uuid>>(self, kind: Kind) -> Reference<Id> {
        match self {
            Self::Id(id) => Reference::Id(of_kind(kind, &id)),
            Self::Key(key) => Reference::Key(key),
        }
    }
}
