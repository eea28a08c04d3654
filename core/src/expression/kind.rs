//! What is known of a value before there is one.
//!
//! Inference is gradual: [`Kind::Any`] agrees with everything, so that outputs, whose form nobody declared, can be used freely,
//! while a mistake among declared names is found when the expression is saved. JSON does not tell `2` from `2.0`, so whole
//! numbers and fractions are one kind, and arithmetic between them is arithmetic of fractions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The kind of values that a part of an expression can have.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing is known.
    Any,
    /// No value at all: what an empty list holds.
    Never,
    /// `null`.
    Null,
    /// True or false.
    Bool,
    /// A whole number or a fraction.
    Number,
    /// Text.
    String,
    /// An instant.
    Timestamp,
    /// A span of time.
    Duration,
    /// A list of such values.
    List(Arc<Kind>),
    /// Such values by name.
    Map(Arc<Kind>),
    /// A map whose names are known.
    Record(Arc<Record>),
}

/// The names of a map that has no others.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What a name stands for, as a message says it: `input`, `task node`, `field of a run`.
    pub noun: &'static str,
    /// The names.
    pub fields: BTreeMap<String, Kind>,
}

impl Kind {
    /// A list of which nothing more is known.
    #[must_use]
    pub fn list() -> Self {
        Self::List(Arc::new(Self::Any))
    }

    /// A map of which nothing more is known.
    #[must_use]
    pub fn map() -> Self {
        Self::Map(Arc::new(Self::Any))
    }

    /// Whether a value of this kind might be one of the other kind too.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(one), Self::List(other)) | (Self::Map(one), Self::Map(other)) => {
                one.agrees_with(other)
            }
            (Self::Any | Self::Never, _)
            | (_, Self::Any | Self::Never)
            | (Self::Record(_), Self::Map(_) | Self::Record(_))
            | (Self::Map(_), Self::Record(_)) => true,
            _ => self == other,
        }
    }

    /// The kind of a value that is of this kind or of the other.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, kind) | (kind, Self::Never) => kind,
            (Self::List(one), Self::List(other)) => Self::List(Arc::new(
                Arc::unwrap_or_clone(one).or(Arc::unwrap_or_clone(other)),
            )),
            (Self::Map(one), Self::Map(other)) => Self::Map(Arc::new(
                Arc::unwrap_or_clone(one).or(Arc::unwrap_or_clone(other)),
            )),
            (one, other) if one == other => one,
            _ => Self::Any,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any | Self::Never => "any value",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::List(_) => "list",
            Self::Map(_) | Self::Record(_) => "map",
        })
    }
}
