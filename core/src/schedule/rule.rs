//! What a schedule's rule says, as its author writes it.
//!
//! A rule is stored as it was written and read again whenever it is asked. So its text, with the schedule's seed, is all
//! there is: two processes that hold the same rule name the same instants.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The shortest time between two instants of an interval, and the shortest fixed delay: one second.
pub const SHORTEST_STEP_MS: i64 = 1_000;
/// The longest interval and the longest fixed delay: 3,660 days, a little over ten years.
pub const LONGEST_STEP_MS: i64 = 3_660 * 86_400_000;
/// The most instants that a list may hold.
pub const MOST_INSTANTS: usize = 10_000;
/// The longest expression or recurrence text, in bytes.
pub const LONGEST_TEXT: usize = 4_096;
/// The last year that an expression or a recurrence names anything in. Years are written with four digits, and no zone's
/// distance to UTC leads from this one to a fifth. It also bounds what is looked for among the days of all time.
pub(super) const LAST_YEAR: i32 = 9_998;

/// The rule that names a schedule's occurrences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// A cron expression of five, six or seven fields, or one of the names that begin with `@`.
    Cron {
        /// The expression.
        expression: String,
        /// How its days of the week are numbered.
        #[serde(default)]
        dialect: Dialect,
        /// What holds when the day of the month and the day of the week are both restricted.
        #[serde(default)]
        both_days: BothDays,
    },
    /// Every so often, counted from an anchor. The n-th instant is the anchor and n times the interval, so however late a
    /// run starts, the next is where it would have been.
    Interval {
        /// The time between two instants, in milliseconds.
        every_ms: i64,
        /// The instant that the others are counted from, before it and after it.
        anchor: DateTime<Utc>,
    },
    /// A given time after the previous run has ended. It names no instants of its own.
    FixedDelay {
        /// The time between the end of a run and the next occurrence, in milliseconds.
        delay_ms: i64,
    },
    /// Exactly these instants.
    At {
        /// The instants, in any order; one given twice counts once.
        instants: Vec<DateTime<Utc>>,
    },
    /// A recurrence of RFC 5545: a `DTSTART` line, an `RRULE` line, and any `RDATE` and `EXDATE` lines.
    #[serde(rename = "RRULE")]
    RRule {
        /// The lines.
        text: String,
    },
}

/// How a cron expression numbers the days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Dialect {
    /// 0 to 7 from Sunday to Sunday, as in Vixie's cron.
    #[default]
    Vixie,
    /// 1 to 7 from Sunday to Saturday, as in Quartz.
    Quartz,
}

/// What a cron expression means that restricts the day of the month and the day of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BothDays {
    /// A day that either field names, as in Vixie's cron.
    #[default]
    Or,
    /// A day that both fields name.
    And,
}

/// Where a stable spread comes from: `H` in an expression, and jitter.
///
/// It is made from what identifies the schedule, so that a thousand schedules with one expression spread, and each of them
/// stays where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed of what these bytes identify.
    #[must_use]
    pub fn of(identity: &[u8]) -> Self {
        // FNV-1a, mixed once more because its upper bits stay poor for short identities.
        let hash = identity.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Self(mixed(hash))
    }

    /// A number below `bound` for `purpose`; the same for the same seed and purpose. `bound` must not be zero.
    #[must_use]
    pub fn below(self, bound: u64, purpose: u64) -> u64 {
        mixed(self.0 ^ mixed(purpose)) % bound
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
