//! From what is watched to what a subscription sends.

use std::future::ready;

use async_graphql::{Error, ErrorExtensions as _, Result};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use waterclock_core::watch::WatchError;

use crate::graphql::error::internal;
use crate::transport::{ErrorCode, SLOW_CONSUMER};

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
