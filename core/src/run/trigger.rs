//! What causes runs.

use super::named;

named! {
    /// What caused a run.
    Trigger {
        /// Somebody started it.
        Caller = "CALLER",
    }
}
