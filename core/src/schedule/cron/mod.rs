//! Cron expressions.
//!
//! An expression is a set of seconds, of minutes, of hours and of days, and each set is a word of bits. The next instant is
//! found by asking each word for its next bit, so nothing is stepped through but months, and of those no more than the
//! 4,800 after which the calendar repeats itself, nor any after [`LAST_YEAR`]. An expression without an answer there never
//! has one.
//!
//! The `croner` crate reads and evaluates expressions too, and most are understood alike. It is not used beneath this because of
//! what a schedule may not do: it ends with an error at a day that a zone leaves out (Pacific/Apia, 30 December 2011); it
//! knows no `@midnight`, `L-3`, `H` nor ranges that wrap in every field; and daylight saving is decided inside of it, while
//! ours is a policy that recurrences share. Our calendars look at the same days, too. It serves as the second opinion in
//! the tests, over wall time that both understand.

mod days;
mod field;
mod parse;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

use days::Month;
pub(super) use days::{DayRule, MonthDays, WeekDays};
pub use field::Field;
pub use parse::{CronError, Problem};

use super::day_times::{ALL_HOURS, DayTimes};
use super::rule::{BothDays, Dialect, LAST_YEAR, Seed};

/// After so many months, the days of the week and the leap years of the calendar repeat themselves.
const CYCLE_MONTHS: u32 = 400 * 12;
/// The first and the last year that an expression may name, as in Quartz.
pub(super) const YEARS: (u32, u32) = (1970, 2099);

/// A cron expression, ready to be asked about wall time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    /// At which times of those days.
    pub(super) times: DayTimes,
    /// Bit n is month n, from 1.
    pub(super) months: u16,
    /// Which days of those months.
    pub(super) days: DayRule,
    /// In which years, sorted; empty for all.
    pub(super) years: Vec<i32>,
}

impl Cron {
    /// Reads an expression. `H` takes its values from `seed`.
    pub(super) fn parse(
        expression: &str,
        dialect: Dialect,
        both_days: BothDays,
        seed: Seed,
    ) -> Result<Self, CronError> {
        let cron = parse::parse(expression, dialect, both_days, seed)?;
        if cron.first_from(DateTime::UNIX_EPOCH.naive_utc()).is_none() {
            return Err(CronError::Never {
                reason: cron.why_never(),
            });
        }
        Ok(cron)
    }

    /// Whether it names wall times in every hour of its days.
    pub(super) fn hourly(&self) -> bool {
        self.times.hours == ALL_HOURS
    }

    /// How many wall times it names on each of its days.
    pub(super) fn times_a_day(&self) -> usize {
        let times =
            self.times.hours.count_ones() * self.times.minutes.count_ones() * self.times.seconds.count_ones();
        times as usize
    }

    /// The first wall time at or after `wall` that it names.
    pub(super) fn first_from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        if self.names_day(wall.date())
            && let Some(time) = self.times.nth(self.times.before(wall.time()))
        {
            return Some(wall.date().and_time(time));
        }
        let date = self.day_from(wall.date().succ_opt()?)?;
        Some(date.and_time(self.times.nth(0)?))
    }

    /// The last wall time before `wall` that it names.
    pub(super) fn last_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let before = self.times.before(wall.time());
        if self.names_day(wall.date())
            && let Some(time) = before.checked_sub(1).and_then(|place| self.times.nth(place))
        {
            return Some(wall.date().and_time(time));
        }
        let date = self.day_until(wall.date().pred_opt()?)?;
        Some(date.and_time(self.times.nth(self.times.count() - 1)?))
    }

    fn names_day(&self, date: NaiveDate) -> bool {
        Month::of(date).is_some_and(|month| self.days_of(&month) & (1 << date.day()) != 0)
    }

    /// The days of a month that it names, as bits from 1.
    fn days_of(&self, month: &Month) -> u32 {
        let in_year = self.years.is_empty() || self.years.binary_search(&month.year).is_ok();
        if in_year && month.year <= LAST_YEAR && self.months & (1 << month.number) != 0 {
            self.days.days_of(month)
        } else {
            0
        }
    }

    /// The first day from `date` on that it names.
    fn day_from(&self, date: NaiveDate) -> Option<NaiveDate> {
        let date = date.max(january(self.years.first()).unwrap_or(date));
        let mut month = Month::of(date)?;
        let mut days = self.days_of(&month) & (u32::MAX << date.day());
        for _ in 0..=CYCLE_MONTHS {
            if days != 0 {
                return month.day(days.trailing_zeros());
            }
            month = month.next().filter(|month| month.year <= LAST_YEAR)?;
            days = self.days_of(&month);
        }
        None
    }

    /// The last day up to `date` that it names.
    fn day_until(&self, date: NaiveDate) -> Option<NaiveDate> {
        let after = self.years.last().map_or(LAST_YEAR, |&year| year) + 1;
        let date = date.min(january(Some(&after)).unwrap_or(date));
        let mut month = Month::of(date)?;
        let mut days = self.days_of(&month) & (u32::MAX >> (31 - date.day()));
        for _ in 0..=CYCLE_MONTHS {
            if days != 0 {
                return month.day(days.ilog2());
            }
            month = month.previous()?;
            days = self.days_of(&month);
        }
        None
    }

    /// Why it names no day at all.
    fn why_never(&self) -> String {
        let in_any_year = Self {
            years: Vec::new(),
            ..self.clone()
        };
        if in_any_year.first_from(DateTime::UNIX_EPOCH.naive_utc()).is_some() {
            "none of the years it names has such a day; change the years, or leave them out".into()
        } else if self.days.needs_both() {
            "no day of the months it names is both such a day of the month and such a day of the week; change one of \
             the two, or let either do (both days: OR)"
                .into()
        } else {
            "none of the months it names has such a day; change the day or the month (the last day of a month is L)".into()
        }
    }
}

/// The first day of a year.
fn january(year: Option<&i32>) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(*year?, 1, 1)
}

#[cfg(test)]
mod tests;
