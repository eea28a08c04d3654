//! Recurrences of every so many hours, minutes or seconds.
//!
//! They are a row of equal steps from `DTSTART`, each the length of its unit, and the `BY…` parts let times through. What is
//! both is found by going from the one to the other: to the next time that is let through, and if no step is there, to the
//! next step. So hours and days that are not let through cost nothing, the step is kept across them (every 45 seconds in the
//! hour from 9 on are other times on the second day), and a rule begun years ago is asked like one begun today.
//!
//! Long steps may miss what is let through time and again. How often is bounded.

use chrono::{NaiveDateTime, TimeDelta, Timelike};

use super::parts::{Frequency, Parts};
use super::whole_days::WholeDays;

/// How many times a question may find no step at a time that is let through.
const MOST_MISSED: u32 = 20_000;
/// The same for all the questions that a count takes.
const MOST_MISSED_BY_COUNT: u32 = 400_000;

/// A recurrence within the day.
#[derive(Clone, Debug)]
pub(super) struct WithinDay {
    start: NaiveDateTime,
    /// Where the row begins: at `DTSTART`, or at the beginning of its hour or minute.
    begin: NaiveDateTime,
    /// The unit's length.
    unit: TimeDelta,
    /// The length of a step, in seconds.
    step: i64,
    /// What the parts let through.
    allowed: WholeDays,
}

/// The steps miss what is let through too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooRare;

impl WithinDay {
    /// The rule `parts`, which are complete and of hours or less.
    pub(super) fn of(parts: &Parts, start: NaiveDateTime) -> Self {
        let into_minute = TimeDelta::seconds(start.second().into());
        let (unit, into_unit) = match parts.frequency {
            Frequency::Hourly => (3_600, into_minute + TimeDelta::minutes(start.minute().into())),
            Frequency::Minutely => (60, into_minute),
            _ => (1, TimeDelta::zero()),
        };
        Self {
            start,
            begin: start - into_unit,
            unit: TimeDelta::seconds(unit),
            step: unit * i64::from(parts.interval),
            allowed: WholeDays::let_through_by(parts, start),
        }
    }

    /// The first wall time at or after `wall` that it names.
    pub(super) fn first_from(&self, wall: NaiveDateTime) -> Result<Option<NaiveDateTime>, TooRare> {
        let mut left = MOST_MISSED;
        self.search_from(wall, &mut left)
    }

    /// The last wall time before `wall` that it names.
    pub(super) fn last_before(&self, wall: NaiveDateTime) -> Result<Option<NaiveDateTime>, TooRare> {
        let mut before = wall;
        for _ in 0..MOST_MISSED {
            let Some(allowed) = self.allowed.last_before(before) else {
                return Ok(None);
            };
            let step = self.step_until(allowed);
            if allowed - step < self.unit {
                return Ok(Some(allowed));
            }
            before = step + self.unit;
        }
        Err(TooRare)
    }

    /// The one that `place` others come before, unless that is after `horizon`.
    pub(super) fn nth(&self, place: usize, horizon: NaiveDateTime) -> Result<Option<NaiveDateTime>, TooRare> {
        let mut left = MOST_MISSED_BY_COUNT;
        let mut named = self.search_from(self.start, &mut left)?;
        for _ in 0..place {
            let Some(here) = named.filter(|&here| here <= horizon) else {
                return Ok(None);
            };
            named = self.search_from(here + TimeDelta::seconds(1), &mut left)?;
        }
        Ok(named.filter(|&named| named <= horizon))
    }

    fn search_from(&self, wall: NaiveDateTime, left: &mut u32) -> Result<Option<NaiveDateTime>, TooRare> {
        let mut from = wall;
        while *left > 0 {
            let Some(allowed) = self.allowed.first_from(from) else {
                return Ok(None);
            };
            let step = self.step_until(allowed);
            if allowed - step < self.unit {
                return Ok(Some(allowed));
            }
            from = step + TimeDelta::seconds(self.step);
            *left -= 1;
        }
        Err(TooRare)
    }

    /// Where the last step begins that is not after `wall`.
    fn step_until(&self, wall: NaiveDateTime) -> NaiveDateTime {
        let into_step = (wall - self.begin).num_seconds().rem_euclid(self.step);
        wall - TimeDelta::seconds(into_step)
    }
}
