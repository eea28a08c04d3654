//! The order in which occurrences are due.
//!
//! Moving disturbs the order in which the rule names them: Saturday 17:00 goes to Monday 17:00 and Sunday 9:00 to Monday 9:00. So
//! a walk joins two rows that are in order already. One is what the rule names, without what moves; the other is what moves, a
//! stretch of days off at a time. A stretch joins when the walk comes to one of its days or to the day on which it lands, and
//! its row lies on that one day: whatever joins later also comes later.

use std::collections::VecDeque;

use chrono::{DateTime, NaiveDate, Utc};

use super::instants::Named;
use super::moves::Places;
use super::plan::just_after;
use super::timing::Planned;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// Occurrences in the order in which they are due, without jitter.
pub(super) struct Walk<'a> {
    places: Places<'a>,
    direction: Direction,
    /// Only what is due on this side of it is yielded, and not what is due at it.
    edge: DateTime<Utc>,
    /// What the rule names next.
    unread: Option<Named>,
    /// What has moved and comes next.
    arriving: VecDeque<Planned>,
    /// The day on which the stretch that joined last lands.
    joined: Option<NaiveDate>,
}

impl<'a> Walk<'a> {
    /// What is due after `edge`, the first first.
    pub(super) fn forward(places: Places<'a>, edge: DateTime<Utc>) -> Self {
        let unread = places.plan.nominal_from(just_after(edge));
        Self::begin(places, Direction::Forward, edge, unread)
    }

    /// What is due before `edge`, the last first.
    pub(super) fn backward(places: Places<'a>, edge: DateTime<Utc>) -> Self {
        let unread = places.plan.nominal_before(edge);
        Self::begin(places, Direction::Backward, edge, unread)
    }

    fn begin(places: Places<'a>, direction: Direction, edge: DateTime<Utc>, unread: Option<Named>) -> Self {
        let mut walk = Self {
            places,
            direction,
            edge,
            unread,
            arriving: VecDeque::new(),
            joined: None,
        };
        walk.meet(edge);
        walk
    }

    /// Lets the stretch join that has to do with the day of `instant`. Says whether one did.
    fn meet(&mut self, instant: DateTime<Utc>) -> bool {
        let day = self.places.plan.zone.wall(instant).date();
        let Some(stretch) = self.places.stretch(day) else {
            return false;
        };
        if self.joined.replace(stretch.landing()) == Some(stretch.landing()) {
            return false;
        }
        let edge = self.edge;
        match self.direction {
            Direction::Forward => {
                let moved = stretch.moved().filter(|planned| planned.due > edge);
                self.arriving.extend(moved);
            }
            Direction::Backward => {
                let moved = stretch.moved().rev().filter(|planned| planned.due < edge);
                self.arriving.extend(moved);
            }
        }
        true
    }

    /// What has moved, when it comes before what the rule names at `instant`.
    fn arrival_before(&mut self, instant: DateTime<Utc>) -> Option<Planned> {
        let direction = self.direction;
        self.arriving.pop_front_if(|arrival| match direction {
            Direction::Forward => arrival.due < instant,
            Direction::Backward => arrival.due > instant,
        })
    }

    fn read_on(&mut self, named: Named) {
        let plan = self.places.plan;
        self.unread = match self.direction {
            Direction::Forward => plan.nominal_from(just_after(named.instant)),
            Direction::Backward => plan.nominal_before(named.instant),
        };
    }
}

impl Iterator for Walk<'_> {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        while let Some(named) = self.unread {
            if let Some(arrival) = self.arrival_before(named.instant) {
                return Some(arrival);
            }
            if self.meet(named.instant) {
                continue;
            }
            self.read_on(named);
            let planned = self.places.place(named);
            // What has moved is among the arrivals.
            if planned.due == planned.nominal {
                return Some(planned);
            }
        }
        self.arriving.pop_front()
    }
}
