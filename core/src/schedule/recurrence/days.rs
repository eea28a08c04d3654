//! Which days a rule lets through, and the periods that it takes them from.
//!
//! The days of one period are few, and a period is found by arithmetic. So a rule is asked about any time without regard to
//! how long ago its `DTSTART` is, and what does not recur at all is known after as many periods as the calendar takes to
//! repeat itself: 400 years are a whole number of weeks.

use std::ops::Range;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::parts::{DayOfWeek, Frequency, Parts};
use crate::schedule::rule::LAST_YEAR;

/// The parts about days.
#[derive(Clone, Debug)]
pub(super) struct DayParts {
    months: MonthSet,
    weeks: Vec<i16>,
    week_start: Weekday,
    year_days: Vec<i16>,
    month_days: Vec<i16>,
    weekdays: Vec<DayOfWeek>,
    /// Whether numbered days of the week are counted within the year.
    counts_in_year: bool,
}

/// Some months of every year: bit n is month n, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct MonthSet(u16);

impl MonthSet {
    fn of(months: &[i16]) -> Self {
        match months {
            [] => Self(u16::MAX),
            months => Self(months.iter().fold(0, |set, month| set | 1 << month)),
        }
    }

    fn holds(self, day: NaiveDate) -> bool {
        self.0 & (1 << day.month()) != 0
    }

    /// `day`, or the first day after it that lies in one of the months.
    fn first_from(self, day: NaiveDate) -> Option<NaiveDate> {
        let mut month = day;
        while !self.holds(month) {
            month = month.with_day(1)?.checked_add_months(Months::new(1))?;
        }
        Some(month)
    }

    /// `day`, or the last day before it that lies in one of the months.
    fn last_until(self, day: NaiveDate) -> Option<NaiveDate> {
        let mut month = day;
        while !self.holds(month) {
            month = month.with_day(1)?.pred_opt()?;
        }
        Some(month)
    }
}

impl DayParts {
    pub(super) fn of(parts: &Parts) -> Self {
        Self {
            months: MonthSet::of(&parts.months),
            weeks: parts.weeks.clone(),
            week_start: parts.week_start,
            year_days: parts.year_days.clone(),
            month_days: parts.month_days.clone(),
            weekdays: parts.weekdays.clone(),
            counts_in_year: parts.frequency == Frequency::Yearly && parts.months.is_empty(),
        }
    }

    pub(super) fn months(&self) -> MonthSet {
        self.months
    }

    /// The days of `period` that are let through.
    pub(super) fn within(&self, period: &Range<NaiveDate>) -> Vec<NaiveDate> {
        let mut days = Vec::new();
        let mut day = self.months.first_from(period.start);
        while let Some(here) = day.filter(|&here| here < period.end) {
            if self.let_through(here) {
                days.push(here);
            }
            day = here.succ_opt().and_then(|next| self.months.first_from(next));
        }
        days
    }

    /// Whether a day of one of the months passes the other parts.
    fn let_through(&self, day: NaiveDate) -> bool {
        let weekday = day.weekday();
        (self.weekdays.is_empty()
            || self
                .weekdays
                .iter()
                .any(|wanted| wanted.day() == weekday && self.has_place(wanted.place, day)))
            && meets(&self.month_days, || {
                (day.day(), u32::from(day.num_days_in_month()))
            })
            && meets(&self.year_days, || (day.ordinal(), days_of_year(day)))
            && meets(&self.weeks, || week_of(day, self.week_start))
    }

    /// Whether the day of the week that `day` is has this place in its month or year.
    fn has_place(&self, wanted: Option<i16>, day: NaiveDate) -> bool {
        let Some(wanted) = wanted else { return true };
        let (place, last) = if self.counts_in_year {
            (day.ordinal(), days_of_year(day))
        } else {
            (day.day(), u32::from(day.num_days_in_month()))
        };
        if wanted > 0 {
            counts_to(wanted, (place - 1) / 7 + 1, 0)
        } else {
            counts_to(-wanted, (last - place) / 7 + 1, 0)
        }
    }
}

/// Whether a list is empty or has the place that `counted` says, with how many there are.
fn meets(list: &[i16], counted: impl FnOnce() -> (u32, u32)) -> bool {
    list.is_empty() || {
        let (place, most) = counted();
        list.iter().any(|&wanted| counts_to(wanted, place, most))
    }
}

/// Whether `wanted` is `place` of `last`, counted from either end.
fn counts_to(wanted: i16, place: u32, last: u32) -> bool {
    let wanted = i64::from(wanted);
    let wanted = if wanted < 0 {
        wanted + i64::from(last) + 1
    } else {
        wanted
    };
    wanted == i64::from(place)
}

fn days_of_year(day: NaiveDate) -> u32 {
    365 + u32::from(day.leap_year())
}

/// The number of a day's week in the year that has most of its days, and how many weeks that year has.
fn week_of(day: NaiveDate, week_start: Weekday) -> (u32, u32) {
    let passed = day.weekday().days_since(week_start);
    let Some(middle) = day
        .checked_sub_days(Days::new(passed.into()))
        .and_then(|first| first.checked_add_days(Days::new(3)))
    else {
        return (0, 0);
    };
    let weeks_after = (days_of_year(middle) - middle.ordinal()) / 7;
    let week = middle.ordinal0() / 7 + 1;
    (week, week + weeks_after)
}

/// The years, months, weeks or days that a rule steps through, each a range of days.
#[derive(Clone, Debug)]
pub(super) struct Periods {
    frequency: Frequency,
    interval: i64,
    /// Where the one of `DTSTART` begins.
    begin: NaiveDate,
    /// In a day outside of these nothing is named, so such days are leapt over.
    months: MonthSet,
}

impl Periods {
    pub(super) fn of(parts: &Parts, months: MonthSet, start: NaiveDate) -> Self {
        let begin = match parts.frequency {
            Frequency::Yearly => start.with_ordinal(1),
            Frequency::Monthly => start.with_day(1),
            Frequency::Weekly => {
                let passed = start.weekday().days_since(parts.week_start);
                start.checked_sub_days(Days::new(passed.into()))
            }
            _ => Some(start),
        };
        Self {
            frequency: parts.frequency,
            interval: parts.interval.into(),
            begin: begin.unwrap_or(start),
            months,
        }
    }

    /// Every day from `start` on.
    pub(super) fn every_day(months: MonthSet, start: NaiveDate) -> Self {
        Self {
            frequency: Frequency::Daily,
            interval: 1,
            begin: start,
            months,
        }
    }

    /// From the one that holds `day`, or else the next, as many as it takes for the calendar to repeat itself.
    pub(super) fn from(&self, day: NaiveDate) -> impl Iterator<Item = Range<NaiveDate>> {
        let mut next = Some(self.place_reaching(day));
        (0..self.cycle()).map_while(move |_| {
            let place = next?;
            let period = self.period(place)?;
            next = match self.months.first_from(period.start) {
                Some(named) if self.leaps() => Some(self.place_reaching(named).max(place + 1)),
                Some(_) => Some(place + 1),
                None => None,
            };
            Some(period)
        })
    }

    /// From the one that holds `day`, or else the last before it, back to that of `DTSTART`.
    pub(super) fn until(&self, day: NaiveDate) -> impl Iterator<Item = Range<NaiveDate>> {
        let last = NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31).unwrap_or(day);
        let mut next = Some(self.place_until(day.min(last)));
        (0..self.cycle()).map_while(move |_| {
            let place = next.filter(|&place| place >= 0)?;
            let period = self.period(place)?;
            next = match self.months.last_until(period.start) {
                Some(named) if self.leaps() => Some(self.place_until(named).min(place - 1)),
                Some(_) => Some(place - 1),
                None => None,
            };
            Some(period)
        })
    }

    fn leaps(&self) -> bool {
        self.frequency == Frequency::Daily
    }

    /// After how many of them the calendar, seen at every one of them, repeats itself, whatever the interval.
    fn cycle(&self) -> usize {
        match self.frequency {
            Frequency::Yearly => 400,
            Frequency::Monthly => 4_800,
            Frequency::Weekly => 20_871,
            _ => 146_097,
        }
    }

    /// The first whose end is after `day`.
    fn place_reaching(&self, day: NaiveDate) -> i64 {
        let passed = self.passed_until(day);
        let whole = passed.div_euclid(self.interval);
        (whole + i64::from(passed.rem_euclid(self.interval) > 0)).max(0)
    }

    /// The last that begins at `day` or before.
    fn place_until(&self, day: NaiveDate) -> i64 {
        self.passed_until(day).div_euclid(self.interval)
    }

    /// How many years, months, weeks or days lie between the beginning and the one of `day`.
    fn passed_until(&self, day: NaiveDate) -> i64 {
        let years = i64::from(day.year()) - i64::from(self.begin.year());
        let days = (day - self.begin).num_days();
        match self.frequency {
            Frequency::Yearly => years,
            Frequency::Monthly => years * 12 + i64::from(day.month()) - i64::from(self.begin.month()),
            Frequency::Weekly => days.div_euclid(7),
            _ => days,
        }
    }

    fn period(&self, place: i64) -> Option<Range<NaiveDate>> {
        let passed = u32::try_from(place.checked_mul(self.interval)?).ok()?;
        let after = |units: u32| match self.frequency {
            Frequency::Yearly => self.begin.checked_add_months(Months::new(units.checked_mul(12)?)),
            Frequency::Monthly => self.begin.checked_add_months(Months::new(units)),
            Frequency::Weekly => self.begin.checked_add_days(Days::new(u64::from(units) * 7)),
            _ => self.begin.checked_add_days(Days::new(units.into())),
        };
        let period = after(passed)?..after(passed.checked_add(1)?)?;
        (period.start.year() <= LAST_YEAR).then_some(period)
    }
}
