//! The command line as a client of the API, like anybody's: typed from `schema.graphql`, with a token and an address.

mod alerts;
mod api;
mod backfills;
mod bulk;
mod definitions;
mod error;
mod graphs;
mod operation;
mod runs;
mod schedules;
mod steering;
mod subscription;
mod triggers;
mod versions;
mod waits;

pub(crate) use alerts::{ListedAlert, Severity};
pub(crate) use api::Api;
pub(crate) use backfills::{
    BackfillRuns, BackfillState, BackfillTail, FollowedBackfill, ForeseenStep, ListedBackfill,
    ListedBackfillState, backfill_schedule, preview_backfill,
};
pub(crate) use bulk::{
    BulkAnswer, BulkJobState, BulkProgress, BulkTail, ListedBulkAction, ListedBulkJob, ListedBulkState,
    bulk_runs,
};
pub(crate) use definitions::{Found, Problem, UserError};
pub(crate) use error::ClientError;
pub(crate) use graphs::{Edition, Level, ShownCriticalPath, ShownPaths};
pub(crate) use runs::{
    EventKind, ListedRun, LogStream, LogTail, Logged, NewRun, PrintedLine, RepeatedRun, RunEvent, RunTail,
    list_runs, rerun,
};
pub(crate) use schedules::{
    CronDialect, ListedOccurrence, ListedOutcome, ListedSchedule, OccurrenceNote, OccurrenceOutcome,
    OccurrencePlacement, ScheduleState, ShownPreview, TriedCron, Triggered,
};
pub(crate) use steering::{
    Answer, AskedApproval, AssumedState, DryRunProspect, ForeseenNode, NewAnswer, NewEvent,
};
pub(crate) use subscription::{EventOf, Subscription, Tail};
pub(crate) use triggers::{
    EndState, FiringOutcome, ListedFiring, ListedSource, ListedTrigger, TriggerState, WebhookScheme,
};
pub(crate) use versions::{Change, FieldDifference, WorkflowDiff};
pub(crate) use waits::RunWait;
