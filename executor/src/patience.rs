//! How long a call to the work source may take.

use std::time::Duration;

use tokio::time::timeout;
use waterclock_core::work::WorkSourceError;

/// Far longer than any call takes. A connection that died without a word would otherwise be waited for without end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The call's result; a call without one in time is one that did not get through.
pub(crate) async fn in_time<T>(
    call: impl Future<Output = Result<T, WorkSourceError>>,
) -> Result<T, WorkSourceError> {
    timeout(PATIENCE, call)
        .await
        .unwrap_or_else(|elapsed| Err(WorkSourceError::Unavailable(elapsed.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_is_one_that_did_not_get_through() {
        let hanging = std::future::pending::<Result<(), WorkSourceError>>();
        assert!(matches!(
            in_time(hanging).await,
            Err(WorkSourceError::Unavailable(_))
        ));
        assert!(in_time(async { Ok(1) }).await.is_ok());
    }
}
