//! What the calendar does to occurrences, and the order in which they are due afterwards.
//!
//! Days move occurrences and windows exclude them: a day that does not work has neighbours to move to, while a freeze of two
//! hours has none that keeps the wall time. So the reaction (`SKIP`, `PREVIOUS`, `NEXT`) is about days, and what falls into a window
//! that does not work is excluded, also where it has moved to.
//!
//! Several occurrences may move to one instant, as Saturday's and Sunday's do to Monday at the same time, where Monday's own
//! is already. They are one: the rule's own when there is one, else the nearest that moved there. The others are merged into
//! it, stay at their nominal instants and start nothing.
//!
//! Moving disturbs the order: Saturday 17:00 goes to Monday 17:00 and Sunday 9:00 to Monday 9:00. A walk therefore reads ahead
//! until nothing that is still to be read can come earlier. No move passes a working day, so that is at most to the end of
//! the days off around it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::calendar::{Calendar, FARTHEST_WORKING_DAY};
use super::instants::Named;
use super::plan::{Plan, just_after};
use super::timing::{Note, Notes, Placement, Planned, Reaction};

impl Plan {
    /// What the calendar makes of an instant that the rule names; jitter is not in it yet.
    pub(super) fn place(&self, named: Named) -> Planned {
        let mut notes = Notes::default();
        if named.shifted {
            notes.add(Note::DstShifted);
        }
        let mut planned = Planned {
            nominal: named.instant,
            due: named.instant,
            placement: Placement::Kept,
            notes,
        };
        if !self.works_at(named.instant) {
            planned.notes.add(Note::CalendarExcluded);
            planned.placement = Placement::Excluded;
            if let Some(landing) = self.landing(named.instant) {
                self.move_to(landing, &mut planned);
            }
        }
        planned
    }

    fn move_to(&self, landing: DateTime<Utc>, planned: &mut Planned) {
        planned.notes.add(Note::Moved);
        if let Some(into) = self.rival(planned.nominal, landing) {
            planned.placement = Placement::Merged { into };
            return;
        }
        planned.due = landing;
        if self.works_at(landing) {
            planned.placement = Placement::Kept;
        }
    }

    /// Whether something may start at `instant`.
    fn works_at(&self, instant: DateTime<Utc>) -> bool {
        let kept = |calendar: &Calendar| calendar.works_at(instant, self.zone.wall(instant));
        !self.blackouts.hold(instant) && self.calendar.as_ref().is_none_or(kept)
    }

    /// Where an occurrence moves whose day does not work.
    fn landing(&self, nominal: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let step = match self.reaction {
            Reaction::Skip => return None,
            Reaction::Previous => NaiveDate::pred_opt,
            Reaction::Next => NaiveDate::succ_opt,
        };
        let wall = self.zone.wall(nominal);
        if self.works_on(wall.date()) {
            return None;
        }
        let day = std::iter::successors(step(&wall.date()), step)
            .take(FARTHEST_WORKING_DAY)
            .find(|&day| self.works_on(day))?;
        Some(self.zone.first_at(day.and_time(wall.time())))
    }

    /// The occurrence that is at `landing` instead of the one of `nominal`.
    fn rival(&self, nominal: DateTime<Utc>, landing: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.is_occurrence(landing) {
            return Some(landing);
        }
        let lands_there = |&instant: &DateTime<Utc>| self.landing(instant) == Some(landing);
        // Between the two, whatever lands there shows the same wall time, unless the clock leaves that out.
        let wall = self.zone.wall(nominal);
        if self.zone.wall(landing).time() == wall.time() {
            let last = self.zone.wall(landing).date();
            let (low, high) = (wall.date().min(last), wall.date().max(last));
            let rivals = low
                .iter_days()
                .take_while(|&day| day <= high)
                .flat_map(|day| self.zone.instants_at(day.and_time(wall.time())))
                .filter(|&instant| self.nearer(instant, nominal) && self.is_occurrence(instant))
                .filter(lands_there);
            return match self.reaction {
                Reaction::Previous => rivals.min(),
                _ => rivals.max(),
            };
        }
        let step = |instant: DateTime<Utc>| match self.reaction {
            Reaction::Previous => self.nominal_before(instant),
            _ => self.nominal_from(just_after(instant)),
        };
        std::iter::successors(step(nominal), |named| step(named.instant))
            .map(|named| named.instant)
            .take_while(|&instant| (instant < landing) == (nominal < landing))
            .filter(lands_there)
            .last()
    }

    /// Whether `instant` lies nearer to where `nominal` moves.
    fn nearer(&self, instant: DateTime<Utc>, nominal: DateTime<Utc>) -> bool {
        match self.reaction {
            Reaction::Previous => instant < nominal,
            _ => instant > nominal,
        }
    }

    fn is_occurrence(&self, instant: DateTime<Utc>) -> bool {
        self.nominal_from(instant)
            .is_some_and(|named| named.instant == instant)
    }

    /// Whether occurrences may be due at other instants than the rule names.
    fn moves(&self) -> bool {
        self.reaction != Reaction::Skip && self.calendar.is_some()
    }

    /// The beginning of `date` by the plan's clock.
    fn midnight(&self, date: NaiveDate) -> DateTime<Utc> {
        self.zone.first_at(date.and_time(NaiveTime::MIN))
    }

    /// The first day of those off that reach up to `date`, or `date`.
    fn off_since(&self, date: NaiveDate) -> NaiveDate {
        std::iter::successors(date.pred_opt(), NaiveDate::pred_opt)
            .take(FARTHEST_WORKING_DAY)
            .take_while(|&day| !self.works_on(day))
            .last()
            .unwrap_or(date)
    }

    /// The last day of those off that follow `date`, or `date`.
    fn off_until(&self, date: NaiveDate) -> NaiveDate {
        date.iter_days()
            .skip(1)
            .take(FARTHEST_WORKING_DAY)
            .take_while(|&day| !self.works_on(day))
            .last()
            .unwrap_or(date)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// Occurrences in the order in which they are due, without jitter.
pub(super) struct Walk<'a> {
    plan: &'a Plan,
    direction: Direction,
    /// Only what is due on this side of it is yielded, and not what is due at it.
    edge: DateTime<Utc>,
    /// What is read next.
    unread: Option<Named>,
    /// What is read and not yielded.
    waiting: BTreeMap<DateTime<Utc>, Planned>,
}

impl<'a> Walk<'a> {
    /// What is due after `edge`, the first first.
    pub(super) fn forward(plan: &'a Plan, edge: DateTime<Utc>) -> Self {
        let from = if plan.moves() && plan.reaction == Reaction::Next {
            plan.midnight(plan.off_since(plan.zone.wall(edge).date()))
                .min(edge)
        } else {
            just_after(edge)
        };
        Self {
            plan,
            direction: Direction::Forward,
            edge,
            unread: plan.nominal_from(from),
            waiting: BTreeMap::new(),
        }
    }

    /// What is due before `edge`, the last first.
    pub(super) fn backward(plan: &'a Plan, edge: DateTime<Utc>) -> Self {
        let before = if plan.moves() && plan.reaction == Reaction::Previous {
            let last = plan.off_until(plan.zone.wall(edge).date());
            last.succ_opt()
                .map_or(edge, |after| plan.midnight(after))
                .max(edge)
        } else {
            edge
        };
        Self {
            plan,
            direction: Direction::Backward,
            edge,
            unread: plan.nominal_before(before),
            waiting: BTreeMap::new(),
        }
    }

    fn read(&mut self) -> Option<Planned> {
        let named = self.unread?;
        self.unread = match self.direction {
            Direction::Forward => self.plan.nominal_from(just_after(named.instant)),
            Direction::Backward => self.plan.nominal_before(named.instant),
        };
        Some(self.plan.place(named))
    }

    /// Whether it lies on the side that is asked for.
    fn wanted(&self, planned: &Planned) -> bool {
        match self.direction {
            Direction::Forward => planned.due > self.edge,
            Direction::Backward => planned.due < self.edge,
        }
    }

    /// Whether nothing that is unread can come before what is due at `due`.
    fn settled(&self, due: DateTime<Utc>) -> bool {
        let Some(named) = self.unread else { return true };
        let day = self.plan.zone.wall(named.instant).date();
        match (self.direction, self.plan.reaction) {
            (Direction::Forward, Reaction::Previous) => due <= self.earliest(named.instant, day),
            (Direction::Forward, _) => due <= named.instant,
            (Direction::Backward, Reaction::Next) => due >= self.latest(named.instant, day),
            (Direction::Backward, _) => due >= named.instant,
        }
    }

    /// Before which nothing from `instant` on can be due, when occurrences move to the day before.
    fn earliest(&self, instant: DateTime<Utc>, day: NaiveDate) -> DateTime<Utc> {
        let tomorrow_works = day.succ_opt().is_some_and(|next| self.plan.works_on(next));
        if self.plan.works_on(day) && tomorrow_works {
            return instant;
        }
        let first = if self.plan.works_on(day) {
            Some(day)
        } else {
            self.plan.off_since(day).pred_opt()
        };
        self.plan.midnight(first.unwrap_or(day))
    }

    /// After which nothing up to `instant` can be due, when occurrences move to the day after.
    fn latest(&self, instant: DateTime<Utc>, day: NaiveDate) -> DateTime<Utc> {
        let yesterday_works = day.pred_opt().is_some_and(|before| self.plan.works_on(before));
        if self.plan.works_on(day) && yesterday_works {
            return instant;
        }
        let last = if self.plan.works_on(day) {
            Some(day)
        } else {
            self.plan.off_until(day).succ_opt()
        };
        last.and_then(|last| last.succ_opt())
            .map_or(instant, |after| self.plan.midnight(after))
    }
}

impl Iterator for Walk<'_> {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        if !self.plan.moves() {
            return self.read();
        }
        loop {
            let first = match self.direction {
                Direction::Forward => self.waiting.first_key_value(),
                Direction::Backward => self.waiting.last_key_value(),
            };
            if let Some((&due, _)) = first
                && self.settled(due)
            {
                return self.waiting.remove(&due);
            }
            let planned = self.read()?;
            if self.wanted(&planned) {
                self.waiting.insert(planned.due, planned);
            }
        }
    }
}
