//! What can be wrong with an expression, when it is saved and when it is evaluated.

use std::fmt;

use super::kind::Kind;
use super::meter::{MOST_BYTES, MOST_STEPS};
use super::value::LONGEST_RESULT;

/// A place in the source, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character within the line.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong with an expression, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionFault {
    /// Where; absent when it is about the expression as a whole.
    pub at: Option<Position>,
    /// What, as a sentence.
    pub message: String,
}

impl fmt::Display for ExpressionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{at}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Everything that is wrong with an expression, in the order of the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", told(.faults))]
pub struct ExpressionError {
    /// The faults, at least one.
    pub faults: Vec<ExpressionFault>,
}

impl ExpressionError {
    pub(super) fn whole(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            faults: vec![ExpressionFault { at: None, message }],
        }
    }
}

fn told(faults: &[ExpressionFault]) -> String {
    let sentences: Vec<String> = faults.iter().map(ToString::to_string).collect();
    sentences.join("; ")
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvaluationError {
    /// The values that it was given do not allow it.
    #[error("{at}: {message}")]
    Failed {
        /// Where in the source.
        at: Position,
        /// What, as a sentence.
        message: String,
    },
    /// It is not done within the steps that it may take.
    #[error("the expression takes more than {MOST_STEPS} steps; let it look at less")]
    TooManySteps,
    /// It makes more text, lists and maps than it may.
    #[error("the expression makes more than {MOST_BYTES} bytes of values; let it make less")]
    TooMuchMade,
    /// Its result is too long.
    #[error("the expression's result takes more than {LONGEST_RESULT} bytes as JSON")]
    ResultTooLong,
    /// A condition came to something else than true or false.
    #[error("the condition must come to true or false, and came to a value of the kind {0}")]
    NotBool(Kind),
}
