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
    #[error("{field} has {length} entries; at most {most} are taken")]
    TooMany {
        /// The list.
        field: &'static str,
        /// Its length.
        length: usize,
        /// Its bound.
        most: usize,
    },
    /// An entry ends before it begins.
    #[error("{field}[{place}] ends before it begins; exchange its ends")]
    Backwards {
        /// The list.
        field: &'static str,
        /// The place in it.
        place: usize,
    },
    /// An entry of every year names a day that no year has.
    #[error("every_year[{place}] names day {day} of month {month}, which no year has; correct it")]
    NoSuchDay {
        /// The place in the list.
        place: usize,
        /// The month.
        month: u32,
        /// The day.
        day: u32,
    },
    /// Hours that begin where they end hold nothing or everything.
    #[error("hours[{place}] end where they begin; leave them out for all day")]
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
            Self::Backwards { field, place } => vec![(*field).to_owned(), place.to_string()],
            Self::NoSuchDay { place, .. } => vec!["every_year".to_owned(), place.to_string()],
            Self::EmptyHours { place } => vec!["hours".to_owned(), place.to_string()],
        }
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
    forwards(field, days.iter().position(|days| days.until < days.from))
}

fn check_windows(field: &'static str, windows: &[Window]) -> Result<(), CalendarError> {
    at_most(field, windows.len(), MOST_WINDOWS)?;
    forwards(
        field,
        windows.iter().position(|window| window.until <= window.from),
    )
}

fn at_most(field: &'static str, length: usize, most: usize) -> Result<(), CalendarError> {
    if length > most {
        return Err(CalendarError::TooMany { field, length, most });
    }
    Ok(())
}

fn forwards(field: &'static str, backwards: Option<usize>) -> Result<(), CalendarError> {
    match backwards {
        Some(place) => Err(CalendarError::Backwards { field, place }),
        None => Ok(()),
    }
}
