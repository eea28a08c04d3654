//! Starting, pausing, resuming, stopping and triggering schedules.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result};
use waterclock_core::command::edit_schedule::{ScheduleEditor, Steer};
use waterclock_core::command::trigger_now::TriggerNow;
use waterclock_core::error::{CommandError, Refusal};
use waterclock_core::journal::Journal;
use waterclock_core::schedule::spec;
use waterclock_core::store::timetable;

use super::input::object;
use super::object::Schedule;
use super::occurrence::Occurrence;
use crate::graphql::error::{internal, payload};
use crate::graphql::guard::{OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::scalar::Json;

payload! {
    /// What became of `startSchedule`.
    StartSchedulePayload {
        /// The schedule, if there is one that could be started.
        schedule: Schedule
    }
}

payload! {
    /// What became of `pauseSchedule`.
    PauseSchedulePayload {
        /// The schedule, if there is one that could be paused.
        schedule: Schedule
    }
}

payload! {
    /// What became of `resumeSchedule`.
    ResumeSchedulePayload {
        /// The schedule, if there is one that could be resumed.
        schedule: Schedule
    }
}

payload! {
    /// What became of `stopSchedule`.
    StopSchedulePayload {
        /// The schedule, if there is one.
        schedule: Schedule
    }
}

payload! {
    /// What became of `triggerNow`.
    TriggerNowPayload {
        /// The occurrence that was asked for, as it stands; absent when the input is wrong.
        occurrence: Occurrence
    }
}

/// A schedule that is to name occurrences.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct StartScheduleInput {
    /// The schedule.
    id: ID,
}

/// A schedule that is to go on.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ResumeScheduleInput {
    /// The schedule.
    id: ID,
}

/// A schedule that is to start nothing for a while.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct PauseScheduleInput {
    /// The schedule.
    id: ID,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

/// A schedule that is to name no occurrences.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct StopScheduleInput {
    /// The schedule.
    id: ID,
    /// Why, for whoever reads it later; at most 1,000 bytes.
    reason: Option<String>,
}

/// A schedule whose workflow is to run now.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct TriggerNowInput {
    /// The schedule.
    id: ID,
    /// What the run is given over what the schedule gives: an object.
    inputs: Option<Json>,
    /// The caller's name for this call, at most 255 bytes: a call that is made again under the same name starts nothing and answers the same
    /// occurrence.
    idempotency_key: Option<String>,
}

/// The most bytes of a reason.
const LONGEST_REASON: usize = 1_000;

async fn steer(
    context: &Context<'_>,
    id: &ID,
    steer: Steer,
    reason: Option<&str>,
) -> Result<std::result::Result<spec::Schedule, CommandError>> {
    if reason.is_some_and(|reason| reason.len() > LONGEST_REASON || reason.contains('\0')) {
        let message = format!("a reason has at most {LONGEST_REASON} bytes and no NUL character");
        return Ok(Err(CommandError::refused(Refusal::invalid(["reason"], message))));
    }
    let editor = context.data::<ScheduleEditor>()?;
    let id = of_kind(Kind::Schedule, id);
    Ok(editor.steer(&author(context)?, id, steer, reason).await)
}

/// Steering schedules.
#[derive(Default)]
pub(crate) struct ScheduleSteering;

#[Object]
impl ScheduleSteering {
    /// Lets a schedule that is stopped or finished name occurrences from now on. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn start_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: StartScheduleInput,
    ) -> Result<StartSchedulePayload> {
        StartSchedulePayload::of(steer(context, &input.id, Steer::Start, None).await?, Into::into)
    }

    /// Keeps a schedule from starting anything: what is due is recorded as `PAUSED`, and what waited to start does not. Needs the scope
    /// `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn pause_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: PauseScheduleInput,
    ) -> Result<PauseSchedulePayload> {
        let steered = steer(context, &input.id, Steer::Pause, input.reason.as_deref()).await?;
        PauseSchedulePayload::of(steered, Into::into)
    }

    /// Lets a paused schedule start what is due from now on; what was due meanwhile is not made up for. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn resume_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: ResumeScheduleInput,
    ) -> Result<ResumeSchedulePayload> {
        ResumeSchedulePayload::of(steer(context, &input.id, Steer::Resume, None).await?, Into::into)
    }

    /// Lets a schedule name no occurrences any more; what it started goes on. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn stop_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: StopScheduleInput,
    ) -> Result<StopSchedulePayload> {
        let steered = steer(context, &input.id, Steer::Stop, input.reason.as_deref()).await?;
        StopSchedulePayload::of(steered, Into::into)
    }

    /// Runs a schedule's workflow now, as an occurrence that somebody asked for. The rules of overlap hold for it as for any other, so it
    /// may wait, or be passed over. Needs the scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn trigger_now(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: TriggerNowInput,
    ) -> Result<TriggerNowPayload> {
        let triggered = trigger(context, input).await?;
        TriggerNowPayload::of(triggered, |occurrence| Occurrence(Arc::new(occurrence)))
    }
}

/// Triggers a schedule, and reads what became of it.
async fn trigger(
    context: &Context<'_>,
    input: TriggerNowInput,
) -> Result<std::result::Result<timetable::Occurrence, CommandError>> {
    let (editor, author) = (context.data::<ScheduleEditor>()?, author(context)?);
    let inputs = match object(input.inputs) {
        Ok(inputs) => inputs,
        Err(error) => return Ok(Err(error)),
    };
    let wanted = TriggerNow {
        schedule: of_kind(Kind::Schedule, &input.id),
        inputs,
        idempotency_key: input.idempotency_key,
    };
    let occurrence = match editor.trigger(&author, &wanted).await {
        Ok(occurrence) => occurrence,
        Err(error) => return Ok(Err(error)),
    };
    let read = context
        .data::<Journal>()?
        .occurrences_by_id(author.tenant, &[occurrence])
        .await;
    let found = read.map_err(|error| internal(&error))?.pop();
    Ok(found.ok_or_else(|| {
        let message = "the occurrence was removed meanwhile; trigger the schedule again";
        CommandError::refused(Refusal::not_found(["id"], message))
    }))
}
