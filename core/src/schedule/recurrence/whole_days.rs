//! Recurrences of every so many days, weeks, months or years.
//!
//! A period names its days, each at the same times, and `BYSETPOS` chooses among all of those by their places. Places are
//! multiplied and never lists: a day of 86,400 times costs what a day of one does.

use chrono::{NaiveDate, NaiveDateTime};

use super::days::{DayParts, Periods};
use super::parts::Parts;
use crate::schedule::day_times::{ALL_HOURS, ALL_SIXTY, DayTimes};

/// Days of periods, at times of the day.
#[derive(Clone, Debug)]
pub(super) struct WholeDays {
    start: NaiveDateTime,
    periods: Periods,
    days: DayParts,
    times: DayTimes,
    positions: Vec<i16>,
}

impl WholeDays {
    /// The rule `parts`, which are complete and of days or more.
    pub(super) fn of(parts: &Parts, start: NaiveDateTime) -> Self {
        let days = DayParts::of(parts);
        Self {
            start,
            periods: Periods::of(parts, days.months(), start.date()),
            days,
            times: times_of(parts),
            positions: parts.positions.clone(),
        }
    }

    /// Every time from `start` on that the `BY…` parts of a rule within the day let through.
    pub(super) fn let_through_by(parts: &Parts, start: NaiveDateTime) -> Self {
        let days = DayParts::of(parts);
        Self {
            periods: Periods::every_day(days.months(), start.date()),
            ..Self::of(parts, start)
        }
    }

    /// The first wall time at or after `wall` that it names.
    pub(super) fn first_from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let wall = wall.max(self.start);
        self.sets_from(wall.date())
            .find_map(|set| set.nth(set.before(wall)))
    }

    /// The last wall time before `wall` that it names.
    pub(super) fn last_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        self.periods
            .until(wall.date())
            .map(|period| self.set(self.days.within(&period)))
            .find_map(|set| set.nth(set.before(wall).checked_sub(1)?))
            .filter(|&named| named >= self.start)
    }

    /// The one that `place` others come before, unless that is after `horizon`.
    pub(super) fn nth(&self, place: usize, horizon: NaiveDateTime) -> Option<NaiveDateTime> {
        let mut left = place;
        let mut from = self.start.date();
        // A calendar that repeats itself without a single instant ends the row.
        while from <= horizon.date() {
            let mut met = false;
            for period in self.periods.from(from) {
                from = period.end;
                let set = self.set(self.days.within(&period));
                let first = set.before(self.start);
                let named = set.count() - first;
                if left < named {
                    return set.nth(first + left).filter(|&named| named <= horizon);
                }
                left -= named;
                met |= named > 0;
                if from > horizon.date() {
                    break;
                }
            }
            if !met {
                return None;
            }
        }
        None
    }

    /// Whether it names days as a whole: midnights.
    pub(super) fn is_of_midnights(&self) -> bool {
        (self.times.hours, self.times.minutes, self.times.seconds) == (1, 1, 1)
    }

    fn sets_from(&self, day: NaiveDate) -> impl Iterator<Item = PeriodSet<'_>> {
        self.periods
            .from(day)
            .map(|period| self.set(self.days.within(&period)))
    }

    fn set(&self, days: Vec<NaiveDate>) -> PeriodSet<'_> {
        let all = days.len() * self.times.count();
        let chosen = (!self.positions.is_empty()).then(|| chosen(&self.positions, all));
        PeriodSet {
            days,
            times: &self.times,
            chosen,
        }
    }
}

/// What one period names.
struct PeriodSet<'a> {
    days: Vec<NaiveDate>,
    times: &'a DayTimes,
    /// The places that `BYSETPOS` chooses, sorted.
    chosen: Option<Vec<usize>>,
}

impl PeriodSet<'_> {
    fn count(&self) -> usize {
        self.chosen
            .as_ref()
            .map_or_else(|| self.days.len() * self.times.count(), Vec::len)
    }

    /// How many are before `wall`.
    fn before(&self, wall: NaiveDateTime) -> usize {
        let day = self.days.partition_point(|&day| day < wall.date());
        let of_day = match self.days.get(day) {
            Some(&same) if same == wall.date() => self.times.before(wall.time()),
            _ => 0,
        };
        let before = day * self.times.count() + of_day;
        match &self.chosen {
            Some(chosen) => chosen.partition_point(|&place| place < before),
            None => before,
        }
    }

    /// The one that has `place` before it.
    fn nth(&self, place: usize) -> Option<NaiveDateTime> {
        let place = match &self.chosen {
            Some(chosen) => *chosen.get(place)?,
            None => place,
        };
        let day = self.days.get(place / self.times.count())?;
        Some(day.and_time(self.times.nth(place % self.times.count())?))
    }
}

/// The places among `all` that `positions` mean.
fn chosen(positions: &[i16], all: usize) -> Vec<usize> {
    let place = |&position: &i16| {
        let from_end = usize::from(position.unsigned_abs());
        if position > 0 {
            Some(from_end - 1)
        } else {
            all.checked_sub(from_end)
        }
    };
    let mut places: Vec<usize> = positions
        .iter()
        .filter_map(place)
        .filter(|&place| place < all)
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The times of `parts`; those that say nothing let every time through.
fn times_of(parts: &Parts) -> DayTimes {
    let bits = |list: &[i16], all: u64| match list {
        [] => all,
        list => list.iter().fold(0, |bits, place| bits | 1_u64 << place),
    };
    DayTimes {
        hours: u32::try_from(bits(&parts.hours, ALL_HOURS.into())).unwrap_or(ALL_HOURS),
        minutes: bits(&parts.minutes, ALL_SIXTY),
        seconds: bits(&parts.seconds, ALL_SIXTY),
    }
}
