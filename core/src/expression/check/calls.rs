//! Operators and functions: what they take, and what they give.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use super::{Checker, listed, nearest};
use crate::expression::fault::Position;
use crate::expression::functions::{self, Function, Style};
use crate::expression::kind::Kind;
use crate::expression::pattern;
use crate::expression::plan::{Calling, Form, Node, Operator};

/// The macros, which are written like functions.
const MACROS: [&str; 7] = ["has", "all", "exists", "exists_one", "map", "filter", "matches"];

impl Checker<'_> {
    /// The kind that an operator gives.
    pub(super) fn binary(&mut self, at: Position, operator: Operator, one: &Kind, other: &Kind) -> Kind {
        match operator {
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Modulo => {
                arithmetic(operator, one, other)
            }
            Operator::Equal | Operator::NotEqual => {
                let may_be_null = matches!(one, Kind::Null) || matches!(other, Kind::Null);
                (may_be_null || one.agrees_with(other)).then_some(Kind::Bool)
            }
            Operator::In => contained(one, other).then_some(Kind::Bool),
            _ => (one.agrees_with(other) && has_order(one) && has_order(other)).then_some(Kind::Bool),
        }
        .unwrap_or_else(|| {
            let sign = operator.as_str();
            let remedy = remedy(operator, one, other);
            self.fault(
                at,
                format!("`{sign}` does not go between a {one} and a {other}{remedy}"),
            );
            Kind::Any
        })
    }

    /// Anything that is called and is not an operator.
    pub(super) fn function(&mut self, at: Position, call: &CallExpr) -> (Form, Kind) {
        let name = call.func_name.as_str();
        let given: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        if name == "matches"
            && let [text, pattern] = given[..]
        {
            return self.matches(text, pattern);
        }
        let style = if call.target.is_some() {
            Style::Member
        } else {
            Style::Global
        };
        let known: Vec<&'static Function> = functions::all(self.scope.knows_working_days())
            .filter(|function| function.name == name)
            .collect();
        if known.is_empty() {
            let message = self.unknown_function(name);
            return self.unsupported(at, message);
        }
        let (arguments, kinds): (Vec<Node>, Vec<Kind>) =
            given.into_iter().map(|argument| self.check(argument)).unzip();
        let meant: Vec<&'static Function> = known
            .iter()
            .copied()
            .filter(|function| function.style == style && function.takes(kinds.iter()))
            .collect();
        if meant.is_empty() {
            let ways: Vec<String> = known.iter().map(ToString::to_string).collect();
            let told: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            let told = if told.is_empty() {
                "nothing".to_owned()
            } else {
                told.join(", ")
            };
            return self.unsupported(
                at,
                format!(
                    "`{name}` is not called so with {told}; it is {}",
                    ways.join(" or ")
                ),
            );
        }
        let kind = meant
            .iter()
            .fold(Kind::Never, |kind, function| kind.or(function.gives.kind()));
        let meant = meant.into_iter().map(Calling).collect();
        (Form::Call(meant, arguments), kind)
    }

    /// `text.matches(pattern)`. The pattern stands in the source, so that it is checked, compiled and priced once.
    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> (Form, Kind) {
        let (text, _) = self.expect("matches()", text, &Kind::String);
        let at = self.parsed.position(pattern.id);
        let Expr::Literal(LiteralValue::String(source)) = &pattern.expr else {
            return self.unsupported(
                at,
                "the pattern of matches() must stand here as text; contains(), startsWith() and endsWith() take any string",
            );
        };
        match pattern::compile(source.inner()) {
            Ok(pattern) => (Form::Matches(Box::new(text), pattern), Kind::Bool),
            Err(message) => self.unsupported(at, message),
        }
    }

    fn unknown_function(&self, name: &str) -> String {
        if functions::all(true).any(|function| function.name == name) {
            return format!("`{name}` asks a calendar, and there is none here: only schedules have one");
        }
        match name {
            "uint" | "bytes" => return format!("there is no `{name}` here; numbers are made by int() and double(), text by string()"),
            "type" => return "there is no `type` here; compare the value itself, or ask with has()".to_owned(),
            "now" => return "there is no `now` here: an expression comes to the same value whenever it is evaluated; `run.startedAt` and `occurrence.instant` are instants".to_owned(),
            macro_name if MACROS.contains(&macro_name) => {
                return format!("`{name}` is not written so: has(a.b), a.all(x, …), a.exists(x, …), a.exists_one(x, …), a.map(x, …), a.filter(x, …), a.matches(\"…\")");
            }
            _ => {}
        }
        let names = || {
            functions::all(self.scope.knows_working_days())
                .map(|function| function.name)
                .chain(MACROS)
        };
        match nearest(name, names()) {
            Some(near) => format!("there is no function `{name}`; did you mean `{near}`?"),
            None => format!(
                "there is no function `{name}`; some that there are: {}",
                listed(names())
            ),
        }
    }
}

fn arithmetic(operator: Operator, one: &Kind, other: &Kind) -> Option<Kind> {
    use Kind::{Duration, Number, String, Timestamp};
    use Operator::{Add, Subtract};
    let rows: &[(Kind, Kind, Kind)] = match operator {
        Add => &[
            (Number, Number, Number),
            (String, String, String),
            (Timestamp, Duration, Timestamp),
            (Duration, Timestamp, Timestamp),
            (Duration, Duration, Duration),
        ],
        Subtract => &[
            (Number, Number, Number),
            (Timestamp, Timestamp, Duration),
            (Timestamp, Duration, Timestamp),
            (Duration, Duration, Duration),
        ],
        _ => &[(Number, Number, Number)],
    };
    let fits = rows
        .iter()
        .filter(|(left, right, _)| left.agrees_with(one) && right.agrees_with(other))
        .map(|(_, _, gives)| gives.clone());
    let joined = (operator == Add
        && [one, other]
            .iter()
            .all(|kind| matches!(kind, Kind::List(_) | Kind::Any | Kind::Never)))
    .then(|| match (one, other) {
        (Kind::List(_), Kind::List(_)) => one.clone().or(other.clone()),
        _ => Kind::list(),
    });
    fits.chain(joined).reduce(Kind::or)
}

fn has_order(kind: &Kind) -> bool {
    let ordered = [
        Kind::Number,
        Kind::String,
        Kind::Bool,
        Kind::Timestamp,
        Kind::Duration,
    ];
    ordered.iter().any(|ordered| ordered.agrees_with(kind))
}

fn contained(one: &Kind, other: &Kind) -> bool {
    match other {
        Kind::Any | Kind::Never => true,
        Kind::List(item) => matches!(one, Kind::Null) || one.agrees_with(item),
        Kind::Map(_) => [Kind::String, Kind::Number, Kind::Bool]
            .iter()
            .any(|key| key.agrees_with(one)),
        Kind::Record(_) => one.agrees_with(&Kind::String),
        _ => false,
    }
}

fn remedy(operator: Operator, one: &Kind, other: &Kind) -> &'static str {
    match (operator, one, other) {
        (Operator::In, Kind::String, Kind::String) => "; write `text.contains(part)`",
        (Operator::In, ..) => "; at its right stands a list or a map",
        (_, Kind::String, Kind::Number) | (_, Kind::Number, Kind::String) => {
            "; make both the same with int(), double() or string()"
        }
        (_, Kind::String, Kind::Timestamp) | (_, Kind::Timestamp, Kind::String) => {
            "; read the text with timestamp()"
        }
        (_, Kind::String, Kind::Duration) | (_, Kind::Duration, Kind::String) => {
            "; read the text with duration()"
        }
        (Operator::Add, Kind::List(_), _) => "; put the item into a list: `[…]`",
        _ => "",
    }
}
