//! A backfill that nobody has asked for.

use async_graphql::{Result, SimpleObject};
use waterclock_core::error::CommandError;
use waterclock_core::schedule::backfill::BackfillStep;

use crate::graphql::connection::{Connection, Page};
use crate::graphql::error::{UserError, outcome};
use crate::graphql::scalar::DateTime;
use crate::graphql::schedule::{OccurrenceNote, Schedule};

/// What a backfill would do with one occurrence.
#[derive(SimpleObject)]
pub(crate) struct ForeseenStep {
    /// The instant that the rule names.
    instant: DateTime,
    /// When the occurrence was due, after calendars and jitter.
    due: DateTime,
    /// What was done to it on the way.
    notes: Vec<OccurrenceNote>,
    /// Whether it would run.
    runs: bool,
    /// Why it would not, in a sentence.
    reason: Option<String>,
}

impl From<BackfillStep> for ForeseenStep {
    fn from(step: BackfillStep) -> Self {
        Self {
            instant: step.planned.nominal.into(),
            due: step.planned.due.into(),
            notes: step.planned.notes.iter().map(Into::into).collect(),
            runs: step.passed_over.is_none(),
            reason: step.passed_over.map(|why| why.to_string()),
        }
    }
}

/// What a backfill would do, or what is wrong with it.
#[derive(SimpleObject)]
pub(crate) struct BackfillPreview {
    /// The schedule, if there is nothing wrong.
    schedule: Option<Schedule>,
    /// The occurrences that it would be about, in its order.
    steps: Option<Connection<ForeseenStep>>,
    /// How many occurrences these are.
    total: Option<i32>,
    /// How many of them would run.
    would_run: Option<i32>,
    /// What is wrong with it, all at once.
    user_errors: Vec<UserError>,
}

impl BackfillPreview {
    /// What became of a preview.
    pub(super) fn of(
        foreseen: std::result::Result<Vec<BackfillStep>, CommandError>,
        schedule: Option<Schedule>,
        page: &Page,
    ) -> Result<Self> {
        let after: Option<usize> = page.after_as()?;
        let (steps, user_errors) = outcome(foreseen)?;
        let Some(steps) = steps else {
            return Ok(Self {
                schedule: None,
                steps: None,
                total: None,
                would_run: None,
                user_errors,
            });
        };
        let count = |count: usize| i32::try_from(count).ok();
        let total = count(steps.len());
        let would_run = count(steps.iter().filter(|step| step.passed_over.is_none()).count());
        let rows: Vec<(usize, BackfillStep)> = steps
            .into_iter()
            .enumerate()
            .skip(after.map_or(0, |after| after.saturating_add(1)))
            .take(usize::try_from(page.limit()).unwrap_or(1))
            .collect();
        Ok(Self {
            schedule,
            steps: Some(page.connection(rows, |(place, _)| place.to_string(), |(_, step)| step.into())),
            total,
            would_run,
            user_errors,
        })
    }
}
