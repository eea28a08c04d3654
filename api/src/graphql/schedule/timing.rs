//! When occurrences are due, as clients see and propose it.

use async_graphql::{Enum, InputObject, SimpleObject};
use waterclock_core::schedule::timing::{self, Timing, Validity};
use waterclock_core::schedule::zone;

use super::rule::{ScheduleRule, ScheduleRuleInput};
use super::selection::{CalendarSelection, CalendarSelectionInput};
use crate::graphql::calendar::{TimeWindow, TimeWindowInput};
use crate::graphql::scalar::{DateTime, Duration, TimeZone};

/// What becomes of a wall time that the zone's clock leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "zone::Gap")]
pub(crate) enum DaylightSavingGap {
    /// It is kept at the first instant after the gap. Several within one gap are one occurrence there.
    #[default]
    Next,
    /// It is left out.
    Skip,
}

/// What becomes of a wall time that the zone's clock shows twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "zone::Repeat")]
pub(crate) enum DaylightSavingRepeat {
    /// It is kept the first time.
    #[default]
    First,
    /// It is kept the last time.
    Last,
    /// It is kept both times.
    Both,
}

/// What becomes of an occurrence whose day does not work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "timing::Reaction")]
pub(crate) enum CalendarReaction {
    /// It is recorded as skipped.
    #[default]
    Skip,
    /// It is due on the last working day before, at the same wall time, as `daylightSaving` keeps it there (with `repeat: BOTH`, the first
    /// time). It is excluded when no working day lies within 366 days, or when a thousand others are nearer to that day.
    Previous,
    /// It is due on the first working day after, at the same wall time, as `daylightSaving` keeps it there (with `repeat: BOTH`, the first
    /// time). It is excluded when no working day lies within 366 days, or when a thousand others are nearer to that day.
    Next,
}

/// What a rule does where its zone's clock jumps. Rules that run every hour or oftener are not affected.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct DaylightSaving {
    /// What becomes of a wall time that is left out.
    gap: DaylightSavingGap,
    /// What becomes of a wall time that is shown twice.
    repeat: DaylightSavingRepeat,
}

/// Which of a rule's instants are occurrences.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct ScheduleValidity {
    /// None before this instant.
    from: Option<DateTime>,
    /// None at or after this instant.
    until: Option<DateTime>,
    /// Only the first so many from `from`. Those that a calendar excludes count too.
    count: Option<u32>,
}

/// When a schedule's occurrences are due.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ScheduleTiming {
    /// What names the instants.
    rule: ScheduleRule,
    /// Whose wall clock the rule reads, and whose days the calendar counts.
    time_zone: TimeZone,
    /// What the rule does where that clock jumps.
    daylight_saving: DaylightSaving,
    /// Which days work; without it, all do.
    calendar: Option<CalendarSelection>,
    /// What becomes of an occurrence on a day that does not work.
    reaction: CalendarReaction,
    /// Windows in which nothing starts, whatever the calendar says.
    blackouts: Vec<TimeWindow>,
    /// Between which instants, and how often, the rule is asked.
    validity: Option<ScheduleValidity>,
    /// How far an occurrence may be spread. It never leads to where the calendar or a blackout excludes it, nor past `validity.until`.
    jitter: Duration,
}

impl From<&Timing> for ScheduleTiming {
    fn from(timing: &Timing) -> Self {
        let Validity { from, until, count } = timing.validity;
        Self {
            rule: (&timing.rule).into(),
            time_zone: TimeZone(timing.zone),
            daylight_saving: DaylightSaving {
                gap: timing.daylight_saving.gap.into(),
                repeat: timing.daylight_saving.repeat.into(),
            },
            calendar: timing.calendar.as_ref().map(Into::into),
            reaction: timing.reaction.into(),
            blackouts: timing.blackouts.iter().map(Into::into).collect(),
            validity: (timing.validity != Validity::default()).then(|| ScheduleValidity {
                from: from.map(Into::into),
                until: until.map(Into::into),
                count,
            }),
            jitter: Duration(timing.jitter_ms),
        }
    }
}

/// What a rule does where its zone's clock jumps. Rules that run every hour or oftener are not affected.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct DaylightSavingInput {
    /// What becomes of a wall time that is left out.
    #[graphql(default)]
    gap: DaylightSavingGap,
    /// What becomes of a wall time that is shown twice.
    #[graphql(default)]
    repeat: DaylightSavingRepeat,
}

/// Which of a rule's instants are occurrences.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct ScheduleValidityInput {
    /// None before this instant.
    from: Option<DateTime>,
    /// None at or after this instant.
    until: Option<DateTime>,
    /// Only the first so many from `from`, which must then be given; at most 10,000. Those that a calendar excludes count too.
    count: Option<u32>,
}

/// When a schedule's occurrences are due.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ScheduleTimingInput {
    /// What names the instants.
    rule: ScheduleRuleInput,
    /// Whose wall clock the rule reads, and whose days the calendar counts.
    #[graphql(default_with = "TimeZone::default()")]
    time_zone: TimeZone,
    /// What the rule does where that clock jumps.
    daylight_saving: Option<DaylightSavingInput>,
    /// Which days work; all when absent.
    calendar: Option<CalendarSelectionInput>,
    /// What becomes of an occurrence on a day that does not work; other than `SKIP` for rules that run less often than every hour, and at
    /// most 24 times a day.
    #[graphql(default)]
    reaction: CalendarReaction,
    /// Windows in which nothing starts, whatever the calendar says; at most 1,000.
    blackouts: Option<Vec<TimeWindowInput>>,
    /// Between which instants, and how often, the rule is asked.
    validity: Option<ScheduleValidityInput>,
    /// How far an occurrence may be spread, at most a day. The same occurrence is always spread as far, and never to where the calendar or a
    /// blackout excludes it, nor past `validity.until`.
    #[graphql(default_with = "Duration(0)")]
    jitter: Duration,
}

impl From<ScheduleTimingInput> for Timing {
    fn from(input: ScheduleTimingInput) -> Self {
        let daylight_saving = input.daylight_saving.unwrap_or_default();
        let validity = input.validity.unwrap_or_default();
        Self {
            rule: input.rule.into(),
            zone: input.time_zone.0,
            daylight_saving: zone::DaylightSaving {
                gap: daylight_saving.gap.into(),
                repeat: daylight_saving.repeat.into(),
            },
            calendar: input.calendar.map(Into::into),
            reaction: input.reaction.into(),
            blackouts: input
                .blackouts
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            validity: Validity {
                from: validity.from.map(|instant| instant.0),
                until: validity.until.map(|instant| instant.0),
                count: validity.count,
            },
            jitter_ms: input.jitter.0,
        }
    }
}
