//! What causes runs.

use super::named;

named! {
    /// What caused a run.
    Trigger {
        /// Somebody started it.
        Caller = "CALLER",
        /// A task run of another run is it.
        Workflow = "WORKFLOW",
        /// An occurrence of a schedule was due.
        Schedule = "SCHEDULE",
        /// Somebody had occurrences of the past run.
        Backfill = "BACKFILL",
        /// Somebody ran another run again.
        Rerun = "RERUN",
        /// A run of another workflow had ended.
        RunEnded = "RUN_ENDED",
        /// An event was published.
        Event = "EVENT",
        /// A webhook was called.
        Webhook = "WEBHOOK",
    }
}
