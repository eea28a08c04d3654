//! Doing something to many runs, and calling it off.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};
use waterclock_core::bulk::Matched;
use waterclock_core::command::bulk_runs::{bulk_runs, cancel_bulk_job, foresee_bulk_runs};
use waterclock_core::error::CommandError;
use waterclock_core::id::BulkJobId;
use waterclock_core::signal::Signals;
use waterclock_core::store::Database;

use super::input::{BulkRunsInput, CancelBulkJobInput};
use super::object::BulkJob;
use crate::graphql::error::{UserError, outcome, payload};
use crate::graphql::guard::{OPERATOR, author};
use crate::graphql::id::{Kind, of_kind};

/// What became of `bulkRuns`.
#[derive(SimpleObject)]
pub(crate) struct BulkRunsPayload {
    /// The job, if it was made, now or by an earlier call under the same idempotency key; absent for a dry run.
    bulk_job: Option<BulkJob>,
    /// How many runs match, as far as was counted: of 10,000 runs at most.
    matched: Option<i32>,
    /// Whether there are runs that were not counted.
    matches_more: Option<bool>,
    /// What is wrong with the input, all at once; empty when the mutation did what it was asked.
    user_errors: Vec<UserError>,
}

impl BulkRunsPayload {
    fn of(result: std::result::Result<(Option<BulkJob>, Matched), CommandError>) -> Result<Self> {
        let (answer, user_errors) = outcome(result)?;
        let (bulk_job, matched) = answer.map_or((None, None), |(job, matched)| (job, Some(matched)));
        Ok(Self {
            bulk_job,
            matched: matched.map(|matched| matched.count),
            matches_more: matched.map(|matched| matched.more),
            user_errors,
        })
    }
}

payload! {
    /// What became of `cancelBulkJob`.
    CancelBulkJobPayload {
        /// The job, if it was cancelled, now or before.
        bulk_job: BulkJob
    }
}

/// Doing something to many runs, and calling it off.
#[derive(Default)]
pub(crate) struct BulkMutation;

#[Object]
impl BulkMutation {
    /// Does to many runs what the single mutations do to one: a job that goes on after this has answered, and survives whoever works
    /// it off. It means the runs that are there now, looks at each of them once, and lists those that refuse. Needs the scope
    /// `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn bulk_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be done to which runs.")] input: BulkRunsInput,
    ) -> Result<BulkRunsPayload> {
        let dry_run = input.dry_run;
        let wanted = match input.request(context).await? {
            Ok(wanted) => wanted,
            Err(faults) => return BulkRunsPayload::of(Err(CommandError::Refused(faults))),
        };
        let (database, author) = (context.data::<Database>()?, author(context)?);
        if dry_run {
            let matched = foresee_bulk_runs(database, &author, &wanted).await;
            return BulkRunsPayload::of(matched.map(|matched| (None, matched)));
        }
        let job = bulk_runs(database, context.data::<Signals>()?, &author, &wanted).await;
        BulkRunsPayload::of(job.map(|job| {
            let matched = job.matched;
            (Some(BulkJob(Arc::new(job))), matched)
        }))
    }

    /// Ends a bulk job. When this has answered, no run is touched by it any more; what was done to runs before stays done. Needs the
    /// scope `operator`.
    #[graphql(guard = "OPERATOR")]
    async fn cancel_bulk_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job.")] input: CancelBulkJobInput,
    ) -> Result<CancelBulkJobPayload> {
        let id: BulkJobId = of_kind(Kind::BulkJob, &input.id);
        let (database, signals) = (context.data::<Database>()?, context.data::<Signals>()?);
        let cancelled = cancel_bulk_job(database, signals, &author(context)?, id).await;
        CancelBulkJobPayload::of(cancelled, |job| BulkJob(Arc::new(job)))
    }
}
