//! Days and windows out of an iCalendar file.
//!
//! Every event of the file becomes the days it covers, or the window when it has times of day. What an event means (a
//! holiday, a make-up day, a freeze) the file does not say, so whoever imports puts the result into the list they mean.
//! That an event leaves its time free (`TRANSP`) is not looked at: most files of holidays say so of all of them.
//!
//! Recurring events are listed up to a horizon, so that a calendar stays a list that can be read, compared and bounded. An
//! event that replaces one time of another (`RECURRENCE-ID`) takes that time out of it, and stands for itself unless it is
//! cancelled.

mod event;
mod value;

use std::collections::HashMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use icalendar::parser::{Component, Property, read_calendar, unfold};
use thiserror::Error;

use super::definition::{Days, MOST_DAYS};
use crate::schedule::timing::Window;
use event::Event;
use value::{properties, value_of};

/// The largest file, in bytes.
pub const LARGEST_IMPORT: usize = 4 * 1024 * 1024;
/// The most events of one file.
pub const MOST_EVENTS: usize = 20_000;
/// The most of them that recur.
const MOST_RECURRING: usize = 1_000;
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
    /// The stretch that is imported ends before it begins.
    #[error("until, {until}, is before from, {from}; exchange them")]
    Backwards {
        /// The first day of interest.
        from: NaiveDate,
        /// The last.
        until: NaiveDate,
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
    let (from, until) = (bounds.from, bounds.until);
    if until < from {
        return Err(ImportError::Backwards { from, until });
    }
    let unfolded = unfold(text.trim_start_matches('\u{feff}'));
    let mut components = Vec::new();
    for calendar in calendars(&unfolded)? {
        let calendar =
            read_calendar(calendar).map_err(|_| unreadable("one of its lines is not NAME:value"))?;
        components.extend(calendar.components);
    }
    let events: Vec<&Component> = components
        .iter()
        .filter(|component| component.name.as_str().eq_ignore_ascii_case("VEVENT"))
        .collect();
    at_most("events", events.len(), MOST_EVENTS)?;
    let recurring = events.iter().filter(|event| value_of(event, "RRULE").is_some());
    at_most("recurring events", recurring.count(), MOST_RECURRING)?;
    list(&events, bounds)
}

/// The days and windows of all events.
fn list(events: &[&Component], bounds: &ImportBounds) -> Result<Imported, ImportError> {
    let replaced = replaced_times(events);
    let mut imported = Imported::default();
    for (place, component) in events.iter().enumerate() {
        let event = Event {
            component,
            bounds,
            replaced: value_of(component, "UID")
                .and_then(|uid| replaced.get(uid))
                .map_or(&[], Vec::as_slice),
        };
        event.add_to(&mut imported).map_err(|reason| ImportError::Event {
            event: event.name().unwrap_or_else(|| format!("number {}", place + 1)),
            reason,
        })?;
        at_most(
            "days or windows",
            imported.days.len().max(imported.windows.len()),
            MOST_DAYS,
        )?;
    }
    imported.days.sort_by_key(|days| (days.from, days.until));
    imported.windows.sort_by_key(|window| (window.from, window.until));
    Ok(imported)
}

/// Which times of which events are replaced by other events, by the `UID` that the two share.
fn replaced_times<'a>(events: &[&'a Component<'a>]) -> HashMap<&'a str, Vec<&'a Property<'a>>> {
    let mut replaced: HashMap<&str, Vec<&Property>> = HashMap::new();
    for event in events {
        let time = properties(event, "RECURRENCE-ID").next();
        if let Some((uid, time)) = value_of(event, "UID").zip(time) {
            replaced.entry(uid).or_default().push(time);
        }
    }
    replaced
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), ImportError> {
    if found > most {
        return Err(ImportError::TooMany { what, most });
    }
    Ok(())
}

fn unreadable(reason: impl Into<String>) -> ImportError {
    ImportError::Unreadable {
        reason: reason.into(),
    }
}

/// The calendars of a file, one or more, each from its `BEGIN:VCALENDAR` to its `END:VCALENDAR`.
///
/// What is not properly nested is refused here: the parser says so in its own words, and calls itself for each level.
fn calendars(text: &str) -> Result<Vec<&str>, ImportError> {
    let mut found = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let (mut first, mut read) = (0, 0);
    for whole in text.split_inclusive('\n') {
        let at = read;
        read += whole.len();
        let line = whole.trim();
        if line.is_empty() {
            continue;
        }
        let Some((name, value)) = line.split_once(':').filter(|(head, _)| has_name(head)) else {
            let shown: String = line.chars().take(60).collect();
            return Err(unreadable(format!("the line {shown:?} is not NAME:value")));
        };
        let (begins, ends) = (name == "BEGIN", name == "END");
        if !begins
            && !ends
            && ["BEGIN", "END"]
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word))
        {
            // The parser would take it for a property, and what it begins for nothing.
            return Err(unreadable("write BEGIN and END in capital letters"));
        }
        if open.is_empty() {
            if !begins || !value.eq_ignore_ascii_case("VCALENDAR") {
                return Err(unreadable(
                    "it has lines outside of BEGIN:VCALENDAR and END:VCALENDAR",
                ));
            }
            first = at;
        }
        if begins {
            open.push(value);
        } else if ends {
            if !open.pop().is_some_and(|begun| begun.eq_ignore_ascii_case(value)) {
                return Err(unreadable(format!(
                    "END:{value} stands where something else is open"
                )));
            }
            if open.is_empty() {
                found.push(&text[first..read]);
            }
        }
        if open.len() > DEEPEST {
            return Err(unreadable(format!(
                "its components are nested deeper than {DEEPEST}"
            )));
        }
    }
    match open.last() {
        Some(begun) => Err(unreadable(format!("BEGIN:{begun} has no END:{begun}"))),
        None if found.is_empty() => Err(unreadable("it holds no BEGIN:VCALENDAR")),
        None => Ok(found),
    }
}

/// Whether what stands before a line's colon begins with the name of a property.
fn has_name(head: &str) -> bool {
    let name = head.split(';').next().unwrap_or_default();
    let of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    !name.is_empty() && name.chars().all(of_name)
}

#[cfg(test)]
mod tests;
