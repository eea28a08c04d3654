//! The functions that an expression can call.
//!
//! A function is a row of a table: what it accepts, what it gives, and a plain `fn`. Several rows may share a name; which of
//! them is meant is settled when the expression is saved, as far as the kinds of the arguments are known by then, and when it
//! is evaluated else. None of them reads a clock or a source of chance.

mod convert;
mod dates;
mod text;
mod time;

pub(super) use time::timestamp;

use std::fmt;

use super::bindings::WorkingDays;
use super::kind::Kind;
use super::meter::{Failure, Meter};
use super::value::Value;

/// One row of the table.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) style: Style,
    /// What each argument must be; of a member, the first is the value before the dot.
    pub(super) accepts: &'static [Shape],
    pub(super) gives: Shape,
    pub(super) apply: Apply,
}

/// How a function is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `f(x)`.
    Global,
    /// `x.f()`.
    Member,
}

/// What a row knows of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Any,
    Bool,
    Number,
    String,
    Timestamp,
    Duration,
    List,
    Map,
}

/// What a function does with its arguments, which are as many as the row accepts and of its shapes.
pub(super) type Apply = for<'a> fn(&[Value<'a>], &mut Means<'_>) -> Result<Value<'a>, Failure>;

/// What a function works with.
pub(super) struct Means<'m> {
    pub(super) meter: &'m mut Meter,
    pub(super) working_days: Option<&'m dyn WorkingDays>,
}

impl Shape {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Any => Kind::Any,
            Self::Bool => Kind::Bool,
            Self::Number => Kind::Number,
            Self::String => Kind::String,
            Self::Timestamp => Kind::Timestamp,
            Self::Duration => Kind::Duration,
            Self::List => Kind::list(),
            Self::Map => Kind::map(),
        }
    }
}

impl Function {
    /// Whether arguments of such kinds might be accepted.
    pub(super) fn takes<'k>(&self, kinds: impl ExactSizeIterator<Item = &'k Kind>) -> bool {
        kinds.len() == self.accepts.len()
            && kinds
                .zip(self.accepts)
                .all(|(kind, shape)| kind.agrees_with(&shape.kind()))
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .accepts
            .iter()
            .map(|shape| shape.kind().to_string())
            .collect();
        match self.style {
            Style::Global => write!(f, "{}({})", self.name, words.join(", ")),
            Style::Member => write!(f, "{}.{}({})", words[0], self.name, words[1..].join(", ")),
        }
    }
}

/// Every function, with those that ask a calendar when `with_calendar` says so.
pub(super) fn all(with_calendar: bool) -> impl Iterator<Item = &'static Function> {
    let calendar = if with_calendar {
        dates::OF_WORKING_DAYS
    } else {
        &[]
    };
    [
        convert::FUNCTIONS,
        text::FUNCTIONS,
        time::FUNCTIONS,
        dates::FUNCTIONS,
        calendar,
    ]
    .into_iter()
    .flatten()
}

/// A row for a function that is written `f(x)`.
const fn global(name: &'static str, accepts: &'static [Shape], gives: Shape, apply: Apply) -> Function {
    Function {
        name,
        style: Style::Global,
        accepts,
        gives,
        apply,
    }
}

/// A row for a function that is written `x.f()`.
const fn member(name: &'static str, accepts: &'static [Shape], gives: Shape, apply: Apply) -> Function {
    Function {
        name,
        style: Style::Member,
        accepts,
        gives,
        apply,
    }
}

/// The text of an argument that a row declares as text.
fn text_of<'v>(value: &'v Value<'_>) -> &'v str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

/// The whole number of an argument that a row declares as a number.
fn whole_of(value: &Value<'_>) -> Result<i64, Failure> {
    value
        .as_whole()
        .ok_or_else(|| Failure::new("a whole number is needed here, and a fraction was given"))
}
