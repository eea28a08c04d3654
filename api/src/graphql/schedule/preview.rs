//! A schedule that nobody has saved.

use async_graphql::{InputObject, Result, SimpleObject};
use waterclock_core::error::CommandError;
use waterclock_core::timetable::Preview;

use super::object::{planned, wanted};
use super::occurrence::PlannedOccurrence;
use super::timing::ScheduleTimingInput;
use crate::graphql::connection::{Connection, Page};
use crate::graphql::error::{UserError, outcome};

/// A schedule that is to be tried.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PreviewScheduleInput {
    /// When its occurrences are due.
    pub(crate) timing: ScheduleTimingInput,
    /// The key that it would have, from which `H` and jitter are made.
    #[graphql(default)]
    pub(crate) key: String,
}

/// What a schedule would do, or what is wrong with it.
#[derive(SimpleObject)]
pub(crate) struct SchedulePreview {
    /// The rule in plain words.
    words: Option<String>,
    /// The calendars that it keeps to, by key.
    calendars: Vec<String>,
    /// What the rule names from now on, the first first.
    next_occurrences: Option<Connection<PlannedOccurrence>>,
    /// What is wrong with it, all at once.
    user_errors: Vec<UserError>,
}

impl SchedulePreview {
    /// What became of a preview.
    pub(super) fn of(
        previewed: std::result::Result<Preview, CommandError>,
        calendars: Vec<String>,
        page: &Page,
    ) -> Result<Self> {
        let after = page.after_as()?;
        let (preview, user_errors) = outcome(previewed)?;
        let (words, next_occurrences) = match preview {
            None => (None, None),
            Some(preview) => {
                let rows = preview.forecast.upcoming(after, wanted(page));
                (Some(preview.words), Some(planned(page, rows)))
            }
        };
        Ok(Self {
            words,
            calendars: if user_errors.is_empty() {
                calendars
            } else {
                Vec::new()
            },
            next_occurrences,
            user_errors,
        })
    }
}
