//! Schedules: listed, steered, tried.

use graphql_client::GraphQLQuery;
use serde_json::{Map, Value};

use super::operation::{Told, mutate, operations};
use super::{Api, ClientError, UserError};

type DateTime = chrono::DateTime<chrono::Utc>;
type Duration = String;
type Json = Value;
type TimeZone = String;

operations! {
    ListSchedules in "src/client/operations/list_schedules.graphql";
    IdOfSchedule in "src/client/operations/id_of_schedule.graphql";
    StartSchedule in "src/client/operations/start_schedule.graphql";
    PauseSchedule in "src/client/operations/pause_schedule.graphql";
    ResumeSchedule in "src/client/operations/resume_schedule.graphql";
    StopSchedule in "src/client/operations/stop_schedule.graphql";
    TriggerNow in "src/client/operations/trigger_now.graphql";
    OccurrencesOfSchedule in "src/client/operations/occurrences_of_schedule.graphql";
    PreviewSchedule in "src/client/operations/preview_schedule.graphql";
}

pub(crate) use list_schedules::{
    ListSchedulesSchedulesNodes as ListedSchedule, OccurrencePlacement, ScheduleState,
};
pub(crate) use occurrences_of_schedule::{
    OccurrenceOutcome as ListedOutcome, OccurrencesOfScheduleScheduleOccurrencesNodes as ListedOccurrence,
};
pub(crate) use preview_schedule::{
    CronDialect, OccurrenceNote, PreviewSchedulePreviewSchedule as ShownPreview,
};
pub(crate) use trigger_now::{OccurrenceOutcome, TriggerNowTriggerNowOccurrence as Triggered};

/// A cron expression that is to be tried.
#[derive(Clone, Debug)]
pub(crate) struct TriedCron {
    pub(crate) expression: String,
    pub(crate) dialect: CronDialect,
    pub(crate) zone: String,
    pub(crate) first: u32,
}

impl Api {
    /// The schedules whose keys or descriptions contain `search`, by key.
    pub(crate) async fn list_schedules(
        &self,
        search: Option<String>,
    ) -> Result<Vec<ListedSchedule>, ClientError> {
        let filter = search.map(|search| list_schedules::KeyFilter {
            key_prefix: None,
            search: Some(search),
        });
        let (mut schedules, mut after) = (Vec::new(), None);
        loop {
            let variables = list_schedules::Variables {
                filter: filter.clone(),
                after,
            };
            let page = self.ask::<ListSchedules>(variables).await?.schedules;
            schedules.extend(page.nodes);
            if !page.page_info.has_next_page {
                return Ok(schedules);
            }
            after = page.page_info.end_cursor;
        }
    }

    /// The id of the schedule that `key` names.
    pub(crate) async fn id_of_schedule(&self, key: String) -> Result<Option<String>, ClientError> {
        let found = self
            .ask::<IdOfSchedule>(id_of_schedule::Variables { key })
            .await?;
        Ok(found.schedule.map(|schedule| schedule.id))
    }

    /// Lets a schedule name occurrences.
    pub(crate) async fn start_schedule(&self, id: String) -> Told {
        let input = start_schedule::StartScheduleInput { id };
        let done = mutate!(
            self,
            StartSchedule,
            start_schedule,
            start_schedule,
            schedule,
            input
        );
        Ok(done.map(drop))
    }

    /// Keeps a schedule from starting anything.
    pub(crate) async fn pause_schedule(&self, id: String, reason: Option<String>) -> Told {
        let input = pause_schedule::PauseScheduleInput { id, reason };
        let done = mutate!(
            self,
            PauseSchedule,
            pause_schedule,
            pause_schedule,
            schedule,
            input
        );
        Ok(done.map(drop))
    }

    /// Lets a paused schedule go on.
    pub(crate) async fn resume_schedule(&self, id: String) -> Told {
        let input = resume_schedule::ResumeScheduleInput { id };
        let done = mutate!(
            self,
            ResumeSchedule,
            resume_schedule,
            resume_schedule,
            schedule,
            input
        );
        Ok(done.map(drop))
    }

    /// Lets a schedule name no occurrences any more.
    pub(crate) async fn stop_schedule(&self, id: String, reason: Option<String>) -> Told {
        let input = stop_schedule::StopScheduleInput { id, reason };
        let done = mutate!(self, StopSchedule, stop_schedule, stop_schedule, schedule, input);
        Ok(done.map(drop))
    }

    /// Runs a schedule's workflow now, and tells what became of that.
    pub(crate) async fn trigger_now(
        &self,
        id: String,
        inputs: Map<String, Value>,
        idempotency_key: Option<String>,
    ) -> Result<Result<Triggered, Vec<UserError>>, ClientError> {
        let input = trigger_now::TriggerNowInput {
            id,
            inputs: Some(Value::Object(inputs)),
            idempotency_key,
        };
        Ok(mutate!(
            self,
            TriggerNow,
            trigger_now,
            trigger_now,
            occurrence,
            input
        ))
    }

    /// The latest occurrences of the schedule that `key` names, the latest instant first; `None` when there is no such schedule. Only those
    /// with one of the `outcomes`, where any are given.
    pub(crate) async fn occurrences_of_schedule(
        &self,
        key: String,
        outcomes: Vec<ListedOutcome>,
        first: u32,
    ) -> Result<Option<Vec<ListedOccurrence>>, ClientError> {
        let filter = (!outcomes.is_empty()).then_some(occurrences_of_schedule::OccurrenceFilter {
            outcomes: Some(outcomes),
        });
        let variables = occurrences_of_schedule::Variables {
            key,
            first: first.into(),
            filter,
        };
        let found = self.ask::<OccurrencesOfSchedule>(variables).await?.schedule;
        Ok(found.map(|schedule| schedule.occurrences.nodes))
    }

    /// What a cron expression names from now on, or what is wrong with it.
    pub(crate) async fn preview(
        &self,
        tried: TriedCron,
    ) -> Result<Result<ShownPreview, Vec<UserError>>, ClientError> {
        let cron = preview_schedule::CronInput {
            expression: tried.expression,
            dialect: tried.dialect,
            both_days: preview_schedule::CronBothDays::Or,
        };
        let timing = preview_schedule::ScheduleTimingInput {
            rule: preview_schedule::ScheduleRuleInput::Cron(cron),
            time_zone: tried.zone,
            daylight_saving: None,
            calendar: Box::new(None),
            reaction: preview_schedule::CalendarReaction::Skip,
            blackouts: None,
            validity: None,
            jitter: "PT0S".to_owned(),
        };
        let variables = preview_schedule::Variables {
            input: preview_schedule::PreviewScheduleInput {
                timing,
                key: String::new(),
            },
            first: tried.first.into(),
        };
        let shown = self.ask::<PreviewSchedule>(variables).await?.preview_schedule;
        if shown.user_errors.is_empty() {
            return Ok(Ok(shown));
        }
        let errors = shown.user_errors.into_iter().map(|error| UserError {
            message: error.message,
            path: error.path,
        });
        Ok(Err(errors.collect()))
    }
}
