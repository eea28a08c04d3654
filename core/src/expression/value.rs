//! A value while an expression is evaluated.
//!
//! What was bound is borrowed and looked at in place; what the expression makes is shared. So no step copies more than it pays
//! for, and a value may hold another many times over: whoever walks one pays for each visit.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value as Json;

use super::facts::{Datum, Fields};
use super::fault::EvaluationError;
use super::kind::Kind;
use super::meter::{Failure, Meter};

/// The most bytes that a result may take as JSON.
pub const LONGEST_RESULT: usize = 256 * 1024;
/// What an element of a list or a map takes up, besides what it holds.
pub(super) const ELEMENT: usize = 48;

#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Text<'a>),
    Timestamp(DateTime<Utc>),
    Duration(TimeDelta),
    List(Rc<Vec<Value<'a>>>),
    Map(Rc<BTreeMap<Key, Value<'a>>>),
    /// An array or an object that was bound.
    Json(&'a Json),
    /// Facts that were bound.
    Fields(&'a Fields),
}

/// Text, borrowed or made.
#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Bound(&'a str),
    Made(Rc<str>),
}

/// The key of a map that an expression wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Bound(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'a> Value<'a> {
    pub(super) fn of_json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => number
                .as_i64()
                .map_or_else(|| Self::Double(number.as_f64().unwrap_or(f64::NAN)), Self::Int),
            Json::String(text) => Self::Text(Text::Bound(text)),
            Json::Array(_) | Json::Object(_) => Self::Json(json),
        }
    }

    pub(super) fn of_datum(datum: &'a Datum) -> Self {
        match datum {
            Datum::Null => Self::Null,
            Datum::Text(text) => Self::Text(Text::Bound(text)),
            Datum::Instant(instant) => Self::Timestamp(*instant),
            Datum::Json(json) => Self::of_json(json),
            Datum::Fields(fields) => Self::Fields(fields),
        }
    }

    /// Text that the expression makes.
    pub(super) fn text(text: &str, meter: &mut Meter) -> Result<Self, Failure> {
        meter.make(text.len())?;
        Ok(Self::Text(Text::Made(text.into())))
    }

    /// A list that the expression makes; what it holds is paid for already.
    pub(super) fn list(items: Vec<Self>, meter: &mut Meter) -> Result<Self, Failure> {
        meter.make(items.len() * ELEMENT)?;
        Ok(Self::List(Rc::new(items)))
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) | Self::Double(_) => Kind::Number,
            Self::Text(_) => Kind::String,
            Self::Timestamp(_) => Kind::Timestamp,
            Self::Duration(_) => Kind::Duration,
            Self::List(_) | Self::Json(Json::Array(_)) => Kind::list(),
            Self::Map(_) | Self::Fields(_) | Self::Json(_) => Kind::map(),
        }
    }

    /// The value under a name; `None` when there is none, or this is not a map.
    pub(super) fn field(&self, name: &str) -> Option<Self> {
        match self {
            Self::Json(Json::Object(fields)) => fields.get(name).map(Self::of_json),
            Self::Fields(fields) => fields.get(name).map(Self::of_datum),
            Self::Map(entries) => entries.get(&Key::Text(name.into())).cloned(),
            _ => None,
        }
    }

    /// The value under a key or at a place.
    pub(super) fn at(&self, key: &Self) -> Option<Self> {
        match (self, key) {
            (_, Self::Text(name)) => self.field(name),
            (Self::Map(entries), key) => entries.get(&key.as_key()?).cloned(),
            (list, place) => list.item(usize::try_from(place.as_whole()?).ok()?),
        }
    }

    /// The item of a list at a place from 0.
    pub(super) fn item(&self, place: usize) -> Option<Self> {
        match self {
            Self::List(items) => items.get(place).cloned(),
            Self::Json(Json::Array(items)) => items.get(place).map(Self::of_json),
            _ => None,
        }
    }

    /// How many elements a list or a map has; `None` for what is neither.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Self::List(items) => Some(items.len()),
            Self::Map(entries) => Some(entries.len()),
            Self::Json(Json::Array(items)) => Some(items.len()),
            Self::Json(Json::Object(fields)) => Some(fields.len()),
            Self::Fields(fields) => Some(fields.len()),
            _ => None,
        }
    }

    /// What a loop over this goes through: the items of a list, the keys of a map. `None` for what is neither.
    pub(super) fn elements(&self) -> Option<Elements<'a>> {
        Some(match self {
            Self::List(items) => {
                let items = Rc::clone(items);
                Box::new((0..items.len()).map(move |place| items[place].clone()))
            }
            Self::Map(entries) => {
                let keys: Vec<Key> = entries.keys().cloned().collect();
                Box::new(keys.into_iter().map(Self::from))
            }
            Self::Json(Json::Array(items)) => Box::new(items.iter().map(Self::of_json)),
            Self::Json(Json::Object(fields)) => Box::new(fields.keys().map(|name| Self::bound(name))),
            Self::Fields(fields) => Box::new(fields.keys().map(|name| Self::bound(name))),
            _ => return None,
        })
    }

    fn bound(text: &'a str) -> Self {
        Self::Text(Text::Bound(text))
    }

    pub(super) fn as_key(&self) -> Option<Key> {
        Some(match self {
            Self::Bool(truth) => Key::Bool(*truth),
            Self::Text(text) => Key::Text(Rc::from(&**text)),
            other => Key::Int(other.as_whole()?),
        })
    }

    /// A number without a fraction.
    pub(super) fn as_whole(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Double(number) => whole(*number),
            _ => None,
        }
    }

    /// Whether both are the same, numbers by their value. Each part that is looked at is paid for.
    pub(super) fn equals(&self, other: &Self, meter: &mut Meter) -> Result<bool, Failure> {
        meter.steps(1)?;
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => {
                meter.look_through(one.len().min(other.len()))?;
                **one == **other
            }
            (Self::Timestamp(one), Self::Timestamp(other)) => one == other,
            (Self::Duration(one), Self::Duration(other)) => one == other,
            (Self::Int(_) | Self::Double(_), Self::Int(_) | Self::Double(_)) => {
                compare_numbers(self, other) == Some(Ordering::Equal)
            }
            _ if self.len().is_none() || self.len() != other.len() => false,
            _ => return self.same_elements(other, meter),
        })
    }

    /// Whether two lists or maps of the same length hold the same.
    fn same_elements(&self, other: &Self, meter: &mut Meter) -> Result<bool, Failure> {
        let are_lists = (self.is_list(), other.is_list());
        if are_lists.0 != are_lists.1 {
            return Ok(false);
        }
        for (place, element) in self.elements().into_iter().flatten().enumerate() {
            let pair = if are_lists.0 {
                Some(element).zip(other.item(place))
            } else {
                self.at(&element).zip(other.at(&element))
            };
            match pair {
                Some((mine, theirs)) if mine.equals(&theirs, meter)? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Json(Json::Array(_)))
    }

    /// Which comes first; `None` for values that have no order among them.
    pub(super) fn compare(&self, other: &Self, meter: &mut Meter) -> Result<Option<Ordering>, Failure> {
        Ok(match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => Some(one.cmp(other)),
            (Self::Text(one), Self::Text(other)) => {
                meter.look_through(one.len().min(other.len()))?;
                Some((**one).cmp(&**other))
            }
            (Self::Timestamp(one), Self::Timestamp(other)) => Some(one.cmp(other)),
            (Self::Duration(one), Self::Duration(other)) => Some(one.cmp(other)),
            _ => compare_numbers(self, other),
        })
    }

    /// The value as JSON, unless it is longer than a result may be.
    pub(super) fn into_json(self) -> Result<Json, Failure> {
        to_json(&self, &mut Room(LONGEST_RESULT))
    }
}

/// What a loop goes through.
pub(super) type Elements<'a> = Box<dyn Iterator<Item = Value<'a>> + 'a>;

impl From<Key> for Value<'_> {
    fn from(key: Key) -> Self {
        match key {
            Key::Bool(truth) => Self::Bool(truth),
            Key::Int(number) => Self::Int(number),
            Key::Text(text) => Self::Text(Text::Made(text)),
        }
    }
}

/// The number without its fraction, when it has none and fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "a double between these bounds without a fraction is exactly an i64"
)]
pub(super) fn whole(number: f64) -> Option<i64> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (number.trunc() == number && (-BOUND..BOUND).contains(&number)).then_some(number as i64)
}

/// The number as a double, for arithmetic with another.
#[expect(
    clippy::cast_precision_loss,
    reason = "arithmetic of doubles is what is asked for"
)]
pub(super) fn as_double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        _ => None,
    }
}

fn compare_numbers(one: &Value<'_>, other: &Value<'_>) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.as_whole(), other.as_whole()) {
        return Some(one.cmp(&other));
    }
    as_double(one)?.partial_cmp(&as_double(other)?)
}

/// A span of time as CEL writes it: in seconds.
pub(super) fn duration_text(span: TimeDelta) -> String {
    let nanos = span.subsec_nanos().unsigned_abs();
    let sign = if span < TimeDelta::zero() { "-" } else { "" };
    let seconds = span.num_seconds().unsigned_abs();
    let fraction = format!("{nanos:09}");
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{seconds}s"),
        fraction => format!("{sign}{seconds}.{fraction}s"),
    }
}

/// An instant as RFC 3339 writes it.
pub(super) fn timestamp_text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// How many bytes of the result are left.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        let left = self.0.checked_sub(bytes);
        self.0 = left.ok_or(Failure::Exhausted(EvaluationError::ResultTooLong))?;
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<String, Failure> {
        let escaped = |byte: u8| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
            0..=0x1f => 6,
            _ => 1,
        };
        // What is longer before it is escaped need not be looked through.
        self.take(text.len().min(LONGEST_RESULT + 1))?;
        if text.contains('\0') {
            let message = "the result holds a NUL character, which cannot be stored";
            return Err(Failure::new(message));
        }
        let written: usize = text.bytes().map(escaped).sum();
        self.take(written - text.len() + 2)?;
        Ok(text.to_owned())
    }
}

fn to_json(value: &Value<'_>, room: &mut Room) -> Result<Json, Failure> {
    Ok(match value {
        Value::Null => told(Json::Null, room)?,
        Value::Bool(truth) => told(Json::Bool(*truth), room)?,
        Value::Int(number) => told(Json::from(*number), room)?,
        Value::Double(number) => {
            let number = serde_json::Number::from_f64(*number)
                .ok_or_else(|| Failure::new(format!("the result holds {number}, which JSON cannot write")))?;
            told(Json::Number(number), room)?
        }
        Value::Text(text) => Json::String(room.text(text)?),
        Value::Timestamp(instant) => Json::String(room.text(&timestamp_text(*instant))?),
        Value::Duration(span) => Json::String(room.text(&duration_text(*span))?),
        list if list.is_list() => {
            room.take(2)?;
            let mut items = Vec::new();
            for item in list.elements().into_iter().flatten() {
                room.take(usize::from(!items.is_empty()))?;
                items.push(to_json(&item, room)?);
            }
            Json::Array(items)
        }
        map => {
            room.take(2)?;
            let mut fields = serde_json::Map::new();
            for key in map.elements().into_iter().flatten() {
                room.take(1 + usize::from(!fields.is_empty()))?;
                let name = room.text(&key_text(&key))?;
                let field = map.at(&key).unwrap_or(Value::Null);
                fields.insert(name, to_json(&field, room)?);
            }
            Json::Object(fields)
        }
    })
}

/// What takes as much room as it is written with.
fn told(scalar: Json, room: &mut Room) -> Result<Json, Failure> {
    room.take(scalar.to_string().len())?;
    Ok(scalar)
}

fn key_text(key: &Value<'_>) -> Arc<str> {
    match key {
        Value::Bool(truth) => truth.to_string().into(),
        Value::Int(number) => number.to_string().into(),
        Value::Text(text) => (**text).into(),
        _ => unreachable!("a key is a bool, a whole number or text"),
    }
}
