//! Changing calendars.

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::command::edit_schedule::ScheduleEditor;
use waterclock_core::command::revise::Edit;
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::id::CalendarId;
use waterclock_core::schedule::calendar::import;

use super::input::{CreateCalendarInput, ImportCalendarInput, UpdateCalendarInput};
use super::object::Calendar;
use crate::graphql::error::payload;
use crate::graphql::guard::{DEVELOPER, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::loader::load;
use crate::graphql::mutate::DeleteInput;

payload! {
    /// What became of `createCalendar`.
    CreateCalendarPayload {
        /// The calendar, if it was made.
        calendar: Calendar
    }
}

payload! {
    /// What became of `updateCalendar`.
    UpdateCalendarPayload {
        /// The calendar, if it is as the input wants it.
        calendar: Calendar
    }
}

payload! {
    /// What became of `importCalendar`.
    ImportCalendarPayload {
        /// The calendar, if the file's events are in it.
        calendar: Calendar
    }
}

payload! {
    /// What became of `deleteCalendar`.
    DeleteCalendarPayload {
        /// The id of the calendar, if it was deleted.
        deleted_id: ID
    }
}

/// Changing calendars.
#[derive(Default)]
pub(crate) struct CalendarMutation;

#[Object]
impl CalendarMutation {
    /// Makes a calendar. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn create_calendar(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The calendar.")] input: CreateCalendarInput,
    ) -> Result<CreateCalendarPayload> {
        let editor = context.data::<ScheduleEditor>()?;
        let made = editor.create_calendar(&author(context)?, &input.into()).await;
        CreateCalendarPayload::of(made, Into::into)
    }

    /// Replaces a calendar as a whole. Schedules that keep to it keep to the new one from now on. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_calendar(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the calendar is to be.")] input: UpdateCalendarInput,
    ) -> Result<UpdateCalendarPayload> {
        let editor = context.data::<ScheduleEditor>()?;
        let made = editor.update_calendar(&author(context)?, &input.into()).await;
        UpdateCalendarPayload::of(made, Into::into)
    }

    /// Adds the events of an iCalendar file to a calendar; those that it has already are not added again. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn import_calendar(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The file, and what its events mean.")] input: ImportCalendarInput,
    ) -> Result<ImportCalendarPayload> {
        let refused = |refusal| {
            let refused: std::result::Result<Calendar, _> = Err(CommandError::refused(refusal));
            ImportCalendarPayload::of(refused, |calendar| calendar)
        };
        let id: CalendarId = of_kind(Kind::Calendar, &input.id);
        let Some(current) = load(context, id).await? else {
            return refused(Refusal::not_found(["id"], "there is no calendar with that id"));
        };
        let imported = match import(&input.file, &input.bounds()) {
            Ok(imported) => imported,
            Err(error) => return refused(Refusal::invalid(["file"], error.to_string())),
        };
        let mut proposal = current.spec.clone();
        input.into.add(imported, &mut proposal);
        let edit = Edit {
            id,
            expected_revision: input.expected_revision,
            description: current.description.clone(),
            proposal,
        };
        let editor = context.data::<ScheduleEditor>()?;
        ImportCalendarPayload::of(editor.update_calendar(&author(context)?, &edit).await, Into::into)
    }

    /// Deletes a calendar that no schedule keeps to. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_calendar(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The calendar.")] input: DeleteInput,
    ) -> Result<DeleteCalendarPayload> {
        let id = of_kind(Kind::Calendar, &input.id);
        let deleted = context
            .data::<ScheduleEditor>()?
            .delete_calendar(&author(context)?, id, input.expected_revision)
            .await;
        DeleteCalendarPayload::of(deleted.map(|()| input.id), |id| id)
    }
}
