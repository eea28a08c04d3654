//! What is done to many runs: asked for, listed, followed, called off.

use chrono::{DateTime as Instant, Utc};
use graphql_client::GraphQLQuery;
use serde_json::Value;

use super::operation::{Told, mutate, operations};
use super::{Api, ClientError, EventOf, Tail, UserError};

type DateTime = Instant<Utc>;
type Id = String;
type Json = Value;

operations! {
    BulkRuns in "src/client/operations/bulk_runs.graphql";
    ListBulkJobs in "src/client/operations/list_bulk_jobs.graphql";
    FollowBulkJob in "src/client/operations/follow_bulk_job.graphql";
    RefusalsOfBulkJob in "src/client/operations/refusals_of_bulk_job.graphql";
    CancelBulkJob in "src/client/operations/cancel_bulk_job.graphql";
}

pub(crate) use follow_bulk_job::{BulkJobState, FollowBulkJobBulkJob as BulkProgress};
pub(crate) use list_bulk_jobs::{
    BulkActionKind as ListedBulkAction, BulkJobState as ListedBulkState,
    ListBulkJobsBulkJobsNodes as ListedBulkJob,
};
pub(crate) use refusals_of_bulk_job::RefusalsOfBulkJobBulkJobRefusalsNodes as BulkRefusal;

/// What a call for something to be done to many runs came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BulkAnswer {
    /// The job's id; absent for a dry run.
    pub(crate) job: Option<String>,
    /// How many runs match, as far as was counted.
    pub(crate) matched: i64,
    /// Not all runs were counted.
    pub(crate) more: bool,
}

impl Api {
    /// Asks for something to be done to many runs.
    pub(crate) async fn bulk_runs(
        &self,
        input: bulk_runs::BulkRunsInput,
    ) -> Result<Result<BulkAnswer, Vec<UserError>>, ClientError> {
        let answer = self
            .ask::<BulkRuns>(bulk_runs::Variables { input })
            .await?
            .bulk_runs;
        let errors = answer.user_errors.into_iter().map(|error| UserError {
            message: error.message,
            path: error.path,
        });
        let job = answer.bulk_job.map(|job| job.id);
        let matched = answer.matched.zip(answer.matches_more);
        Ok(matched
            .map(|(matched, more)| BulkAnswer { job, matched, more })
            .ok_or_else(|| errors.collect()))
    }

    /// The latest bulk jobs, at most `limit`.
    pub(crate) async fn list_bulk_jobs(&self, limit: u32) -> Result<Vec<ListedBulkJob>, ClientError> {
        let variables = list_bulk_jobs::Variables { first: limit.into() };
        Ok(self.ask::<ListBulkJobs>(variables).await?.bulk_jobs.nodes)
    }

    /// The first runs that refused what a job was to do to them, at most `limit`.
    pub(crate) async fn refusals_of_bulk_job(
        &self,
        id: String,
        limit: i64,
    ) -> Result<Vec<BulkRefusal>, ClientError> {
        let variables = refusals_of_bulk_job::Variables { id, first: limit };
        let job = self.ask::<RefusalsOfBulkJob>(variables).await?.bulk_job;
        Ok(job.map(|job| job.refusals.nodes).unwrap_or_default())
    }

    /// Ends a bulk job.
    pub(crate) async fn cancel_bulk_job(&self, id: String) -> Told {
        let input = cancel_bulk_job::CancelBulkJobInput { id };
        let done = mutate!(
            self,
            CancelBulkJob,
            cancel_bulk_job,
            cancel_bulk_job,
            bulk_job,
            input
        );
        Ok(done.map(drop))
    }
}

/// A bulk job, whenever it has come further.
pub(crate) struct BulkTail {
    pub(crate) job: String,
}

impl Tail for BulkTail {
    type Query = FollowBulkJob;

    fn variables_after(&self, _: Option<&str>) -> follow_bulk_job::Variables {
        follow_bulk_job::Variables { id: self.job.clone() }
    }

    /// It has none: what is sent is the job as it is.
    fn cursor_of(_: &EventOf<Self>) -> Option<&str> {
        None
    }
}
