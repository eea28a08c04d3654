//! What an evaluation may still spend.
//!
//! An expression ends, for CEL has no loops but those over lists; but a loop within a loop within a loop over ten values each is
//! a thousand turns, and text that is joined with itself twenty times is a million times as long. So everything that takes
//! time pays for it in steps, and everything that makes a value pays for it in bytes, *before* it is done. A step is at most
//! about a tenth of a microsecond of a slow machine. Counting, and not a clock, makes an expression come to the same end on
//! every machine at every time; and bytes are never paid back, so that their sum bounds what is held at any moment.

use super::fault::{EvaluationError, Position};

/// The most steps that an evaluation takes.
pub(super) const MOST_STEPS: u64 = 500_000;
/// The most bytes of values that an evaluation makes.
pub(super) const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// How many bytes of text are looked through in one step.
const BYTES_A_STEP: usize = 32;

/// Why an evaluation does not go on.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The values do not allow it. CEL's `&&` and `||` may pass over this.
    Failed { at: Option<Position>, message: String },
    /// A bound was reached; nothing passes over it.
    Exhausted(EvaluationError),
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::Failed { at: None, message }
    }

    /// The same failure, which happened at `position` unless it is known better.
    pub(super) fn located(self, position: Position) -> Self {
        match self {
            Self::Failed { at, message } => Self::Failed {
                at: at.or(Some(position)),
                message,
            },
            Self::Exhausted(_) => self,
        }
    }
}

/// Counts down what is left.
#[derive(Debug)]
pub(super) struct Meter {
    steps: u64,
    bytes: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            steps: MOST_STEPS,
            bytes: MOST_BYTES,
        }
    }
}

impl Meter {
    /// Pays for `count` steps.
    pub(super) fn steps(&mut self, count: usize) -> Result<(), Failure> {
        let left = u64::try_from(count)
            .ok()
            .and_then(|count| self.steps.checked_sub(count));
        self.steps = left.ok_or(Failure::Exhausted(EvaluationError::TooManySteps))?;
        Ok(())
    }

    /// Pays for looking through `bytes` of text.
    pub(super) fn look_through(&mut self, bytes: usize) -> Result<(), Failure> {
        self.steps(bytes / BYTES_A_STEP)
    }

    /// Pays for a value of `bytes`, and for the time to fill it.
    pub(super) fn make(&mut self, bytes: usize) -> Result<(), Failure> {
        let left = u64::try_from(bytes)
            .ok()
            .and_then(|bytes| self.bytes.checked_sub(bytes));
        self.bytes = left.ok_or(Failure::Exhausted(EvaluationError::TooMuchMade))?;
        self.look_through(bytes)
    }
}
