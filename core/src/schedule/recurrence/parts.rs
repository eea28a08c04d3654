//! The parts of an `RRULE`, as RFC 5545 (3.3.10) allows them.
//!
//! What the standard forbids is refused here, part by part and with the remedy. Taken as it comes, much of it means
//! something that nobody wrote: a numbered day of the week within a week would be every day.

use std::fmt::{self, Display, Formatter};

use chrono::{Datelike, NaiveDateTime, Timelike, Weekday};

use super::{MOST_RECURRENCES, RecurrenceError};

/// The longest interval.
const LONGEST_INTERVAL: u32 = 65_535;

/// What a rule steps by, the longest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::schedule) enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
    Minutely,
    Secondly,
}

/// A day of the week, of every week or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::schedule) struct DayOfWeek {
    /// Which one of the month or the year; negative ones are counted from the end.
    pub(in crate::schedule) place: Option<i16>,
    /// Counted from Monday.
    day: u8,
}

/// A rule's parts. Lists are sorted, without doubles, and empty where the rule says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::schedule) struct Parts {
    pub(in crate::schedule) frequency: Frequency,
    pub(in crate::schedule) interval: u32,
    pub(in crate::schedule) count: Option<u32>,
    /// As it is written.
    pub(super) until: Option<String>,
    pub(super) week_start: Weekday,
    pub(in crate::schedule) months: Vec<i16>,
    pub(in crate::schedule) weeks: Vec<i16>,
    pub(in crate::schedule) year_days: Vec<i16>,
    pub(in crate::schedule) month_days: Vec<i16>,
    pub(in crate::schedule) weekdays: Vec<DayOfWeek>,
    pub(in crate::schedule) hours: Vec<i16>,
    pub(in crate::schedule) minutes: Vec<i16>,
    pub(in crate::schedule) seconds: Vec<i16>,
    /// Which of what a period names; negative ones are counted from its end.
    pub(in crate::schedule) positions: Vec<i16>,
}

const FREQUENCIES: [Frequency; 7] = [
    Frequency::Yearly,
    Frequency::Monthly,
    Frequency::Weekly,
    Frequency::Daily,
    Frequency::Hourly,
    Frequency::Minutely,
    Frequency::Secondly,
];

impl Frequency {
    /// How RFC 5545 writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Yearly => "YEARLY",
            Self::Monthly => "MONTHLY",
            Self::Weekly => "WEEKLY",
            Self::Daily => "DAILY",
            Self::Hourly => "HOURLY",
            Self::Minutely => "MINUTELY",
            Self::Secondly => "SECONDLY",
        }
    }

    /// Whether it steps by days or more.
    pub(super) fn is_of_days(self) -> bool {
        self <= Self::Daily
    }
}

impl DayOfWeek {
    pub(in crate::schedule) fn day(self) -> Weekday {
        WEEKDAYS[usize::from(self.day)].1
    }
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Mon),
    ("TU", Weekday::Tue),
    ("WE", Weekday::Wed),
    ("TH", Weekday::Thu),
    ("FR", Weekday::Fri),
    ("SA", Weekday::Sat),
    ("SU", Weekday::Sun),
];

/// Between which numbers those of a part are.
#[derive(Clone, Copy)]
struct Bounds {
    lowest: i16,
    highest: i16,
    /// Whether the same numbers may be negative, and are then counted from the end.
    from_end: bool,
}

impl Bounds {
    const fn plain(lowest: i16, highest: i16) -> Self {
        Self {
            lowest,
            highest,
            from_end: false,
        }
    }

    const fn either_end(highest: i16) -> Self {
        Self {
            lowest: 1,
            highest,
            from_end: true,
        }
    }

    fn hold(self, number: i16) -> bool {
        let number = if self.from_end { number.abs() } else { number };
        (self.lowest..=self.highest).contains(&number)
    }
}

impl Display for Bounds {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} to {}", self.lowest, self.highest)?;
        if self.from_end {
            write!(out, ", or -1 to -{} to count from the end", self.highest)?;
        }
        Ok(())
    }
}

/// The parts of a rule, by name, as they are written.
struct Written<'a>(Vec<(String, &'a str)>);

impl Parts {
    /// Reads the value of an `RRULE` line.
    pub(super) fn read(value: &str) -> Result<Self, RecurrenceError> {
        let mut written = Written::split(value)?;
        let parts = Self {
            frequency: written.frequency()?,
            interval: written.interval()?,
            count: written.count()?,
            until: written.take("UNTIL").map(str::to_owned),
            week_start: written.week_start()?,
            months: written.numbers("BYMONTH", Bounds::plain(1, 12))?,
            weeks: written.numbers("BYWEEKNO", Bounds::either_end(53))?,
            year_days: written.numbers("BYYEARDAY", Bounds::either_end(366))?,
            month_days: written.numbers("BYMONTHDAY", Bounds::either_end(31))?,
            weekdays: written.weekdays()?,
            hours: written.numbers("BYHOUR", Bounds::plain(0, 23))?,
            minutes: written.numbers("BYMINUTE", Bounds::plain(0, 59))?,
            seconds: written.numbers("BYSECOND", Bounds::plain(0, 59))?,
            positions: written.numbers("BYSETPOS", Bounds::either_end(366))?,
        };
        written.nothing_left()?;
        parts.check()?;
        Ok(parts)
    }

    /// What the standard takes from `DTSTART` where the rule says nothing.
    pub(super) fn completed(mut self, start: NaiveDateTime) -> Self {
        let says_days = !(self.weeks.is_empty()
            && self.year_days.is_empty()
            && self.month_days.is_empty()
            && self.weekdays.is_empty());
        let of = |number: u32| vec![i16::try_from(number).unwrap_or_default()];
        match self.frequency {
            _ if says_days => {}
            Frequency::Yearly => {
                if self.months.is_empty() {
                    self.months = of(start.month());
                }
                self.month_days = of(start.day());
            }
            Frequency::Monthly => self.month_days = of(start.day()),
            Frequency::Weekly => {
                self.weekdays = vec![DayOfWeek {
                    place: None,
                    day: u8::try_from(start.weekday().num_days_from_monday()).unwrap_or_default(),
                }];
            }
            _ => {}
        }
        for (list, longest, number) in [
            (&mut self.hours, Frequency::Hourly, start.hour()),
            (&mut self.minutes, Frequency::Minutely, start.minute()),
            (&mut self.seconds, Frequency::Secondly, start.second()),
        ] {
            if list.is_empty() && self.frequency < longest {
                *list = of(number);
            }
        }
        self
    }

    /// Refuses parts that do not go together.
    fn check(&self) -> Result<(), RecurrenceError> {
        let frequency = self.frequency;
        let numbered = self.weekdays.iter().any(|day| day.place.is_some());
        let of_months = frequency <= Frequency::Monthly;
        let problem = if self.count.is_some() && self.until.is_some() {
            return Err(RecurrenceError::CountAndUntil);
        } else if numbered && !of_months {
            "BYDAY with a number counts days of a month or a year; leave the number out, or use MONTHLY or YEARLY"
        } else if numbered && !self.weeks.is_empty() {
            "BYDAY with a number does not go with BYWEEKNO, whose weeks have each day once; leave the number out"
        } else if !self.month_days.is_empty() && frequency == Frequency::Weekly {
            "BYMONTHDAY does not go with WEEKLY; use MONTHLY, or DAILY with BYDAY"
        } else if !self.year_days.is_empty() && (Frequency::Monthly..=Frequency::Daily).contains(&frequency) {
            "BYYEARDAY goes with YEARLY, HOURLY, MINUTELY and SECONDLY only; use YEARLY"
        } else if !self.positions.is_empty() && !frequency.is_of_days()
            || !self.weeks.is_empty() && !frequency.is_of_days()
        {
            "BYSETPOS and BYWEEKNO go with DAILY and longer frequencies only; use one of those with BYHOUR"
        } else if !self.weeks.is_empty() && frequency != Frequency::Yearly {
            "BYWEEKNO goes with YEARLY only; use that"
        } else if !self.positions.is_empty() && self.chooses_from_nothing() {
            "BYSETPOS chooses from what another BY part names; add one such as BYDAY, or leave BYSETPOS out"
        } else {
            return Ok(());
        };
        Err(refused(problem))
    }

    /// Whether no part but `BYSETPOS` says what a period names.
    fn chooses_from_nothing(&self) -> bool {
        let lists = [
            &self.months,
            &self.weeks,
            &self.year_days,
            &self.month_days,
            &self.hours,
            &self.minutes,
            &self.seconds,
        ];
        self.weekdays.is_empty() && lists.iter().all(|list| list.is_empty())
    }
}

impl<'a> Written<'a> {
    fn split(value: &'a str) -> Result<Self, RecurrenceError> {
        let mut parts: Vec<(String, &str)> = Vec::new();
        for part in value.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(refused(format!(
                    "{part:?} is no part; write a name, = and a value"
                )));
            };
            let name = name.trim().to_ascii_uppercase();
            if parts.iter().any(|(earlier, _)| *earlier == name) {
                return Err(refused(format!("{name} is given twice; give it once")));
            }
            parts.push((name, value.trim()));
        }
        Ok(Self(parts))
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        let place = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.swap_remove(place).1)
    }

    fn frequency(&mut self) -> Result<Frequency, RecurrenceError> {
        let known = "write YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY";
        let given = self
            .take("FREQ")
            .ok_or_else(|| refused(format!("FREQ is missing; {known}")))?;
        FREQUENCIES
            .into_iter()
            .find(|frequency| frequency.name().eq_ignore_ascii_case(given))
            .ok_or_else(|| refused(format!("FREQ={given} is no frequency; {known}")))
    }

    fn interval(&mut self) -> Result<u32, RecurrenceError> {
        let Some(given) = self.take("INTERVAL") else {
            return Ok(1);
        };
        match given.parse() {
            Ok(0) => Err(RecurrenceError::NoInterval),
            Ok(interval) if interval <= LONGEST_INTERVAL => Ok(interval),
            _ => Err(refused(format!(
                "INTERVAL={given} is no interval; write 1 to {LONGEST_INTERVAL}"
            ))),
        }
    }

    fn count(&mut self) -> Result<Option<u32>, RecurrenceError> {
        let Some(given) = self.take("COUNT") else {
            return Ok(None);
        };
        match given.parse() {
            Ok(count) if count > MOST_RECURRENCES => Err(RecurrenceError::Count { count }),
            Ok(count) if count > 0 => Ok(Some(count)),
            _ => Err(refused(format!(
                "COUNT={given} is no count; write 1 to {MOST_RECURRENCES}"
            ))),
        }
    }

    fn week_start(&mut self) -> Result<Weekday, RecurrenceError> {
        let given = self.take("WKST").unwrap_or("MO");
        let day = weekday(given).ok_or_else(|| {
            refused(format!(
                "WKST={given} is no day of the week; write MO, TU, WE, TH, FR, SA or SU"
            ))
        })?;
        Ok(WEEKDAYS[usize::from(day)].1)
    }

    fn numbers(&mut self, name: &str, bounds: Bounds) -> Result<Vec<i16>, RecurrenceError> {
        let Some(given) = self.take(name) else {
            return Ok(Vec::new());
        };
        let number = |text: &str| text.trim().parse().ok().filter(|&number| bounds.hold(number));
        let numbers = given
            .split(',')
            .map(|text| number(text).ok_or_else(|| refused(format!("{name}={text} is not one of {bounds}"))));
        Ok(sorted(numbers.collect::<Result<Vec<_>, _>>()?))
    }

    fn weekdays(&mut self) -> Result<Vec<DayOfWeek>, RecurrenceError> {
        let Some(given) = self.take("BYDAY") else {
            return Ok(Vec::new());
        };
        let days = given.split(',').map(|text| {
            day_of_week(text.trim()).ok_or_else(|| {
                refused(format!(
                    "BYDAY={text} is no day; write MO, TU, WE, TH, FR, SA or SU, for one of the month or the year with 1 to 53 or \
                     -1 to -53 before it"
                ))
            })
        });
        Ok(sorted(days.collect::<Result<Vec<_>, _>>()?))
    }

    fn nothing_left(self) -> Result<(), RecurrenceError> {
        match self.0.first() {
            Some((name, _)) => Err(refused(format!("{name} is not a part of RFC 5545; leave it out"))),
            None => Ok(()),
        }
    }
}

fn refused(reason: impl Into<String>) -> RecurrenceError {
    RecurrenceError::Rule {
        reason: reason.into(),
    }
}

/// The place of a day in [`WEEKDAYS`].
fn weekday(text: &str) -> Option<u8> {
    let place = WEEKDAYS
        .iter()
        .position(|(name, _)| name.eq_ignore_ascii_case(text))?;
    u8::try_from(place).ok()
}

/// A day such as `MO` or `-1FR`.
fn day_of_week(text: &str) -> Option<DayOfWeek> {
    let (place, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let place = match place {
        "" => None,
        place => Some(
            place
                .parse()
                .ok()
                .filter(|&place| Bounds::either_end(53).hold(place))?,
        ),
    };
    Some(DayOfWeek {
        place,
        day: weekday(day)?,
    })
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}
