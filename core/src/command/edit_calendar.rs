//! Registers and edits the calendars that schedules keep to.
//!
//! What is due by the calendar of before is settled before the edit, as with the edit of a schedule, and for the same reason.

use super::Author;
use super::edit_schedule::ScheduleEditor;
use super::partition_lock::under_lock;
use super::register::{New, register};
use super::revise::{Edit, lock_current, revise_in};
use super::unregister::unregister;
use crate::error::CommandError;
use crate::id::{CalendarId, ScheduleId};
use crate::registered::Registered;
use crate::schedule::calendar::CalendarDefinition;
use crate::store::schedule_states::{list_schedules_of_calendar, replan};

impl ScheduleEditor {
    /// Registers a calendar.
    pub async fn create_calendar(
        &self,
        author: &Author,
        new: &New<CalendarDefinition>,
    ) -> Result<Registered<CalendarDefinition>, CommandError> {
        register(&self.database, author, new).await
    }

    /// Edits a calendar. Schedules that keep to it keep to the new one from now on.
    pub async fn update_calendar(
        &self,
        author: &Author,
        edit: &Edit<CalendarDefinition>,
    ) -> Result<Registered<CalendarDefinition>, CommandError> {
        under_lock!(self, author, |transaction, signals| {
            let before = lock_current::<CalendarDefinition>(transaction, author, edit.id).await?;
            let users = list_schedules_of_calendar(transaction, author.tenant, &before.key).await?;
            let due: Vec<ScheduleId> = users.iter().filter(|(_, due)| *due).map(|(id, _)| *id).collect();
            self.settle(transaction, author.tenant, &due, signals).await?;
            let users: Vec<ScheduleId> = users.iter().map(|(id, _)| *id).collect();
            let outstanding = self.outstanding(transaction, author.tenant, &users).await?;
            let after = revise_in(transaction, author, edit).await?;
            if after.spec != before.spec {
                replan(transaction, author.tenant, &users).await?;
                self.record_forgone(transaction, author.tenant, outstanding)
                    .await?;
            }
            Ok(after)
        })
    }

    /// Deletes a calendar that no schedule keeps to.
    pub async fn delete_calendar(
        &self,
        author: &Author,
        id: CalendarId,
        expected_revision: i32,
    ) -> Result<(), CommandError> {
        unregister::<CalendarDefinition>(&self.database, author, id, expected_revision).await
    }
}
