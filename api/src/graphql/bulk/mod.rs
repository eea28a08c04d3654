//! What is done to many runs: asked for, called off, read, followed.

mod input;
mod mutation;
mod object;
mod query;
mod subscription;

pub(crate) use mutation::BulkMutation;
pub(crate) use object::BulkJob;
pub(crate) use query::BulkQuery;
pub(crate) use subscription::BulkSubscription;
