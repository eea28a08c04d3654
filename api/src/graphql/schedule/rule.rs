//! Rules as clients see and propose them.

use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};
use waterclock_core::schedule::rule;

use crate::graphql::scalar::{DateTime, Duration};

/// How a cron expression numbers the days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "rule::Dialect")]
pub(crate) enum CronDialect {
    /// 0 to 7 from Sunday to Sunday, as in Vixie's cron.
    #[default]
    Vixie,
    /// 1 to 7 from Sunday to Saturday, as in Quartz.
    Quartz,
}

/// What a cron expression means that restricts the day of the month and the day of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "rule::BothDays")]
pub(crate) enum CronBothDays {
    /// A day that either field names, as in Vixie's cron.
    #[default]
    Or,
    /// A day that both fields name.
    And,
}

/// A cron expression.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CronRule {
    /// The expression.
    expression: String,
    /// How its days of the week are numbered.
    dialect: CronDialect,
    /// What holds when the day of the month and the day of the week are both restricted.
    both_days: CronBothDays,
}

/// Every so often, counted from an anchor.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct IntervalRule {
    /// The time between two instants.
    every: Duration,
    /// The instant that the others are counted from, before it and after it.
    anchor: DateTime,
}

/// A given time after the previous run has ended.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct FixedDelayRule {
    /// The time between the end of a run and the next occurrence.
    delay: Duration,
}

/// Exactly these instants.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AtRule {
    /// The instants.
    instants: Vec<DateTime>,
}

/// A recurrence of RFC 5545.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "RRuleRule")]
pub(crate) struct RecurrenceRule {
    /// Its lines.
    text: String,
}

/// What names a schedule's instants. Exactly one field is there.
#[derive(Clone, Debug, Default, SimpleObject)]
pub(crate) struct ScheduleRule {
    /// A cron expression.
    cron: Option<CronRule>,
    /// Every so often.
    interval: Option<IntervalRule>,
    /// After the previous run has ended.
    fixed_delay: Option<FixedDelayRule>,
    /// A list of instants.
    at: Option<AtRule>,
    /// A recurrence of RFC 5545.
    rrule: Option<RecurrenceRule>,
}

impl From<&rule::Rule> for ScheduleRule {
    fn from(rule: &rule::Rule) -> Self {
        let mut shown = Self::default();
        match rule {
            rule::Rule::Cron {
                expression,
                dialect,
                both_days,
            } => {
                shown.cron = Some(CronRule {
                    expression: expression.clone(),
                    dialect: (*dialect).into(),
                    both_days: (*both_days).into(),
                });
            }
            rule::Rule::Interval { every_ms, anchor } => {
                shown.interval = Some(IntervalRule {
                    every: Duration(*every_ms),
                    anchor: (*anchor).into(),
                });
            }
            rule::Rule::FixedDelay { delay_ms } => {
                shown.fixed_delay = Some(FixedDelayRule {
                    delay: Duration(*delay_ms),
                });
            }
            rule::Rule::At { instants } => {
                let instants = instants.iter().map(|&instant| instant.into()).collect();
                shown.at = Some(AtRule { instants });
            }
            rule::Rule::RRule { text } => shown.rrule = Some(RecurrenceRule { text: text.clone() }),
        }
        shown
    }
}

/// A cron expression.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct CronInput {
    /// 5 fields, 6 with seconds before them, or 7 with years behind them; or `@hourly` to `@yearly`, or `@midnight`. Names, ranges that wrap
    /// (`22-2`), steps, lists, `?`, `L`, `L-n`, `LW`, `nW`, `n#k`, `nL`, and `H`, which spreads schedules.
    expression: String,
    /// How its days of the week are numbered.
    #[graphql(default)]
    dialect: CronDialect,
    /// What holds when the day of the month and the day of the week are both restricted.
    #[graphql(default)]
    both_days: CronBothDays,
}

/// Every so often, counted from an anchor, so that nothing drifts.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct IntervalInput {
    /// The time between two instants, at least one second.
    every: Duration,
    /// The instant that the others are counted from, before it and after it.
    anchor: DateTime,
}

/// A given time after the previous run has ended.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct FixedDelayInput {
    /// The time between the end of a run and the next occurrence, at least one second.
    delay: Duration,
}

/// Exactly these instants.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct AtInput {
    /// The instants, 1 to 10,000, in any order.
    instants: Vec<DateTime>,
}

/// A recurrence of RFC 5545.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "RRuleInput")]
pub(crate) struct RecurrenceInput {
    /// A `DTSTART` line, an `RRULE` line, and any `RDATE` and `EXDATE` lines, which take `RDATE`s away as well. What RFC 5545 forbids is
    /// refused.
    text: String,
}

/// What names a schedule's instants.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum ScheduleRuleInput {
    /// A cron expression.
    Cron(CronInput),
    /// Every so often.
    Interval(IntervalInput),
    /// After the previous run has ended.
    FixedDelay(FixedDelayInput),
    /// A list of instants.
    At(AtInput),
    /// A recurrence of RFC 5545.
    Rrule(RecurrenceInput),
}

impl From<ScheduleRuleInput> for rule::Rule {
    fn from(input: ScheduleRuleInput) -> Self {
        match input {
            ScheduleRuleInput::Cron(cron) => Self::Cron {
                expression: cron.expression,
                dialect: cron.dialect.into(),
                both_days: cron.both_days.into(),
            },
            ScheduleRuleInput::Interval(interval) => Self::Interval {
                every_ms: interval.every.0,
                anchor: interval.anchor.0,
            },
            ScheduleRuleInput::FixedDelay(fixed) => Self::FixedDelay {
                delay_ms: fixed.delay.0,
            },
            ScheduleRuleInput::At(at) => Self::At {
                instants: at.instants.into_iter().map(|instant| instant.0).collect(),
            },
            ScheduleRuleInput::Rrule(recurrence) => Self::RRule {
                text: recurrence.text,
            },
        }
    }
}
