//! Following bulk jobs.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use waterclock_core::bulk::BulkJob as Record;
use waterclock_core::event::Topic;
use waterclock_core::id::{BulkJobId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;

use super::object::BulkJob;
use crate::graphql::following::{Followed, follow};
use crate::graphql::guard::VIEWER;
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;
use crate::transport::ErrorCode;

impl Followed for Record {
    type Id = BulkJobId;

    const TOPIC: Topic = Topic::BulkJobs;
    const TOLD_AS: &'static str = "bulkJob";

    async fn read(journal: &Journal, tenant: TenantId, id: BulkJobId) -> Result<Option<Self>, StoreError> {
        Ok(journal.bulk_jobs_by_id(tenant, &[id]).await?.pop())
    }

    fn has_ended(&self) -> bool {
        self.state.is_terminal()
    }
}

/// Following bulk jobs.
#[derive(Default)]
pub(crate) struct BulkSubscription;

#[Subscription]
impl BulkSubscription {
    /// A bulk job as it is now, and again whenever it has come further. Completes when it has ended. Whoever subscribes anew has
    /// missed nothing: what is sent is the job and not what happened to it. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn bulk_job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job.")] id: ID,
    ) -> Result<BoxStream<'static, Result<BulkJob>>> {
        let id: BulkJobId = of_kind(Kind::BulkJob, &id);
        if load(context, id).await?.is_none() {
            return Err(ErrorCode::NotFound.error("There is no bulk job with this id."));
        }
        let followed = follow::<Record>(context, id).await?;
        Ok(followed
            .map(|found| found.map(|job| BulkJob(Arc::new(job))))
            .boxed())
    }
}
