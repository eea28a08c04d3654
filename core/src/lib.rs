//! Waterclock without a transport: the rules, every SQL statement, and the scheduler's loop.
//!
//! Nothing here knows GraphQL or an HTTP server. Modules read from the ground up: [`id`] and [`clock`] lean on nothing,
//! [`expression`], [`workflow`], [`run`], [`retry`] and [`assign`] decide from values they are given, [`store`] holds every
//! statement, [`command`] changes the world in transactions, [`scheduler`] does so under the partition's lock.

pub mod alert;
pub mod assign;
pub mod backfill;
pub mod bulk;
pub mod callback;
pub mod catalogue;
pub mod check;
pub mod clock;
pub mod command;
pub mod egress;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod executor;
pub mod explain;
pub mod expression;
pub mod given;
pub mod housekeeping;
pub mod id;
pub mod journal;
pub mod metrics;
pub mod package;
pub mod program;
pub mod registered;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod scheduler;
pub mod signal;
pub mod source;
pub mod store;
pub mod task_node;
pub mod template;
pub mod tenant;
pub mod timetable;
pub mod trigger;
pub mod wait;
pub mod watch;
pub mod work;
pub mod workflow;
