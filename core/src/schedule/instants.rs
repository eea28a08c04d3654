//! Which instants a rule names, before calendars and windows.
//!
//! # Daylight saving
//!
//! Cron expressions and recurrences speak of wall time, and a zone's clock leaves some of it out and shows some twice. What
//! happens then is the schedule's policy ([`DaylightSaving`]):
//!
//! - A wall time that is left out is kept at the first instant after the gap (`NEXT`), or not at all (`SKIP`). What the
//!   rule names within one gap, and the instant after it when the rule names that too, is one occurrence.
//! - A wall time that is shown twice is kept once, the first time (`FIRST`) or the last (`LAST`), or both times (`BOTH`).
//!
//! Rules that run at every hour or oftener are unaffected: they follow the clock as it goes, so each shown hour has its
//! occurrences and a left-out hour has none. A rule is one of those when its hours are all twenty-four, whatever its
//! minutes and days; a recurrence, when it is `HOURLY` with an interval of 1, `MINUTELY` with at most 60 or `SECONDLY` with at
//! most 3,600, without `BYHOUR`. Vixie's cron decides the same by the first character: a `*` in the minute or the hour makes
//! an expression unaffected, so that `*/15 2 * * *` runs eight times or not at all when the clock changes at two. That loses
//! occurrences, and so the meaning decides here and not the asterisk.
//!
//! Intervals, fixed delays and lists of instants do not look at the clock.

use std::iter;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use super::cron::Cron;
use super::recurrence::Recurrence;
use super::zone::{DaylightSaving, Gap, Repeat, Span, Zone};

/// How many instants of one day a rule may name whose occurrences move.
pub(super) const MOST_A_DAY: usize = 24;

/// An instant that a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) instant: DateTime<Utc>,
    /// Whether it stands for wall time that the clock leaves out.
    pub(super) shifted: bool,
}

/// Where instants come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A rule about wall time.
    Wall(Box<WallClock>),
    /// Every so many microseconds from an anchor.
    Interval { every: TimeDelta, anchor: DateTime<Utc> },
    /// These, sorted.
    At(Vec<DateTime<Utc>>),
    /// So long after the end of a run.
    FixedDelay(TimeDelta),
}

impl Source {
    /// The first instant at or after `from`.
    pub(super) fn first_from(&self, from: DateTime<Utc>) -> Option<Named> {
        match self {
            Self::Wall(clock) => clock.first_from(from),
            Self::Interval { every, anchor } => {
                let named = last_until(*every, *anchor, from)?;
                plain(if named < from {
                    named.checked_add_signed(*every)
                } else {
                    Some(named)
                })
            }
            Self::At(instants) => plain(instants.get(instants.partition_point(|&at| at < from)).copied()),
            Self::FixedDelay(_) => None,
        }
    }

    /// The last instant before `before`.
    pub(super) fn last_before(&self, before: DateTime<Utc>) -> Option<Named> {
        match self {
            Self::Wall(clock) => clock.last_before(before),
            Self::Interval { every, anchor } => {
                let named = last_until(*every, *anchor, before)?;
                plain(if named < before {
                    Some(named)
                } else {
                    named.checked_sub_signed(*every)
                })
            }
            Self::At(instants) => plain(
                instants[..instants.partition_point(|&at| at < before)]
                    .last()
                    .copied(),
            ),
            Self::FixedDelay(_) => None,
        }
    }

    /// Whether it names so much on a day that moving it to another would only pile it up there. A list never does: its
    /// author wrote down each instant.
    pub(super) fn runs_too_often_to_move(&self) -> bool {
        match self {
            Self::Wall(clock) => clock.rule.hourly() || clock.rule.fills_days(),
            Self::Interval { every, .. } | Self::FixedDelay(every) => *every <= TimeDelta::hours(1),
            Self::At(_) => false,
        }
    }
}

fn plain(instant: Option<DateTime<Utc>>) -> Option<Named> {
    instant.map(|instant| Named {
        instant,
        shifted: false,
    })
}

/// The last instant of an interval that is not after `instant`.
fn last_until(every: TimeDelta, anchor: DateTime<Utc>, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let into = (instant - anchor)
        .num_microseconds()?
        .checked_rem_euclid(every.num_microseconds()?)?;
    // What an instant has beyond its microseconds is cut off, so that the interval keeps the anchor's.
    let whole = DateTime::from_timestamp_micros(instant.timestamp_micros())?;
    whole.checked_sub_signed(TimeDelta::microseconds(into))
}

/// A rule about wall time, with the clock that shows it.
#[derive(Clone, Debug)]
pub(super) struct WallClock {
    pub(super) rule: WallRule,
    pub(super) zone: Zone,
    pub(super) policy: DaylightSaving,
}

/// A rule about wall time.
#[derive(Clone, Debug)]
pub(super) enum WallRule {
    Cron(Cron),
    Recurrence(Box<Recurrence>),
}

impl WallRule {
    fn first_from(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Cron(cron) => cron.first_from(wall),
            Self::Recurrence(recurrence) => recurrence.first_from(wall),
        }
    }

    fn last_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Cron(cron) => cron.last_before(wall),
            Self::Recurrence(recurrence) => recurrence.last_before(wall),
        }
    }

    /// Whether it names more than [`MOST_A_DAY`] wall times on a day. Of a recurrence the first days are looked at.
    fn fills_days(&self) -> bool {
        match self {
            Self::Cron(cron) => cron.times_a_day() > MOST_A_DAY,
            Self::Recurrence(recurrence) => {
                // The first day may have begun before the recurrence does, and the second has not.
                let first = recurrence.first_from(recurrence.start());
                let next = |wall: &NaiveDateTime| recurrence.first_from(*wall + TimeDelta::seconds(1));
                let days: Vec<NaiveDate> = iter::successors(first, next)
                    .take(2 * MOST_A_DAY + 1)
                    .map(|wall| wall.date())
                    .collect();
                days.windows(MOST_A_DAY + 1)
                    .any(|days| days.first() == days.last())
            }
        }
    }

    /// Whether daylight saving leaves it unaffected.
    fn hourly(&self) -> bool {
        match self {
            Self::Cron(cron) => cron.hourly(),
            Self::Recurrence(recurrence) => recurrence.hourly(),
        }
    }
}

impl WallClock {
    /// The policy in force: a rule of every hour follows the clock.
    fn policy(&self) -> DaylightSaving {
        if self.rule.hourly() {
            DaylightSaving {
                gap: Gap::Skip,
                repeat: Repeat::Both,
            }
        } else {
            self.policy
        }
    }

    fn first_from(&self, from: DateTime<Utc>) -> Option<Named> {
        let policy = self.policy();
        let spans = &self.zone.spans()[self.zone.place(from)..];
        // What the rule names next, and from where it was asked: most spans lie before it and need not ask again.
        let mut asked: Option<(NaiveDateTime, Option<NaiveDateTime>)> = None;
        for span in spans {
            if policy.gap == Gap::Next && from <= span.begin && self.in_gap_before(span).is_some() {
                return Some(self.at_begin(span));
            }
            let (low, high) = kept_walls(span, policy.repeat);
            let low = low.max(span.wall(from.max(span.begin)));
            let next = match asked {
                Some((since, next)) if since <= low && next.is_none_or(|next| low <= next) => next,
                _ => self.rule.first_from(low),
            };
            asked = Some((low, next));
            if let Some(wall) = next.filter(|&wall| wall < high) {
                return plain(Some(span.instant(wall)));
            }
        }
        None
    }

    fn last_before(&self, before: DateTime<Utc>) -> Option<Named> {
        let policy = self.policy();
        let spans = self.zone.spans();
        let begun = spans.partition_point(|span| span.begin < before);
        let mut asked: Option<(NaiveDateTime, Option<NaiveDateTime>)> = None;
        for span in spans[..begun].iter().rev() {
            let (low, high) = kept_walls(span, policy.repeat);
            let high = high.min(span.wall(before.min(span.end)));
            let previous = match asked {
                Some((since, previous)) if high <= since && previous.is_none_or(|wall| wall < high) => {
                    previous
                }
                _ => self.rule.last_before(high),
            };
            asked = Some((high, previous));
            if let Some(wall) = previous.filter(|&wall| wall >= low) {
                return plain(Some(span.instant(wall)));
            }
            if policy.gap == Gap::Next && self.in_gap_before(span).is_some() {
                return Some(self.at_begin(span));
            }
        }
        None
    }

    /// A wall time that the rule names and that is left out where `span` begins.
    fn in_gap_before(&self, span: &Span) -> Option<NaiveDateTime> {
        if span.seen_until >= span.wall_begin || span.seen_until == NaiveDateTime::MIN {
            return None;
        }
        self.rule
            .first_from(span.seen_until)
            .filter(|&wall| wall < span.wall_begin)
    }

    /// The occurrence that stands where `span` begins for what was left out before.
    fn at_begin(&self, span: &Span) -> Named {
        Named {
            instant: span.begin,
            shifted: self.rule.first_from(span.wall_begin) != Some(span.wall_begin),
        }
    }
}

/// From which wall time on, and up to which, `span` keeps what a rule names.
fn kept_walls(span: &Span, repeat: Repeat) -> (NaiveDateTime, NaiveDateTime) {
    match repeat {
        Repeat::First => (span.wall_begin.max(span.seen_until), span.wall_end),
        Repeat::Last => (span.wall_begin, span.wall_end.min(span.returns_from)),
        Repeat::Both => (span.wall_begin, span.wall_end),
    }
}
