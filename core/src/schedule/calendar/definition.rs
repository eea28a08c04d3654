//! A calendar as its author writes it.

use chrono::{NaiveDate, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::schedule::timing::Window;

/// The most stretches of days that a calendar may exclude, and the most that it may include.
pub const MOST_DAYS: usize = 5_000;
/// The most windows that a calendar may exclude, and the most that it may include.
pub const MOST_WINDOWS: usize = 5_000;
/// The most stretches of working hours.
pub const MOST_HOURS: usize = 24;
/// The longest name of an entry, in characters.
pub(super) const LONGEST_NAME: usize = 200;

/// The days and hours that work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarDefinition {
    /// The days of the week that work, unless a list below says otherwise.
    #[serde(default = "monday_to_friday")]
    pub working_weekdays: Vec<Weekday>,
    /// Days that do not work.
    #[serde(default)]
    pub excluded: Vec<Days>,
    /// Make-up days: they work, whatever the week and the excluded days say.
    #[serde(default)]
    pub included: Vec<Days>,
    /// Days that do not work in any year.
    #[serde(default)]
    pub every_year: Vec<YearlyDay>,
    /// Windows that do not work, on whatever day.
    #[serde(default)]
    pub excluded_windows: Vec<Window>,
    /// Windows that work, on whatever day, where no excluded window forbids.
    #[serde(default)]
    pub included_windows: Vec<Window>,
    /// Between which times of the day it works; without any, all day.
    #[serde(default)]
    pub hours: Vec<Hours>,
}

/// A stretch of days, both ends in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// The first.
    pub from: NaiveDate,
    /// The last.
    pub until: NaiveDate,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A day of every year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearlyDay {
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A stretch of the day. One that ends before it begins passes midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The first time of the day in it.
    pub from: NaiveTime,
    /// The first time of the day after it.
    pub until: NaiveTime,
}

impl Default for CalendarDefinition {
    fn default() -> Self {
        Self {
            working_weekdays: monday_to_friday(),
            excluded: Vec::new(),
            included: Vec::new(),
            every_year: Vec::new(),
            excluded_windows: Vec::new(),
            included_windows: Vec::new(),
            hours: Vec::new(),
        }
    }
}

fn monday_to_friday() -> Vec<Weekday> {
    vec![
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
    ]
}

/// Why a calendar cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// It is not known.
    #[error("there is no calendar {key:?}; create it, or name another")]
    Unknown {
        /// The key that was asked for.
        key: String,
    },
    /// None or too many are joined.
    #[error("{joined} calendars are joined; give 1 to {most}", most = super::MOST_JOINED)]
    Joined {
        /// How many are.
        joined: usize,
    },
    /// A list is too long.
    #[error("there are {length} entries of {}; at most {most} are taken", words(field))]
    TooMany {
        /// The list.
        field: &'static str,
        /// Its length.
        length: usize,
        /// Its bound.
        most: usize,
    },
    /// An entry ends before it begins.
    #[error("entry {place} of {} ends before it begins; exchange its ends", words(field))]
    Backwards {
        /// The list.
        field: &'static str,
        /// The place in it.
        place: usize,
    },
    /// A window has no length.
    #[error(
        "entry {place} of {} ends where it begins; let it end later, or leave it out",
        words(field)
    )]
    Empty {
        /// The list.
        field: &'static str,
        /// The place in it.
        place: usize,
    },
    /// An entry's name is too long.
    #[error(
        "the name of entry {place} of {} has {length} characters; at most {LONGEST_NAME} are taken",
        words(field)
    )]
    LongName {
        /// The list.
        field: &'static str,
        /// The place in it.
        place: usize,
        /// How long the name is.
        length: usize,
    },
    /// An entry of every year names a day that no year has.
    #[error(
        "entry {place} of the days of every year is day {day} of month {month}, which no year has; correct it"
    )]
    NoSuchDay {
        /// The place in the list.
        place: usize,
        /// The month.
        month: u32,
        /// The day.
        day: u32,
    },
    /// Hours that begin where they end hold nothing or everything.
    #[error("entry {place} of the hours ends where it begins; leave it out for all day")]
    EmptyHours {
        /// The place in the list.
        place: usize,
    },
}

impl CalendarError {
    /// The way to the value that is wrong, from the calendar; empty when it is about no single one.
    #[must_use]
    pub fn path(&self) -> Vec<String> {
        match self {
            Self::Unknown { .. } | Self::Joined { .. } => Vec::new(),
            Self::TooMany { field, .. } => vec![(*field).to_owned()],
            Self::Backwards { field, place } | Self::Empty { field, place } => {
                vec![(*field).to_owned(), place.to_string()]
            }
            Self::LongName { field, place, .. } => {
                vec![(*field).to_owned(), place.to_string(), "name".to_owned()]
            }
            Self::NoSuchDay { place, .. } => vec!["every_year".to_owned(), place.to_string()],
            Self::EmptyHours { place } => vec!["hours".to_owned(), place.to_string()],
        }
    }
}

/// What a list is called in a sentence.
fn words(field: &str) -> &'static str {
    match field {
        "excluded" => "the excluded days",
        "included" => "the included days",
        "every_year" => "the days of every year",
        "excluded_windows" => "the excluded windows",
        "included_windows" => "the included windows",
        _ => "the hours",
    }
}

impl CalendarDefinition {
    /// Says what is wrong with it, if anything.
    pub fn check(&self) -> Result<(), CalendarError> {
        check_days("excluded", &self.excluded)?;
        check_days("included", &self.included)?;
        check_windows("excluded_windows", &self.excluded_windows)?;
        check_windows("included_windows", &self.included_windows)?;
        at_most("every_year", self.every_year.len(), 366)?;
        check_names(
            "every_year",
            self.every_year.iter().map(|day| day.name.as_deref()),
        )?;
        at_most("hours", self.hours.len(), MOST_HOURS)?;
        for (place, &YearlyDay { month, day, .. }) in self.every_year.iter().enumerate() {
            // A leap year has every day that any year has.
            if NaiveDate::from_ymd_opt(2000, month, day).is_none() {
                return Err(CalendarError::NoSuchDay { place, month, day });
            }
        }
        match self.hours.iter().position(|hours| hours.from == hours.until) {
            Some(place) => Err(CalendarError::EmptyHours { place }),
            None => Ok(()),
        }
    }
}

fn check_days(field: &'static str, days: &[Days]) -> Result<(), CalendarError> {
    at_most(field, days.len(), MOST_DAYS)?;
    check_names(field, days.iter().map(|days| days.name.as_deref()))?;
    match days.iter().position(|days| days.until < days.from) {
        Some(place) => Err(CalendarError::Backwards { field, place }),
        None => Ok(()),
    }
}

fn check_windows(field: &'static str, windows: &[Window]) -> Result<(), CalendarError> {
    at_most(field, windows.len(), MOST_WINDOWS)?;
    check_names(field, windows.iter().map(|window| window.name.as_deref()))?;
    match windows.iter().position(|window| window.until <= window.from) {
        Some(place) if windows[place].until == windows[place].from => {
            Err(CalendarError::Empty { field, place })
        }
        Some(place) => Err(CalendarError::Backwards { field, place }),
        None => Ok(()),
    }
}

fn check_names<'a>(
    field: &'static str,
    names: impl Iterator<Item = Option<&'a str>>,
) -> Result<(), CalendarError> {
    let lengths = names.map(|name| name.map_or(0, |name| name.chars().count()));
    match lengths.enumerate().find(|&(_, length)| length > LONGEST_NAME) {
        Some((place, length)) => Err(CalendarError::LongName { field, place, length }),
        None => Ok(()),
    }
}

fn at_most(field: &'static str, length: usize, most: usize) -> Result<(), CalendarError> {
    if length > most {
        return Err(CalendarError::TooMany { field, length, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(definition: &CalendarDefinition) -> (String, Vec<String>) {
        let error = definition.check().expect_err("it is refused");
        (error.to_string(), error.path())
    }

    fn window(from: &str, until: &str, name: Option<String>) -> Window {
        Window {
            from: from.parse().expect("an instant"),
            until: until.parse().expect("an instant"),
            name,
        }
    }

    #[test]
    fn a_window_without_a_length_is_not_called_backwards() {
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        for (until, reason) in [
            (
                early,
                "entry 1 of the excluded windows ends before it begins; exchange its ends",
            ),
            (
                late,
                "entry 1 of the excluded windows ends where it begins; let it end later, or leave it out",
            ),
        ] {
            let definition = CalendarDefinition {
                excluded_windows: vec![window(early, late, None), window(late, until, None)],
                ..CalendarDefinition::default()
            };
            let (message, path) = refused(&definition);
            assert_eq!(message, reason);
            assert_eq!(path, ["excluded_windows", "1"]);
        }
    }

    #[test]
    fn the_name_of_an_entry_is_bounded() {
        let named = |length: usize| CalendarDefinition {
            every_year: vec![YearlyDay {
                month: 12,
                day: 25,
                name: Some("é".repeat(length)),
            }],
            ..CalendarDefinition::default()
        };
        assert_eq!(named(LONGEST_NAME).check(), Ok(()));
        let (message, path) = refused(&named(LONGEST_NAME + 1));
        assert_eq!(
            message,
            "the name of entry 0 of the days of every year has 201 characters; at most 200 are taken"
        );
        assert_eq!(path, ["every_year", "0", "name"]);
    }

    #[test]
    fn a_day_of_no_year_is_told_without_the_name_of_a_field() {
        let definition = CalendarDefinition {
            every_year: vec![YearlyDay {
                month: 2,
                day: 30,
                name: None,
            }],
            ..CalendarDefinition::default()
        };
        assert_eq!(
            refused(&definition).0,
            "entry 0 of the days of every year is day 30 of month 2, which no year has; correct it"
        );
    }
}
