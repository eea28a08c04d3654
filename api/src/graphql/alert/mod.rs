//! Alerts: the rules that raise them, the channels that they go through, and what became of them.

mod channel;
mod delivery;
mod mutation;
mod object;
mod query;
mod rule;
mod silence;
mod subscription;

pub(crate) use channel::AlertChannel;
pub(crate) use delivery::AlertDelivery;
pub(crate) use mutation::AlertMutation;
pub(crate) use object::Alert;
pub(crate) use query::AlertQuery;
pub(crate) use rule::AlertRule;
pub(crate) use silence::Silence;
pub(crate) use subscription::AlertSubscription;
