//! An expression after it was checked: every name is resolved, every pattern compiled, every node knows its place.

use regex::Regex;

use super::fault::Position;
use super::functions::Function;
use super::scope::Root;

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) form: Form,
}

/// What a part does.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Constant(Constant),
    Root(Root),
    /// A variable of a loop around it, by its place among all that are alive.
    Local(usize),
    Field(Box<Node>, String),
    Has(Box<Node>, String),
    Index(Box<[Node; 2]>),
    List(Vec<Node>),
    Map(Vec<[Node; 2]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    /// Whether a loop goes on: true, unless it is false without doubt.
    NotFalse(Box<Node>),
    Choice(Box<[Node; 3]>),
    Binary(Operator, Box<[Node; 2]>),
    /// Adds to the list that a loop gathers, by its place among the variables.
    Append(usize, Box<Node>),
    /// The first of the functions that accepts the arguments; all of them bear the same name.
    Call(Vec<Calling>, Vec<Node>),
    Matches(Box<Node>, Pattern),
    Fold(Box<Fold>),
}

/// A value that stands in the source.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// The operators with two operands that need both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }
}

/// A function that a call may mean.
#[derive(Clone, Copy)]
pub(super) struct Calling(pub(super) &'static Function);

impl std::fmt::Debug for Calling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A regular expression, and what it costs to look for it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// The steps for each byte that is looked at, when the search goes as badly as it can.
    pub(super) steps_a_byte: usize,
}

/// A loop: `step` makes of what was gathered so far, and of an element, what is gathered then.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    pub(super) range: Node,
    pub(super) start: Node,
    /// While this is true.
    pub(super) condition: Node,
    pub(super) step: Node,
    pub(super) result: Node,
}
