//! Following backfills.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use waterclock_core::backfill::Backfill as Record;
use waterclock_core::event::Topic;
use waterclock_core::id::{BackfillId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;

use super::object::Backfill;
use crate::graphql::following::{Followed, follow};
use crate::graphql::guard::VIEWER;
use crate::graphql::id::{Kind, of_kind};
use crate::graphql::journal::load;
use crate::transport::ErrorCode;

impl Followed for Record {
    type Id = BackfillId;

    const TOPIC: Topic = Topic::Backfills;
    const TOLD_AS: &'static str = "backfill";

    async fn read(journal: &Journal, tenant: TenantId, id: BackfillId) -> Result<Option<Self>, StoreError> {
        Ok(journal.backfills_by_id(tenant, &[id]).await?.pop())
    }

    fn has_ended(&self) -> bool {
        self.state.is_terminal()
    }
}

/// Following backfills.
#[derive(Default)]
pub(crate) struct BackfillSubscription;

#[Subscription]
impl BackfillSubscription {
    /// A backfill as it is now, and again whenever it has come further. Completes when it has ended. Whoever subscribes anew has
    /// missed nothing: what is sent is the backfill and not what happened to it. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn backfill(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The backfill.")] id: ID,
    ) -> Result<BoxStream<'static, Result<Backfill>>> {
        let id: BackfillId = of_kind(Kind::Backfill, &id);
        if load(context, id).await?.is_none() {
            return Err(ErrorCode::NotFound.error("There is no backfill with this id."));
        }
        let followed = follow::<Record>(context, id).await?;
        Ok(followed
            .map(|found| found.map(|backfill| Backfill(Arc::new(backfill))))
            .boxed())
    }
}
