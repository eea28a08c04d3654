//! Schedules: when workflows run, what becomes of each occurrence, and what is to come.

mod input;
mod mutation;
mod object;
mod occurrence;
mod policy;
mod preview;
mod query;
mod rule;
mod selection;
mod steering;
mod subscription;
mod timing;

pub(crate) use mutation::ScheduleMutation;
pub(crate) use object::Schedule;
pub(crate) use occurrence::Occurrence;
pub(crate) use query::ScheduleQuery;
pub(crate) use steering::ScheduleSteering;
pub(crate) use subscription::OccurrenceSubscription;
