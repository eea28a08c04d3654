//! Following something as it is, until it has ended.
//!
//! What is sent is the thing and not what happened to it, so whoever subscribes anew has missed nothing, and a thing that moves faster
//! than a client reads is sent less often.

use async_graphql::{Context, Result};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::TenantId;
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::watch::{self, Watch};

use super::error::internal;
use super::event::{told, watch_error};
use super::guard::caller;

/// Something that comes further, and ends.
pub(super) trait Followed: Send + Sized + 'static {
    /// Names it.
    type Id: Copy + Send + Sync + PartialEq + std::str::FromStr + 'static;

    /// The topic of the events that tell of it.
    const TOPIC: Topic;
    /// What its id is called in their data.
    const TOLD_AS: &'static str;

    /// It, as it is now.
    fn read(
        journal: &Journal,
        tenant: TenantId,
        id: Self::Id,
    ) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send;

    /// Whether nothing more comes of it.
    fn has_ended(&self) -> bool;
}

/// What `id` names as it is now, and again whenever it has come further.
pub(super) async fn follow<T: Followed>(
    context: &Context<'_>,
    id: T::Id,
) -> Result<BoxStream<'static, Result<T>>> {
    let tenant = caller(context)?.tenant_id;
    let watch = context.data::<Watch>()?;
    let subscribed = watch.subscribe(tenant, T::TOPIC, None).await;
    let following = Following::<T> {
        subscription: subscribed.map_err(watch_error)?,
        journal: context.data::<Journal>()?.clone(),
        tenant,
        id,
        next: Next::Read,
    };
    Ok(stream::unfold(following, Following::step).boxed())
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The thing as it is.
    Read,
    /// The thing when something has happened to it.
    Wait,
    /// Nothing.
    End,
}

/// One client that follows one thing.
struct Following<T: Followed> {
    subscription: watch::Subscription,
    journal: Journal,
    tenant: TenantId,
    id: T::Id,
    next: Next,
}

impl<T: Followed> Following<T> {
    async fn step(mut self) -> Option<(Result<T>, Self)> {
        let read = match self.next {
            Next::End => return None,
            Next::Read => self.read().await,
            Next::Wait => match self.wait().await? {
                Ok(()) => self.read().await,
                Err(error) => Err(error),
            },
        };
        self.next = match &read {
            Ok(Some(found)) if !found.has_ended() => Next::Wait,
            _ => Next::End,
        };
        Some((read.transpose()?, self))
    }

    /// Waits until something has happened to it; nothing comes any more when this gives nothing.
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
        told(event, T::TOLD_AS) == Some(self.id)
    }

    async fn read(&self) -> Result<Option<T>> {
        let found = T::read(&self.journal, self.tenant, self.id).await;
        found.map_err(|error| internal(&error))
    }
}
