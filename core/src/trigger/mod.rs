//! Triggers: workflows that start because something else happened.
//!
//! Something is the end of a run, an event that was published, or a request to a webhook. What it is about is written down where it
//! happens, in the same transaction, as a *firing*: one row for each trigger that waits for it, unique by trigger and cause. So
//! a cause that was accepted cannot be lost, and one that comes twice fires once. What becomes of a firing is decided later, by
//! whoever holds the partition's lock, and only there: the filter is asked, the inputs are worked out, and the run is made.
//!
//! - [`source`]: what triggers wait for.
//! - [`spec`]: triggers as they are registered.
//! - [`firing`]: what a firing is about, and what may become of it.
//! - [`ring`]: workflows that would start each other without end.
//! - [`signature`], [`secret`], [`address`]: who may call a webhook, and where.

pub mod address;
pub mod firing;
pub mod ring;
pub mod secret;
pub mod signature;
pub mod source;
pub mod spec;

use crate::registered::Registered;
use crate::run::named;

/// A registered trigger.
pub type Trigger = Registered<spec::TriggerSpec>;

named! {
    /// Where a trigger stands.
    TriggerState {
        /// It starts what it is for.
        Active = "ACTIVE",
        /// It records what it waits for and starts nothing.
        Paused = "PAUSED",
    }
}
