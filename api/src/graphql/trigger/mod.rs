//! Triggers: workflows that start because something else happened, and what became of each firing.

mod firing;
mod input;
mod mutation;
mod object;
mod query;
mod source;
mod steering;
mod subscription;

use async_graphql::MergedObject;

pub(crate) use firing::Firing;
pub(crate) use object::Trigger;
pub(crate) use query::TriggerQuery;
pub(crate) use subscription::FiringSubscription;

/// What can be changed of triggers; merged here, because each that is merged at the root makes the types of the whole schema deeper.
#[derive(MergedObject, Default)]
pub(crate) struct TriggerMutations(mutation::TriggerMutation, steering::TriggerSteering);
