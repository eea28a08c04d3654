//! Backfills: what is run of schedules' pasts, foreseen, asked for, called off, read and followed.

mod input;
mod mutation;
mod object;
mod preview;
mod query;
mod subscription;

pub(crate) use input::BackfillFilter;
pub(crate) use mutation::BackfillMutation;
pub(crate) use object::Backfill;
pub(crate) use query::BackfillQuery;
pub(crate) use subscription::BackfillSubscription;
