//! From what is watched to what a subscription sends.

use std::future::ready;
use std::str::FromStr;
use std::sync::Arc;

use async_graphql::{Context, Error, ErrorExtensions as _, Result};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use waterclock_core::event::{Event, Topic};
use waterclock_core::id::TenantId;
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::watch::{Watch, WatchError};

use crate::graphql::error::internal;
use crate::graphql::guard::caller;
use crate::transport::{ErrorCode, SLOW_CONSUMER};

/// The caller's events of `topic` behind the number `after`, or from now on, as `show` makes of them what is sent.
pub(crate) async fn follow<T, Show, Shown>(
    context: &Context<'_>,
    topic: Topic,
    after: Option<i64>,
    show: Show,
) -> Result<BoxStream<'static, Result<T>>>
where
    T: Send + 'static,
    Show: Fn(Journal, TenantId, Vec<Arc<Event>>) -> Shown + Send + 'static,
    Shown: Future<Output = Result<Vec<T>, StoreError>> + Send + 'static,
{
    let tenant = caller(context)?.tenant_id;
    let journal = context.data::<Journal>()?.clone();
    let subscribed = context.data::<Watch>()?.subscribe(tenant, topic, after).await;
    let batches = stream::unfold(subscribed.map_err(watch_error)?, async |mut subscription| {
        let events = subscription.next().await?;
        Some((events, subscription))
    });
    Ok(flow(batches.then(move |events| {
        let shown = events
            .map_err(watch_error)
            .map(|events| show(journal.clone(), tenant, events));
        async move { shown?.await.map_err(|error| internal(&error)) }
    })))
}

/// What the event's data name as `datum`.
pub(crate) fn told<T: FromStr>(event: &Event, datum: &str) -> Option<T> {
    event.data.as_ref()?.get(datum)?.as_str()?.parse().ok()
}

/// What the events' data name as `datum`, each once.
pub(crate) fn all_told<T: FromStr + Ord>(events: &[Arc<Event>], datum: &str) -> Vec<T> {
    let mut all: Vec<T> = events.iter().filter_map(|event| told(event, datum)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Sends what comes in batches one by one, and ends with the first error: whoever went on behind it would miss something.
pub(crate) fn flow<T: Send + 'static>(
    batches: impl Stream<Item = Result<Vec<T>>> + Send + 'static,
) -> BoxStream<'static, Result<T>> {
    let until_error = batches.scan(false, |failed, batch| {
        let next = (!*failed).then_some(batch);
        *failed = matches!(next, Some(Err(_)));
        ready(next)
    });
    let one_by_one = until_error.flat_map(|batch| {
        stream::iter(match batch {
            Ok(items) => items.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    });
    one_by_one.boxed()
}

/// What a client is told when its subscription cannot begin, or cannot go on.
pub(crate) fn watch_error(error: WatchError) -> Error {
    match error {
        WatchError::SlowConsumer => {
            Error::new(error.to_string()).extend_with(|_, extensions| extensions.set("code", SLOW_CONSUMER))
        }
        WatchError::AheadOfLog => ErrorCode::BadUserInput.error(error.to_string()),
        WatchError::Unavailable(error) => internal(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_follows_an_error() {
        let batches = vec![Ok(vec![1, 2]), Err(Error::new("lost")), Ok(vec![5])];
        let sent: Vec<_> = flow(stream::iter(batches))
            .map(|item| item.map_err(|error| error.message))
            .collect()
            .await;
        assert_eq!(sent, [Ok(1), Ok(2), Err("lost".to_owned())]);
    }
}
