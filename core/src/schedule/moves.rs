//! What the calendar does to occurrences.
//!
//! Days move occurrences and windows exclude them: a day that does not work has neighbours to move to, while a freeze of two
//! hours has none that keeps the wall time. So the reaction (`SKIP`, `PREVIOUS`, `NEXT`) is about days, and what falls into a window
//! that does not work is excluded, also where it has moved to.
//!
//! Several occurrences may move to one instant, as Saturday's and Sunday's do to Monday at the same time, where Monday's own
//! is already. They are one: the rule's own when there is one, else the nearest that moved there. The others are merged into
//! it, stay at their nominal instants and start nothing. One that an included window keeps on its day off moves nowhere, so
//! none is merged into it either.
//!
//! A move keeps the wall time, and where the clock of the other day leaves that out or shows it twice, the schedule's policy
//! decides as it does for the rule: after the gap (`NEXT`) or not at all (`SKIP`), the first time (`FIRST`) or the last
//! (`LAST`). With `BOTH` it is the first, because what moves is one occurrence and starts once.
//!
//! # What it costs
//!
//! Any rule may meet any calendar: twenty-four instants a day and one working day a year, or none at all. Days off that lie
//! together have one day to move to, so what becomes of everything on them is worked out at once and kept as long as the
//! reader stays with them (see [`Stretch`]). How much that can be is part of the definition, and not of the reading, so that
//! whoever reads from wherever meets the bound at the same place: nothing moves by more than [`FARTHEST_WORKING_DAY`] days,
//! and of one stretch only the [`MOST_MOVED`] instants nearest to where they go. What lies farther is excluded.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::calendar::{Calendar, FARTHEST_WORKING_DAY};
use super::instants::Named;
use super::plan::{Plan, just_after};
use super::timing::{Note, Notes, Placement, Planned, Reaction};
use super::zone::{Gap, Repeat};

/// How many of the instants that a rule names on days off that lie together move at most: those nearest to where they go.
pub(super) const MOST_MOVED: usize = 1_000;

/// Days off that lie together, and what becomes of what the rule names on them.
#[derive(Debug)]
pub(super) struct Stretch {
    /// The day to which all of it moves.
    landing: NaiveDate,
    first: NaiveDate,
    last: NaiveDate,
    /// By their nominal instants: those that move, and those that are merged.
    placed: BTreeMap<DateTime<Utc>, Planned>,
    /// By when they are due: those that move.
    moved: BTreeMap<DateTime<Utc>, Planned>,
}

impl Stretch {
    /// The days off from which `landing` is reached.
    fn of(plan: &Plan, landing: NaiveDate) -> Option<Self> {
        let nearest = plan.against(landing)?;
        let farthest = std::iter::successors(Some(nearest), |&day| plan.against(day))
            .take(FARTHEST_WORKING_DAY)
            .take_while(|&day| !plan.works_on(day))
            .last()?;
        let mut stretch = Self {
            landing,
            first: nearest.min(farthest),
            last: nearest.max(farthest),
            placed: BTreeMap::new(),
            moved: BTreeMap::new(),
        };
        for named in stretch.nearest_first(plan) {
            stretch.settle(plan, named);
        }
        Some(stretch)
    }

    /// What the rule names on the days off, as far as it may move.
    fn nearest_first(&self, plan: &Plan) -> Vec<Named> {
        let begin = plan.midnight(self.first);
        let after = self.last.succ_opt();
        let end = after.map_or(DateTime::<Utc>::MAX_UTC, |after| plan.midnight(after));
        let first = match plan.reaction {
            Reaction::Previous => plan.nominal_from(begin),
            _ => plan.nominal_before(end),
        };
        let step = |named: &Named| match plan.reaction {
            Reaction::Previous => plan.nominal_from(just_after(named.instant)),
            _ => plan.nominal_before(named.instant),
        };
        std::iter::successors(first, step)
            .take_while(|named| begin <= named.instant && named.instant < end)
            .take(MOST_MOVED)
            .collect()
    }

    /// Decides about one after another, the nearest first.
    fn settle(&mut self, plan: &Plan, named: Named) {
        let wall = plan.zone.wall(named.instant);
        if !(self.first..=self.last).contains(&wall.date()) || plan.works_at(named.instant) {
            return;
        }
        let Some(there) = plan.landing(wall.time(), self.landing) else {
            return;
        };
        let nearer = self.moved.get(&there.instant).map(|nearer| nearer.nominal);
        let own = || plan.is_occurrence(there.instant).then_some(there.instant);
        let planned = match nearer.or_else(own) {
            Some(into) => Planned {
                placement: Placement::Merged { into },
                ..excluded(named)
            },
            None => plan.moved(named, there),
        };
        if planned.due == there.instant {
            self.moved.insert(planned.due, planned);
        }
        self.placed.insert(planned.nominal, planned);
    }

    /// Whether `day` is one of the days off, or the one to which they move.
    fn concerns(&self, day: NaiveDate) -> bool {
        day == self.landing || (self.first <= day && day <= self.last)
    }

    /// The day to which all of it moves.
    pub(super) fn landing(&self) -> NaiveDate {
        self.landing
    }

    /// Those that move, in the order in which they are due.
    pub(super) fn moved(&self) -> impl DoubleEndedIterator<Item = Planned> {
        self.moved.values().copied()
    }
}

/// Where occurrences are, with what has been found out about the days that were asked for last.
#[derive(Clone)]
pub(super) struct Places<'a> {
    pub(super) plan: &'a Plan,
    stretch: Option<Arc<Stretch>>,
    /// The first and the last of days that are known to be off, and lie together.
    off: Option<(NaiveDate, NaiveDate)>,
    /// A day from which nothing moves, and to which nothing does.
    apart: Option<NaiveDate>,
}

impl<'a> Places<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            stretch: None,
            off: None,
            apart: None,
        }
    }

    /// What the calendar makes of an instant that the rule names; jitter is not in it yet.
    pub(super) fn place(&mut self, named: Named) -> Planned {
        if self.plan.works_at(named.instant) {
            return kept(named);
        }
        let day = self.plan.zone.wall(named.instant).date();
        self.stretch(day)
            .and_then(|stretch| stretch.placed.get(&named.instant).copied())
            .unwrap_or_else(|| excluded(named))
    }

    /// The same for an instant that is not the rule's, so that no other can meet it.
    pub(super) fn place_alone(&mut self, named: Named) -> Planned {
        if self.plan.works_at(named.instant) {
            return kept(named);
        }
        let wall = self.plan.zone.wall(named.instant);
        let there = Some(wall.date())
            .filter(|&day| self.plan.moves() && !self.plan.works_on(day))
            .and_then(|day| self.working_day_from(day))
            .and_then(|day| self.plan.landing(wall.time(), day));
        there.map_or_else(|| excluded(named), |there| self.plan.moved(named, there))
    }

    /// The days off that `day` belongs to, or from which it is reached; none when nothing moves from it nor to it.
    pub(super) fn stretch(&mut self, day: NaiveDate) -> Option<Arc<Stretch>> {
        if !self.plan.moves() || self.apart == Some(day) {
            return None;
        }
        if self.stretch.as_ref().is_none_or(|known| !known.concerns(day)) {
            let found = self
                .landing_of(day)
                .and_then(|landing| Stretch::of(self.plan, landing));
            let Some(found) = found else {
                self.apart = Some(day);
                return None;
            };
            self.stretch = Some(Arc::new(found));
        }
        self.stretch.clone()
    }

    /// The day to which `day` moves; itself, when it works and days off move to it.
    fn landing_of(&mut self, day: NaiveDate) -> Option<NaiveDate> {
        if self.plan.works_on(day) {
            let neighbour = self.plan.against(day)?;
            (!self.plan.works_on(neighbour)).then_some(day)
        } else {
            self.working_day_from(day)
        }
    }

    /// The first working day after `day`, which is off, in the direction in which occurrences move.
    fn working_day_from(&mut self, day: NaiveDate) -> Option<NaiveDate> {
        let mut last_off = day;
        let found = loop {
            if let Some((first, last)) = self.off
                && first <= last_off
                && last_off <= last
            {
                last_off = if self.plan.reaction == Reaction::Previous {
                    first
                } else {
                    last
                };
            }
            let Some(next) = self.plan.along(last_off) else {
                break None;
            };
            if (next - day).num_days().unsigned_abs() > FARTHEST_WORKING_DAY as u64 {
                break None;
            }
            if self.plan.works_on(next) {
                break Some(next);
            }
            last_off = next;
        };
        self.off = Some((day.min(last_off), day.max(last_off)));
        found
    }
}

impl Plan {
    /// Whether occurrences may be due at other instants than the rule names.
    fn moves(&self) -> bool {
        self.reaction != Reaction::Skip && self.calendar.is_some()
    }

    /// Whether something may start at `instant`.
    pub(super) fn works_at(&self, instant: DateTime<Utc>) -> bool {
        let kept = |calendar: &Calendar| calendar.works_at(instant, self.zone.wall(instant));
        !self.blackouts.hold(instant) && self.calendar.as_ref().is_none_or(kept)
    }

    /// An occurrence that moves to `there`.
    fn moved(&self, named: Named, there: Named) -> Planned {
        let mut planned = Planned {
            due: there.instant,
            ..excluded(named)
        };
        planned.notes.add(Note::Moved);
        if there.shifted {
            planned.notes.add(Note::DstShifted);
        }
        if self.works_at(there.instant) {
            planned.placement = Placement::Kept;
        }
        planned
    }

    /// Where on `day` the clock shows `time`, by the policy for days on which it jumps.
    fn landing(&self, time: NaiveTime, day: NaiveDate) -> Option<Named> {
        let wall = day.and_time(time);
        let mut shown = self.zone.instants_at(wall);
        let shown = match self.daylight_saving.repeat {
            Repeat::Last => shown.last(),
            Repeat::First | Repeat::Both => shown.next(),
        };
        let after_gap = || {
            let after = self.zone.first_at(wall);
            // A gap may reach up to midnight, and then the day has no time after it.
            (self.daylight_saving.gap == Gap::Next && self.zone.wall(after).date() == day).then_some(after)
        };
        Some(Named {
            instant: shown.or_else(after_gap)?,
            shifted: shown.is_none(),
        })
    }

    fn is_occurrence(&self, instant: DateTime<Utc>) -> bool {
        self.nominal_from(instant)
            .is_some_and(|named| named.instant == instant)
    }

    /// The next day in the direction in which occurrences move.
    fn along(&self, day: NaiveDate) -> Option<NaiveDate> {
        match self.reaction {
            Reaction::Previous => day.pred_opt(),
            _ => day.succ_opt(),
        }
    }

    /// The next day in the other direction.
    fn against(&self, day: NaiveDate) -> Option<NaiveDate> {
        match self.reaction {
            Reaction::Previous => day.succ_opt(),
            _ => day.pred_opt(),
        }
    }

    /// The beginning of `date` by the plan's clock.
    fn midnight(&self, date: NaiveDate) -> DateTime<Utc> {
        self.zone.first_at(date.and_time(NaiveTime::MIN))
    }
}

/// What starts at its nominal instant.
fn kept(named: Named) -> Planned {
    let mut notes = Notes::default();
    if named.shifted {
        notes.add(Note::DstShifted);
    }
    Planned {
        nominal: named.instant,
        due: named.instant,
        placement: Placement::Kept,
        notes,
    }
}

/// What stays at its nominal instant and does not start.
fn excluded(named: Named) -> Planned {
    let mut planned = kept(named);
    planned.notes.add(Note::CalendarExcluded);
    planned.placement = Placement::Excluded;
    planned
}
