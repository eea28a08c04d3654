//! Scalars, each as a public specification has it.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDate, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;

/// An instant, as RFC 3339 writes it, to the microsecond: `2026-11-21T08:00:00.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime(pub chrono::DateTime<Utc>);

#[Scalar(specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#section-5.6")]
/// An instant, as RFC 3339 writes it, to the microsecond: `2026-11-21T08:00:00.000000Z`.
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        chrono::DateTime::parse_from_rfc3339(text)
            .map(|instant| Self(instant.into()))
            .map_err(|_| {
                InputValueError::custom("an instant is written as RFC 3339 has it: 2026-11-21T08:00:00Z")
            })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(instant: chrono::DateTime<Utc>) -> Self {
        Self(instant)
    }
}

/// Any JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Json(pub serde_json::Value);

#[Scalar(
    name = "JSON",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259"
)]
/// Any JSON value.
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date(pub NaiveDate);

#[Scalar(specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#section-5.6")]
/// A day, as RFC 3339 writes it: `2026-11-21`.
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        text.parse()
            .map(Self)
            .map_err(|_| InputValueError::custom("a day is written as RFC 3339 has it: 2026-11-21"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeOfDay(pub NaiveTime);

#[Scalar(specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#section-5.6")]
/// A time of the day, as RFC 3339 writes it, without a zone: `08:30:00`. Seconds may be left out.
impl ScalarType for TimeOfDay {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        text.parse()
            .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
            .map(Self)
            .map_err(|_| InputValueError::custom("a time of the day is written as RFC 3339 has it: 08:30:00"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A time zone; UTC by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeZone(pub Tz);

#[Scalar(specified_by_url = "https://www.iana.org/time-zones")]
/// A time zone by its name in the IANA database: `Europe/Berlin`.
impl ScalarType for TimeZone {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        text.parse().map(Self).map_err(|_| {
            InputValueError::custom(
                "there is no such time zone; give a name of the IANA database: Europe/Berlin",
            )
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.name().to_owned())
    }
}

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duration(pub i64);

#[Scalar(specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#appendix-A")]
/// A length of time, as ISO 8601 writes it, to the millisecond: `PT30S`, `PT1H30M`, `P1DT12H`, `P2W`. Months and years, whose
/// length varies, are not taken.
impl ScalarType for Duration {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        parse_duration(text).map(Self).ok_or_else(|| {
            InputValueError::custom(
                "a length of time is written as ISO 8601 has it, without months and years: PT30S, P1DT12H",
            )
        })
    }

    fn to_value(&self) -> Value {
        Value::String(write_duration(self.0))
    }
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn parse_duration(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    if let Some(weeks) = date.strip_suffix('W') {
        return time
            .is_empty()
            .then(|| whole(weeks)?.checked_mul(7 * DAY))
            .flatten();
    }
    let date = sum(date, &[('D', DAY)])?;
    let time = sum(time, &[('H', HOUR), ('M', MINUTE), ('S', SECOND)])?;
    date.checked_add(time)
}

/// The sum of numbers that each end in their unit, the units in order; seconds may have a fraction.
fn sum(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for &(unit, length) in units {
        let Some((number, rest)) = text.split_once(unit) else {
            continue;
        };
        let part = match number.split_once(['.', ',']) {
            Some((seconds, fraction)) if unit == 'S' => whole(seconds)?
                .checked_mul(SECOND)?
                .checked_add(milliseconds(fraction)?)?,
            Some(_) => return None,
            None => whole(number)?.checked_mul(length)?,
        };
        total = total.checked_add(part)?;
        text = rest;
    }
    text.is_empty().then_some(total)
}

fn whole(digits: &str) -> Option<i64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}

/// The fraction of a second in whole milliseconds; finer parts are cut.
fn milliseconds(fraction: &str) -> Option<i64> {
    whole(fraction)?;
    whole(&format!("{fraction:0<3}")[..3])
}

/// A length of time as ISO 8601 writes it.
pub(crate) fn write_duration(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let mut rest = milliseconds.unsigned_abs();
    let mut take = |unit: i64| {
        let unit = unit.unsigned_abs();
        let count = rest / unit;
        rest %= unit;
        count
    };
    let counts = [(take(DAY), "D"), (take(HOUR), "H"), (take(MINUTE), "M")];
    let [days, hours, minutes] = counts.map(|(count, unit)| {
        if count > 0 {
            format!("{count}{unit}")
        } else {
            String::new()
        }
    });
    let seconds = match (take(SECOND), rest) {
        (0, 0) => String::new(),
        (seconds, 0) => format!("{seconds}S"),
        (seconds, rest) => format!("{seconds}.{}S", format!("{rest:03}").trim_end_matches('0')),
    };
    match format!("{hours}{minutes}{seconds}").as_str() {
        "" if days.is_empty() => "PT0S".to_owned(),
        "" => format!("{sign}P{days}"),
        time => format!("{sign}P{days}T{time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_and_written_as_iso_8601() {
        for (text, milliseconds, written) in [
            ("PT30S", 30_000, "PT30S"),
            ("P1D", DAY, "P1D"),
            ("P2W", 14 * DAY, "P14D"),
            ("PT90M", 90 * MINUTE, "PT1H30M"),
            ("P1DT12H", 36 * HOUR, "P1DT12H"),
            ("PT0.5S", 500, "PT0.5S"),
            ("PT1,25S", 1_250, "PT1.25S"),
            ("PT0S", 0, "PT0S"),
            ("PT0.0004S", 0, "PT0S"),
        ] {
            assert_eq!(parse_duration(text), Some(milliseconds), "{text}");
            assert_eq!(write_duration(milliseconds), written);
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "30S",
            "PT30",
            "P1M",
            "P1Y",
            "P1DT",
            "PT1S1M",
            "PT-1S",
            "-PT1S",
            "P1W1D",
            "PT1.5M",
            "PT1.S",
            "p1d",
            "P99999999999999999D",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
