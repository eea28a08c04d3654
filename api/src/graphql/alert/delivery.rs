//! Deliveries as clients see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use waterclock_core::store::alert_deliveries::{self, AlertDelivery as Record, Try};

use super::channel::AlertChannel;
use super::object::Alert;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::load;
use crate::graphql::loader;
use crate::graphql::scalar::{DateTime, Duration, Json};

/// What a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "alert_deliveries::DeliveryState")]
pub(crate) enum AlertDeliveryState {
    /// It is on its way.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up.
    Failed,
}

/// What became of one try of a delivery.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AlertDeliveryTry {
    /// When it was begun.
    at: DateTime,
    /// How long it took.
    took: Duration,
    /// The status that a webhook answered.
    http_status: Option<i32>,
    /// Why it did not arrive; absent when it did.
    failure: Option<String>,
}

impl From<&Try> for AlertDeliveryTry {
    fn from(told: &Try) -> Self {
        Self {
            at: told.at.into(),
            took: Duration(told.took_ms.try_into().unwrap_or(i64::MAX)),
            http_status: told.http_status.map(Into::into),
            failure: told.failure.clone(),
        }
    }
}

/// An alert on its way through one channel.
#[derive(Clone)]
pub(crate) struct AlertDelivery(pub(crate) Arc<Record>);

impl From<Record> for AlertDelivery {
    fn from(delivery: Record) -> Self {
        Self(Arc::new(delivery))
    }
}

/// An alert on its way through one channel, or one that has arrived or never did. It arrives at least once; what does not is tried
/// again for about two days, after 10 seconds first and a day at last, and later where the receiver says so.
#[Object]
impl AlertDelivery {
    /// Names it for good. With every try it is sent as `webhook-id`, in another form.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::AlertDelivery, self.0.id)
    }

    /// The alert; absent when somebody only tried the channel.
    async fn alert(&self, context: &Context<'_>) -> Result<Option<Alert>> {
        match self.0.alert_id {
            Some(id) => Ok(load(context, id).await?.map(Alert)),
            None => Ok(None),
        }
    }

    /// Where it goes; absent once the channel was deleted.
    async fn channel(&self, context: &Context<'_>) -> Result<Option<AlertChannel>> {
        Ok(loader::load(context, self.0.channel_id).await?.map(AlertChannel))
    }

    /// What is delivered.
    async fn body(&self) -> Json {
        Json(self.0.body.clone())
    }

    /// What it is.
    async fn state(&self) -> AlertDeliveryState {
        self.0.state.into()
    }

    /// What became of its latest tries, in order, 50 at most.
    async fn tries(&self) -> Vec<AlertDeliveryTry> {
        self.0.tries.iter().map(Into::into).collect()
    }

    /// When it is tried next, while it is on its way.
    async fn next_try_at(&self) -> Option<DateTime> {
        let is_pending = self.0.state == alert_deliveries::DeliveryState::Pending;
        is_pending.then(|| self.0.next_at.into())
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it arrived or was given up.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(Into::into)
    }
}
