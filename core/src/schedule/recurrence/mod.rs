//! Recurrences of RFC 5545.
//!
//! The `rrule` crate knows what each `BY…` part means. It is asked about wall time only, as if all the world were in UTC, so
//! that a recurrence and a cron expression meet daylight saving by the same rules, and it is kept away from dates without
//! a zone, which it would read in the machine's.
//!
//! It counts from `DTSTART`, which may be years ago. Without a `COUNT` the instants near some wall time depend only on the
//! place in the cycle of `INTERVAL`, so [`Recurrence`] begins a period or two before what it is asked for. With a `COUNT`
//! they depend on everything before, so they are listed once, and bounded. What recurs within the day is arithmetic and is
//! not put to the crate (see [`within_day`]).
//!
//! `DTSTART` is where counting begins. It is an occurrence when the rule names it, and not otherwise.

mod text;
mod within_day;

use std::iter;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleError, RRuleSet, Tz as RuleZone, Unvalidated, Weekday};
use thiserror::Error;

use within_day::WithinDay;

/// The highest `COUNT`.
pub const MOST_RECURRENCES: u32 = 10_000;
/// The most dates of all `RDATE` lines, and of all `EXDATE` lines.
pub const MOST_DATES: usize = 5_000;
const SECOND: TimeDelta = TimeDelta::seconds(1);
/// How many periods back an earlier instant is looked for.
const FARTHEST_PERIODS: i64 = 100_000;

/// Why a recurrence is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecurrenceError {
    /// A character that no recurrence has.
    #[error("the text holds characters outside ASCII; RFC 5545 has none of them here, so remove them")]
    NotAscii,
    /// A line that is not understood.
    #[error("the line {line:?} is not DTSTART, RRULE, RDATE or EXDATE; remove it")]
    UnknownLine {
        /// The line's name.
        line: String,
    },
    /// A line is missing, or there twice.
    #[error("give exactly one {line} line; {found} are given")]
    Once {
        /// The line's name.
        line: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A date is not of a form that RFC 5545 has.
    #[error(
        "{value:?} of {line} is not a date; write 20250131, 20250131T093000 or 20250131T093000Z, from 1900 to 2199"
    )]
    Date {
        /// The line's name.
        line: String,
        /// What is given.
        value: String,
    },
    /// A zone is not known.
    #[error(
        "{zone:?} is not a zone of the IANA database; write one such as Europe/Berlin, or leave TZID out"
    )]
    Zone {
        /// What is given.
        zone: String,
    },
    /// Too many dates.
    #[error("{line} lines hold {found} dates; at most {MOST_DATES} are taken")]
    TooManyDates {
        /// The line's name.
        line: &'static str,
        /// How many there are.
        found: usize,
    },
    /// The count is too high.
    #[error(
        "COUNT is {count}; at most {MOST_RECURRENCES} are taken, so use the schedule's own count limit or UNTIL"
    )]
    Count {
        /// What is given.
        count: u32,
    },
    /// Both ends are given.
    #[error("COUNT and UNTIL exclude each other; give one of them")]
    CountAndUntil,
    /// The interval is zero.
    #[error("INTERVAL is 0; give 1 or more")]
    NoInterval,
    /// The parts of the rule do not make one.
    #[error("RRULE: {reason}")]
    Rule {
        /// What is wrong.
        reason: String,
    },
    /// It names no instant.
    #[error("the rule names no instant after its DTSTART; change the parts that exclude each other")]
    Never,
}

impl From<RRuleError> for RecurrenceError {
    fn from(error: RRuleError) -> Self {
        Self::Rule {
            reason: error.to_string(),
        }
    }
}

/// A recurrence, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Recurrence {
    /// Whose wall time it is about.
    pub(super) zone: Tz,
    start: NaiveDateTime,
    rule: RRule,
    /// The days of the month that it names; negative ones are counted from the end.
    month_days: Vec<i8>,
    /// The last wall time that may be named.
    until: NaiveDateTime,
    /// The rule as arithmetic, when it recurs within the day.
    within_day: Option<WithinDay>,
    /// Everything the rule names, when it has a count.
    counted: Option<Vec<NaiveDateTime>>,
    added: Vec<NaiveDateTime>,
    removed: Vec<NaiveDateTime>,
}

impl Recurrence {
    /// Reads the lines of a recurrence. Dates without a zone are in `zone`.
    pub(super) fn parse(text: &str, zone: Tz) -> Result<Self, RecurrenceError> {
        let lines = text::Lines::read(text, zone)?;
        let (rule, until) = text::take_until(&lines.rule);
        let until = match until {
            Some(until) => lines.last_wall(&until)?,
            None => NaiveDateTime::MAX,
        };
        let rule: RRule<Unvalidated> = rule.parse()?;
        let written_days = rule.get_by_month_day().to_vec();
        let rule = rule.validate(as_if_utc(lines.start))?;
        let month_days = if written_days.is_empty() {
            rule.get_by_month_day().to_vec()
        } else {
            written_days
        };
        match rule.get_count() {
            Some(_) if until != NaiveDateTime::MAX => return Err(RecurrenceError::CountAndUntil),
            Some(count) if count > MOST_RECURRENCES => return Err(RecurrenceError::Count { count }),
            _ => {}
        }
        if rule.get_interval() == 0 {
            return Err(RecurrenceError::NoInterval);
        }
        let mut recurrence = Self {
            within_day: WithinDay::of(&rule, &month_days, lines.start)?,
            zone: lines.zone,
            start: lines.start,
            rule,
            month_days,
            until,
            counted: None,
            added: lines.added,
            removed: lines.removed,
        };
        if let Some(count) = recurrence.rule.get_count() {
            recurrence.counted = Some(recurrence.first(count as usize));
        }
        if recurrence.first_from(recurrence.start).is_none() {
            return Err(RecurrenceError::Never);
        }
        Ok(recurrence)
    }

    /// Whether it names wall times in every hour.
    pub(super) fn hourly(&self) -> bool {
        let longest = match self.rule.get_freq() {
            Frequency::Hourly => 1,
            Frequency::Minutely => 60,
            Frequency::Secondly => 3_600,
            _ => return false,
        };
        self.rule.get_by_hour().is_empty() && self.rule.get_interval() <= longest
    }

    /// The rule itself, for those who describe it. Its days of the month are in [`month_days`](Self::month_days).
    pub(super) fn rule(&self) -> &RRule {
        &self.rule
    }

    /// The days of the month that it names; negative ones are counted from the end.
    pub(super) fn month_days(&self) -> &[i8] {
        &self.month_days
    }

    /// Where counting begins.
    pub(super) fn start(&self) -> NaiveDateTime {
        self.start
    }

    /// The last wall time that may be named, if there is one.
    pub(super) fn until(&self) -> Option<NaiveDateTime> {
        Some(self.until).filter(|&until| until != NaiveDateTime::MAX)
    }

    /// The first wall time at or after `wall` that it names.
    pub(super) fn first_from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let ruled = match (&self.counted, &self.within_day) {
            (Some(all), _) => all[all.partition_point(|&named| named < wall)..]
                .iter()
                .copied()
                .find(|named| self.keeps(named)),
            (None, Some(within_day)) => iter::successors(within_day.first_from(wall), |&named| {
                within_day.first_from(named + SECOND)
            })
            .take_while(|&named| named <= self.until)
            .find(|named| self.keeps(named)),
            (None, None) => self
                .walls(self.near(wall, 1))
                .find(|named| *named >= wall && self.keeps(named)),
        };
        let added = self
            .added
            .get(self.added.partition_point(|&added| added < wall))
            .copied();
        ruled.into_iter().chain(added).min()
    }

    /// The last wall time before `wall` that it names.
    pub(super) fn last_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let bound = wall.min(self.until.checked_add_signed(SECOND).unwrap_or(wall));
        let ruled = match (&self.counted, &self.within_day) {
            (Some(all), _) => all[..all.partition_point(|&named| named < wall)]
                .iter()
                .rev()
                .copied()
                .find(|named| self.keeps(named)),
            (None, Some(within_day)) => iter::successors(within_day.last_before(bound), |&named| {
                within_day.last_before(named)
            })
            .find(|named| self.keeps(named)),
            (None, None) => self.last_uncounted_before(bound),
        };
        let added = self.added[..self.added.partition_point(|&added| added < wall)]
            .last()
            .copied();
        ruled.into_iter().chain(added).max()
    }

    /// Looks back over stretches that grow, until one holds something or `DTSTART` is reached.
    fn last_uncounted_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        iter::successors(Some(1), |periods| Some(periods * 8))
            .take_while(|&periods| periods <= FARTHEST_PERIODS)
            .map(|periods| self.near(wall, periods))
            .scan(false, |reached, from| {
                (!std::mem::replace(reached, from == self.start)).then_some(from)
            })
            .find_map(|from| {
                self.walls(from)
                    .take_while(|&named| named < wall)
                    .filter(|named| self.keeps(named))
                    .last()
            })
    }

    /// What the first `count` are, without regard to `EXDATE` lines.
    fn first(&self, count: usize) -> Vec<NaiveDateTime> {
        match &self.within_day {
            Some(within_day) => iter::successors(within_day.first_from(self.start), |&named| {
                within_day.first_from(named + SECOND)
            })
            .take(count)
            .collect(),
            None => self.walls(self.start).take(count).collect(),
        }
    }

    /// Whether no `EXDATE` line takes `wall` away.
    fn keeps(&self, wall: &NaiveDateTime) -> bool {
        self.removed.binary_search(wall).is_err()
    }

    /// What the rule names from `from` on, which must be [`near`](Self::near) something.
    fn walls(&self, from: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        RRuleSet::new(as_if_utc(from))
            .rrule(self.rule.clone())
            .limit()
            .into_iter()
            .map(|instant| instant.naive_utc())
            .take_while(|&wall| wall <= self.until)
    }

    /// The beginning of the period of the rule's cycle that lies `periods` whole ones before the one of `wall`.
    fn near(&self, wall: NaiveDateTime, periods: i64) -> NaiveDateTime {
        let interval = i64::from(self.rule.get_interval());
        let (begin, passed) = self.periods_until(wall);
        let cycles = passed.div_euclid(interval) - periods;
        if cycles <= 0 {
            return self.start;
        }
        self.after_periods(begin, cycles * interval).unwrap_or(self.start)
    }

    /// The beginning of the period of `DTSTART`, and how many periods lie between it and that of `wall`.
    fn periods_until(&self, wall: NaiveDateTime) -> (NaiveDateTime, i64) {
        let start = self.start;
        let midnight = start.date().and_time(NaiveTime::MIN);
        let months = |date: NaiveDateTime| i64::from(date.year()) * 12 + i64::from(date.month0());
        let days_since = |begin: NaiveDateTime| (wall - begin).num_days() - i64::from(wall < begin);
        match self.rule.get_freq() {
            Frequency::Yearly => (
                midnight.with_ordinal(1).unwrap_or(midnight),
                i64::from(wall.year()) - i64::from(start.year()),
            ),
            Frequency::Monthly => (
                midnight.with_day(1).unwrap_or(midnight),
                months(wall) - months(start),
            ),
            Frequency::Weekly => {
                let week_start: Weekday = self.rule.get_week_start();
                let passed = start.weekday().days_since(week_start);
                let begin = midnight
                    .checked_sub_days(Days::new(passed.into()))
                    .unwrap_or(midnight);
                (begin, days_since(begin).div_euclid(7))
            }
            _ => (midnight, days_since(midnight)),
        }
    }

    fn after_periods(&self, begin: NaiveDateTime, periods: i64) -> Option<NaiveDateTime> {
        let months = |periods: i64| {
            let month = i64::from(begin.year()) * 12 + i64::from(begin.month0()) + periods;
            let year = i32::try_from(month.div_euclid(12)).ok()?;
            let date = NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)?;
            Some(date.and_time(begin.time()))
        };
        let days = match self.rule.get_freq() {
            Frequency::Yearly => return months(periods.checked_mul(12)?),
            Frequency::Monthly => return months(periods),
            Frequency::Weekly => periods.checked_mul(7)?,
            _ => periods,
        };
        begin.checked_add_signed(TimeDelta::try_days(days)?)
    }
}

/// The wall time as an instant of a world that is all in UTC.
fn as_if_utc(wall: NaiveDateTime) -> DateTime<RuleZone> {
    wall.and_utc().with_timezone(&RuleZone::UTC)
}

#[cfg(test)]
mod tests;
