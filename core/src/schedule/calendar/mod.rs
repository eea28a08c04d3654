//! Which days and hours work.
//!
//! A calendar is a list of exceptions to a week. The more particular statement wins: a window over its day, a make-up day
//! over a holiday, a holiday over the week; and of two windows the one that forbids. So a Saturday that works in place of a
//! Monday is one line, and a freeze of two hours needs no thought about the day it falls on.
//!
//! Dates have no zone. They are those of whoever asks: a schedule in Shanghai and one in Berlin that share a calendar each
//! keep the holiday on their own 1 May.
//!
//! Calendars are joined where they are used (`and`, `except`) and never in themselves, so no calendar can contain itself.

mod definition;
mod import;

use std::sync::Arc;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

pub use definition::{
    CalendarDefinition, CalendarError, Days, Hours, MOST_DAYS, MOST_HOURS, MOST_WINDOWS, YearlyDay,
};
pub use import::{ImportBounds, ImportError, Imported, LARGEST_IMPORT, MOST_EVENTS, import};

use super::timing::Window;

/// How far a working day is looked for, in days. Where none is found within a year, none is found, and nothing moves.
pub const FARTHEST_WORKING_DAY: usize = 366;
/// How deep calendars may be joined, and how many in all.
pub const MOST_JOINED: usize = 32;

/// Which calendars a schedule keeps to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The calendar with this key.
    Named(String),
    /// What works in all of them.
    And(Vec<Selection>),
    /// What works in one and not in the other.
    Except {
        /// Where it works.
        of: Box<Selection>,
        /// Where it does not.
        but: Box<Selection>,
    },
}

impl Selection {
    /// The keys of all calendars in it, in the order of their mention.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::Named(key) => vec![key],
            Self::And(all) => all.iter().flat_map(Self::keys).collect(),
            Self::Except { of, but } => [of.keys(), but.keys()].concat(),
        }
    }

    /// Joins the calendars that `find` knows by their keys.
    pub fn resolve(
        &self,
        find: &impl Fn(&str) -> Option<Arc<CalendarDefinition>>,
    ) -> Result<Calendar, CalendarError> {
        let joined = self.keys().len();
        if joined == 0 || joined > MOST_JOINED {
            return Err(CalendarError::Joined { joined });
        }
        self.join(find)
    }

    fn join(
        &self,
        find: &impl Fn(&str) -> Option<Arc<CalendarDefinition>>,
    ) -> Result<Calendar, CalendarError> {
        Ok(match self {
            Self::Named(key) => {
                let definition = find(key).ok_or_else(|| CalendarError::Unknown { key: key.clone() })?;
                Calendar::new(&definition)?
            }
            Self::And(all) => Calendar(Form::And(
                all.iter().map(|one| one.join(find)).collect::<Result<_, _>>()?,
            )),
            Self::Except { of, but } => Calendar(Form::Except(Box::new([of.join(find)?, but.join(find)?]))),
        })
    }
}

/// A calendar, or several joined, ready to be asked.
#[derive(Clone, Debug)]
pub struct Calendar(Form);

#[derive(Clone, Debug)]
enum Form {
    Single(Box<Single>),
    And(Vec<Calendar>),
    Except(Box<[Calendar; 2]>),
}

/// One calendar.
#[derive(Clone, Debug)]
struct Single {
    /// Bit n is set when the n-th day from Monday works.
    week: u8,
    excluded: Stretches<NaiveDate>,
    included: Stretches<NaiveDate>,
    /// Bit n of the m-th is set when day n of month m is excluded in every year.
    yearly: [u32; 13],
    excluded_windows: Stretches<DateTime<Utc>>,
    included_windows: Stretches<DateTime<Utc>>,
    hours: Vec<(NaiveTime, NaiveTime)>,
}

impl Calendar {
    /// Makes a calendar ready, or says what is wrong with it.
    pub fn new(definition: &CalendarDefinition) -> Result<Self, CalendarError> {
        definition.check()?;
        let single = Single {
            week: definition
                .working_weekdays
                .iter()
                .fold(0, |week, day| week | 1 << day.num_days_from_monday()),
            excluded: days(&definition.excluded),
            included: days(&definition.included),
            yearly: definition.every_year.iter().fold([0; 13], |mut yearly, day| {
                yearly[day.month as usize] |= 1 << day.day;
                yearly
            }),
            excluded_windows: windows(&definition.excluded_windows),
            included_windows: windows(&definition.included_windows),
            hours: definition
                .hours
                .iter()
                .map(|hours| (hours.from, hours.until))
                .collect(),
        };
        Ok(Self(Form::Single(Box::new(single))))
    }

    /// The calendar on which every day works.
    #[must_use]
    pub fn every_day() -> Self {
        Self(Form::And(Vec::new()))
    }

    /// Whether `date` works.
    #[must_use]
    pub fn works_on(&self, date: NaiveDate) -> bool {
        match &self.0 {
            Form::Single(single) => single.works_on(date),
            Form::And(all) => all.iter().all(|one| one.works_on(date)),
            Form::Except(pair) => pair[0].works_on(date) && !pair[1].works_on(date),
        }
    }

    /// Whether `instant` works, at which the asker's clock shows `wall`.
    #[must_use]
    pub fn works_at(&self, instant: DateTime<Utc>, wall: NaiveDateTime) -> bool {
        match &self.0 {
            Form::Single(single) => single.works_at(instant, wall),
            Form::And(all) => all.iter().all(|one| one.works_at(instant, wall)),
            Form::Except(pair) => pair[0].works_at(instant, wall) && !pair[1].works_at(instant, wall),
        }
    }

    /// The first working day after `date`.
    #[must_use]
    pub fn next_working_day(&self, date: NaiveDate) -> Option<NaiveDate> {
        date.iter_days()
            .skip(1)
            .take(FARTHEST_WORKING_DAY)
            .find(|&day| self.works_on(day))
    }

    /// The last working day before `date`.
    #[must_use]
    pub fn previous_working_day(&self, date: NaiveDate) -> Option<NaiveDate> {
        std::iter::successors(date.pred_opt(), NaiveDate::pred_opt)
            .take(FARTHEST_WORKING_DAY)
            .find(|&day| self.works_on(day))
    }

    /// The `n`-th working day of the month of `date`, counted from 1; from the end when `n` is negative.
    #[must_use]
    pub fn nth_working_day(&self, date: NaiveDate, n: i32) -> Option<NaiveDate> {
        let first = first_of_month(date);
        let mut days = first
            .iter_days()
            .take_while(|day| day.month() == first.month())
            .filter(|&day| self.works_on(day));
        let place = usize::try_from(n.unsigned_abs()).ok()?.checked_sub(1)?;
        if n > 0 {
            days.nth(place)
        } else {
            days.collect::<Vec<_>>().into_iter().rev().nth(place)
        }
    }
}

impl Single {
    fn works_on(&self, date: NaiveDate) -> bool {
        if self.included.hold(date) {
            return true;
        }
        !self.excluded.hold(date)
            && self.yearly[date.month() as usize] & (1 << date.day()) == 0
            && self.week & (1 << date.weekday().num_days_from_monday()) != 0
    }

    fn works_at(&self, instant: DateTime<Utc>, wall: NaiveDateTime) -> bool {
        if self.excluded_windows.hold(instant) {
            return false;
        }
        self.included_windows.hold(instant) || (self.works_on(wall.date()) && self.works_at_hour(wall.time()))
    }

    fn works_at_hour(&self, time: NaiveTime) -> bool {
        self.hours.is_empty()
            || self.hours.iter().any(|&(from, until)| {
                if from < until {
                    from <= time && time < until
                } else {
                    from <= time || time < until
                }
            })
    }
}

/// The first day of the month of `date`.
#[must_use]
pub fn first_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

/// The last day of the month of `date`.
#[must_use]
pub fn last_of_month(date: NaiveDate) -> NaiveDate {
    first_of_month(date)
        .checked_add_months(Months::new(1))
        .and_then(|next| next.pred_opt())
        .unwrap_or(date)
}

/// Stretches without their ends, sorted and joined where they touch, so that a look-up halves them.
#[derive(Clone, Debug)]
pub(super) struct Stretches<T>(Vec<(T, T)>);

impl<T: Copy + Ord> Stretches<T> {
    fn new(mut stretches: Vec<(T, T)>) -> Self {
        stretches.sort_unstable();
        stretches.dedup_by(|next, last| {
            let touches = next.0 <= last.1;
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
        Self(stretches)
    }

    pub(super) fn hold(&self, point: T) -> bool {
        let place = self.0.partition_point(|stretch| stretch.0 <= point);
        place > 0 && point < self.0[place - 1].1
    }
}

fn days(days: &[Days]) -> Stretches<NaiveDate> {
    let after = |date: NaiveDate| date.succ_opt().unwrap_or(date);
    Stretches::new(days.iter().map(|days| (days.from, after(days.until))).collect())
}

/// The windows, ready to be asked.
pub(super) fn windows(windows: &[Window]) -> Stretches<DateTime<Utc>> {
    Stretches::new(windows.iter().map(|window| (window.from, window.until)).collect())
}

#[cfg(test)]
mod tests;
