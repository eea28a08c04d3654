//! What is done to many runs at once: a job, and how far it is.
//!
//! A call that steered a hundred thousand runs before it answers would hold its caller up for minutes, and would leave them in the
//! dark when it is cut off half-way. So it makes a job, and a scheduler does to the runs one by one what the single mutation does
//! to one, with its words and its refusals. The job means the runs that were there when it was made, and each of them once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogue::read;
use crate::command::cancel_run::Force;
use crate::command::rerun::RerunVersion;
use crate::command::steer_task_run::Steer;
use crate::id::{BulkJobId, RunId, TenantId};
use crate::journal::Journal;
use crate::run::{Selection, named};
use crate::store::bulk_jobs::{RefusalPage, list_bulk_jobs, list_bulk_jobs_by_id, list_bulk_refusals};
use crate::store::runs::RunFilter;
use crate::store::{Actor, StoreError};

/// What is done to each run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BulkAction {
    /// It is told to stop.
    Stop {
        /// What becomes of what runs.
        force: Force,
        /// Why, for whoever reads it later.
        reason: Option<String>,
    },
    /// It starts nothing more until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// It has ended, and is run again.
    Rerun {
        /// Which of its nodes run again.
        from: Selection,
        /// By which version.
        version: RerunVersion,
        /// What the new run is given in place of what the run was given.
        inputs: Option<Map<String, Value>>,
    },
    /// One of its task runs is hurried, skipped or marked as done.
    Steer {
        /// The key of the task run's node.
        node: String,
        /// What becomes of it.
        steer: Steer,
    },
}

named! {
    /// What a bulk job is.
    BulkJobState {
        /// It waits for its first turn.
        Queued = "QUEUED",
        /// It has begun.
        Running = "RUNNING",
        /// Every run was looked at.
        Succeeded = "SUCCEEDED",
        /// The service could not go on with it.
        Failed = "FAILED",
        /// Somebody cancelled it.
        Cancelled = "CANCELLED",
    }
}

impl BulkJobState {
    /// Whether nothing more comes of it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How many runs match, as far as was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched {
    /// At least so many.
    pub count: i32,
    /// Not all runs were counted.
    pub more: bool,
}

/// Something that is done to many runs.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkJob {
    /// Names it; sorts by creation.
    pub id: BulkJobId,
    /// What is done to each run.
    pub action: BulkAction,
    /// Which runs are meant, of those that were there when it was made; all of them when nothing narrows it.
    pub filter: RunFilter,
    /// What it is.
    pub state: BulkJobState,
    /// Why it failed, in a sentence.
    pub state_reason: Option<String>,
    /// How many runs matched when it was made.
    pub matched: Matched,
    /// To how many runs it was done.
    pub succeeded: i32,
    /// How many runs refused it.
    pub refused: i32,
    /// Who asked for it.
    pub created_by: String,
    /// Who cancelled it.
    pub cancelled_by: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it had its first turn.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A run that refused what a job was to do to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkRefusal {
    /// The job.
    pub job_id: BulkJobId,
    /// The run.
    pub run_id: RunId,
    /// What was wrong, for programs: the name of a [`crate::error::RefusalCode`].
    pub code: String,
    /// What was wrong, in a sentence.
    pub message: String,
}

impl Journal {
    /// The newest `limit` bulk jobs that are older than `before`.
    pub async fn bulk_jobs(
        &self,
        tenant: TenantId,
        before: Option<BulkJobId>,
        limit: i64,
    ) -> Result<Vec<BulkJob>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_bulk_jobs(
            transaction,
            tenant,
            before,
            limit
        ))
    }

    /// The bulk jobs that `ids` name, in no order.
    pub async fn bulk_jobs_by_id(
        &self,
        tenant: TenantId,
        ids: &[BulkJobId],
    ) -> Result<Vec<BulkJob>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_bulk_jobs_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The same page of the refusals of each of `jobs`; those of one job in the order of the runs.
    pub async fn bulk_refusals(
        &self,
        tenant: TenantId,
        jobs: &[BulkJobId],
        page: RefusalPage,
    ) -> Result<Vec<BulkRefusal>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_bulk_refusals(
            transaction,
            tenant,
            jobs,
            page
        ))
    }
}
