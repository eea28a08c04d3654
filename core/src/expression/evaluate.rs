//! Evaluates a plan over bindings, on a meter.
//!
//! `&&`, `||`, `all` and `exists` follow CEL: what decides by itself decides, even where the other side fails. What a meter
//! stops is never passed over so.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::TimeDelta;

use super::bindings::Bindings;
use super::functions::{self, Means};
use super::kind::Kind;
use super::meter::{Failure, Meter};
use super::plan::{Calling, Constant, Fold, Form, Node, Operator, Pattern};
use super::scope::Root;
use super::value::{ELEMENT, Text, Value, as_double};

/// The value of `plan`.
pub(super) fn evaluate<'a>(plan: &'a Node, bindings: &'a Bindings) -> Result<Value<'a>, Failure> {
    let mut evaluation = Evaluation {
        bindings,
        meter: Meter::default(),
        locals: Vec::new(),
    };
    evaluation.value(plan)
}

struct Evaluation<'a> {
    bindings: &'a Bindings,
    meter: Meter,
    /// The variables of the loops around. What a loop gathers may be a failure that a later element makes good.
    locals: Vec<Evaluated<'a>>,
}

type Evaluated<'a> = Result<Value<'a>, Failure>;

impl<'a> Evaluation<'a> {
    fn value(&mut self, node: &'a Node) -> Evaluated<'a> {
        self.meter.steps(1)?;
        self.form(&node.form).map_err(|failure| failure.located(node.at))
    }

    fn form(&mut self, form: &'a Form) -> Evaluated<'a> {
        match form {
            Form::Constant(constant) => Ok(constant_value(constant)),
            Form::Root(root) => self.root(*root),
            Form::Local(place) => self.locals[*place].clone(),
            Form::Field(of, name) => self.field(of, name),
            Form::Has(of, name) => Ok(Value::Bool(self.value(of)?.field(name).is_some())),
            Form::Index(pair) => self.index(pair),
            Form::List(items) => self.list(items),
            Form::Map(entries) => self.map(entries),
            Form::Not(operand) => Ok(Value::Bool(!self.truth(operand)?)),
            Form::Negate(operand) => negative(&self.value(operand)?),
            Form::And(pair) => self.decide(pair, false),
            Form::Or(pair) => self.decide(pair, true),
            Form::NotFalse(operand) => self.not_false(operand),
            Form::Choice(three) => {
                let [question, yes, no] = &**three;
                let chosen = if self.truth(question)? { yes } else { no };
                self.value(chosen)
            }
            Form::Binary(operator, pair) => {
                let [one, other] = &**pair;
                let (one, other) = (self.value(one)?, self.value(other)?);
                self.binary(*operator, &one, &other)
            }
            Form::Append(gathered, more) => self.append(*gathered, more),
            Form::Call(meant, arguments) => self.call(meant, arguments),
            Form::Matches(text, pattern) => self.matches(text, pattern),
            Form::Fold(fold) => self.fold(fold),
        }
    }

    fn root(&self, root: Root) -> Evaluated<'a> {
        match self.bindings.root(root) {
            Some(datum) => Ok(Value::of_datum(datum)),
            None => Err(Failure::new(format!("`{root}` has no value here"))),
        }
    }

    fn field(&mut self, of: &'a Node, name: &str) -> Evaluated<'a> {
        let of = self.value(of)?;
        of.field(name).ok_or_else(|| match of.kind() {
            Kind::Map(_) => Failure::new(format!("there is no `{name}` in the map; ask first with has()")),
            kind => Failure::new(format!("a {kind} has no field `{name}`")),
        })
    }

    fn index(&mut self, pair: &'a [Node; 2]) -> Evaluated<'a> {
        let (of, key) = (self.value(&pair[0])?, self.value(&pair[1])?);
        if let Value::Text(name) = &key {
            self.meter.look_through(name.len())?;
        }
        of.at(&key).ok_or_else(|| match of.len() {
            Some(len) if of.is_list() => Failure::new(format!(
                "there is no such place in the list, which has {len} items"
            )),
            Some(_) => Failure::new("there is no such key in the map; ask first with `in`"),
            None => Failure::new(format!("a {} has no elements", of.kind())),
        })
    }

    fn list(&mut self, items: &'a [Node]) -> Evaluated<'a> {
        let items = items.iter().map(|item| self.value(item));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Value::list(items, &mut self.meter)
    }

    fn map(&mut self, entries: &'a [[Node; 2]]) -> Evaluated<'a> {
        let mut map = BTreeMap::new();
        for [key, value] in entries {
            let at = key.at;
            let key = self.value(key)?;
            let key = key.as_key().ok_or_else(|| {
                Failure::new(format!("a {} cannot be the key of a map", key.kind())).located(at)
            })?;
            self.meter.make(2 * ELEMENT)?;
            if map.insert(key, self.value(value)?).is_some() {
                return Err(Failure::new("the map has this key twice").located(at));
            }
        }
        Ok(Value::Map(Rc::new(map)))
    }

    fn truth(&mut self, node: &'a Node) -> Result<bool, Failure> {
        match self.value(node)? {
            Value::Bool(truth) => Ok(truth),
            other => {
                let message = format!("true or false is needed here, and this is a {}", other.kind());
                Err(Failure::new(message).located(node.at))
            }
        }
    }

    /// What `&&` and `||` come to: `deciding` (false and true) when either side is that, whatever the other is.
    fn decide(&mut self, pair: &'a [Node; 2], deciding: bool) -> Evaluated<'a> {
        let first = match self.truth(&pair[0]) {
            Ok(truth) if truth == deciding => return Ok(Value::Bool(deciding)),
            Err(Failure::Exhausted(error)) => return Err(Failure::Exhausted(error)),
            undecided => undecided,
        };
        let second = self.truth(&pair[1])?;
        if second == deciding {
            return Ok(Value::Bool(deciding));
        }
        first.map(Value::Bool)
    }

    fn not_false(&mut self, operand: &'a Node) -> Evaluated<'a> {
        match self.truth(operand) {
            Err(Failure::Exhausted(error)) => Err(Failure::Exhausted(error)),
            truth => Ok(Value::Bool(truth.unwrap_or(true))),
        }
    }

    fn binary(&mut self, operator: Operator, one: &Value<'a>, other: &Value<'a>) -> Evaluated<'a> {
        let meter = &mut self.meter;
        Ok(match operator {
            Operator::Equal => Value::Bool(one.equals(other, meter)?),
            Operator::NotEqual => Value::Bool(!one.equals(other, meter)?),
            Operator::In => Value::Bool(contains(other, one, meter)?),
            Operator::Less => Value::Bool(order(operator, one, other, meter)?.is_lt()),
            Operator::LessOrEqual => Value::Bool(order(operator, one, other, meter)?.is_le()),
            Operator::Greater => Value::Bool(order(operator, one, other, meter)?.is_gt()),
            Operator::GreaterOrEqual => Value::Bool(order(operator, one, other, meter)?.is_ge()),
            _ => return arithmetic(operator, one, other, meter),
        })
    }

    /// Adds to a list that a loop gathers. The list is taken out of its place meanwhile, so that nobody else shares it and it
    /// need not be copied for every item.
    fn append(&mut self, gathered: usize, more: &'a Node) -> Evaluated<'a> {
        let list = std::mem::replace(&mut self.locals[gathered], Ok(Value::Null))?;
        let more = self.value(more)?;
        match (list, more) {
            (Value::List(mut list), Value::List(more)) => {
                self.meter.make(more.len() * ELEMENT)?;
                Rc::make_mut(&mut list).extend(more.iter().cloned());
                Ok(Value::List(list))
            }
            (gathered, more) => arithmetic(Operator::Add, &gathered, &more, &mut self.meter),
        }
    }

    fn call(&mut self, meant: &'a [Calling], arguments: &'a [Node]) -> Evaluated<'a> {
        let given = arguments.iter().map(|argument| self.value(argument));
        let given = given.collect::<Result<Vec<_>, _>>()?;
        let kinds: Vec<Kind> = given.iter().map(Value::kind).collect();
        let Some(Calling(function)) = meant
            .iter()
            .find(|Calling(function)| function.takes(kinds.iter()))
        else {
            let name = meant.first().map_or("", |Calling(function)| function.name);
            let told: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            return Err(Failure::new(format!(
                "`{name}` does not take {}",
                told.join(", ")
            )));
        };
        let mut equipment = Means {
            meter: &mut self.meter,
            working_days: self.bindings.working_days(),
        };
        (function.apply)(&given, &mut equipment)
    }

    fn matches(&mut self, text: &'a Node, pattern: &'a Pattern) -> Evaluated<'a> {
        match self.value(text)? {
            Value::Text(text) => {
                self.meter
                    .steps((text.len() + 1).saturating_mul(pattern.steps_a_byte))?;
                Ok(Value::Bool(pattern.regex.is_match(&text)))
            }
            other => Err(Failure::new(format!(
                "matches() takes a string, and this is a {}",
                other.kind()
            ))),
        }
    }

    fn fold(&mut self, fold: &'a Fold) -> Evaluated<'a> {
        let around = self.locals.len();
        let result = self.fold_within(fold);
        self.locals.truncate(around);
        result
    }

    fn fold_within(&mut self, fold: &'a Fold) -> Evaluated<'a> {
        let range = self.value(&fold.range)?;
        if matches!(range, Value::Map(_)) {
            self.meter.make(range.len().unwrap_or(0) * ELEMENT)?;
        }
        let elements = range.elements().ok_or_else(|| {
            let message = format!(
                "a list or a map is needed to go through, and this is a {}",
                range.kind()
            );
            Failure::new(message).located(fold.range.at)
        })?;
        let start = self.value(&fold.start);
        let gathered = self.locals.len();
        self.locals.push(start);
        for element in elements {
            self.meter.steps(1)?;
            self.locals.push(Ok(element));
            if !self.truth(&fold.condition)? {
                break;
            }
            let next = match self.value(&fold.step) {
                Err(Failure::Exhausted(error)) => return Err(Failure::Exhausted(error)),
                next => next,
            };
            self.locals.truncate(gathered);
            self.locals.push(next);
        }
        self.locals.truncate(gathered + 1);
        self.value(&fold.result)
    }
}

fn constant_value(constant: &Constant) -> Value<'_> {
    match constant {
        Constant::Null => Value::Null,
        Constant::Bool(truth) => Value::Bool(*truth),
        Constant::Int(number) => Value::Int(*number),
        Constant::Double(number) => Value::Double(*number),
        Constant::Text(text) => Value::Text(Text::Bound(text)),
    }
}

fn negative<'a>(value: &Value<'a>) -> Evaluated<'a> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(too_large),
        Value::Double(number) => Ok(Value::Double(-number)),
        other => Err(Failure::new(format!(
            "`-` takes a number, and this is a {}",
            other.kind()
        ))),
    }
}

fn too_large() -> Failure {
    Failure::new("the number is beyond the whole numbers, which have 64 bits")
}

/// Whether `list` has the item, or a map the key.
fn contains(list: &Value<'_>, item: &Value<'_>, meter: &mut Meter) -> Result<bool, Failure> {
    if list.len().is_none() {
        return Err(unfit(Operator::In, item, list));
    }
    if !list.is_list() {
        return Ok(list.at(item).is_some());
    }
    for mine in list.elements().into_iter().flatten() {
        if mine.equals(item, meter)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn order(
    operator: Operator,
    one: &Value<'_>,
    other: &Value<'_>,
    meter: &mut Meter,
) -> Result<Ordering, Failure> {
    let order = one.compare(other, meter)?;
    order.ok_or_else(|| unfit(operator, one, other))
}

fn unfit(operator: Operator, one: &Value<'_>, other: &Value<'_>) -> Failure {
    Failure::new(format!(
        "`{}` does not go between a {} and a {}",
        operator.as_str(),
        one.kind(),
        other.kind()
    ))
}

fn arithmetic<'a>(
    operator: Operator,
    one: &Value<'a>,
    other: &Value<'a>,
    meter: &mut Meter,
) -> Evaluated<'a> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => whole_numbers(operator, *one, *other).map(Value::Int),
        (Value::Text(one), Value::Text(other)) if operator == Operator::Add => {
            meter.make(one.len() + other.len())?;
            Ok(Value::Text(Text::Made([&**one, &**other].concat().into())))
        }
        (one, other) if operator == Operator::Add && one.is_list() && other.is_list() => {
            meter.make((one.len().unwrap_or(0) + other.len().unwrap_or(0)) * ELEMENT)?;
            let items = [one, other].into_iter().filter_map(Value::elements).flatten();
            Ok(Value::List(Rc::new(items.collect())))
        }
        _ => match (as_double(one), as_double(other)) {
            (Some(left), Some(right)) => fractions(operator, left, right)
                .map(Value::Double)
                .ok_or_else(|| unfit(operator, one, other)),
            _ => times(operator, one, other),
        },
    }
}

fn whole_numbers(operator: Operator, one: i64, other: i64) -> Result<i64, Failure> {
    if other == 0 && matches!(operator, Operator::Divide | Operator::Modulo) {
        return Err(Failure::new("a number is divided by zero"));
    }
    match operator {
        Operator::Add => one.checked_add(other),
        Operator::Subtract => one.checked_sub(other),
        Operator::Multiply => one.checked_mul(other),
        Operator::Divide => one.checked_div(other),
        _ => one.checked_rem(other),
    }
    .ok_or_else(too_large)
}

fn fractions(operator: Operator, one: f64, other: f64) -> Option<f64> {
    Some(match operator {
        Operator::Add => one + other,
        Operator::Subtract => one - other,
        Operator::Multiply => one * other,
        Operator::Divide => one / other,
        _ => return None,
    })
}

fn times<'a>(operator: Operator, one: &Value<'a>, other: &Value<'a>) -> Evaluated<'a> {
    use Operator::{Add, Subtract};
    use Value::{Duration, Timestamp};
    let too_long = || Failure::new("the duration is longer than can be told");
    let span = |span: Option<TimeDelta>| span.map(Duration).ok_or_else(too_long);
    match (operator, one, other) {
        (Add, Timestamp(instant), Duration(span)) | (Add, Duration(span), Timestamp(instant)) => {
            functions::timestamp(instant.checked_add_signed(*span))
        }
        (Subtract, Timestamp(instant), Duration(span)) => {
            functions::timestamp(instant.checked_sub_signed(*span))
        }
        (Subtract, Timestamp(one), Timestamp(other)) => Ok(Duration(*one - *other)),
        (Add, Duration(one), Duration(other)) => span(one.checked_add(other)),
        (Subtract, Duration(one), Duration(other)) => span(one.checked_sub(other)),
        _ => Err(unfit(operator, one, other)),
    }
}
