//! Days and windows out of an iCalendar file.
//!
//! Every event of the file becomes the days it covers, or the window when it has times of day. What an event means (a
//! holiday, a make-up day, a freeze) the file does not say, so whoever imports puts the result into the list they mean.
//! That an event leaves its time free (`TRANSP`) is not looked at: most files of holidays say so of all of them.
//!
//! Recurring events are listed up to a horizon, so that a calendar stays a list that can be read, compared and bounded.

use chrono::{DateTime, Days as DayCount, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use icalendar::parser::{Component, Property, read_calendar, unfold};
use thiserror::Error;

use super::definition::{Days, MOST_DAYS};
use crate::schedule::recurrence::{Recurrence, RecurrenceError};
use crate::schedule::timing::Window;
use crate::schedule::zone::Zone;

/// The largest file, in bytes.
pub const LARGEST_IMPORT: usize = 4 * 1024 * 1024;
/// The most events of one file.
pub const MOST_EVENTS: usize = 20_000;
/// How deep components may be nested. The parser calls itself for each level.
const DEEPEST: usize = 8;

/// What is taken out of a file.
#[derive(Clone, Copy, Debug)]
pub struct ImportBounds {
    /// The first day of interest.
    pub from: NaiveDate,
    /// The last.
    pub until: NaiveDate,
    /// The zone of times that name none.
    pub zone: Tz,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events of whole days.
    pub days: Vec<Days>,
    /// Events with times.
    pub windows: Vec<Window>,
}

/// Why a file cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// It is too large.
    #[error("the file has {size} bytes; at most {LARGEST_IMPORT} are taken, so leave out past events")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// It is no calendar.
    #[error("the file is not an iCalendar file: {reason}")]
    Unreadable {
        /// What is wrong.
        reason: String,
    },
    /// It holds too much.
    #[error(
        "the file holds more than {most} {what}; shorten the stretch that is imported, or leave events out"
    )]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// An event is not understood.
    #[error("event {event:?}: {reason}")]
    Event {
        /// Its summary, or its place in the file.
        event: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads an iCalendar file.
pub fn import(text: &str, bounds: &ImportBounds) -> Result<Imported, ImportError> {
    if text.len() > LARGEST_IMPORT {
        return Err(ImportError::TooLarge { size: text.len() });
    }
    let unfolded = unfold(text);
    check_nesting(&unfolded)?;
    let calendar = read_calendar(&unfolded).map_err(|error| ImportError::Unreadable {
        reason: error
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect(),
    })?;
    let events: Vec<&Component> = calendar
        .components
        .iter()
        .filter(|component| component.name == "VEVENT")
        .collect();
    if events.len() > MOST_EVENTS {
        return Err(ImportError::TooMany {
            what: "events",
            most: MOST_EVENTS,
        });
    }
    let mut imported = Imported::default();
    for (place, component) in events.into_iter().enumerate() {
        let event = Event { component, bounds };
        event.add_to(&mut imported).map_err(|reason| ImportError::Event {
            event: event
                .value("SUMMARY")
                .map_or_else(|| format!("number {}", place + 1), str::to_owned),
            reason,
        })?;
        if imported.days.len().max(imported.windows.len()) > MOST_DAYS {
            return Err(ImportError::TooMany {
                what: "days or windows",
                most: MOST_DAYS,
            });
        }
    }
    imported.days.sort_by_key(|days| (days.from, days.until));
    imported.windows.sort_by_key(|window| (window.from, window.until));
    Ok(imported)
}

/// Refuses what would make the parser call itself too often.
fn check_nesting(text: &str) -> Result<(), ImportError> {
    let mut depth = 0_usize;
    for line in text.lines() {
        let begins = |word: &str| {
            line.get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        if begins("BEGIN:") {
            depth += 1;
        } else if begins("END:") {
            depth = depth.saturating_sub(1);
        }
        if depth > DEEPEST {
            return Err(ImportError::Unreadable {
                reason: format!("its components are nested deeper than {DEEPEST}"),
            });
        }
    }
    Ok(())
}

/// One event of a file.
struct Event<'a> {
    component: &'a Component<'a>,
    bounds: &'a ImportBounds,
}

/// When an event begins and ends.
enum Extent {
    /// The first day, and the first after it.
    Days(NaiveDate, NaiveDate),
    /// The first wall time, how long it lasts, and the zone.
    Window(NaiveDateTime, TimeDelta, Tz),
}

impl Event<'_> {
    fn add_to(&self, imported: &mut Imported) -> Result<(), String> {
        if self
            .value("STATUS")
            .is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED"))
        {
            return Ok(());
        }
        let name = self
            .value("SUMMARY")
            .map(|name| name.chars().take(200).collect::<String>());
        match self.extent()? {
            Extent::Days(from, after) => {
                let length = DayCount::new((after - from).num_days().unsigned_abs() - 1);
                for start in self.starts(from.and_time(NaiveTime::MIN), Tz::UTC)? {
                    let from = start.date();
                    let until = from.checked_add_days(length).unwrap_or(from);
                    if until >= self.bounds.from && from <= self.bounds.until {
                        let name = name.clone();
                        imported.days.push(Days { from, until, name });
                    }
                }
            }
            Extent::Window(start, length, zone) => {
                let spans = Zone::of(zone);
                for start in self.starts(start, zone)? {
                    let from = spans.first_at(start);
                    let until = from + length;
                    if until.date_naive() >= self.bounds.from && from.date_naive() <= self.bounds.until {
                        let name = name.clone();
                        imported.windows.push(Window { from, until, name });
                    }
                }
            }
        }
        Ok(())
    }

    fn extent(&self) -> Result<Extent, String> {
        let start = self.property("DTSTART").ok_or("it has no DTSTART")?;
        if is_date(start) {
            let from = date(start)?;
            let after = match (self.property("DTEND"), self.value("DURATION")) {
                (Some(end), _) => date(end)?,
                (None, Some(length)) => from + duration(length)?,
                (None, None) => from + TimeDelta::days(1),
            };
            // Some programs write the same day twice for an event of that day.
            return Ok(Extent::Days(from, after.max(from + TimeDelta::days(1))));
        }
        let (from, zone) = self.instant(start)?;
        let length = match (self.property("DTEND"), self.value("DURATION")) {
            (Some(end), _) => self.instant(end)?.0 - from,
            (None, Some(length)) => duration(length)?,
            (None, None) => TimeDelta::zero(),
        };
        if length <= TimeDelta::zero() {
            return Err("it ends where it begins or before; give it a DTEND after its DTSTART".into());
        }
        Ok(Extent::Window(Zone::of(zone).wall(from), length, zone))
    }

    /// When it begins: once, or as often as it recurs up to the horizon.
    fn starts(&self, start: NaiveDateTime, zone: Tz) -> Result<Vec<NaiveDateTime>, String> {
        let Some(rule) = self.property("RRULE") else {
            return Ok(vec![start]);
        };
        let mut text = format!(
            "DTSTART;TZID={}:{}\nRRULE:{}",
            zone.name(),
            start.format("%Y%m%dT%H%M%S"),
            rule.val.as_str()
        );
        for property in &self.component.properties {
            if property.name == "EXDATE" || property.name == "RDATE" {
                text.push_str(&line(property));
            }
        }
        let recurrence =
            Recurrence::parse(&text, zone).map_err(|error: RecurrenceError| error.to_string())?;
        let last = self.bounds.until.and_time(NaiveTime::MIN) + TimeDelta::days(2);
        let first = self.bounds.from.and_time(NaiveTime::MIN) - TimeDelta::days(400);
        let starts: Vec<_> = std::iter::successors(recurrence.first_from(first), |&wall| {
            recurrence.first_from(wall + TimeDelta::seconds(1))
        })
        .take_while(|&wall| wall <= last)
        .take(MOST_DAYS + 1)
        .collect();
        Ok(starts)
    }

    fn property(&self, name: &str) -> Option<&Property<'_>> {
        self.component
            .properties
            .iter()
            .find(|property| property.name == name)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.property(name).map(|property| property.val.as_str())
    }

    fn instant(&self, property: &Property) -> Result<(DateTime<Utc>, Tz), String> {
        let text = property.val.as_str();
        let (text, utc) = text.strip_suffix('Z').map_or((text, false), |text| (text, true));
        let wall = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S")
            .map_err(|_| format!("{text:?} of {} is not a time", property.name.as_str()))?;
        if utc {
            return Ok((wall.and_utc(), Tz::UTC));
        }
        let zone = match parameter(property, "TZID") {
            Some(zone) => zone
                .parse()
                .map_err(|_| format!("{zone:?} is not a zone of the IANA database"))?,
            None => self.bounds.zone,
        };
        Ok((Zone::of(zone).first_at(wall), zone))
    }
}

fn is_date(property: &Property) -> bool {
    parameter(property, "VALUE").is_some_and(|value| value.eq_ignore_ascii_case("DATE"))
        || property.val.as_str().len() == 8
}

fn date(property: &Property) -> Result<NaiveDate, String> {
    let text = property.val.as_str();
    NaiveDate::parse_from_str(text.get(..8).unwrap_or(text), "%Y%m%d")
        .map_err(|_| format!("{text:?} of {} is not a date", property.name.as_str()))
}

/// A duration as RFC 5545 writes it, such as `P1D`, `PT1H30M` or `P2W`.
fn duration(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{text:?} is not a duration; write one such as P1D or PT1H30M");
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
            '0'..='9' if number.len() < 6 => {
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
    }
    if number.is_empty() && seconds > 0 {
        Ok(TimeDelta::seconds(seconds))
    } else {
        Err(wrong())
    }
}

fn parameter<'a>(property: &'a Property, key: &str) -> Option<&'a str> {
    let found = property
        .params
        .iter()
        .find(|parameter| parameter.key.as_str().eq_ignore_ascii_case(key))?;
    found.val.as_ref().map(|value| value.as_str().trim_matches('"'))
}

/// A property as the line it was read from, without what a recurrence does not need.
fn line(property: &Property) -> String {
    let zone = parameter(property, "TZID").map_or_else(String::new, |zone| format!(";TZID={zone}"));
    format!("\n{}{zone}:{}", property.name.as_str(), property.val.as_str())
}

#[cfg(test)]
mod tests;
