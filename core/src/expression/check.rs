//! Checks the names and kinds of an expression, and plans it.
//!
//! One walk over the tree finds out what each part can be, and makes the part that is evaluated. A fault is noted and the walk
//! goes on with [`Kind::Any`], so that one mistake is told once and the next one is told too.

mod calls;
mod names;

use std::collections::BTreeSet;
use std::sync::Arc;

use cel::common::ast::operators as op;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue};

use super::References;
use super::fault::{ExpressionError, ExpressionFault, Position};
use super::kind::Kind;
use super::plan::{Constant, Fold, Form, Node, Operator};
use super::scope::Scope;
use super::source::Parsed;

/// How deep the tree may be. What stands inside what is bounded before; this bounds chains as `a + b + c …`.
const DEEPEST: usize = 100;

/// An expression that was found to be right.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) plan: Node,
    pub(super) kind: Kind,
    pub(super) references: References,
}

/// Checks an expression whose result is to be of the kind `wanted`.
pub(super) fn check(parsed: &Parsed, scope: &Scope, wanted: &Kind) -> Result<Checked, ExpressionError> {
    let mut checker = Checker {
        parsed,
        scope,
        locals: Vec::new(),
        faults: Vec::new(),
        references: References::default(),
        depth: 0,
    };
    let (plan, kind) = checker.check(&parsed.tree);
    if checker.faults.is_empty() && !kind.agrees_with(wanted) {
        let message = format!("the expression must come to a {wanted}, and comes to a {kind}");
        checker.faults.push(ExpressionFault {
            at: Some(plan.at),
            message,
        });
    }
    if checker.faults.is_empty() {
        return Ok(Checked {
            plan,
            kind,
            references: checker.references,
        });
    }
    checker.faults.sort_by_key(|fault| fault.at);
    checker.faults.dedup();
    Err(ExpressionError {
        faults: checker.faults,
    })
}

struct Checker<'c> {
    parsed: &'c Parsed,
    scope: &'c Scope,
    /// The variables of the loops around what is looked at, the innermost last.
    locals: Vec<Local>,
    faults: Vec<ExpressionFault>,
    references: References,
    depth: usize,
}

struct Local {
    name: String,
    kind: Kind,
}

/// A part as it is evaluated, and what is known of its value.
type Known = (Node, Kind);

impl Checker<'_> {
    fn check(&mut self, expr: &IdedExpr) -> Known {
        let at = self.parsed.position(expr.id);
        if self.depth == DEEPEST {
            return self.refuse(
                at,
                format!("the expression is more than {DEEPEST} parts deep; make it shorter"),
            );
        }
        self.depth += 1;
        let (form, kind) = self.form(at, expr);
        self.depth -= 1;
        (Node { at, form }, kind)
    }

    fn form(&mut self, at: Position, expr: &IdedExpr) -> (Form, Kind) {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(at, literal),
            Expr::Ident(name) => self.name(at, name),
            Expr::Select(select) => self.select(at, select),
            Expr::Call(call) => self.call(at, call),
            Expr::List(list) => {
                let (items, kinds): (Vec<_>, Vec<_>) =
                    list.elements.iter().map(|item| self.check(item)).unzip();
                let kind = kinds.into_iter().fold(Kind::Never, Kind::or);
                (Form::List(items), Kind::List(Arc::new(kind)))
            }
            Expr::Map(map) => self.map(&map.entries),
            Expr::Comprehension(fold) => self.fold(at, fold),
            Expr::Struct(_) => {
                self.unsupported(at, "there are no messages here; write a map: `{\"name\": value}`")
            }
            Expr::Unspecified => self.unsupported(at, "something is missing here"),
        }
    }

    fn literal(&mut self, at: Position, literal: &LiteralValue) -> (Form, Kind) {
        let (constant, kind) = match literal {
            LiteralValue::Null => (Constant::Null, Kind::Null),
            LiteralValue::Boolean(truth) => (Constant::Bool(*truth.inner()), Kind::Bool),
            LiteralValue::Int(number) => (Constant::Int(*number.inner()), Kind::Number),
            LiteralValue::Double(number) => (Constant::Double(*number.inner()), Kind::Number),
            LiteralValue::String(text) => (Constant::Text(text.inner().to_owned()), Kind::String),
            LiteralValue::UInt(_) => {
                return self.unsupported(at, "there are no unsigned numbers here; leave out the `u`");
            }
            LiteralValue::Bytes(_) => {
                return self.unsupported(at, "there are no bytes here; leave out the `b` for text");
            }
        };
        (Form::Constant(constant), kind)
    }

    fn map(&mut self, entries: &[IdedEntryExpr]) -> (Form, Kind) {
        let mut kinds = Kind::Never;
        let mut planned = Vec::with_capacity(entries.len());
        for entry in entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                continue;
            };
            let (key, key_kind) = self.check(&entry.key);
            let is_key = [Kind::String, Kind::Number, Kind::Bool]
                .iter()
                .any(|kind| key_kind.agrees_with(kind));
            if !is_key {
                self.fault(
                    key.at,
                    format!("the key of a map is a string, a number or a bool, not a {key_kind}"),
                );
            }
            let (value, kind) = self.check(&entry.value);
            kinds = kinds.or(kind);
            planned.push([key, value]);
        }
        (Form::Map(planned), Kind::Map(Arc::new(kinds)))
    }

    /// Checks what the macros `all`, `exists`, `exists_one`, `map` and `filter` have become.
    fn fold(&mut self, at: Position, fold: &ComprehensionExpr) -> (Form, Kind) {
        let (range, kind) = self.check(&fold.iter_range);
        let element = match &kind {
            Kind::List(item) => Kind::clone(item),
            Kind::Map(_) | Kind::Record(_) => Kind::String,
            Kind::Any | Kind::Never => Kind::Any,
            other => {
                self.fault(
                    range.at,
                    format!("a list or a map is needed to go through, and this is a {other}"),
                );
                Kind::Any
            }
        };
        let (start, gathered) = self.check(&fold.accu_init);
        self.locals.push(Local {
            name: fold.accu_var.clone(),
            kind: gathered,
        });
        self.locals.push(Local {
            name: fold.iter_var.clone(),
            kind: element,
        });
        let (condition, _) = self.check(&fold.loop_cond);
        let (step, gathered) = self.check(&fold.loop_step);
        self.locals.pop();
        if let Some(gathering) = self.locals.last_mut() {
            gathering.kind = std::mem::replace(&mut gathering.kind, Kind::Any).or(gathered);
        }
        let (result, kind) = self.check(&fold.result);
        self.locals.pop();
        if fold.iter_var2.is_some() {
            self.fault(at, "a loop has one variable");
        }
        let planned = Fold {
            range,
            start,
            condition,
            step,
            result,
        };
        (Form::Fold(Box::new(planned)), kind)
    }

    fn call(&mut self, at: Position, call: &CallExpr) -> (Form, Kind) {
        let args = call.args.as_slice();
        match (call.func_name.as_str(), args) {
            (op::LOGICAL_AND, [one, other]) => (
                Form::And(Box::new(self.truths(op::LOGICAL_AND, [one, other]))),
                Kind::Bool,
            ),
            (op::LOGICAL_OR, [one, other]) => (
                Form::Or(Box::new(self.truths(op::LOGICAL_OR, [one, other]))),
                Kind::Bool,
            ),
            (op::LOGICAL_NOT, [operand]) => {
                let (operand, _) = self.expect("`!`", operand, &Kind::Bool);
                (Form::Not(Box::new(operand)), Kind::Bool)
            }
            (op::NOT_STRICTLY_FALSE, [operand]) => {
                (Form::NotFalse(Box::new(self.check(operand).0)), Kind::Bool)
            }
            (op::NEGATE, [operand]) => {
                let (operand, kind) = self.expect("`-`", operand, &Kind::Number);
                (Form::Negate(Box::new(operand)), kind)
            }
            (op::CONDITIONAL, [question, yes, no]) => {
                let (question, _) = self.expect("the condition before `?`", question, &Kind::Bool);
                let (yes, one) = self.check(yes);
                let (no, other) = self.check(no);
                (Form::Choice(Box::new([question, yes, no])), one.or(other))
            }
            (op::INDEX, [of, key]) => self.index(at, of, key),
            (op::OPT_INDEX | op::OPT_SELECT, _) => {
                self.unsupported(at, "there are no optional values here; ask with has()")
            }
            (name, [one, other]) if operator(name).is_some() => {
                let operator = operator(name).unwrap_or(Operator::Equal);
                let (one, one_kind) = self.check(one);
                let (other, other_kind) = self.check(other);
                let kind = self.binary(at, operator, &one_kind, &other_kind);
                (self.operation(operator, one, other), kind)
            }
            _ => self.function(at, call),
        }
    }

    fn operation(&self, operator: Operator, one: Node, other: Node) -> Form {
        match one.form {
            // No source can name the variable in which a loop gathers, so nothing but its own step reads it.
            Form::Local(place) if operator == Operator::Add && self.locals[place].name.starts_with('@') => {
                Form::Append(place, Box::new(other))
            }
            _ => Form::Binary(operator, Box::new([one, other])),
        }
    }

    fn truths(&mut self, name: &str, operands: [&IdedExpr; 2]) -> [Node; 2] {
        let told = format!("`{}`", name.trim_matches('_'));
        operands.map(|operand| self.expect(&told, operand, &Kind::Bool).0)
    }

    /// Checks an operand that must be of one kind.
    fn expect(&mut self, who: &str, operand: &IdedExpr, wanted: &Kind) -> Known {
        let (node, kind) = self.check(operand);
        if !kind.agrees_with(wanted) {
            let remedy = match (wanted, &kind) {
                (Kind::Bool, Kind::String) => "; compare it, as `… == \"yes\"`",
                (Kind::Bool, Kind::Number) => "; compare it, as `… > 0`",
                (Kind::Bool, Kind::List(_) | Kind::Map(_) | Kind::Record(_)) => {
                    "; ask for its size, as `size(…) > 0`"
                }
                _ => "",
            };
            self.fault(
                node.at,
                format!("{who} takes a {wanted}, and this is a {kind}{remedy}"),
            );
            return (node, Kind::Any);
        }
        (node, wanted.clone())
    }

    fn fault(&mut self, at: Position, message: impl Into<String>) {
        let message = message.into();
        self.faults.push(ExpressionFault {
            at: Some(at),
            message,
        });
    }

    fn refuse(&mut self, at: Position, message: impl Into<String>) -> Known {
        let (form, kind) = self.unsupported(at, message);
        (Node { at, form }, kind)
    }

    fn unsupported(&mut self, at: Position, message: impl Into<String>) -> (Form, Kind) {
        self.fault(at, message);
        (Form::Constant(Constant::Null), Kind::Any)
    }
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        op::ADD => Operator::Add,
        op::SUBSTRACT => Operator::Subtract,
        op::MULTIPLY => Operator::Multiply,
        op::DIVIDE => Operator::Divide,
        op::MODULO => Operator::Modulo,
        op::EQUALS => Operator::Equal,
        op::NOT_EQUALS => Operator::NotEqual,
        op::LESS => Operator::Less,
        op::LESS_EQUALS => Operator::LessOrEqual,
        op::GREATER => Operator::Greater,
        op::GREATER_EQUALS => Operator::GreaterOrEqual,
        op::IN => Operator::In,
        _ => return None,
    })
}

/// The name that is most like the one that was written, when any is.
fn nearest<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let tolerated = (written.chars().count() / 3).max(1);
    let distance = |name: &'n str| {
        let begins = name.len() > written.len() && name.starts_with(written) && written.len() > 1;
        let distance = strsim::osa_distance(&written.to_lowercase(), &name.to_lowercase());
        (if begins { distance.min(1) } else { distance }, name)
    };
    let (distance, name) = names.into_iter().map(distance).min()?;
    (distance <= tolerated).then_some(name)
}

/// The names, as a sentence lists them.
fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const MOST: usize = 12;
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut told: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        told.push("…".to_owned());
    }
    told.join(", ")
}
