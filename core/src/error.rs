//! What a command answers when it does not do what it was asked.
//!
//! Two kinds must not be confused. A [`Refusal`] is about the input: the caller can mend it, so it names the field and the
//! remedy, and a command collects all of them before it answers. Everything else is about the service.

use crate::store::StoreError;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The input cannot be taken as it is.
    #[error("the input was refused: {}", .0.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
    /// The idempotency key was used before, for another input.
    #[error("the idempotency key {0:?} was used before with another input; give each call a key of its own")]
    IdempotencyConflict(String),
    /// The database did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError {
    /// One refusal.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

/// Something in the input that the caller can mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, for programs.
    pub code: RefusalCode,
    /// What is wrong and what to do about it, in a sentence.
    pub message: String,
    /// Where it stands in the input: names and places, outermost first.
    pub path: Vec<String>,
}

/// What can be wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalCode {
    /// A value is not of the form it must have.
    InvalidInput,
    /// What the input refers to does not exist, or is another tenant's.
    NotFound,
    /// Something with that key exists.
    AlreadyExists,
    /// The object is in a state, or in use, so that this cannot be done.
    Conflict,
    /// The object was edited since the caller read it.
    RevisionConflict {
        /// Its revision now.
        current: i32,
    },
    /// Nodes wait for each other.
    Cycle {
        /// Their keys, in order; the first is repeated at the end.
        cycle: Vec<String>,
    },
    /// A node of a graph is joined to nothing, or nothing leads to it.
    Unconnected,
    /// A bound is passed.
    QuotaExceeded {
        /// The bound.
        limit: i64,
    },
}

impl RefusalCode {
    /// Its name in tables and in the API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InvalidInput => "INVALID_INPUT",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Conflict => "CONFLICT",
            Self::RevisionConflict { .. } => "REVISION_CONFLICT",
            Self::Cycle { .. } => "CYCLE",
            Self::Unconnected => "UNCONNECTED",
            Self::QuotaExceeded { .. } => "QUOTA_EXCEEDED",
        }
    }
}

impl Refusal {
    /// A refusal of what stands at `path`.
    pub fn new<P: Into<String>>(
        code: RefusalCode,
        path: impl IntoIterator<Item = P>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            path: path.into_iter().map(Into::into).collect(),
        }
    }

    /// A value at `path` that is not of the form it must have.
    pub fn invalid<P: Into<String>>(path: impl IntoIterator<Item = P>, message: impl Into<String>) -> Self {
        Self::new(RefusalCode::InvalidInput, path, message)
    }

    /// A reference at `path` to what does not exist.
    pub fn not_found<P: Into<String>>(path: impl IntoIterator<Item = P>, message: impl Into<String>) -> Self {
        Self::new(RefusalCode::NotFound, path, message)
    }
}
