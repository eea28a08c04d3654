//! Occurrences as clients see them: those that are past, and those that are to come.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use waterclock_core::schedule::occurrence;
use waterclock_core::schedule::timing::{self, Placement, Planned};
use waterclock_core::store::timetable::Occurrence as Record;

use super::object::Schedule;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{self, WaitedForBy};
use crate::graphql::loader::load;
use crate::graphql::run::Run;
use crate::graphql::scalar::DateTime;

/// What became of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "occurrence::OccurrenceOutcome")]
pub(crate) enum OccurrenceOutcome {
    /// It waits for its turn.
    Waiting,
    /// Its run was started.
    Fired,
    /// It was passed over, because an earlier one was under way or too many waited.
    SkippedOverlap,
    /// It is one with another occurrence.
    Coalesced,
    /// It fell on a day or into a window that does not work.
    SkippedCalendar,
    /// It was not started in time, and is not caught up.
    Missed,
    /// Its start deadline passed before it could start.
    Expired,
    /// Its schedule was paused or stopped.
    Paused,
    /// A backfill started its run.
    Backfilled,
    /// Its run could not be made: the workflow is not published, or does not take the inputs.
    Rejected,
    /// The tenant has as many runs under way as it may.
    RejectedQuota,
}

/// Something that was done to an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "timing::Note")]
pub(crate) enum OccurrenceNote {
    /// The clock left its wall time out, on its own day or on the one that it moved to, and it stands at the first instant after.
    DstShifted,
    /// It falls where the calendar or a blackout excludes it.
    CalendarExcluded,
    /// It is due on another day, because its own does not work.
    Moved,
    /// It is due a little later, so that schedules spread.
    Jittered,
}

/// What the calendar makes of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum OccurrencePlacement {
    /// It may start when it is due.
    Kept,
    /// It falls on a day or into a window that does not work.
    Excluded,
    /// It was moved to where another occurrence is, and is one with it.
    Merged,
}

/// An occurrence that is to come.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PlannedOccurrence {
    /// The instant that the rule names.
    instant: DateTime,
    /// When it is due: after calendars and jitter.
    due: DateTime,
    /// What the calendar makes of it.
    placement: OccurrencePlacement,
    /// The instant of the occurrence that stands for both, when it is merged.
    merged_into: Option<DateTime>,
    /// What was done to it on the way.
    notes: Vec<OccurrenceNote>,
}

impl From<Planned> for PlannedOccurrence {
    fn from(planned: Planned) -> Self {
        let (placement, merged_into) = match planned.placement {
            Placement::Kept => (OccurrencePlacement::Kept, None),
            Placement::Excluded => (OccurrencePlacement::Excluded, None),
            Placement::Merged { into } => (OccurrencePlacement::Merged, Some(into.into())),
        };
        Self {
            instant: planned.nominal.into(),
            due: planned.due.into(),
            placement,
            merged_into,
            notes: planned.notes.iter().map(Into::into).collect(),
        }
    }
}

/// Narrows a list of occurrences.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct OccurrenceFilter {
    /// Those with one of these outcomes.
    pub(crate) outcomes: Option<Vec<OccurrenceOutcome>>,
}

/// What became of an instant that a schedule named.
#[derive(Clone)]
pub(crate) struct Occurrence(pub(crate) Arc<Record>);

/// What became of an instant that a schedule named. With its schedule, the instant is the occurrence: there is never a second one.
#[Object]
impl Occurrence {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Occurrence, self.0.id)
    }

    /// Its schedule; absent once that was deleted.
    async fn schedule(&self, context: &Context<'_>) -> Result<Option<Schedule>> {
        Ok(load(context, self.0.schedule_id).await?.map(Schedule))
    }

    /// The instant that the rule names.
    async fn instant(&self) -> DateTime {
        self.0.nominal.into()
    }

    /// When it was to start, after calendars and jitter.
    async fn due(&self) -> DateTime {
        self.0.due.into()
    }

    /// What became of it.
    async fn outcome(&self) -> OccurrenceOutcome {
        self.0.outcome.into()
    }

    /// Why, in a sentence.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What was done to it on the way.
    async fn notes(&self) -> Vec<OccurrenceNote> {
        self.0.notes.iter().map(|&note| note.into()).collect()
    }

    /// Its run, if there is one; the last one when it was run again.
    async fn run(&self) -> Option<Run> {
        self.0.run_id.map(Run::new)
    }

    /// While it waits: the runs whose ends it waits for, at most 20.
    async fn waits_for(&self, context: &Context<'_>) -> Result<Vec<Run>> {
        if self.0.outcome != occurrence::OccurrenceOutcome::Waiting {
            return Ok(Vec::new());
        }
        let runs = journal::load(context, WaitedForBy(self.0.id)).await?;
        Ok(runs.unwrap_or_default().into_iter().map(Run::new).collect())
    }

    /// Whether somebody asked for it; else the rule named it.
    async fn manual(&self) -> bool {
        self.0.manual
    }

    /// How many occurrences this one stands for, all with the same outcome, when there were too many to record each. `reason` says when there
    /// are even more, which nobody counted. Backfills that ran some of them since have rows of their own and take nothing off.
    async fn stands_for(&self) -> i32 {
        self.0.stands_for.try_into().unwrap_or(i32::MAX)
    }

    /// The instant of the oldest of them, when it stands for several.
    async fn oldest(&self) -> Option<DateTime> {
        self.0.oldest.map(Into::into)
    }

    /// When it was decided what becomes of it.
    async fn decided_at(&self) -> DateTime {
        self.0.decided_at.into()
    }
}
