//! What programs, endpoints, task nodes and workflows have in common.
//!
//! Each is a specification that a tenant keeps under a key. The key stays for good, because runs, files and people refer to
//! it; everything else is replaced as a whole, and the revision rises each time, so that an edit made from an old reading is
//! noticed instead of undoing somebody else's. An edit that changes nothing leaves the revision as it is: applying the same
//! files twice is no edit.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A specification that a tenant may register under a key.
pub trait Registrable: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// The id of what is registered.
    type Id: Copy + Debug + Display + Eq + Hash + From<Uuid> + Into<Uuid> + Send + Sync + 'static;

    /// What it is called in messages: `program`.
    const NOUN: &'static str;
    /// What may use it, so that it cannot be deleted meanwhile: `task nodes`.
    const USERS: &'static str;
}

/// Something that a tenant has registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered<S: Registrable> {
    /// Names it for good.
    pub id: S::Id,
    /// Its name among people, unique within the tenant.
    pub key: String,
    /// Rises with every edit, from 1.
    pub revision: i32,
    /// What it is for.
    pub description: String,
    /// What was registered.
    pub spec: S,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}

/// How a caller names something that is registered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Reference<Id> {
    /// By its id.
    Id(Id),
    /// By its key.
    Key(String),
}

/// Which of the registered are listed, and from where.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Those whose keys come after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: i64,
    /// Those whose keys begin with this.
    pub prefix: Option<String>,
    /// Those whose key or description contains this, whatever the case.
    pub search: Option<String>,
}
