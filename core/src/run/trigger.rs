//! What causes runs.

use super::named;

named! {
    /// What caused a run.
    Trigger {
        /// Somebody started it.
        Caller = "CALLER",
        /// A task run of another run is it.
        Workflow = "WORKFLOW",
        /// Somebody ran another run again.
        Rerun = "RERUN",
    }
}
