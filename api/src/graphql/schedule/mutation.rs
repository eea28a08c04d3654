//! Changing schedules.

use async_graphql::{Context, ID, Object, Result};
use waterclock_core::command::edit_schedule::ScheduleEditor;

use super::input::{CreateScheduleInput, UpdateScheduleInput};
use super::object::Schedule;
use crate::graphql::error::payload;
use crate::graphql::guard::{DEVELOPER, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::mutate::DeleteInput;

payload! {
    /// What became of `createSchedule`.
    CreateSchedulePayload {
        /// The schedule, if it was made.
        schedule: Schedule
    }
}

payload! {
    /// What became of `updateSchedule`.
    UpdateSchedulePayload {
        /// The schedule, if it is as the input wants it.
        schedule: Schedule
    }
}

payload! {
    /// What became of `deleteSchedule`.
    DeleteSchedulePayload {
        /// The id of the schedule, if it was deleted.
        deleted_id: ID
    }
}

/// Changing schedules.
#[derive(Default)]
pub(crate) struct ScheduleMutation;

#[Object]
impl ScheduleMutation {
    /// Makes a schedule. It names occurrences from now on; the past is not caught up. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn create_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: CreateScheduleInput,
    ) -> Result<CreateSchedulePayload> {
        let starts = input.start;
        let made = match input.request() {
            Ok(new) => {
                let editor = context.data::<ScheduleEditor>()?;
                editor.create(&author(context)?, &new, starts).await
            }
            Err(error) => Err(error),
        };
        CreateSchedulePayload::of(made, Into::into)
    }

    /// Replaces a schedule as a whole. What is due by now becomes what the old rule says, what is due from now on what the new one says;
    /// so no edit runs the past again. Needs the scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn update_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the schedule is to be.")] input: UpdateScheduleInput,
    ) -> Result<UpdateSchedulePayload> {
        let made = match input.request() {
            Ok(edit) => {
                let editor = context.data::<ScheduleEditor>()?;
                editor.update(&author(context)?, &edit).await
            }
            Err(error) => Err(error),
        };
        UpdateSchedulePayload::of(made, Into::into)
    }

    /// Deletes a schedule. What it started goes on, what waited to start does not, and what became of its occurrences stays. Needs the
    /// scope `developer`.
    #[graphql(guard = "DEVELOPER")]
    async fn delete_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: DeleteInput,
    ) -> Result<DeleteSchedulePayload> {
        let id = of_kind(Kind::Schedule, &input.id);
        let deleted = context
            .data::<ScheduleEditor>()?
            .delete(&author(context)?, id, input.expected_revision)
            .await;
        DeleteSchedulePayload::of(deleted.map(|()| input.id), |id| id)
    }
}
