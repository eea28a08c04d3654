//! Values of one kind made of values of another.

use super::super::value::{Value, as_double, duration_text, timestamp_text, whole};
use super::Shape::{Any, Bool, Duration, Number, String, Timestamp};
use super::{Failure, Function, Means, global, text_of};

pub(super) const FUNCTIONS: &[Function] = &[
    global("dyn", &[Any], Any, |given, _| Ok(given[0].clone())),
    global("bool", &[Bool], Bool, |given, _| Ok(given[0].clone())),
    global("bool", &[String], Bool, bool_of_text),
    global("int", &[Number], Number, int_of_number),
    global("int", &[String], Number, int_of_text),
    global("int", &[Timestamp], Number, |given, _| {
        Ok(int_of_timestamp(&given[0]))
    }),
    global("double", &[Number], Number, |given, _| {
        Ok(as_double(&given[0]).map_or(Value::Null, Value::Double))
    }),
    global("double", &[String], Number, double_of_text),
    global("string", &[String], String, |given, _| Ok(given[0].clone())),
    global("string", &[Bool], String, string_of),
    global("string", &[Number], String, string_of),
    global("string", &[Timestamp], String, string_of),
    global("string", &[Duration], String, string_of),
];

fn bool_of_text<'a>(given: &[Value<'a>], _: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    match text_of(&given[0]) {
        "true" | "True" | "TRUE" | "t" | "1" => Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" | "f" | "0" => Ok(Value::Bool(false)),
        other => Err(unreadable(other, "true or false")),
    }
}

fn int_of_number<'a>(given: &[Value<'a>], _: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    match given[0] {
        Value::Double(number) => whole(number.trunc())
            .map(Value::Int)
            .ok_or_else(|| Failure::new(format!("{number} is beyond the whole numbers"))),
        ref number => Ok(number.clone()),
    }
}

fn int_of_text<'a>(given: &[Value<'a>], _: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let text = text_of(&given[0]);
    let number = text.parse();
    number
        .map(Value::Int)
        .map_err(|_| unreadable(text, "a whole number"))
}

fn int_of_timestamp<'a>(given: &Value<'a>) -> Value<'a> {
    match given {
        Value::Timestamp(instant) => Value::Int(instant.timestamp()),
        other => other.clone(),
    }
}

fn double_of_text<'a>(given: &[Value<'a>], _: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let text = text_of(&given[0]);
    let number = text.parse();
    number
        .map(Value::Double)
        .map_err(|_| unreadable(text, "a number"))
}

fn string_of<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let text = match &given[0] {
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Timestamp(instant) => timestamp_text(*instant),
        Value::Duration(span) => duration_text(*span),
        other => return Ok(other.clone()),
    };
    Value::text(&text, means.meter)
}

/// Text that was to be read as something; of long text, the beginning is told.
pub(super) fn unreadable(text: &str, what: &str) -> Failure {
    Failure::new(format!("{} is not {what}", crate::check::quoted(text)))
}
