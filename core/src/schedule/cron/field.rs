//! The fields of an expression, and what numbers and names each has.

use crate::schedule::rule::Dialect;

/// A field of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 0 to 59.
    Second,
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12, or names.
    Month,
    /// 0 to 7 or 1 to 7 from Sunday, or names.
    DayOfWeek,
    /// 1970 to 2099.
    Year,
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    /// The lowest and the highest value, once the dialect is resolved.
    pub(super) fn range(self) -> (u32, u32) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 6),
            Self::Year => super::YEARS,
        }
    }

    /// The lowest and the highest number as they are written.
    pub(super) fn written_range(self, dialect: Dialect) -> (u32, u32) {
        match (self, dialect) {
            (Self::DayOfWeek, Dialect::Vixie) => (0, 7),
            (Self::DayOfWeek, Dialect::Quartz) => (1, 7),
            _ => self.range(),
        }
    }

    /// The value of a written number, if it has one. The second Sunday of Vixie's dialect stays 7, for the ends of ranges.
    pub(super) fn value(self, number: u32, dialect: Dialect) -> Option<u32> {
        let (lowest, highest) = self.written_range(dialect);
        let inside = (lowest..=highest).contains(&number);
        let from = u32::from(self == Self::DayOfWeek && dialect == Dialect::Quartz);
        inside.then(|| number - from)
    }

    /// The value of a name.
    pub(super) fn named(self, name: &str) -> Option<u32> {
        let place = |names: &[&str]| names.iter().position(|known| known.eq_ignore_ascii_case(name));
        let place = match self {
            Self::Month => place(&MONTHS)? + 1,
            Self::DayOfWeek => place(&WEEKDAYS)?,
            _ => return None,
        };
        u32::try_from(place).ok()
    }

    /// What may be written in it, for those who wrote something else.
    pub(super) fn expects(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::Second | Self::Minute, _) => "0 to 59",
            (Self::Hour, _) => "0 to 23",
            (Self::DayOfMonth, _) => "1 to 31, L, LW, L-3 or 15W",
            (Self::Month, _) => "1 to 12 or JAN to DEC",
            (Self::DayOfWeek, Dialect::Vixie) => "0 to 7 (0 and 7 are Sunday), SUN to SAT, 5L or 5#3",
            (Self::DayOfWeek, Dialect::Quartz) => "1 to 7 (1 is Sunday), SUN to SAT, 6L or 6#3",
            (Self::Year, _) => "1970 to 2099",
        }
    }

    pub(super) fn is_day(self) -> bool {
        matches!(self, Self::DayOfMonth | Self::DayOfWeek)
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
            Self::Year => "year",
        })
    }
}
