//! What timers are set for.

use super::named;

named! {
    /// What a scheduler is to look at when a timer is due.
    TimerKind {
        /// The time of the run is over.
        RunTimeout = "RUN_TIMEOUT",
        /// The task run should have started by now.
        StartDeadline = "START_DEADLINE",
        /// The attempt should have ended by now.
        AttemptOverdue = "ATTEMPT_OVERDUE",
        /// What the task run waited for has come, or its time is over: a wait, an approval.
        HoldOver = "HOLD_OVER",
        /// The endpoint should have called back by now.
        CallbackDue = "CALLBACK_DUE",
        /// The run that the task run is has ended.
        RunEnded = "RUN_ENDED",
        /// An event that the task run waits for was published.
        EventPublished = "EVENT_PUBLISHED",
        /// The executor that the share was dealt to is gone.
        ExecutorGone = "EXECUTOR_GONE",
    }
}

named! {
    /// Why a task run is in the service's own hands.
    Hold {
        /// It waits for its items, shards or executors.
        Items = "ITEMS",
        /// It waits for the run that it is.
        Run = "RUN",
        /// It waits for an answer.
        Approval = "APPROVAL",
        /// It waits for a time, an instant or an event.
        Wait = "WAIT",
        /// It waits for its endpoint to call back.
        Callback = "CALLBACK",
    }
}
