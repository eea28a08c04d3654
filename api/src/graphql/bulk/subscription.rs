//! Following bulk jobs.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use waterclock_core::bulk::BulkJob as Record;
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::{BulkJobId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::watch::{self, Watch};

use super::object::BulkJob;
use crate::graphql::error::internal;
use crate::graphql::event::watch_error;
use crate::graphql::guard::{VIEWER, caller};
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;
use crate::transport::ErrorCode;

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
        let tenant = caller(context)?.tenant_id;
        let watch = context.data::<Watch>()?;
        let subscribed = watch.subscribe(tenant, Topic::BulkJobs, None).await;
        let following = Following {
            subscription: subscribed.map_err(watch_error)?,
            journal: context.data::<Journal>()?.clone(),
            tenant,
            id,
            next: Next::Read,
        };
        Ok(stream::unfold(following, Following::step).boxed())
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The job as it is.
    Read,
    /// The job when something has happened to it.
    Wait,
    /// Nothing.
    End,
}

/// One client that follows one job.
struct Following {
    subscription: watch::Subscription,
    journal: Journal,
    tenant: TenantId,
    id: BulkJobId,
    next: Next,
}

impl Following {
    async fn step(mut self) -> Option<(Result<BulkJob>, Self)> {
        let read = match self.next {
            Next::End => return None,
            Next::Read => self.read().await,
            Next::Wait => match self.wait().await? {
                Ok(()) => self.read().await,
                Err(error) => Err(error),
            },
        };
        self.next = match &read {
            Ok(Some(job)) if !job.state.is_terminal() => Next::Wait,
            _ => Next::End,
        };
        let job = read.transpose()?;
        Some((job.map(|job| BulkJob(Arc::new(job))), self))
    }

    /// Waits until something has happened to the job; nothing comes any more when it gives nothing.
    async fn wait(&mut self) -> Option<Result<()>> {
        loop {
            match self.subscription.next().await? {
                Err(error) => return Some(Err(watch_error(error))),
                Ok(events) if events.iter().any(|event| self.is_told_by(event)) => return Some(Ok(())),
                Ok(_) => {}
            }
        }
    }

    fn is_told_by(&self, event: &Event) -> bool {
        let told = event.data.as_ref().and_then(|data| data.get("bulkJob")?.as_str());
        told.and_then(|id| id.parse().ok()) == Some(self.id)
    }

    async fn read(&self) -> Result<Option<Record>> {
        let found = self.journal.bulk_jobs_by_id(self.tenant, &[self.id]).await;
        Ok(found.map_err(|error| internal(&error))?.into_iter().next())
    }
}
