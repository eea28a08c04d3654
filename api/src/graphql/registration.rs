//! What clients see of everything that is registered, whatever it is.

use async_graphql::Object;
use chrono::Utc;
use waterclock_core::registered::{Registered, Registrable};

use super::scalar::DateTime;

/// What everything registered has.
pub(crate) struct Registration<'a> {
    key: &'a str,
    revision: i32,
    description: &'a str,
    created_at: chrono::DateTime<Utc>,
    updated_at: chrono::DateTime<Utc>,
}

impl<'a, S: Registrable> From<&'a Registered<S>> for Registration<'a> {
    fn from(registered: &'a Registered<S>) -> Self {
        Self {
            key: &registered.key,
            revision: registered.revision,
            description: &registered.description,
            created_at: registered.created_at,
            updated_at: registered.updated_at,
        }
    }
}

/// What everything registered has.
#[Object]
impl Registration<'_> {
    /// Its name among people, unique within the tenant.
    async fn key(&self) -> &str {
        self.key
    }

    /// Rises with every edit and publication, from 1.
    async fn revision(&self) -> i32 {
        self.revision
    }

    /// What it is for.
    async fn description(&self) -> &str {
        self.description
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        self.created_at.into()
    }

    /// When it was last edited or published.
    async fn updated_at(&self) -> DateTime {
        self.updated_at.into()
    }
}
