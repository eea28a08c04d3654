//! What becomes of occurrences, and where schedules stand.

use crate::run::named;

named! {
    /// What became of an occurrence.
    OccurrenceOutcome {
        /// It waits for its turn.
        Waiting = "WAITING",
        /// Its run was started.
        Fired = "FIRED",
        /// It was passed over, because an earlier one was under way or too many waited.
        SkippedOverlap = "SKIPPED_OVERLAP",
        /// It is one with another occurrence.
        Coalesced = "COALESCED",
        /// It fell on a day or into a window that does not work.
        SkippedCalendar = "SKIPPED_CALENDAR",
        /// It was not started in time, and is not caught up.
        Missed = "MISSED",
        /// Its start deadline passed before it could start.
        Expired = "EXPIRED",
        /// Its schedule was paused or stopped.
        Paused = "PAUSED",
        /// A backfill started its run.
        Backfilled = "BACKFILLED",
        /// Its run could not be made: the workflow is not published, or does not take the inputs.
        Rejected = "REJECTED",
        /// The tenant has as many runs under way as it may.
        RejectedQuota = "REJECTED_QUOTA",
    }
}

named! {
    /// Where a schedule stands.
    ScheduleState {
        /// It names no occurrences.
        Stopped = "STOPPED",
        /// It starts what is due.
        Active = "ACTIVE",
        /// It records what is due and starts nothing.
        Paused = "PAUSED",
        /// It has named its last occurrence.
        Finished = "FINISHED",
    }
}
