//! Times of the day as sets of hours, minutes and seconds.
//!
//! A rule may name all 86,400 seconds of a day. They are never listed: how many lie before a time, and which one is the n-th,
//! follow from counting bits, and every question that a rule is asked about times is one of those two.

use chrono::{NaiveTime, Timelike};

/// The times whose hour, minute and second are each in their set. No set is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DayTimes {
    /// Bit n is hour n.
    pub(super) hours: u32,
    /// Bit n is minute n.
    pub(super) minutes: u64,
    /// Bit n is second n.
    pub(super) seconds: u64,
}

/// Every hour of the day.
pub(super) const ALL_HOURS: u32 = (1 << 24) - 1;
/// Every minute of an hour, and every second of a minute.
pub(super) const ALL_SIXTY: u64 = (1 << 60) - 1;

impl DayTimes {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        size(self.hours.into()) * self.per_hour()
    }

    /// How many are before `time`.
    pub(super) fn before(&self, time: NaiveTime) -> usize {
        let (hour, minute) = (time.hour(), time.minute());
        let second = time.second() + u32::from(time.nanosecond() > 0);
        let mut before = below(self.hours.into(), hour) * self.per_hour();
        if self.hours & (1 << hour) != 0 {
            before += below(self.minutes, minute) * size(self.seconds);
            if self.minutes & (1 << minute) != 0 {
                before += below(self.seconds, second);
            }
        }
        before
    }

    /// The one that has `place` before it.
    pub(super) fn nth(&self, place: usize) -> Option<NaiveTime> {
        let (hour, within) = (place / self.per_hour(), place % self.per_hour());
        let (minute, second) = (within / size(self.seconds), within % size(self.seconds));
        NaiveTime::from_hms_opt(
            nth_bit(self.hours.into(), hour)?,
            nth_bit(self.minutes, minute)?,
            nth_bit(self.seconds, second)?,
        )
    }

    fn per_hour(&self) -> usize {
        size(self.minutes) * size(self.seconds)
    }
}

fn size(bits: u64) -> usize {
    bits.count_ones() as usize
}

/// How many bits of `bits` are below `place`, which is at most 60.
fn below(bits: u64, place: u32) -> usize {
    size(bits & ((1 << place) - 1))
}

fn nth_bit(bits: u64, place: usize) -> Option<u32> {
    let rest = (0..place).fold(bits, |rest, _| rest & rest.saturating_sub(1));
    (rest != 0).then(|| rest.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_its_place() {
        let times = DayTimes {
            hours: 1 << 3 | 1 << 17,
            minutes: 1 << 5 | 1 << 59,
            seconds: 1 | 1 << 30,
        };
        let all: Vec<String> = (0..times.count())
            .map(|place| times.nth(place).expect("it has that many").to_string())
            .collect();
        assert_eq!(
            all,
            [
                "03:05:00", "03:05:30", "03:59:00", "03:59:30", "17:05:00", "17:05:30", "17:59:00",
                "17:59:30"
            ]
        );
        assert_eq!(times.nth(times.count()), None);
        for (time, before) in [
            ("00:00:00", 0),
            ("03:05:00", 0),
            ("03:05:00.5", 1),
            ("03:06:00", 2),
            ("17:59:30", 7),
            ("17:59:31", 8),
            ("23:59:59.9", 8),
        ] {
            assert_eq!(times.before(time.parse().expect("a time")), before, "{time}");
        }
    }

    #[test]
    fn a_day_of_every_second_is_counted_and_not_listed() {
        let times = DayTimes {
            hours: ALL_HOURS,
            minutes: ALL_SIXTY,
            seconds: ALL_SIXTY,
        };
        assert_eq!(times.count(), 86_400);
        assert_eq!(times.nth(86_399), NaiveTime::from_hms_opt(23, 59, 59));
    }
}
