//! Expressions: what users write where a workflow must decide or compute, in the Common Expression Language (CEL).
//!
//! Whoever writes an expression is a tenant, and whoever evaluates it is the scheduler, while it holds a lock that others wait
//! for. So three things must hold. An expression that was saved has no misspelt name and no operator between values that it
//! cannot join: [`Scope`] says what there is, and [`Expression::parse`] tells everything that is wrong, where, and how to mend
//! it. An evaluation ends soon and stays small, whatever the source and the values are: it runs on a meter of steps and bytes
//! and stops with an error when that is spent. And it comes to the same value whenever it is repeated: no function reads a clock
//! or chance, and no bound is a time.
//!
//! The `cel` crate reads the source; its interpreter, which has no bounds, is left aside. What it makes of macros (`has`,
//! `all`, `exists`, `exists_one`, `map`, `filter`) is checked, planned and evaluated here.
//!
//! # Where this is not the CEL of its specification
//!
//! - Whole numbers and fractions mix in arithmetic, since JSON does not tell `2` from `2.0`; two whole numbers stay whole.
//! - There are no unsigned numbers, bytes, messages, optional values, and no values that are types.
//! - The pattern of `matches()` is a constant, so that it is compiled and priced when the expression is saved.
//! - Texts that are JSON strings stay texts; `timestamp()` and `duration()` read them.
//! - Of the extensions to the standard, there are those of strings: `split`, `join`, `replace`, `substring`, `indexOf`,
//!   `lastIndexOf`, `trim`, `lowerAscii`, `upperAscii`; and beyond them `dateOf`, `formatTimestamp`, `formatDate`, `addDays`,
//!   `addMonths`, `firstDayOfMonth`, `lastDayOfMonth`, `dayOfWeek` (1 is Monday), and where there is a calendar `isWorkingDay`,
//!   `nextWorkingDay`, `previousWorkingDay`, `addWorkingDays`.

mod bindings;
mod check;
mod evaluate;
mod facts;
mod fault;
mod functions;
mod kind;
mod meter;
mod pattern;
mod plan;
mod scope;
mod source;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

pub use bindings::{Bindings, WorkingDays};
pub use facts::{
    DataInterval, EventFacts, NodeFacts, OccurrenceFacts, Progress, RequestFacts, ResponseFacts, RunFacts,
    UpstreamFacts,
};
pub use fault::{EvaluationError, ExpressionError, ExpressionFault, Position};
pub use kind::{Kind, Record};
pub use scope::Scope;
pub use source::LONGEST_SOURCE;
pub use value::LONGEST_RESULT;

use check::Checked;
use meter::Failure;
use value::Value;

/// An expression that was checked; cheap to clone.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    checked: Arc<Checked>,
}

/// What an expression reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// The keys of task nodes.
    pub nodes: BTreeSet<String>,
    /// The names of inputs.
    pub inputs: BTreeSet<String>,
    /// It reads inputs whose names it computes, or all of them at once.
    pub reads_all_inputs: bool,
}

impl Expression {
    /// Reads an expression and checks it against what there is.
    ///
    /// ```
    /// use waterclock_core::expression::{Expression, Kind, Scope};
    ///
    /// let scope = Scope::default().with_nodes(["count"]);
    /// let expression = Expression::parse("'rows: ' + string(nodes.count.outputs.rows)", &scope).unwrap();
    /// assert_eq!(expression.kind(), &Kind::String);
    /// assert!(expression.references().nodes.contains("count"));
    ///
    /// let error = Expression::parse("nodes.count.attempts + 'th'", &scope).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "1:22: `+` does not go between a number and a string; make both the same with int(), double() or string()"
    /// );
    /// ```
    pub fn parse(source: &str, scope: &Scope) -> Result<Self, ExpressionError> {
        Self::parse_as(source, scope, &Kind::Any)
    }

    /// Reads an expression that must come to true or false.
    pub fn condition(source: &str, scope: &Scope) -> Result<Self, ExpressionError> {
        Self::parse_as(source, scope, &Kind::Bool)
    }

    /// Reads an expression whose value must be of a kind, as far as that is known beforehand.
    pub fn parse_as(source: &str, scope: &Scope, wanted: &Kind) -> Result<Self, ExpressionError> {
        let parsed = source::parse(source)?;
        let checked = check::check(&parsed, scope, wanted)?;
        Ok(Self {
            source: source.into(),
            checked: Arc::new(checked),
        })
    }

    /// What was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The kind of its value, as far as it is known.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.checked.kind
    }

    /// What it reads. Names that only its tests with `has()` mention are among them.
    #[must_use]
    pub fn references(&self) -> &References {
        &self.checked.references
    }

    /// Its value, as JSON: timestamps as RFC 3339 writes them, durations in seconds as `90s`.
    ///
    /// ```
    /// use serde_json::json;
    /// use waterclock_core::expression::{Bindings, EvaluationError, Expression, Scope};
    ///
    /// let evaluate = |source| {
    ///     let expression = Expression::parse(source, &Scope::default()).unwrap();
    ///     expression.evaluate(&Bindings::default())
    /// };
    /// assert_eq!(evaluate("[1, 2, 3].filter(n, n % 2 == 1)"), Ok(json!([1, 3])));
    /// assert_eq!(evaluate("timestamp('2026-02-27T23:00:00Z') + duration('48h')"), Ok(json!("2026-03-01T23:00:00Z")));
    /// let twice = ".map(t, t + t)".repeat(30);
    /// assert_eq!(evaluate(&format!("['a']{twice}")), Err(EvaluationError::TooMuchMade));
    /// ```
    pub fn evaluate(&self, bindings: &Bindings) -> Result<Json, EvaluationError> {
        let result = evaluate::evaluate(&self.checked.plan, bindings).and_then(Value::into_json);
        result.map_err(|failure| self.told(failure))
    }

    /// Its value, when that is true or false.
    pub fn evaluate_bool(&self, bindings: &Bindings) -> Result<bool, EvaluationError> {
        let value = evaluate::evaluate(&self.checked.plan, bindings);
        match value.map_err(|failure| self.told(failure))? {
            Value::Bool(truth) => Ok(truth),
            other => Err(EvaluationError::NotBool(other.kind())),
        }
    }

    fn told(&self, failure: Failure) -> EvaluationError {
        match failure {
            Failure::Exhausted(error) => error,
            Failure::Failed { at, message } => EvaluationError::Failed {
                at: at.unwrap_or(self.checked.plan.at),
                // It may quote what the expression names, is written down with whatever failed by it, and a NUL cannot be.
                message: message.replace('\0', "\\0"),
            },
        }
    }
}

/// Two expressions are the same when they were written so.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}
