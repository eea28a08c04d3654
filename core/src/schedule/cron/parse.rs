//! From the text of an expression to its sets.

use thiserror::Error;

use super::days::{DayRule, MonthDays, WeekDays};
use super::{Cron, Field, YEARS};
use crate::schedule::day_times::DayTimes;
use crate::schedule::rule::{BothDays, Dialect, LONGEST_TEXT, Seed};

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CronError {
    /// It is too long.
    #[error("the expression has {length} bytes; at most {LONGEST_TEXT} are taken")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// It has too few or too many fields.
    #[error(
        "the expression has {found} field{}; write five (minute, hour, day of month, month, day of week), six (seconds first) or \
         seven (years last)",
        if *found == 1 { "" } else { "s" }
    )]
    Fields {
        /// How many it has.
        found: usize,
    },
    /// It begins with `@` and is no name.
    #[error(
        "{name:?} is not a name of an expression; write @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually, or \
         the fields"
    )]
    Name {
        /// What is given.
        name: String,
    },
    /// A part of a field is not understood.
    #[error("{field} field, {part:?}: {problem}")]
    Part {
        /// The field.
        field: Field,
        /// The part, between commas.
        part: String,
        /// What is wrong, and what to do.
        problem: Problem,
    },
    /// There is no such instant, ever.
    #[error("the expression can never fire: {reason}")]
    Never {
        /// Why.
        reason: String,
    },
}

/// What is wrong with a part of a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// It is no value of the field.
    #[error("write {expects}")]
    Value {
        /// What may be written.
        expects: &'static str,
    },
    /// Nothing is given.
    #[error("a value is missing; write {expects}, or * for all")]
    Empty {
        /// What may be written.
        expects: &'static str,
    },
    /// A step is no number, zero or beyond the field.
    #[error("a step is 1 to {most} here; for longer steps use an interval")]
    Step {
        /// The longest step.
        most: u32,
    },
    /// `?` stands where it has no meaning.
    #[error("? stands alone, and only for the day of the month or the day of the week; write *")]
    NoOpinion,
    /// A range of years runs backwards.
    #[error("years do not wrap; exchange the ends")]
    YearsWrap,
    /// Years have no hash.
    #[error("H has no meaning for years; write the years")]
    HashedYear,
    /// The range of a hash is no range.
    #[error("write H, H(a-b) with a not above b, H/n or H(a-b)/n")]
    Hash,
    /// `L` alone for the day of the week, in Vixie's dialect.
    #[error("L alone has no meaning here; write 5L for the last Friday of the month, or SAT")]
    LastOfWeek,
    /// There is no such week.
    #[error("the number after # is 1 to 5, or L for the last; write 5#3 for the third Friday")]
    Nth,
    /// There is no such day before the last.
    #[error("the number after L- is 1 to 30; write L-3 for the third day before the last")]
    BeforeLast,
}

/// Reads an expression, without asking whether it ever fires.
pub(super) fn parse(
    expression: &str,
    dialect: Dialect,
    both_days: BothDays,
    seed: Seed,
) -> Result<Cron, CronError> {
    if expression.len() > LONGEST_TEXT {
        return Err(CronError::TooLong {
            length: expression.len(),
        });
    }
    let expression = expression.trim();
    let written = if expression.starts_with('@') {
        named(expression)?
    } else {
        expression
    };
    let mut fields: Vec<&str> = written.split_whitespace().collect();
    match fields.len() {
        5 => {
            fields.insert(0, "0");
            fields.push("*");
        }
        6 => fields.push("*"),
        7 => {}
        found => return Err(CronError::Fields { found }),
    }
    let read = |field, place: usize| Reader { field, dialect, seed }.read(fields[place]);
    let seconds = read(Field::Second, 0)?.values;
    let minutes = read(Field::Minute, 1)?.values;
    let hours = read(Field::Hour, 2)?.values;
    let of_month = read(Field::DayOfMonth, 3)?;
    let months = read(Field::Month, 4)?.values;
    let of_week = read(Field::DayOfWeek, 5)?;
    let years = read(Field::Year, 6)?;
    let years = if years.restricted || years.values.len() < (YEARS.1 - YEARS.0 + 1) as usize {
        years.values.into_iter().map(u32::cast_signed).collect()
    } else {
        Vec::new()
    };
    Ok(Cron {
        times: DayTimes {
            hours: narrow(bits(&hours)),
            minutes: bits(&minutes),
            seconds: bits(&seconds),
        },
        months: narrow(bits(&months)),
        days: DayRule {
            of_month: of_month.month_days(),
            of_week: of_week.week_days(),
            both_days,
        },
        years,
    })
}

fn named(name: &str) -> Result<&'static str, CronError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * SUN",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => {
            return Err(CronError::Name {
                name: name.chars().take(80).collect(),
            });
        }
    })
}

/// The set of values as a word.
fn bits(values: &[u32]) -> u64 {
    values.iter().fold(0, |bits, &value| bits | 1 << value)
}

/// The word in fewer bits, which the range of its field has made sure of.
fn narrow<T: TryFrom<u64> + Default>(bits: u64) -> T {
    T::try_from(bits).unwrap_or_default()
}

/// What a field says.
#[derive(Debug, Default)]
struct Said {
    restricted: bool,
    /// Sorted, each once.
    values: Vec<u32>,
    special: Special,
}

/// What only the fields of days can say.
#[derive(Debug, Default)]
struct Special {
    before_last: u32,
    nearest: u32,
    nearest_before_last: u32,
    nth: [u8; 7],
    last: u8,
}

impl Said {
    fn month_days(&self) -> MonthDays {
        MonthDays {
            restricted: self.restricted,
            days: narrow(bits(&self.values)),
            before_last: self.special.before_last,
            nearest: self.special.nearest,
            nearest_before_last: self.special.nearest_before_last,
        }
    }

    fn week_days(&self) -> WeekDays {
        WeekDays {
            restricted: self.restricted,
            days: narrow(bits(&self.values)),
            nth: self.special.nth,
            last: self.special.last,
        }
    }
}

/// Reads one field.
#[derive(Clone, Copy)]
struct Reader {
    field: Field,
    dialect: Dialect,
    seed: Seed,
}

impl Reader {
    fn read(self, text: &str) -> Result<Said, CronError> {
        let mut said = Said {
            restricted: !text.starts_with(['*', '?']),
            ..Said::default()
        };
        if text == "?" && self.field.is_day() {
            said.values = self.all().collect();
            return Ok(said);
        }
        for part in text.split(',') {
            self.part(part, &mut said).map_err(|problem| CronError::Part {
                field: self.field,
                part: part.chars().take(80).collect(),
                problem,
            })?;
        }
        said.values.sort_unstable();
        said.values.dedup();
        Ok(said)
    }

    fn part(self, part: &str, said: &mut Said) -> Result<(), Problem> {
        if part.is_empty() {
            return Err(Problem::Empty {
                expects: self.field.expects(self.dialect),
            });
        }
        if part.contains('?') {
            return Err(Problem::NoOpinion);
        }
        let special = match self.field {
            Field::DayOfMonth => self.special_month_day(part, &mut said.special)?,
            Field::DayOfWeek => self.special_week_day(part, said)?,
            _ => false,
        };
        if special {
            return Ok(());
        }
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (part, None),
        };
        let values = if range.starts_with(['H', 'h']) {
            self.hashed(range, step)?
        } else {
            let (from, to) = self.ends(range, step.is_some())?;
            self.stepped(from, to, step.unwrap_or(1))
        };
        said.values.extend(values);
        Ok(())
    }

    fn all(self) -> impl Iterator<Item = u32> {
        let (lowest, highest) = self.field.range();
        lowest..=highest
    }

    /// The ends of `*`, `a` and `a-b`. With a step, `a` alone reaches to the highest value.
    fn ends(self, range: &str, has_step: bool) -> Result<(u32, u32), Problem> {
        let (lowest, highest) = self.field.range();
        if range == "*" {
            return Ok((lowest, highest));
        }
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if has_step => (self.value(range)?, highest),
            None => (self.value(range)?, self.value(range)?),
        };
        // Vixie's second Sunday ends a week and begins none.
        let (from, to) = match (from, to) {
            (7, 7) if self.field == Field::DayOfWeek => (0, 0),
            (7, to) if self.field == Field::DayOfWeek => (0, to),
            ends => ends,
        };
        if self.field == Field::Year && from > to {
            return Err(Problem::YearsWrap);
        }
        Ok((from, to))
    }

    /// Every `step`-th value from `from` to `to`, over the end of the field where `to` lies before `from`.
    fn stepped(self, from: u32, to: u32, step: u32) -> Vec<u32> {
        let (lowest, highest) = self.field.range();
        let size = highest - lowest + 1;
        let to = if to < from { to + size } else { to };
        (from..=to)
            .step_by(step as usize)
            .map(|value| (value - lowest) % size + lowest)
            .collect()
    }

    fn value(self, text: &str) -> Result<u32, Problem> {
        let number = number(text).and_then(|number| self.field.value(number, self.dialect));
        number.or_else(|| self.field.named(text)).ok_or(Problem::Value {
            expects: self.field.expects(self.dialect),
        })
    }

    fn step(self, text: &str) -> Result<u32, Problem> {
        let (lowest, highest) = self.field.written_range(self.dialect);
        let most = if self.field == Field::Year {
            highest - lowest
        } else {
            highest
        };
        number(text)
            .filter(|step| (1..=most).contains(step))
            .ok_or(Problem::Step { most })
    }

    /// `H` and `H(a-b)`: one value of the range, or with a step, every so many from a hashed one on.
    fn hashed(self, range: &str, step: Option<u32>) -> Result<Vec<u32>, Problem> {
        if self.field == Field::Year {
            return Err(Problem::HashedYear);
        }
        let (lowest, highest) = match &range[1..] {
            // Every month has 28 days.
            "" if self.field == Field::DayOfMonth => (1, 28),
            "" => self.field.range(),
            ends => {
                let ends = ends
                    .strip_prefix('(')
                    .and_then(|ends| ends.strip_suffix(')'))
                    .ok_or(Problem::Hash)?;
                let (from, to) = ends.split_once('-').ok_or(Problem::Hash)?;
                (self.value(from)?, self.value(to)?)
            }
        };
        if lowest > highest {
            return Err(Problem::Hash);
        }
        let size = highest - lowest + 1;
        let width = step.map_or(size, |step| step.min(size));
        let offset = self.seed.below(width.into(), 1 + self.field as u64);
        let first = lowest + u32::try_from(offset).unwrap_or_default();
        Ok(match step {
            Some(step) => self.stepped(first, highest, step),
            None => self.stepped(first, first, 1),
        })
    }

    /// `L`, `L-n`, `LW`, `L-nW` and `nW`; whether it was one of them.
    fn special_month_day(self, part: &str, special: &mut Special) -> Result<bool, Problem> {
        let upper = part.to_ascii_uppercase();
        let (day, nearest) = upper
            .strip_suffix('W')
            .map_or((upper.as_str(), false), |day| (day, true));
        if let Some(rest) = day.strip_prefix('L') {
            let before = match rest.strip_prefix('-') {
                Some(days) => number(days)
                    .filter(|days| (1..=30).contains(days))
                    .ok_or(Problem::BeforeLast)?,
                None if rest.is_empty() => 0,
                None => return Ok(false),
            };
            let set = if nearest {
                &mut special.nearest_before_last
            } else {
                &mut special.before_last
            };
            *set |= 1 << before;
            return Ok(true);
        }
        if nearest {
            special.nearest |= 1 << self.value(day)?;
        }
        Ok(nearest)
    }

    /// `dL`, `d#k`, `d#L` and Quartz's `L`; whether it was one of them.
    fn special_week_day(self, part: &str, said: &mut Said) -> Result<bool, Problem> {
        let last_of_month = |day: &str| -> Result<u8, Problem> { Ok(1 << (self.value(day)? % 7)) };
        if let Some((day, place)) = part.split_once('#') {
            if place.eq_ignore_ascii_case("L") {
                said.special.last |= last_of_month(day)?;
                return Ok(true);
            }
            let place = number(place)
                .filter(|place| (1..=5).contains(place))
                .ok_or(Problem::Nth)?;
            said.special.nth[(self.value(day)? % 7) as usize] |= 1 << place;
            return Ok(true);
        }
        match part.strip_suffix(['L', 'l']) {
            Some("") if self.dialect == Dialect::Quartz => said.values.push(6),
            Some("") => return Err(Problem::LastOfWeek),
            Some(day) => said.special.last |= last_of_month(day)?,
            None => return Ok(false),
        }
        Ok(true)
    }
}

/// A number of at most four digits.
fn number(text: &str) -> Option<u32> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
