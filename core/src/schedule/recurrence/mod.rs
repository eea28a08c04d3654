//! Recurrences of RFC 5545.
//!
//! A recurrence is read into its [`parts`], which are refused where the standard forbids them, and is then arithmetic about
//! wall time, as a cron expression is; daylight saving meets both by the same rules. Of every so many days or more it is days
//! of periods and times of the day (see [`whole_days`]), within the day a row of equal steps (see [`within_day`]).
//!
//! It counts from `DTSTART`, which may be years ago. Neither of the two goes through those years: what is named near some
//! wall time depends only on the place in the cycle of `INTERVAL`. A `COUNT` depends on everything before, so it is counted
//! once, when the recurrence is read, into the wall time at which it ends. From then on both ends are known, and no question
//! looks for what is not there. Where either would take long (steps that meet what is let through once in a lifetime), the
//! rule is refused.
//!
//! The `rrule` crate evaluates recurrences too. It is not used beneath this because it lists: every time of every day of a year
//! at once, and every second of a year that it looks back over. It serves as the second opinion in the tests.
//!
//! `DTSTART` is where counting begins. It is an occurrence when the rule names it, and not otherwise.

mod days;
mod error;
mod parts;
mod text;
mod whole_days;
mod within_day;

use std::iter;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;

pub use error::RecurrenceError;
pub(super) use parts::{Frequency, Parts};
use whole_days::WholeDays;
use within_day::{TooRare, WithinDay};

use super::rule::LAST_YEAR;

/// The highest `COUNT`.
pub const MOST_RECURRENCES: u32 = 10_000;
/// The most dates of all `RDATE` lines, and of all `EXDATE` lines.
pub const MOST_DATES: usize = 5_000;
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// A recurrence, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Recurrence {
    /// Whose wall time it is about.
    pub(super) zone: Tz,
    start: NaiveDateTime,
    parts: Parts,
    /// The last wall time that may be named, as its author wrote it.
    until: Option<NaiveDateTime>,
    pattern: Pattern,
    /// The first and the last that the pattern names, if there are any.
    ends: Option<(NaiveDateTime, NaiveDateTime)>,
    added: Vec<NaiveDateTime>,
    removed: Vec<NaiveDateTime>,
}

/// The `RRULE` line as arithmetic, without an end.
#[derive(Clone, Debug)]
enum Pattern {
    WholeDays(WholeDays),
    WithinDay(WithinDay),
}

impl Recurrence {
    /// Reads the lines of a recurrence. Dates without a zone are in `zone`.
    pub(super) fn parse(text: &str, zone: Tz) -> Result<Self, RecurrenceError> {
        let recurrence = Self::within(text, zone, NaiveDate::MAX)?;
        if recurrence.first_from(NaiveDateTime::MIN).is_none() {
            return Err(RecurrenceError::Never);
        }
        Ok(recurrence)
    }

    /// The same for one of which nothing after the day `horizon` matters. It may name nothing up to there.
    pub(super) fn within(text: &str, zone: Tz, horizon: NaiveDate) -> Result<Self, RecurrenceError> {
        let lines = text::Lines::read(text, zone)?;
        let parts = Parts::read(&lines.rule)?.completed(lines.start);
        let until = parts
            .until
            .as_deref()
            .map(|until| lines.last_wall(until))
            .transpose()?;
        let pattern = Pattern::of(&parts, lines.start);
        if !pattern.is_of_midnights() {
            lines.check_times()?;
        }
        let horizon = NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31).map_or(horizon, |last| last.min(horizon));
        let horizon = horizon.and_time(NaiveTime::MIN) + TimeDelta::seconds(86_399);
        let last = until.map_or(horizon, |until| until.min(horizon));
        let mut added = lines.added;
        added.retain(|added| lines.removed.binary_search(added).is_err());
        Ok(Self {
            zone: lines.zone,
            start: lines.start,
            ends: ends(&pattern, &parts, lines.start, last)?,
            parts,
            until,
            pattern,
            added,
            removed: lines.removed,
        })
    }

    /// Whether it names wall times in every hour.
    pub(super) fn hourly(&self) -> bool {
        let longest = match self.parts.frequency {
            Frequency::Hourly => 1,
            Frequency::Minutely => 60,
            Frequency::Secondly => 3_600,
            _ => return false,
        };
        self.parts.hours.is_empty() && self.parts.interval <= longest
    }

    /// The parts of its rule, with what they take from `DTSTART`.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Where counting begins.
    pub(super) fn start(&self) -> NaiveDateTime {
        self.start
    }

    /// The last wall time that may be named, if its author wrote one.
    pub(super) fn until(&self) -> Option<NaiveDateTime> {
        self.until
    }

    /// What its `RDATE` lines add, sorted.
    pub(super) fn added(&self) -> &[NaiveDateTime] {
        &self.added
    }

    /// What its `EXDATE` lines take away, sorted.
    pub(super) fn removed(&self) -> &[NaiveDateTime] {
        &self.removed
    }

    /// The first wall time at or after `wall` that it names.
    pub(super) fn first_from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let ruled = iter::successors(self.ruled_from(wall), |&named| self.ruled_from(named + SECOND))
            .find(|named| self.keeps(named));
        let added = self
            .added
            .get(self.added.partition_point(|&added| added < wall))
            .copied();
        ruled.into_iter().chain(added).min()
    }

    /// The last wall time before `wall` that it names.
    pub(super) fn last_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let ruled = iter::successors(self.ruled_before(wall), |&named| self.ruled_before(named))
            .find(|named| self.keeps(named));
        let added = self.added[..self.added.partition_point(|&added| added < wall)]
            .last()
            .copied();
        ruled.into_iter().chain(added).max()
    }

    /// The first that the rule names at or after `wall`, whatever the `EXDATE` lines say.
    fn ruled_from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let (first, last) = self.ends?;
        if wall <= first {
            return Some(first);
        }
        (wall <= last)
            .then(|| self.pattern.first_from(wall).ok().flatten())?
            .filter(|&named| named <= last)
    }

    /// The last that the rule names before `wall`, whatever the `EXDATE` lines say.
    fn ruled_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let (first, last) = self.ends?;
        if wall > last {
            return Some(last);
        }
        (wall > first).then(|| self.pattern.last_before(wall).ok().flatten())?
    }

    /// Whether no `EXDATE` line takes `wall` away.
    fn keeps(&self, wall: &NaiveDateTime) -> bool {
        self.removed.binary_search(wall).is_err()
    }
}

impl Pattern {
    fn of(parts: &Parts, start: NaiveDateTime) -> Self {
        if parts.frequency.is_of_days() {
            Self::WholeDays(WholeDays::of(parts, start))
        } else {
            Self::WithinDay(WithinDay::of(parts, start))
        }
    }

    fn first_from(&self, wall: NaiveDateTime) -> Result<Option<NaiveDateTime>, TooRare> {
        match self {
            Self::WholeDays(days) => Ok(days.first_from(wall)),
            Self::WithinDay(row) => row.first_from(wall),
        }
    }

    fn last_before(&self, wall: NaiveDateTime) -> Result<Option<NaiveDateTime>, TooRare> {
        match self {
            Self::WholeDays(days) => Ok(days.last_before(wall)),
            Self::WithinDay(row) => row.last_before(wall),
        }
    }

    fn nth(&self, place: usize, horizon: NaiveDateTime) -> Result<Option<NaiveDateTime>, TooRare> {
        match self {
            Self::WholeDays(days) => Ok(days.nth(place, horizon)),
            Self::WithinDay(row) => row.nth(place, horizon),
        }
    }

    fn is_of_midnights(&self) -> bool {
        matches!(self, Self::WholeDays(days) if days.is_of_midnights())
    }
}

/// The first and the last that `pattern` names up to `last`, and of those no more than the count allows.
fn ends(
    pattern: &Pattern,
    parts: &Parts,
    start: NaiveDateTime,
    last: NaiveDateTime,
) -> Result<Option<(NaiveDateTime, NaiveDateTime)>, RecurrenceError> {
    let (frequency, interval) = (parts.frequency.name(), parts.interval);
    let first = pattern
        .first_from(start)
        .map_err(|TooRare| RecurrenceError::TooRare { frequency, interval })?;
    let Some(first) = first.filter(|&first| first <= last) else {
        return Ok(None);
    };
    let counted = match parts.count {
        Some(count) => {
            pattern
                .nth(count as usize - 1, last)
                .map_err(|TooRare| RecurrenceError::CostlyCount {
                    frequency,
                    interval,
                    count,
                })?
        }
        None => None,
    };
    let last = counted.or_else(|| pattern.last_before(last + SECOND).unwrap_or(Some(last)));
    Ok(last.map(|last| (first, last)))
}

#[cfg(test)]
mod tests;
