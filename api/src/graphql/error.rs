//! The one place where an error of the core becomes what a client sees.
//!
//! What the caller can mend in the input is data: the `userErrors` of a payload, each with the place of the mistake. What
//! stopped the request itself is a top-level error with a code. A fault of ours is neither: it leaves here with all its
//! causes, and the transport logs these under the request's id and tells the client nothing but the id.

use async_graphql::{Enum, Interface, Result, SimpleObject};
use waterclock_core::error::{CommandError, Refusal, RefusalCode};

use crate::transport::ErrorCode;

/// What is wrong with an input, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum UserErrorCode {
    /// A value is not of the form it must have.
    InvalidInput,
    /// What the input refers to does not exist.
    NotFound,
    /// Something with that key exists.
    AlreadyExists,
    /// The object is in a state, or in use, so that this cannot be done.
    Conflict,
    /// The object was edited since the caller read it.
    RevisionConflict,
    /// Nodes wait for each other.
    Cycle,
    /// A node of a graph is joined to nothing, or nothing leads to it.
    Unconnected,
    /// A bound is passed.
    QuotaExceeded,
}

/// Something in the input that the caller can mend.
#[derive(Clone, Debug, Interface)]
#[graphql(
    field(name = "code", ty = "&UserErrorCode", desc = "What is wrong, for programs."),
    field(
        name = "message",
        ty = "&String",
        desc = "What is wrong and what to do about it, in a sentence."
    ),
    field(
        name = "path",
        ty = "&Vec<String>",
        desc = "Where it stands: names and places, beginning with the argument."
    )
)]
pub(crate) enum UserError {
    /// A value that cannot be taken as it is.
    Input(InputError),
    /// Nodes that wait for each other.
    Cycle(CycleError),
    /// An edit made from an old reading.
    RevisionConflict(RevisionConflictError),
    /// A bound that is passed.
    QuotaExceeded(QuotaExceededError),
}

/// A value that cannot be taken as it is.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct InputError {
    /// What is wrong, for programs.
    code: UserErrorCode,
    /// What is wrong and what to do about it, in a sentence.
    message: String,
    /// Where it stands: names and places, beginning with the argument.
    path: Vec<String>,
}

/// Nodes that wait for each other.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CycleError {
    /// Always `CYCLE`.
    code: UserErrorCode,
    /// What is wrong and what to do about it, in a sentence.
    message: String,
    /// Where it stands: names and places, beginning with the argument.
    path: Vec<String>,
    /// The keys of the nodes, in order; the first is repeated at the end.
    cycle: Vec<String>,
}

/// An edit made from an old reading.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RevisionConflictError {
    /// Always `REVISION_CONFLICT`.
    code: UserErrorCode,
    /// What is wrong and what to do about it, in a sentence.
    message: String,
    /// Where it stands: names and places, beginning with the argument.
    path: Vec<String>,
    /// The revision of the object now.
    current: i32,
}

/// A bound that is passed.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct QuotaExceededError {
    /// Always `QUOTA_EXCEEDED`.
    code: UserErrorCode,
    /// What is wrong and what to do about it, in a sentence.
    message: String,
    /// Where it stands: names and places, beginning with the argument.
    path: Vec<String>,
    /// The bound.
    limit: i32,
}

impl From<&RefusalCode> for UserErrorCode {
    fn from(code: &RefusalCode) -> Self {
        match code {
            RefusalCode::InvalidInput => Self::InvalidInput,
            RefusalCode::NotFound => Self::NotFound,
            RefusalCode::AlreadyExists => Self::AlreadyExists,
            RefusalCode::Conflict => Self::Conflict,
            RefusalCode::RevisionConflict { .. } => Self::RevisionConflict,
            RefusalCode::Cycle { .. } => Self::Cycle,
            RefusalCode::Unconnected => Self::Unconnected,
            RefusalCode::QuotaExceeded { .. } => Self::QuotaExceeded,
        }
    }
}

/// The place of something in the argument of a field, beginning with the argument.
pub(crate) fn path_in_input(path: Vec<String>) -> Vec<String> {
    std::iter::once("input".to_owned()).chain(path).collect()
}

impl From<Refusal> for UserError {
    fn from(refusal: Refusal) -> Self {
        let code = UserErrorCode::from(&refusal.code);
        let (message, path) = (refusal.message, path_in_input(refusal.path));
        match refusal.code {
            RefusalCode::RevisionConflict { current } => Self::RevisionConflict(RevisionConflictError {
                code,
                message,
                path,
                current,
            }),
            RefusalCode::Cycle { cycle } => Self::Cycle(CycleError {
                code,
                message,
                path,
                cycle,
            }),
            RefusalCode::QuotaExceeded { limit } => Self::QuotaExceeded(QuotaExceededError {
                code,
                message,
                path,
                limit: limit.try_into().unwrap_or(i32::MAX),
            }),
            RefusalCode::InvalidInput
            | RefusalCode::NotFound
            | RefusalCode::AlreadyExists
            | RefusalCode::Conflict
            | RefusalCode::Unconnected => Self::Input(InputError { code, message, path }),
        }
    }
}

/// What a mutation answers: the object, or what is wrong with the input, or an error of the request.
pub(crate) fn outcome<T>(
    result: std::result::Result<T, CommandError>,
) -> Result<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(changed) => Ok((Some(changed), Vec::new())),
        Err(CommandError::Refused(refusals)) => {
            Ok((None, refusals.into_iter().map(UserError::from).collect()))
        }
        Err(error @ CommandError::IdempotencyConflict(_)) => {
            Err(ErrorCode::IdempotencyConflict.error(error.to_string()))
        }
        Err(CommandError::Store(error)) => Err(internal(&error)),
    }
}

/// A fault of ours, with all its causes for the log. Without a code, so that the transport hides it.
pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> async_graphql::Error {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    async_graphql::Error::new(told)
}

/// Declares the payload of a mutation.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $type:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $name {
            $(#[$field_doc])*
            $field: Option<$type>,
            /// What is wrong with the input, all at once; empty when the mutation did what it was asked.
            user_errors: Vec<crate::graphql::error::UserError>,
        }

        impl $name {
            /// What became of the mutation.
            pub(crate) fn of<T>(
                result: Result<T, waterclock_core::error::CommandError>,
                show: impl FnOnce(T) -> $type,
            ) -> async_graphql::Result<Self> {
                let (changed, user_errors) = crate::graphql::error::outcome(result)?;
                Ok(Self { $field: changed.map(show), user_errors })
            }
        }
    };
}

pub(crate) use payload;
