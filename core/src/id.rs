//! One id type per entity, so that the id of a run can never be passed for the id of a task run.
//!
//! Ids are UUIDv7: they sort by the time they were made, so new rows go to the right end of every index.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes an id that sorts after those made before it in this process.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id! {
    /// Names a tenant.
    TenantId;
    /// Names a program.
    ProgramId;
    /// Names an endpoint.
    EndpointId;
    /// Names a task node.
    TaskNodeId;
    /// Names a workflow.
    WorkflowId;
    /// Names one edition of a workflow.
    WorkflowVersionId;
    /// Names a calendar.
    CalendarId;
    /// Names a schedule.
    ScheduleId;
    /// Names an occurrence of a schedule.
    OccurrenceId;
    /// Names a backfill of a schedule's past.
    BackfillId;
    /// Names a trigger.
    TriggerId;
    /// Names a firing of a trigger.
    FiringId;
    /// Names a run.
    RunId;
    /// Names a task run.
    TaskRunId;
    /// Names one life of an executor process, from its start to its end.
    ExecutorId;
    /// Names one life of a scheduler process.
    SchedulerId;
    /// Names a channel of alerts.
    AlertChannelId;
    /// Names a rule that raises alerts.
    AlertRuleId;
    /// Names an alert.
    AlertId;
    /// Names a delivery of an alert; every try of it bears this name.
    AlertDeliveryId;
    /// Names a silence.
    SilenceId;
    /// Names a job that does something to many runs.
    BulkJobId;
    /// Names an event that a tenant published.
    PublishedEventId;
}
