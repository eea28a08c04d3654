//! What callers say of calendars.

use async_graphql::{Enum, ID, InputObject};
use waterclock_core::schedule::calendar::{
    CalendarDefinition, Days, Hours, ImportBounds, Imported, YearlyDay,
};
use waterclock_core::schedule::timing::Window;

use super::object::Weekday;
use crate::graphql::id::Kind;
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::scalar::{Date, DateTime, TimeOfDay, TimeZone};

/// A stretch of days, both ends in it.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DayRangeInput {
    /// The first.
    from: Date,
    /// The last; the first when absent.
    until: Option<Date>,
    /// What it is called.
    name: Option<String>,
}

impl From<DayRangeInput> for Days {
    fn from(input: DayRangeInput) -> Self {
        Self {
            from: input.from.0,
            until: input.until.unwrap_or(input.from).0,
            name: input.name,
        }
    }
}

/// A day of every year.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DayOfYearInput {
    /// 1 to 12.
    month: u32,
    /// 1 to 31.
    day: u32,
    /// What it is called.
    name: Option<String>,
}

impl From<DayOfYearInput> for YearlyDay {
    fn from(input: DayOfYearInput) -> Self {
        Self {
            month: input.month,
            day: input.day,
            name: input.name,
        }
    }
}

/// A stretch of time, from an instant until just before another.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct TimeWindowInput {
    /// The first instant in it.
    from: DateTime,
    /// The first instant after it.
    until: DateTime,
    /// Why it is there.
    name: Option<String>,
}

impl From<TimeWindowInput> for Window {
    fn from(input: TimeWindowInput) -> Self {
        Self {
            from: input.from.0,
            until: input.until.0,
            name: input.name,
        }
    }
}

/// A stretch of the day. One that ends before it begins passes midnight.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct WorkingHoursInput {
    /// The first time of the day in it.
    from: TimeOfDay,
    /// The first time of the day after it.
    until: TimeOfDay,
}

impl From<WorkingHoursInput> for Hours {
    fn from(input: WorkingHoursInput) -> Self {
        Self {
            from: input.from.0,
            until: input.until.0,
        }
    }
}

/// What a calendar is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CalendarFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// The days of the week that work, unless a list below says otherwise; Monday to Friday when absent.
    working_weekdays: Option<Vec<Weekday>>,
    /// Days that do not work, at most 5,000 stretches.
    excluded: Option<Vec<DayRangeInput>>,
    /// Make-up days: they work, whatever the week and the excluded days say.
    included: Option<Vec<DayRangeInput>>,
    /// Days that do not work in any year.
    every_year: Option<Vec<DayOfYearInput>>,
    /// Windows that do not work, on whatever day.
    excluded_windows: Option<Vec<TimeWindowInput>>,
    /// Windows that work, on whatever day, where no excluded window forbids.
    included_windows: Option<Vec<TimeWindowInput>>,
    /// Between which times of the day it works; all day when absent.
    hours: Option<Vec<WorkingHoursInput>>,
}

fn all<T, S: From<T>>(list: Option<Vec<T>>) -> Vec<S> {
    list.unwrap_or_default().into_iter().map(Into::into).collect()
}

impl Propose for CalendarFields {
    type Proposal = CalendarDefinition;

    fn propose(self) -> (String, CalendarDefinition) {
        let usual = CalendarDefinition::default().working_weekdays;
        let proposal = CalendarDefinition {
            working_weekdays: self.working_weekdays.map_or(usual, |days| all(Some(days))),
            excluded: all(self.excluded),
            included: all(self.included),
            every_year: all(self.every_year),
            excluded_windows: all(self.excluded_windows),
            included_windows: all(self.included_windows),
            hours: all(self.hours),
        };
        (self.description, proposal)
    }
}

inputs! {
    /// Makes a calendar.
    CreateCalendarInput,
    /// Replaces a calendar as a whole: what is left out takes its default. Its key stays.
    UpdateCalendarInput,
    CalendarFields, Kind::Calendar
}

/// What the events of a file mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum CalendarList {
    /// Days and windows that do not work.
    Excluded,
    /// Days and windows that work.
    Included,
}

/// A file of events that become entries of a calendar.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ImportCalendarInput {
    /// The calendar.
    pub(crate) id: ID,
    /// The revision that the caller has read; another one is a conflict.
    pub(crate) expected_revision: i32,
    /// The iCalendar file (RFC 5545), at most 4 MiB and 20,000 events, 1,000 of them recurring. `RDATE`, `EXDATE` and `RECURRENCE-ID` are
    /// applied; an event without length takes no time.
    pub(crate) file: String,
    /// What its events mean. The file does not say: a holiday and a make-up day look alike in it.
    pub(crate) into: CalendarList,
    /// The first day of interest.
    pub(crate) from: Date,
    /// The last. Events that recur are listed up to it.
    pub(crate) until: Date,
    /// The zone of times that name none.
    #[graphql(default_with = "TimeZone::default()")]
    pub(crate) time_zone: TimeZone,
}

impl ImportCalendarInput {
    /// What is taken out of the file.
    pub(crate) fn bounds(&self) -> ImportBounds {
        ImportBounds {
            from: self.from.0,
            until: self.until.0,
            zone: self.time_zone.0,
        }
    }
}

impl CalendarList {
    /// Adds what a file holds to the calendar, but for what is there already.
    pub(crate) fn add(self, imported: Imported, calendar: &mut CalendarDefinition) {
        let (days, windows) = match self {
            Self::Excluded => (&mut calendar.excluded, &mut calendar.excluded_windows),
            Self::Included => (&mut calendar.included, &mut calendar.included_windows),
        };
        for entry in imported.days {
            if !days.contains(&entry) {
                days.push(entry);
            }
        }
        for entry in imported.windows {
            if !windows.contains(&entry) {
                windows.push(entry);
            }
        }
    }
}
