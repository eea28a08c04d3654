//! Values of properties, as RFC 5545 writes them.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use icalendar::parser::{Component, Property};

use crate::schedule::zone::Zone;

/// The longest that a duration may be: ten years.
const LONGEST_SECONDS: i64 = 3_660 * 86_400;

/// A component's properties of that name.
pub(super) fn properties<'a>(
    component: &'a Component<'a>,
    name: &str,
) -> impl Iterator<Item = &'a Property<'a>> {
    component
        .properties
        .iter()
        .filter(move |property| property.name.as_str().eq_ignore_ascii_case(name))
}

/// The value of the first of them.
pub(super) fn value_of<'a>(component: &'a Component<'a>, name: &str) -> Option<&'a str> {
    Some(properties(component, name).next()?.val.as_str())
}

pub(super) fn parameter<'a>(property: &'a Property, key: &str) -> Option<&'a str> {
    let found = property
        .params
        .iter()
        .find(|parameter| parameter.key.as_str().eq_ignore_ascii_case(key))?;
    found.val.as_ref().map(|value| value.as_str().trim_matches('"'))
}

/// Whether a property is a day and has no time.
pub(super) fn is_date(property: &Property) -> bool {
    parameter(property, "VALUE").is_some_and(|value| value.eq_ignore_ascii_case("DATE"))
        || property.val.as_str().len() == 8
}

/// The day of `text`, which may have a time as well.
pub(super) fn date(property: &Property, text: &str) -> Result<NaiveDate, String> {
    text.get(..8)
        .and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok())
        .ok_or_else(|| format!("{text:?} of {} is not a date", property.name.as_str()))
}

/// The zone that a property names.
pub(super) fn zone(property: &Property) -> Result<Option<Tz>, String> {
    let named = parameter(property, "TZID").map(|zone| {
        zone.parse()
            .map_err(|_| format!("{zone:?} is not a zone of the IANA database"))
    });
    named.transpose()
}

/// The time of `text` on the wall of the zone `of`. One that names no zone itself is in that one.
pub(super) fn wall(property: &Property, text: &str, of: Tz) -> Result<NaiveDateTime, String> {
    let (time, utc) = text.strip_suffix('Z').map_or((text, false), |time| (time, true));
    let wall = (time.len() == 15)
        .then(|| NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%S").ok())
        .flatten()
        .ok_or_else(|| format!("{text:?} of {} is not a time", property.name.as_str()))?;
    let named = if utc { Some(Tz::UTC) } else { zone(property)? };
    Ok(match named.filter(|&named| named != of) {
        Some(named) => Zone::of(of).wall(Zone::of(named).first_at(wall)),
        None => wall,
    })
}

/// A duration such as `P1D`, `PT1H30M` or `P2W`.
pub(super) fn duration(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{text:?} is not a duration up to ten years; write one such as P1D or PT1H30M");
    let mut seconds = 0_i64;
    let mut number = String::new();
    let mut in_time = false;
    for letter in text
        .trim_start_matches('+')
        .strip_prefix('P')
        .ok_or_else(wrong)?
        .chars()
    {
        let unit = match letter {
            '0'..='9' if number.len() < 9 => {
                number.push(letter);
                continue;
            }
            'T' if number.is_empty() => {
                in_time = true;
                continue;
            }
            'W' => 604_800,
            'D' => 86_400,
            'H' if in_time => 3_600,
            'M' if in_time => 60,
            'S' if in_time => 1,
            _ => return Err(wrong()),
        };
        seconds += number.parse::<i64>().map_err(|_| wrong())? * unit;
        number.clear();
        if seconds > LONGEST_SECONDS {
            return Err(wrong());
        }
    }
    if number.is_empty() && seconds > 0 {
        Ok(TimeDelta::seconds(seconds))
    } else {
        Err(wrong())
    }
}
