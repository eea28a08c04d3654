//! Functions of text, and the size of things.
//!
//! Places within text count characters (code points), as CEL does.

use super::super::value::{ELEMENT, Text, Value};
use super::Shape::{Bool, List, Map, Number, String};
use super::{Failure, Function, Means, global, member, text_of, whole_of};

pub(super) const FUNCTIONS: &[Function] = &[
    global("size", &[String], Number, size_of_text),
    global("size", &[List], Number, |given, _| Ok(size(&given[0]))),
    global("size", &[Map], Number, |given, _| Ok(size(&given[0]))),
    member("size", &[String], Number, size_of_text),
    member("size", &[List], Number, |given, _| Ok(size(&given[0]))),
    member("size", &[Map], Number, |given, _| Ok(size(&given[0]))),
    member("contains", &[String, String], Bool, |given, means| {
        tell(given, means, |text, part| text.contains(part))
    }),
    member("startsWith", &[String, String], Bool, |given, means| {
        tell(given, means, |text, part| text.starts_with(part))
    }),
    member("endsWith", &[String, String], Bool, |given, means| {
        tell(given, means, |text, part| text.ends_with(part))
    }),
    member("indexOf", &[String, String], Number, |given, means| {
        place(given, means, |text, part| text.find(part))
    }),
    member("lastIndexOf", &[String, String], Number, |given, means| {
        place(given, means, |text, part| text.rfind(part))
    }),
    member("lowerAscii", &[String], String, |given, means| {
        change(given, means, str::to_ascii_lowercase)
    }),
    member("upperAscii", &[String], String, |given, means| {
        change(given, means, str::to_ascii_uppercase)
    }),
    member("trim", &[String], String, |given, means| {
        change(given, means, |text| text.trim().to_owned())
    }),
    member("substring", &[String, Number], String, substring),
    member("substring", &[String, Number, Number], String, substring),
    member("replace", &[String, String, String], String, replace),
    member("split", &[String, String], List, split),
    member("join", &[List], String, join),
    member("join", &[List, String], String, join),
];

fn number(count: usize) -> Value<'static> {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn size(given: &Value<'_>) -> Value<'static> {
    number(given.len().unwrap_or(0))
}

fn size_of_text<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let text = text_of(&given[0]);
    means.meter.look_through(text.len())?;
    Ok(number(text.chars().count()))
}

fn tell<'a>(
    given: &[Value<'a>],
    means: &mut Means<'_>,
    question: fn(&str, &str) -> bool,
) -> Result<Value<'a>, Failure> {
    let (text, part) = (text_of(&given[0]), text_of(&given[1]));
    means.meter.look_through(text.len() + part.len())?;
    Ok(Value::Bool(question(text, part)))
}

fn place<'a>(
    given: &[Value<'a>],
    means: &mut Means<'_>,
    find: fn(&str, &str) -> Option<usize>,
) -> Result<Value<'a>, Failure> {
    let (text, part) = (text_of(&given[0]), text_of(&given[1]));
    means.meter.look_through(2 * text.len() + part.len())?;
    let before = find(text, part).map(|start| text[..start].chars().count());
    Ok(before.map_or(Value::Int(-1), number))
}

fn change<'a>(
    given: &[Value<'a>],
    means: &mut Means<'_>,
    changed: fn(&str) -> std::string::String,
) -> Result<Value<'a>, Failure> {
    let text = text_of(&given[0]);
    means.meter.look_through(text.len())?;
    Value::text(&changed(text), means.meter)
}

/// The characters from one place, up to another or to the end.
fn substring<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let text = text_of(&given[0]);
    means.meter.look_through(2 * text.len())?;
    let count = text.chars().count();
    let bound = |value: &Value<'_>| {
        let place = whole_of(value)?;
        usize::try_from(place)
            .ok()
            .filter(|place| *place <= count)
            .ok_or_else(|| Failure::new(format!("{place} is not a place in text of {count} characters")))
    };
    let start = bound(&given[1])?;
    let end = given.get(2).map_or(Ok(count), bound)?;
    if start > end {
        return Err(Failure::new(format!(
            "the part from {start} to {end} ends before it begins"
        )));
    }
    let part: std::string::String = text.chars().skip(start).take(end - start).collect();
    Value::text(&part, means.meter)
}

fn replace<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let (text, old, new) = (text_of(&given[0]), text_of(&given[1]), text_of(&given[2]));
    means.meter.look_through(text.len() + old.len())?;
    let places = text.matches(old).count();
    // Paid for as long as it will be before it is made: what is put in may be much longer than what is taken out.
    means.meter.make(text.len() + places.saturating_mul(new.len()))?;
    Ok(Value::Text(Text::Made(text.replace(old, new).into())))
}

fn split<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let (text, separator) = (text_of(&given[0]), text_of(&given[1]));
    means.meter.look_through(text.len() + separator.len())?;
    let mut parts = Vec::new();
    for part in text.split(separator) {
        means.meter.make(part.len() + ELEMENT)?;
        parts.push(Value::Text(Text::Made(part.into())));
    }
    Value::list(parts, means.meter)
}

fn join<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let separator = given.get(1).map_or("", text_of);
    let mut joined = std::string::String::new();
    for (place, item) in given[0].elements().into_iter().flatten().enumerate() {
        means.meter.steps(1)?;
        let Value::Text(part) = &item else {
            return Err(Failure::new(format!(
                "join() takes a list of strings, and item {place} is a {}",
                item.kind()
            )));
        };
        let separator = if place > 0 { separator } else { "" };
        means.meter.make(separator.len() + part.len())?;
        joined.push_str(separator);
        joined.push_str(part);
    }
    Ok(Value::Text(Text::Made(joined.into())))
}
