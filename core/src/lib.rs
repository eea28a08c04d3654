//! Waterclock without a transport: the rules, every SQL statement, and the scheduler's loop.
//!
//! Nothing here knows GraphQL or an HTTP server. Modules read from the ground up: [`id`] and [`clock`] lean on nothing,
//! [`workflow`], [`run`], [`retry`] and [`assign`] decide from values they are given, [`store`] holds every statement,
//! [`command`] changes the world in transactions, [`scheduler`] does so under the partition's lock.

pub mod assign;
pub mod clock;
pub mod command;
pub mod error;
pub mod id;
pub mod metrics;
pub mod retry;
pub mod run;
pub mod scheduler;
pub mod signal;
pub mod source;
pub mod store;
pub mod tenant;
pub mod work;
pub mod workflow;
