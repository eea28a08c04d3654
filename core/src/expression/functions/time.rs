//! Instants and spans of time.

use std::str::FromStr;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::super::value::Value;
use super::Shape::{Duration, Number, String, Timestamp};
use super::convert::unreadable;
use super::dates::written;
use super::{Failure, Function, Means, global, member, text_of, whole_of};

macro_rules! parts_of_timestamps {
    ($($name:literal => $part:expr,)+) => {
        &[
            $(
                member($name, &[Timestamp], Number, |given, _| part(given, $part)),
                member($name, &[Timestamp, String], Number, |given, _| part(given, $part)),
            )+
            member("getHours", &[Duration], Number, |given, _| Ok(total(&given[0], TimeDelta::num_hours))),
            member("getMinutes", &[Duration], Number, |given, _| Ok(total(&given[0], TimeDelta::num_minutes))),
            member("getSeconds", &[Duration], Number, |given, _| Ok(total(&given[0], TimeDelta::num_seconds))),
            member("getMilliseconds", &[Duration], Number, |given, _| {
                Ok(total(&given[0], |span| i64::from(span.subsec_millis())))
            }),
            global("timestamp", &[Timestamp], Timestamp, |given, _| Ok(given[0].clone())),
            global("timestamp", &[String], Timestamp, timestamp_of_text),
            global("timestamp", &[Number], Timestamp, timestamp_of_seconds),
            global("duration", &[Duration], Duration, |given, _| Ok(given[0].clone())),
            global("duration", &[String], Duration, duration_of_text),
            global("formatTimestamp", &[Timestamp, String, String], String, format_timestamp),
            global("dateOf", &[Timestamp, String], String, date_of),
        ]
    };
}

/// Months and days are counted from 0 where CEL counts them so.
pub(super) const FUNCTIONS: &[Function] = parts_of_timestamps! {
    "getFullYear" => |local| i64::from(local.year()),
    "getMonth" => |local| i64::from(local.month0()),
    "getDate" => |local| i64::from(local.day()),
    "getDayOfMonth" => |local| i64::from(local.day0()),
    "getDayOfWeek" => |local| i64::from(local.weekday().num_days_from_sunday()),
    "getDayOfYear" => |local| i64::from(local.ordinal0()),
    "getHours" => |local| i64::from(local.hour()),
    "getMinutes" => |local| i64::from(local.minute()),
    "getSeconds" => |local| i64::from(local.second()),
    "getMilliseconds" => |local| i64::from(local.nanosecond() / 1_000_000),
};

/// An instant, unless it lies before the year 1 or after 9999.
pub(in crate::expression) fn timestamp(instant: Option<DateTime<Utc>>) -> Result<Value<'static>, Failure> {
    instant
        .filter(|instant| (1..=9999).contains(&instant.year()))
        .map(Value::Timestamp)
        .ok_or_else(|| Failure::new("the timestamp lies beyond the years 1 to 9999"))
}

fn part<'a>(given: &[Value<'a>], part: fn(NaiveDateTime) -> i64) -> Result<Value<'a>, Failure> {
    let Value::Timestamp(instant) = given[0] else {
        return Ok(Value::Null);
    };
    let zone = given.get(1).map_or("UTC", text_of);
    Ok(Value::Int(part(local(instant, zone)?.naive_local())))
}

/// The instant as the clocks of a zone show it: an IANA name, `UTC`, or `+02:00`.
fn local(instant: DateTime<Utc>, zone: &str) -> Result<DateTime<FixedOffset>, Failure> {
    let offset = match Tz::from_str(zone) {
        Ok(zone) => zone.offset_from_utc_datetime(&instant.naive_utc()).fix(),
        Err(_) => zone
            .parse()
            .map_err(|_| unreadable(zone, "a time zone: an IANA name as `Europe/Berlin`, or `+02:00`"))?,
    };
    Ok(instant.with_timezone(&offset))
}

fn total(given: &Value<'_>, count: fn(&TimeDelta) -> i64) -> Value<'static> {
    match given {
        Value::Duration(span) => Value::Int(count(span)),
        _ => Value::Null,
    }
}

fn timestamp_of_text<'a>(given: &[Value<'a>], _: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let text = text_of(&given[0]);
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|_| unreadable(text, "a timestamp as `2026-01-31T08:00:00Z`"))?;
    timestamp(Some(instant.to_utc()))
}

fn timestamp_of_seconds<'a>(given: &[Value<'a>], _: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    timestamp(DateTime::from_timestamp(whole_of(&given[0])?, 0))
}

fn duration_of_text<'a>(given: &[Value<'a>], _: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let text = text_of(&given[0]);
    let span = read_duration(text);
    span.map(Value::Duration)
        .ok_or_else(|| unreadable(text, "a duration as `1h30m`, `90s` or `-1.5s`"))
}

/// Reads numbers with units, as `1h30m`, `1.5s`; the sign stands before all of them.
fn read_duration(text: &str) -> Option<TimeDelta> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() || text.len() > 100 {
        return None;
    }
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(end);
        let units = [
            ("ns", 1),
            ("us", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ];
        let (unit, nanos) = units.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        sum = sum.checked_add(times(number, nanos)?)?;
        rest = &after[unit.len()..];
    }
    Some(TimeDelta::nanoseconds(i64::try_from(sign * sum).ok()?))
}

/// A number with or without a fraction, so many times.
fn times(number: &str, nanos: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse::<i128>().ok()
        }
    };
    if number == "." || number.is_empty() || fraction.len() > 18 {
        return None;
    }
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let part = digits(fraction)?.checked_mul(nanos)? / scale;
    digits(whole)?.checked_mul(nanos)?.checked_add(part)
}

/// The date that the calendars of a zone show at an instant.
fn date_of<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let Value::Timestamp(instant) = given[0] else {
        return Ok(Value::Null);
    };
    let local = local(instant, text_of(&given[1]))?;
    Value::text(&local.date_naive().to_string(), means.meter)
}

fn format_timestamp<'a>(given: &[Value<'a>], means: &mut Means<'_>) -> Result<Value<'a>, Failure> {
    let Value::Timestamp(instant) = given[0] else {
        return Ok(Value::Null);
    };
    let local = local(instant, text_of(&given[2]))?;
    written(text_of(&given[1]), means, |items| {
        local.format_with_items(items).to_string()
    })
}
