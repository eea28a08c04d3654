//! Why a recurrence is refused.

use thiserror::Error;

use super::{MOST_DATES, MOST_RECURRENCES};

/// Why a recurrence is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecurrenceError {
    /// A character that no recurrence has.
    #[error("the text holds characters outside ASCII; RFC 5545 has none of them here, so remove them")]
    NotAscii,
    /// A line that is not understood.
    #[error("the line {line:?} is not DTSTART, RRULE, RDATE or EXDATE; remove it")]
    UnknownLine {
        /// The line's name.
        line: String,
    },
    /// A line is missing, or there twice.
    #[error("give exactly one {line} line; {found} are given")]
    Once {
        /// The line's name.
        line: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A date is not of a form that RFC 5545 has.
    #[error(
        "{value:?} of {line} is not a date; write 20250131, 20250131T093000 or 20250131T093000Z, from 1900 to 2199"
    )]
    Date {
        /// The line's name.
        line: String,
        /// What is given.
        value: String,
    },
    /// A date and the parameters of its line contradict each other.
    #[error("{value:?} of {line}: {problem}")]
    Parameter {
        /// The line's name.
        line: String,
        /// The date.
        value: String,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// A zone is not known.
    #[error(
        "{zone:?} is not a zone of the IANA database; write one such as Europe/Berlin, or leave TZID out"
    )]
    Zone {
        /// What is given.
        zone: String,
    },
    /// Too many dates.
    #[error("{line} lines hold {found} dates; at most {MOST_DATES} are taken")]
    TooManyDates {
        /// The line's name.
        line: &'static str,
        /// How many there are.
        found: usize,
    },
    /// The count is too high.
    #[error(
        "COUNT is {count}; at most {MOST_RECURRENCES} are taken, so use the schedule's own count limit or UNTIL"
    )]
    Count {
        /// What is given.
        count: u32,
    },
    /// Both ends are given.
    #[error("COUNT and UNTIL exclude each other; give one of them")]
    CountAndUntil,
    /// The interval is zero.
    #[error("INTERVAL is 0; give 1 or more")]
    NoInterval,
    /// The parts of the rule do not make one.
    #[error("RRULE: {reason}")]
    Rule {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// It names no instant.
    #[error("the rule names no instant after its DTSTART; change the parts that exclude each other")]
    Never,
    /// Its steps meet what it lets through too rarely.
    #[error(
        "every {interval}-th step of FREQ={frequency} meets the BY parts too rarely to be looked for; use DAILY or a longer \
         FREQ with BYHOUR, BYMINUTE and BYSECOND"
    )]
    TooRare {
        /// The frequency.
        frequency: &'static str,
        /// Its interval.
        interval: u32,
    },
    /// Its count takes too long to count.
    #[error(
        "COUNT={count} takes too long to count at every {interval}-th step of FREQ={frequency}; give UNTIL in its place"
    )]
    CostlyCount {
        /// The frequency.
        frequency: &'static str,
        /// Its interval.
        interval: u32,
        /// The count.
        count: u32,
    },
}
