//! Having schedules' pasts run, and calling that off.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use waterclock_core::command::edit_schedule::ScheduleEditor;

use super::input::{BackfillScheduleInput, CancelBackfillInput};
use super::object::Backfill;
use crate::graphql::error::payload;
use crate::graphql::guard::{OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};

payload! {
    /// What became of `backfillSchedule`.
    BackfillSchedulePayload {
        /// The backfill, if it was made, now or by an earlier call under the same idempotency key.
        backfill: Backfill
    }
}

payload! {
    /// What became of `cancelBackfill`.
    CancelBackfillPayload {
        /// The backfill, if it was cancelled, now or before.
        backfill: Backfill
    }
}

/// Having schedules' pasts run, and calling that off.
#[derive(Default)]
pub(crate) struct BackfillMutation;

#[Object]
impl BackfillMutation {
    /// Runs occurrences of a schedule's past that have nothing to show, or are to be run again: a job that goes on after this has
    /// answered, and survives whoever works on it. Its runs overlap with others as it says, and count as nothing of the schedule's,
    /// which may be paused or stopped. `previewBackfill` tells what it would do. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn backfill_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to run.")] input: BackfillScheduleInput,
    ) -> Result<BackfillSchedulePayload> {
        let made = match input.request() {
            Ok(wanted) => {
                let editor = context.data::<ScheduleEditor>()?;
                editor.backfill(&author(context)?, &wanted).await
            }
            Err(error) => Err(error),
        };
        BackfillSchedulePayload::of(made, |backfill| Backfill(Arc::new(backfill)))
    }

    /// Ends a backfill. When this has answered, it starts nothing any more; what it did stays done, and its runs under way are stopped
    /// if that is asked for. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn cancel_backfill(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The backfill.")] input: CancelBackfillInput,
    ) -> Result<CancelBackfillPayload> {
        let id = of_kind(Kind::Backfill, &input.id);
        let cancelled = context
            .data::<ScheduleEditor>()?
            .cancel_backfill(&author(context)?, id, input.runs.force())
            .await;
        CancelBackfillPayload::of(cancelled, |backfill| Backfill(Arc::new(backfill)))
    }
}
