//! Who changes something.

use std::sync::Arc;

use crate::id::TenantId;

/// Whoever a change is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The tenant whose rows are changed.
    pub tenant: TenantId,
    /// The subject of the token.
    pub subject: Arc<str>,
}
