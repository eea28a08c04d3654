//! SIGINT and SIGTERM, from anywhere.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was told to stop twice.
const IMPATIENT: i32 = 130;

/// A token that the first SIGINT or SIGTERM cancels. The second ends the process at once; what it had started is then ended
/// by the kernel.
pub(crate) fn on_signals() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        for told_before in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if told_before {
                std::process::exit(IMPATIENT);
            }
            cancelled.cancel();
        }
    });
    Ok(token)
}
