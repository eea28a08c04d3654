//! A schedule's timing, ready to be asked.
//!
//! A plan is a function. It reads no clock, remembers nothing, and two processes that hold the same timing, calendar and
//! seed get the same answers. What it answers is in order of [`Planned::due`], and no two occurrences are due at the same
//! instant, so whoever has settled everything up to an instant needs to remember nothing else.
//!
//! Three steps lead from a rule to that order. The rule names instants; they identify the occurrences. The calendar keeps,
//! excludes or moves them (see [`moves`](super::moves)). Jitter then delays what is kept by a part of the way to the next
//! one: it spreads schedules and never lets occurrences of one overtake or meet each other. The way is halved, and the part of
//! it taken anew, until it leads to where the calendar and the blackouts let something start, within the validity.
//!
//! Reading forwards, backwards, or an interval at a time gives the same occurrences, which is what makes catch-up and
//! backfill exact. However far an answer lies, it costs a bounded look at the rule: what moves is bounded where it is defined,
//! and nothing is named after the year 9999, where instants end that can be written with four digits.

use std::iter;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use thiserror::Error;

use super::calendar::{Calendar, CalendarError, Stretches, first_of_month, last_of_month, windows};
use super::cron::{Cron, CronError};
use super::instants::{MOST_A_DAY, Named, Source, WallClock, WallRule};
use super::moves::Places;
use super::recurrence::{Recurrence, RecurrenceError};
use super::rule::{LONGEST_STEP_MS, LONGEST_TEXT, MOST_INSTANTS, Rule, SHORTEST_STEP_MS, Seed};
use super::timing::{
    BusinessDays, DataInterval, MOST_BLACKOUTS, MOST_COUNTED, Note, Placement, Planned, Reaction, Timing,
    WIDEST_JITTER_MS,
};
use super::walk::Walk;
use super::zone::{DaylightSaving, Zone};

/// The first instant that no plan names.
const END_OF_YEARS: DateTime<Utc> =
    DateTime::from_timestamp(253_402_300_800, 0).expect("the year 10000 begins");

/// The first instant after `instant`, as fine as PostgreSQL keeps them.
pub(super) fn just_after(instant: DateTime<Utc>) -> DateTime<Utc> {
    let finer = TimeDelta::nanoseconds(i64::from(instant.timestamp_subsec_nanos() % 1_000));
    instant
        .checked_add_signed(TimeDelta::microseconds(1) - finer)
        .unwrap_or(instant)
}

/// Why a timing is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimingError {
    /// The cron expression.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The recurrence.
    #[error(transparent)]
    Recurrence(#[from] RecurrenceError),
    /// The calendar.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// The recurrence is too long.
    #[error("the text has {length} bytes; at most {LONGEST_TEXT} are taken")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// An interval or a delay is too short or too long.
    #[error("{given} ms is not a step; give {SHORTEST_STEP_MS} to {LONGEST_STEP_MS} ms")]
    Step {
        /// The field.
        field: &'static str,
        /// What is given.
        given: i64,
    },
    /// The list of instants is empty or too long.
    #[error("{given} instants are given; give 1 to {MOST_INSTANTS}")]
    Instants {
        /// How many are.
        given: usize,
    },
    /// The jitter is negative or too wide.
    #[error("{given} ms is not a jitter; give 0 to {WIDEST_JITTER_MS} ms")]
    Jitter {
        /// What is given.
        given: i64,
    },
    /// It moves, and is too often for that.
    #[error(
        "a rule that runs every hour or oftener, or more than {MOST_A_DAY} times a day, is not moved from day to day; let \
         the reaction be SKIP, or let the rule run less often"
    )]
    MovesTooOften,
    /// The validity ends before it begins.
    #[error("the validity ends before it begins; exchange from and until")]
    Backwards,
    /// A count has no beginning.
    #[error("a count needs an instant to count from; give from as well")]
    CountFromNowhere,
    /// The count is zero or too high.
    #[error("{given} is not a count; give 1 to {MOST_COUNTED}")]
    Count {
        /// What is given.
        given: u32,
    },
    /// A fixed delay cannot be counted by its instants.
    #[error("a fixed delay names no instants that could be counted; leave count out, or use an interval")]
    CountOfDelays,
    /// There are too many blackout windows.
    #[error(
        "{given} blackout windows are given; at most {MOST_BLACKOUTS} are taken, so put them into a calendar"
    )]
    Blackouts {
        /// How many are.
        given: usize,
    },
    /// A blackout window ends before it begins.
    #[error("the window ends before it begins; exchange its ends")]
    BlackoutBackwards {
        /// Its place.
        place: usize,
    },
}

impl TimingError {
    /// The way to the value that is wrong, from the timing.
    #[must_use]
    pub fn path(&self) -> Vec<String> {
        let path: &[&str] = match self {
            Self::Cron(_) => &["rule", "expression"],
            Self::Recurrence(_) | Self::TooLong { .. } => &["rule", "text"],
            Self::Calendar(_) => &["calendar"],
            Self::Step { field, .. } => &["rule", field],
            Self::Instants { .. } => &["rule", "instants"],
            Self::Jitter { .. } => &["jitter_ms"],
            Self::MovesTooOften => &["reaction"],
            Self::Backwards => &["validity", "until"],
            Self::CountFromNowhere | Self::Count { .. } | Self::CountOfDelays => &["validity", "count"],
            Self::Blackouts { .. } => &["blackouts"],
            Self::BlackoutBackwards { place } => {
                return vec!["blackouts".into(), place.to_string(), "until".into()];
            }
        };
        path.iter().map(ToString::to_string).collect()
    }
}

/// A schedule's timing, ready to be asked.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) source: Source,
    pub(super) zone: Zone,
    pub(super) calendar: Option<Calendar>,
    pub(super) blackouts: Stretches<DateTime<Utc>>,
    pub(super) reaction: Reaction,
    pub(super) daylight_saving: DaylightSaving,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    jitter: TimeDelta,
    seed: Seed,
}

impl Plan {
    /// Makes a timing ready. `calendar` is what its selection resolves to, and is used only if there is a selection.
    pub fn new(timing: &Timing, calendar: Option<Calendar>, seed: Seed) -> Result<Self, TimingError> {
        check(timing)?;
        let mut plan = Self {
            source: source(timing, seed)?,
            zone: Zone::of(timing.zone),
            calendar: calendar.filter(|_| timing.calendar.is_some()),
            blackouts: windows(&timing.blackouts),
            reaction: timing.reaction,
            daylight_saving: timing.daylight_saving,
            from: timing.validity.from.unwrap_or(DateTime::<Utc>::MIN_UTC),
            until: timing
                .validity
                .until
                .map_or(END_OF_YEARS, |until| until.min(END_OF_YEARS)),
            jitter: TimeDelta::milliseconds(timing.jitter_ms),
            seed,
        };
        if plan.reaction != Reaction::Skip && plan.source.runs_too_often_to_move() {
            return Err(TimingError::MovesTooOften);
        }
        if let Some(count) = timing.validity.count {
            plan.until = plan.end_of_count(count);
        }
        Ok(plan)
    }

    /// The first occurrence that is due after `after`.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<Planned> {
        self.upcoming(after).next()
    }

    /// The last occurrence that is due before `before`.
    #[must_use]
    pub fn previous(&self, before: DateTime<Utc>) -> Option<Planned> {
        self.past(before).next()
    }

    /// All occurrences that are due after `after`, the first first.
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = Planned> + '_ {
        // Only the last one that was due without its jitter can still be due with it.
        let last_begun = || Walk::backward(Places::of(self), just_after(after)).next();
        let begun = (!self.jitter.is_zero()).then(last_begun).flatten();
        let mut walk = begun
            .into_iter()
            .chain(Walk::forward(Places::of(self), after))
            .peekable();
        iter::from_fn(move || {
            let placed = walk.next()?;
            Some(self.jittered(placed, || walk.peek().map(|next| next.due)))
        })
        .skip_while(move |planned| planned.due <= after)
    }

    /// All occurrences that are due before `before`, the last first.
    pub fn past(&self, before: DateTime<Utc>) -> impl Iterator<Item = Planned> + '_ {
        let mut later: Option<DateTime<Utc>> = None;
        Walk::backward(Places::of(self), before)
            .map(move |placed| {
                let after = later.replace(placed.due);
                let next = || after.or_else(|| due_after(placed.due, Places::of(self)));
                self.jittered(placed, next)
            })
            .skip_while(move |planned| planned.due >= before)
    }

    /// The occurrences that are due after `after` and at `until` at the latest, the first first.
    pub fn due_between(
        &self,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = Planned> + '_ {
        self.upcoming(after)
            .take_while(move |planned| planned.due <= until)
    }

    /// The same, the last first, as catch-up reads them.
    pub fn overdue(&self, after: DateTime<Utc>, now: DateTime<Utc>) -> impl Iterator<Item = Planned> + '_ {
        self.past(just_after(now))
            .take_while(move |planned| planned.due > after)
    }

    /// The occurrences whose nominal instants lie from `from` until just before `until`, in the order of those.
    pub fn named_between(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = Planned> + '_ {
        iter::successors(self.nominal_from(from), |named| {
            self.nominal_from(just_after(named.instant))
        })
        .take_while(move |named| named.instant < until)
        .map(self.whole())
    }

    /// The occurrence that `nominal` identifies, if the plan has it.
    #[must_use]
    pub fn at(&self, nominal: DateTime<Utc>) -> Option<Planned> {
        self.each_at([nominal]).next()?
    }

    /// The occurrence that each of `nominals` identifies, if the plan has it. In order, they cost less than one by one.
    pub fn each_at(
        &self,
        nominals: impl IntoIterator<Item = DateTime<Utc>>,
    ) -> impl Iterator<Item = Option<Planned>> {
        let mut whole = self.whole();
        nominals.into_iter().map(move |nominal| {
            self.nominal_from(nominal)
                .filter(|named| named.instant < just_after(nominal))
                .map(&mut whole)
        })
    }

    /// The occurrence that follows the end of a run, when the rule is a fixed delay. A schedule that has not run yet gives the
    /// instant of its start.
    #[must_use]
    pub fn after_run(&self, ended: DateTime<Utc>) -> Option<Planned> {
        let Source::FixedDelay(delay) = self.source else {
            return None;
        };
        let instant = ended.checked_add_signed(delay)?.max(self.from);
        let named = Named {
            instant,
            shifted: false,
        };
        let placed = || Places::of(self).place_alone(named);
        (instant < self.until).then(|| self.jittered(placed(), || None))
    }

    /// Whether occurrences follow the ends of runs, so that only [`after_run`](Self::after_run) answers.
    #[must_use]
    pub fn follows_runs(&self) -> bool {
        matches!(self.source, Source::FixedDelay(_))
    }

    /// The stretch of data that the occurrence is about. It is empty for the first of a list and after a fixed delay.
    #[must_use]
    pub fn data_interval(&self, nominal: DateTime<Utc>) -> DataInterval {
        let before = self.source.last_before(nominal);
        DataInterval {
            from: before.map_or(nominal, |before| before.instant),
            until: nominal,
        }
    }

    /// The days that expressions over the occurrence may ask for.
    #[must_use]
    pub fn business_days(&self, nominal: DateTime<Utc>) -> BusinessDays {
        let date = self.zone.wall(nominal).date();
        let every_day = Calendar::every_day();
        let calendar = self.calendar.as_ref().unwrap_or(&every_day);
        let previous = calendar.previous_working_day(date);
        BusinessDays {
            date,
            business_date: previous.filter(|_| !calendar.works_on(date)).unwrap_or(date),
            previous_working_day: previous,
            next_working_day: calendar.next_working_day(date),
            first_of_month: first_of_month(date),
            last_of_month: last_of_month(date),
            first_working_day: calendar.nth_working_day(date, 1),
            last_working_day: calendar.nth_working_day(date, -1),
        }
    }

    /// The first instant from `from` on that is an occurrence.
    pub(super) fn nominal_from(&self, from: DateTime<Utc>) -> Option<Named> {
        #[cfg(test)]
        tests::effort::look_at_instant();
        self.source
            .first_from(from.max(self.from))
            .filter(|named| named.instant < self.until)
    }

    /// The last instant before `before` that is an occurrence.
    pub(super) fn nominal_before(&self, before: DateTime<Utc>) -> Option<Named> {
        #[cfg(test)]
        tests::effort::look_at_instant();
        self.source
            .last_before(before.min(self.until))
            .filter(|named| named.instant >= self.from)
    }

    /// Whether `date` works. A day that the zone leaves out does not.
    pub(super) fn works_on(&self, date: NaiveDate) -> bool {
        #[cfg(test)]
        tests::effort::look_at_day();
        let works = self
            .calendar
            .as_ref()
            .is_none_or(|calendar| calendar.works_on(date));
        works
            && self
                .zone
                .wall(self.zone.first_at(date.and_time(NaiveTime::MIN)))
                .date()
                == date
    }

    /// Makes whole occurrences, with their jitter, of what the rule names.
    fn whole(&self) -> impl FnMut(Named) -> Planned {
        let mut places = Places::of(self);
        move |named| {
            let planned = places.place(named);
            self.jittered(planned, || due_after(planned.due, places.clone()))
        }
    }

    /// Delays what is kept by a part of the way to `next`.
    fn jittered(&self, mut placed: Planned, next: impl FnOnce() -> Option<DateTime<Utc>>) -> Planned {
        if self.jitter.is_zero() || placed.placement != Placement::Kept {
            return placed;
        }
        let way = next().map_or(self.jitter, |next| (next - placed.due).min(self.jitter));
        let delay = self.delay(&placed, way);
        if !delay.is_zero() {
            placed.due += delay;
            placed.notes.add(Note::Jittered);
        }
        placed
    }

    /// A part of `way`, of the half of it, or of a half of that, that leads to where the occurrence may start; else nothing.
    fn delay(&self, placed: &Planned, way: TimeDelta) -> TimeDelta {
        let purpose = placed.nominal.timestamp_micros().cast_unsigned();
        iter::successors(way.num_microseconds(), |way| Some(way / 2))
            .take_while(|&way| way > 1)
            .map(|way| self.seed.below(way.cast_unsigned(), purpose))
            .map(|delay| TimeDelta::microseconds(delay.cast_signed()))
            .find(|&delay| {
                placed
                    .due
                    .checked_add_signed(delay)
                    .is_some_and(|due| due < self.until && self.works_at(due))
            })
            .unwrap_or_default()
    }

    /// The first instant after the last that `count` allows.
    fn end_of_count(&self, count: u32) -> DateTime<Utc> {
        iter::successors(self.nominal_from(self.from), |named| {
            self.nominal_from(just_after(named.instant))
        })
        .nth(count as usize)
        .map_or(self.until, |named| named.instant)
    }
}

/// When the first occurrence is due after `due`, without its jitter.
fn due_after(due: DateTime<Utc>, places: Places<'_>) -> Option<DateTime<Utc>> {
    Walk::forward(places, due).next().map(|next| next.due)
}

fn check(timing: &Timing) -> Result<(), TimingError> {
    let validity = &timing.validity;
    if validity
        .from
        .zip(validity.until)
        .is_some_and(|(from, until)| until <= from)
    {
        return Err(TimingError::Backwards);
    }
    match (validity.count, validity.from) {
        (Some(given), _) if given == 0 || given > MOST_COUNTED => return Err(TimingError::Count { given }),
        (Some(_), _) if matches!(timing.rule, Rule::FixedDelay { .. }) => {
            return Err(TimingError::CountOfDelays);
        }
        (Some(_), None) => return Err(TimingError::CountFromNowhere),
        _ => {}
    }
    if !(0..=WIDEST_JITTER_MS).contains(&timing.jitter_ms) {
        return Err(TimingError::Jitter {
            given: timing.jitter_ms,
        });
    }
    let blackouts = &timing.blackouts;
    if blackouts.len() > MOST_BLACKOUTS {
        return Err(TimingError::Blackouts {
            given: blackouts.len(),
        });
    }
    match blackouts.iter().position(|window| window.until <= window.from) {
        Some(place) => Err(TimingError::BlackoutBackwards { place }),
        None => Ok(()),
    }
}

fn source(timing: &Timing, seed: Seed) -> Result<Source, TimingError> {
    let clock = |rule, zone| {
        Source::Wall(Box::new(WallClock {
            rule,
            zone: Zone::of(zone),
            policy: timing.daylight_saving,
        }))
    };
    Ok(match &timing.rule {
        Rule::Cron {
            expression,
            dialect,
            both_days,
        } => {
            let cron = Cron::parse(expression, *dialect, *both_days, seed)?;
            clock(WallRule::Cron(cron), timing.zone)
        }
        Rule::RRule { text } if text.len() > LONGEST_TEXT => {
            return Err(TimingError::TooLong { length: text.len() });
        }
        Rule::RRule { text } => {
            let recurrence = Recurrence::parse(text, timing.zone)?;
            let zone = recurrence.zone;
            clock(WallRule::Recurrence(Box::new(recurrence)), zone)
        }
        Rule::Interval { every_ms, anchor } => Source::Interval {
            every: step("every_ms", *every_ms)?,
            anchor: *anchor,
        },
        Rule::FixedDelay { delay_ms } => Source::FixedDelay(step("delay_ms", *delay_ms)?),
        Rule::At { instants } => {
            if instants.is_empty() || instants.len() > MOST_INSTANTS {
                return Err(TimingError::Instants {
                    given: instants.len(),
                });
            }
            let mut instants = instants.clone();
            instants.sort_unstable();
            instants.dedup();
            Source::At(instants)
        }
    })
}

fn step(field: &'static str, given: i64) -> Result<TimeDelta, TimingError> {
    if (SHORTEST_STEP_MS..=LONGEST_STEP_MS).contains(&given) {
        Ok(TimeDelta::milliseconds(given))
    } else {
        Err(TimingError::Step { field, given })
    }
}

#[cfg(test)]
mod tests;
