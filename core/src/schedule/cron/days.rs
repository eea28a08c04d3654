//! Which days of a month an expression names.

use chrono::{Datelike, NaiveDate};

use crate::schedule::rule::BothDays;

/// What an expression says about days, apart from the months.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::schedule) struct DayRule {
    /// What the field of the day of the month says.
    pub(in crate::schedule) of_month: MonthDays,
    /// What the field of the day of the week says.
    pub(in crate::schedule) of_week: WeekDays,
    /// What holds when both fields restrict.
    pub(in crate::schedule) both_days: BothDays,
}

/// The field of the day of the month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::schedule) struct MonthDays {
    /// Whether it says something: it begins neither with `*` nor with `?`. A field such as `*/2` says nothing in this
    /// sense and still names only its days, which is how Vixie's cron reads it.
    pub(in crate::schedule) restricted: bool,
    /// Bit n is day n.
    pub(in crate::schedule) days: u32,
    /// Bit n is the n-th day before the last.
    pub(in crate::schedule) before_last: u32,
    /// Bit n is the working day nearest to day n.
    pub(in crate::schedule) nearest: u32,
    /// Bit n is the working day nearest to the n-th before the last.
    pub(in crate::schedule) nearest_before_last: u32,
}

/// The field of the day of the week. Days are counted from Sunday, which is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::schedule) struct WeekDays {
    /// As for the day of the month.
    pub(in crate::schedule) restricted: bool,
    /// Bit n is day n of every week.
    pub(in crate::schedule) days: u8,
    /// For each day of the week: bit k is the k-th of the month.
    pub(in crate::schedule) nth: [u8; 7],
    /// Bit n is the last day n of the month.
    pub(in crate::schedule) last: u8,
}

/// A month of a year.
#[derive(Clone, Copy, Debug)]
pub(super) struct Month {
    pub(super) year: i32,
    pub(super) number: u32,
    /// How many days it has.
    length: u32,
    /// The day of the week of its first, from Sunday.
    begins_on: u32,
}

impl DayRule {
    /// The days of `month`, as bits from 1.
    pub(super) fn days_of(&self, month: &Month) -> u32 {
        let of_month = self.of_month.days_of(month);
        let of_week = self.of_week.days_of(month);
        if self.of_month.restricted && self.of_week.restricted && self.both_days == BothDays::Or {
            of_month | of_week
        } else {
            of_month & of_week
        }
    }

    /// Whether a day must be named by both fields, and both say something.
    pub(super) fn needs_both(&self) -> bool {
        self.of_month.restricted && self.of_week.restricted && self.both_days == BothDays::And
    }
}

impl MonthDays {
    fn days_of(&self, month: &Month) -> u32 {
        let mut days = self.days & month.all();
        let last = month.length;
        days |= bits(self.before_last)
            .filter(|&n| n < last)
            .fold(0, |days, n| days | 1 << (last - n));
        let wished = bits(self.nearest).filter(|&day| day <= last).chain(
            bits(self.nearest_before_last)
                .filter(|&n| n < last)
                .map(|n| last - n),
        );
        wished.fold(days, |days, day| days | 1 << month.working_day_nearest(day))
    }
}

impl WeekDays {
    fn days_of(&self, month: &Month) -> u32 {
        let mut days = month.weekly(self.days);
        for day_of_week in 0..7 {
            let nth = self.nth[day_of_week as usize];
            let first = (day_of_week + 7 - month.begins_on) % 7 + 1;
            let nth = bits(nth.into())
                .map(|place| first + 7 * (place - 1))
                .filter(|&day| day <= month.length);
            days |= nth.fold(0, |days, day| days | 1 << day);
            if self.last & (1 << day_of_week) != 0 {
                days |= 1 << (first + (month.length - first) / 7 * 7);
            }
        }
        days & month.all()
    }
}

impl Month {
    pub(super) fn of(date: NaiveDate) -> Option<Self> {
        Self::new(date.year(), date.month())
    }

    fn new(year: i32, month: u32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        Some(Self {
            year,
            number: month,
            length: u32::from(first.num_days_in_month()),
            begins_on: first.weekday().num_days_from_sunday(),
        })
    }

    pub(super) fn next(&self) -> Option<Self> {
        match self.number {
            12 => Self::new(self.year + 1, 1),
            number => Self::new(self.year, number + 1),
        }
    }

    pub(super) fn previous(&self) -> Option<Self> {
        match self.number {
            1 => Self::new(self.year - 1, 12),
            number => Self::new(self.year, number - 1),
        }
    }

    pub(super) fn day(&self, day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.number, day)
    }

    fn all(&self) -> u32 {
        (u32::MAX >> (31 - self.length)) & !1
    }

    /// The days of the month that are one of `days` of the week.
    fn weekly(&self, days: u8) -> u32 {
        let twice = u32::from(days) << 7 | u32::from(days);
        let week = twice >> self.begins_on & 0x7F;
        // The fifth week carries into bit 32 for no day that a month has.
        let weeks = week | week << 7 | week << 14 | week << 21 | week << 28;
        weeks << 1 & self.all()
    }

    /// The day from Monday to Friday nearest to `day`, within the month.
    fn working_day_nearest(&self, day: u32) -> u32 {
        match (self.begins_on + day - 1) % 7 {
            6 if day == 1 => 3,
            6 => day - 1,
            0 if day == self.length => day - 2,
            0 => day + 1,
            _ => day,
        }
    }
}

/// The places of the bits that are set.
fn bits(set: u32) -> impl Iterator<Item = u32> {
    (0..32).filter(move |&place| set & (1 << place) != 0)
}
