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

use async_graphql::{MergedObject, MergedSubscription};

pub(crate) use input::object;
pub(crate) use object::Schedule;
pub(crate) use occurrence::{Occurrence, OccurrenceNote};

use super::backfill::{BackfillMutation, BackfillQuery, BackfillSubscription};

/// What can be read of schedules and of what is run of their pasts. They are merged here, because each that is merged at the root makes
/// the types of the whole schema deeper.
#[derive(MergedObject, Default)]
pub(crate) struct ScheduleQueries(query::ScheduleQuery, BackfillQuery);

/// What can be changed of them.
#[derive(MergedObject, Default)]
pub(crate) struct ScheduleMutations(
    mutation::ScheduleMutation,
    steering::ScheduleSteering,
    BackfillMutation,
);

/// What can be followed of them.
#[derive(MergedSubscription, Default)]
pub(crate) struct ScheduleSubscriptions(subscription::OccurrenceSubscription, BackfillSubscription);
