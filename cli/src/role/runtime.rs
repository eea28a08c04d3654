//! The threads of a role: one for each core, and a few for the rare call that blocks.

use std::io;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// With the main thread, and the one on which GraphQL's loaders wait for their batches, there are then four more threads
/// than cores.
const BLOCKING_THREADS: usize = 2;

/// A runtime for a role.
pub(super) fn of_role() -> io::Result<Runtime> {
    limit_arenas();
    Builder::new_multi_thread()
        .worker_threads(available_parallelism()?.get())
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(Duration::from_secs(5))
        .thread_name("waterclock")
        .enable_all()
        .build()
}

/// Has all threads share two of the allocator's arenas.
///
/// It would make up to eight for each core, and each keeps what was once freed in it.
fn limit_arenas() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "it sets a number, before other threads exist")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
