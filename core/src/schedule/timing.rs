//! What a schedule's author sets about time, and what an occurrence is before it has become anything.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar::Selection;
use super::rule::Rule;
use super::zone::DaylightSaving;
use crate::run::named;

/// The widest jitter: one day.
pub const WIDEST_JITTER_MS: i64 = 86_400_000;
/// The most occurrences that a count limit may allow.
pub const MOST_COUNTED: u32 = 10_000;
/// The most blackout windows of one schedule.
pub const MOST_BLACKOUTS: usize = 1_000;

/// Everything of one schedule that decides when its occurrences are due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// What names the instants.
    pub rule: Rule,
    /// Whose wall clock the rule reads, and whose days the calendar counts.
    #[serde(default)]
    pub zone: Tz,
    /// What the rule does where that clock jumps.
    #[serde(default)]
    pub daylight_saving: DaylightSaving,
    /// Which days work; without it, all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Selection>,
    /// What becomes of an occurrence on a day that does not work.
    #[serde(default)]
    pub reaction: Reaction,
    /// Windows in which nothing starts, whatever the calendar says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackouts: Vec<Window>,
    /// Between which instants, and how often, the rule is asked.
    #[serde(default)]
    pub validity: Validity,
    /// How far an occurrence may be spread, in milliseconds. It never leads to where the calendar or a blackout excludes it, nor
    /// past the end of the validity.
    #[serde(default)]
    pub jitter_ms: i64,
}

impl Timing {
    /// The rule alone: in UTC, on every day, for ever.
    #[must_use]
    pub fn of(rule: Rule) -> Self {
        Self {
            rule,
            zone: Tz::UTC,
            daylight_saving: DaylightSaving::default(),
            calendar: None,
            reaction: Reaction::default(),
            blackouts: Vec::new(),
            validity: Validity::default(),
            jitter_ms: 0,
        }
    }
}

/// What becomes of an occurrence whose day does not work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reaction {
    /// It is recorded as skipped.
    #[default]
    Skip,
    /// It is due on the last working day before, at the same wall time, as the policy for daylight saving keeps it there.
    ///
    /// Without a working day within 366 days, it is excluded; so is what is not among the 1,000 occurrences nearest to that
    /// day on the days off that lie together.
    Previous,
    /// It is due on the first working day after, likewise.
    Next,
}

/// A stretch of time, from an instant until just before another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first instant in it.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
    /// Why it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Window {
    /// Whether `instant` lies in it.
    #[must_use]
    pub fn holds(&self, instant: DateTime<Utc>) -> bool {
        self.from <= instant && instant < self.until
    }
}

/// Which of a rule's instants are occurrences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// None before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// None at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Only the first so many from `from`, which must then be given. Those that a calendar excludes count too, as in
    /// RFC 5545, so that editing a calendar does not move the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// An occurrence as the rules of time see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The instant that the rule names. It identifies the occurrence and never changes.
    pub nominal: DateTime<Utc>,
    /// The instant at which it is to be dealt with: `nominal`, after a move to another day and after jitter.
    ///
    /// No two occurrences of a schedule have the same, so it is a cursor.
    pub due: DateTime<Utc>,
    /// Whether there is something to start then.
    pub placement: Placement,
    /// What was done to it on the way.
    pub notes: Notes,
}

/// What the calendar makes of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It may start when it is due.
    Kept,
    /// It falls on a day or into a window that does not work.
    Excluded,
    /// It was moved to where another occurrence is, and is one with it.
    Merged {
        /// The nominal instant of the occurrence that stands for both.
        into: DateTime<Utc>,
    },
}

named! {
    /// Something that was done to an occurrence.
    Note {
        /// The clock left its wall time out, on its own day or on the one that it moved to, and it stands at the first instant
        /// after.
        DstShifted = "DST_SHIFTED",
        /// It falls where the calendar or a blackout excludes it.
        CalendarExcluded = "CALENDAR_EXCLUDED",
        /// It is due on another day, because its own does not work.
        Moved = "MOVED",
        /// It is due a little later, so that schedules spread.
        Jittered = "JITTERED",
    }
}

/// The notes on one occurrence.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes(u8);

impl Notes {
    /// Adds `note`.
    pub(super) fn add(&mut self, note: Note) {
        self.0 |= 1 << note as u8;
    }

    /// Whether `note` is among them.
    #[must_use]
    pub fn contains(self, note: Note) -> bool {
        self.0 & (1 << note as u8) != 0
    }

    /// All of them, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Note> {
        Note::ALL.iter().copied().filter(move |&note| self.contains(note))
    }
}

impl std::fmt::Display for Notes {
    /// As rows keep them: their names, with spaces between.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.iter().map(Note::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The stretch of data that an occurrence is about: from the rule's instant before it up to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataInterval {
    /// The nominal instant before.
    pub from: DateTime<Utc>,
    /// The occurrence's own nominal instant, which belongs to the next interval.
    pub until: DateTime<Utc>,
}

/// The days that expressions over an occurrence may ask for, all in the schedule's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessDays {
    /// The day of the nominal instant.
    pub date: NaiveDate,
    /// The working day that the occurrence is about: that of its instant when that day works, else the last one before.
    pub business_date: NaiveDate,
    /// The last working day before `date`.
    pub previous_working_day: Option<NaiveDate>,
    /// The first working day after `date`.
    pub next_working_day: Option<NaiveDate>,
    /// The first day of the month of `date`.
    pub first_of_month: NaiveDate,
    /// The last day of the month of `date`.
    pub last_of_month: NaiveDate,
    /// The first working day of that month.
    pub first_working_day: Option<NaiveDate>,
    /// The last working day of that month.
    pub last_working_day: Option<NaiveDate>,
}
