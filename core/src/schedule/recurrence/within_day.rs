//! Recurrences of every so many hours, minutes or seconds.
//!
//! They are arithmetic: a row of equal steps from `DTSTART`, of which the `BY…` parts let some through. The crate is not asked
//! about them. It loses the step where it leaps over hours that are not let through: every 45 seconds in the hour from 9
//! on should be the same times each day, and there are others on the second. And begun in the middle, or looking back over
//! a year of seconds, it would go through all of them. So here days that are let through are looked for first, then hours,
//! and only within an hour the steps.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use rrule::{Frequency, NWeekday, RRule};

use super::RecurrenceError;

/// How many days are looked at: after so many, the days of the week and the leap years of the calendar repeat themselves.
const MOST_DAYS_SEEN: usize = 146_097;
/// How many steps are looked at within the hours of those days.
const MOST_STEPS_SEEN: usize = 2_000_000;

/// A recurrence within the day.
#[derive(Clone, Debug)]
pub(super) struct WithinDay {
    start: NaiveDateTime,
    frequency: Frequency,
    /// Where the row begins: at `DTSTART`, or at the beginning of its hour or minute.
    begin: NaiveDateTime,
    /// The length of a step, in seconds.
    step: i64,
    months: Vec<u8>,
    month_days: Vec<i8>,
    year_days: Vec<i16>,
    weekdays: Vec<NWeekday>,
    /// Sorted, as the following are; empty for all.
    hours: Vec<u8>,
    minutes: Vec<u8>,
    seconds: Vec<u8>,
}

impl WithinDay {
    /// The rule as arithmetic; `None` when it recurs daily or more rarely.
    pub(super) fn of(
        rule: &RRule,
        month_days: &[i8],
        start: NaiveDateTime,
    ) -> Result<Option<Self>, RecurrenceError> {
        let whole_hour = start - TimeDelta::seconds((start.minute() * 60 + start.second()).into());
        let (unit, begin) = match rule.get_freq() {
            Frequency::Hourly => (3_600, whole_hour),
            Frequency::Minutely => (60, start - TimeDelta::seconds(start.second().into())),
            Frequency::Secondly => (1, start),
            _ => return Ok(None),
        };
        let weekdays = rule.get_by_weekday().to_vec();
        if weekdays.iter().any(|day| matches!(day, NWeekday::Nth(..))) {
            return Err(RecurrenceError::Rule {
                reason: "BYDAY with a number counts days of a month or a year; leave the number out, or use MONTHLY or YEARLY".into(),
            });
        }
        if !rule.get_by_set_pos().is_empty() || !rule.get_by_week_no().is_empty() {
            return Err(RecurrenceError::Rule {
                reason: "BYSETPOS and BYWEEKNO go with DAILY and longer frequencies only; use one of those with BYHOUR".into(),
            });
        }
        Ok(Some(Self {
            start,
            frequency: rule.get_freq(),
            begin,
            step: unit * i64::from(rule.get_interval()),
            months: rule.get_by_month().to_vec(),
            month_days: month_days.to_vec(),
            year_days: rule.get_by_year_day().to_vec(),
            weekdays,
            hours: sorted(rule.get_by_hour()),
            minutes: sorted(rule.get_by_minute()),
            seconds: sorted(rule.get_by_second()),
        }))
    }

    /// The first wall time at or after `wall` that it names.
    pub(super) fn first_from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let wall = wall.max(self.start);
        let mut seen = 0;
        let days = wall
            .date()
            .iter_days()
            .take(MOST_DAYS_SEEN)
            .filter(|&day| self.lets_through(day));
        days.flat_map(|day| self.hours_of(day))
            .filter(|&hour| wall < hour + TimeDelta::hours(1))
            .map_while(|hour| self.within_budget(hour, &mut seen))
            .find_map(|named| named.into_iter().find(|&named| named >= wall))
    }

    /// The last wall time before `wall` that it names.
    pub(super) fn last_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let mut seen = 0;
        let days = std::iter::successors(Some(wall.date()), NaiveDate::pred_opt)
            .take(MOST_DAYS_SEEN)
            .take_while(|&day| day >= self.start.date())
            .filter(|&day| self.lets_through(day));
        days.flat_map(|day| self.hours_of(day).into_iter().rev())
            .filter(|&hour| hour < wall)
            .map_while(|hour| self.within_budget(hour, &mut seen))
            .find_map(|named| named.into_iter().rev().find(|&named| named < wall))
            .filter(|&named| named >= self.start)
    }

    /// Whether the parts about days let `day` through.
    fn lets_through(&self, day: NaiveDate) -> bool {
        let last = i64::from(day.num_days_in_month());
        let year = if day.leap_year() { 366 } else { 365 };
        let counted = |wanted: i64, number: u32, last: i64| {
            wanted == i64::from(number) || wanted + last + 1 == i64::from(number)
        };
        let any = |empty: bool, found: bool| empty || found;
        any(
            self.months.is_empty(),
            self.months.iter().any(|&month| u32::from(month) == day.month()),
        ) && any(
            self.month_days.is_empty(),
            self.month_days
                .iter()
                .any(|&wanted| counted(wanted.into(), day.day(), last)),
        ) && any(
            self.year_days.is_empty(),
            self.year_days
                .iter()
                .any(|&wanted| counted(wanted.into(), day.ordinal(), year)),
        ) && any(
            self.weekdays.is_empty(),
            self.weekdays.contains(&NWeekday::Every(day.weekday())),
        )
    }

    /// The beginnings of the hours of `day` that are let through.
    fn hours_of(&self, day: NaiveDate) -> Vec<NaiveDateTime> {
        (0..24_u8)
            .filter(|hour| self.hours.is_empty() || self.hours.contains(hour))
            .filter_map(|hour| day.and_hms_opt(hour.into(), 0, 0))
            .collect()
    }

    /// What is named within an hour, as long as not too many steps have been seen.
    fn within_budget(&self, hour: NaiveDateTime, seen: &mut usize) -> Option<Vec<NaiveDateTime>> {
        let after = hour + TimeDelta::hours(1);
        let behind = (hour - self.begin).num_seconds().rem_euclid(self.step);
        let first = hour + TimeDelta::seconds(if behind == 0 { 0 } else { self.step - behind });
        let steps: Vec<NaiveDateTime> = std::iter::successors(Some(first), |&step| {
            step.checked_add_signed(TimeDelta::seconds(self.step))
        })
        .take_while(|&step| step < after)
        .collect();
        *seen += steps.len() + 1;
        (*seen <= MOST_STEPS_SEEN).then(|| steps.into_iter().flat_map(|step| self.named_at(step)).collect())
    }

    /// What a step names: itself, or the minutes and seconds that it stands for.
    fn named_at(&self, step: NaiveDateTime) -> Vec<NaiveDateTime> {
        let allows = |values: &[u8], value: u32| {
            values.is_empty() || values.iter().any(|&allowed| u32::from(allowed) == value)
        };
        let at = |minute: i64, second: u8| step + TimeDelta::seconds(minute * 60 + i64::from(second));
        match self.frequency {
            Frequency::Hourly => self
                .minutes
                .iter()
                .flat_map(|&minute| self.seconds.iter().map(move |&second| at(minute.into(), second)))
                .collect(),
            _ if !allows(&self.minutes, step.minute()) => Vec::new(),
            Frequency::Minutely => self.seconds.iter().map(|&second| at(0, second)).collect(),
            _ if allows(&self.seconds, step.second()) => vec![step],
            _ => Vec::new(),
        }
    }
}

fn sorted(values: &[u8]) -> Vec<u8> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    values
}
