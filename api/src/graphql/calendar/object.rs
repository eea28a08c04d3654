//! A calendar as clients see it.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object, SimpleObject};
use waterclock_core::registered::Registered;
use waterclock_core::schedule::calendar::{CalendarDefinition, Days, Hours, YearlyDay};
use waterclock_core::schedule::timing::Window;

use crate::graphql::id::{Kind, encode};
use crate::graphql::registration::Registration;
use crate::graphql::scalar::{Date, DateTime, TimeOfDay};

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "chrono::Weekday")]
pub(crate) enum Weekday {
    /// Monday.
    #[graphql(name = "MONDAY")]
    Mon,
    /// Tuesday.
    #[graphql(name = "TUESDAY")]
    Tue,
    /// Wednesday.
    #[graphql(name = "WEDNESDAY")]
    Wed,
    /// Thursday.
    #[graphql(name = "THURSDAY")]
    Thu,
    /// Friday.
    #[graphql(name = "FRIDAY")]
    Fri,
    /// Saturday.
    #[graphql(name = "SATURDAY")]
    Sat,
    /// Sunday.
    #[graphql(name = "SUNDAY")]
    Sun,
}

/// A stretch of days, both ends in it.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DayRange {
    /// The first.
    from: Date,
    /// The last.
    until: Date,
    /// What it is called.
    name: Option<String>,
}

impl From<&Days> for DayRange {
    fn from(days: &Days) -> Self {
        Self {
            from: Date(days.from),
            until: Date(days.until),
            name: days.name.clone(),
        }
    }
}

/// A day of every year.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DayOfYear {
    /// 1 to 12.
    month: u32,
    /// 1 to 31.
    day: u32,
    /// What it is called.
    name: Option<String>,
}

impl From<&YearlyDay> for DayOfYear {
    fn from(day: &YearlyDay) -> Self {
        Self {
            month: day.month,
            day: day.day,
            name: day.name.clone(),
        }
    }
}

/// A stretch of time, from an instant until just before another.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct TimeWindow {
    /// The first instant in it.
    from: DateTime,
    /// The first instant after it.
    until: DateTime,
    /// Why it is there.
    name: Option<String>,
}

impl From<&Window> for TimeWindow {
    fn from(window: &Window) -> Self {
        Self {
            from: window.from.into(),
            until: window.until.into(),
            name: window.name.clone(),
        }
    }
}

/// A stretch of the day. One that ends before it begins passes midnight.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct WorkingHours {
    /// The first time of the day in it.
    from: TimeOfDay,
    /// The first time of the day after it.
    until: TimeOfDay,
}

impl From<&Hours> for WorkingHours {
    fn from(hours: &Hours) -> Self {
        Self {
            from: TimeOfDay(hours.from),
            until: TimeOfDay(hours.until),
        }
    }
}

/// Which days and hours work.
#[derive(Clone)]
pub(crate) struct Calendar(pub(crate) Arc<Registered<CalendarDefinition>>);

impl From<Registered<CalendarDefinition>> for Calendar {
    fn from(calendar: Registered<CalendarDefinition>) -> Self {
        Self(Arc::new(calendar))
    }
}

fn shown<'a, T, S: From<&'a T>>(list: &'a [T]) -> Vec<S> {
    list.iter().map(Into::into).collect()
}

/// Which days and hours work: a list of exceptions to a week. The more particular entry wins: a window over its day, a make-up day
/// over a holiday, a holiday over the week; and of two windows the one that forbids. Dates have no zone: they are those of the
/// schedule that keeps to the calendar.
#[Object]
impl Calendar {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Calendar, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// The days of the week that work, unless a list below says otherwise.
    async fn working_weekdays(&self) -> Vec<Weekday> {
        self.0
            .spec
            .working_weekdays
            .iter()
            .map(|&day| day.into())
            .collect()
    }

    /// Days that do not work.
    async fn excluded(&self) -> Vec<DayRange> {
        shown(&self.0.spec.excluded)
    }

    /// Make-up days: they work, whatever the week and the excluded days say.
    async fn included(&self) -> Vec<DayRange> {
        shown(&self.0.spec.included)
    }

    /// Days that do not work in any year.
    async fn every_year(&self) -> Vec<DayOfYear> {
        shown(&self.0.spec.every_year)
    }

    /// Windows that do not work, on whatever day.
    async fn excluded_windows(&self) -> Vec<TimeWindow> {
        shown(&self.0.spec.excluded_windows)
    }

    /// Windows that work, on whatever day, where no excluded window forbids.
    async fn included_windows(&self) -> Vec<TimeWindow> {
        shown(&self.0.spec.included_windows)
    }

    /// Between which times of the day it works; without any, all day.
    async fn hours(&self) -> Vec<WorkingHours> {
        shown(&self.0.spec.hours)
    }
}
