//! What is run of schedules' pasts: foreseen, asked for, listed, followed, called off.

use chrono::{DateTime as Instant, Utc};
use graphql_client::GraphQLQuery;
use serde_json::Value;

use super::operation::{Told, mutate, operations};
use super::{Api, ClientError, EventOf, Tail, UserError};

type DateTime = Instant<Utc>;
type Id = String;
type Json = Value;

operations! {
    BackfillSchedule in "src/client/operations/backfill_schedule.graphql";
    PreviewBackfill in "src/client/operations/preview_backfill.graphql";
    ListBackfills in "src/client/operations/list_backfills.graphql";
    FollowBackfill in "src/client/operations/follow_backfill.graphql";
    CancelBackfill in "src/client/operations/cancel_backfill.graphql";
}

pub(crate) use cancel_backfill::BackfillRuns;
pub(crate) use follow_backfill::{BackfillState, FollowBackfillBackfill as FollowedBackfill};
pub(crate) use list_backfills::{
    BackfillState as ListedBackfillState, ListBackfillsBackfillsNodes as ListedBackfill,
};
pub(crate) use preview_backfill::PreviewBackfillPreviewBackfillStepsNodes as ForeseenStep;

impl Api {
    /// Has a schedule's past run; gives the backfill's id.
    pub(crate) async fn backfill_schedule(
        &self,
        input: backfill_schedule::BackfillScheduleInput,
    ) -> Result<Result<String, Vec<UserError>>, ClientError> {
        let made = mutate!(
            self,
            BackfillSchedule,
            backfill_schedule,
            backfill_schedule,
            backfill,
            input
        );
        Ok(made.map(|backfill| backfill.id))
    }

    /// What a backfill would do, step by step.
    pub(crate) async fn preview_backfill(
        &self,
        input: preview_backfill::PreviewBackfillInput,
    ) -> Result<Result<Vec<ForeseenStep>, Vec<UserError>>, ClientError> {
        let (mut foreseen, mut after) = (Vec::new(), None);
        loop {
            let input = input.clone();
            let variables = preview_backfill::Variables { input, after };
            let preview = self.ask::<PreviewBackfill>(variables).await?.preview_backfill;
            let Some(page) = preview.steps else {
                let errors = preview.user_errors.into_iter().map(|error| UserError {
                    message: error.message,
                    path: error.path,
                });
                return Ok(Err(errors.collect()));
            };
            foreseen.extend(page.nodes);
            if !page.page_info.has_next_page {
                return Ok(Ok(foreseen));
            }
            after = page.page_info.end_cursor;
        }
    }

    /// The latest backfills, at most `limit`.
    pub(crate) async fn list_backfills(&self, limit: u32) -> Result<Vec<ListedBackfill>, ClientError> {
        let variables = list_backfills::Variables { first: limit.into() };
        Ok(self.ask::<ListBackfills>(variables).await?.backfills.nodes)
    }

    /// Ends a backfill.
    pub(crate) async fn cancel_backfill(&self, id: String, runs: BackfillRuns) -> Told {
        let input = cancel_backfill::CancelBackfillInput { id, runs };
        let done = mutate!(
            self,
            CancelBackfill,
            cancel_backfill,
            cancel_backfill,
            backfill,
            input
        );
        Ok(done.map(drop))
    }
}

/// A backfill, whenever it has come further.
pub(crate) struct BackfillTail {
    pub(crate) backfill: String,
}

impl Tail for BackfillTail {
    type Query = FollowBackfill;

    fn variables_after(&self, _: Option<&str>) -> follow_backfill::Variables {
        follow_backfill::Variables {
            id: self.backfill.clone(),
        }
    }

    /// It has none: what is sent is the backfill as it is.
    fn cursor_of(_: &EventOf<Self>) -> Option<&str> {
        None
    }
}
