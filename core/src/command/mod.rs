//! Changes of the world, one file each. Transactions begin and end here.

mod author;
pub mod cancel_run;
mod conclude;
pub mod create_tenant;
pub mod drain_executor;
pub mod edit_workflow;
mod idempotency;
mod proposal;
mod propose_alert;
pub mod publish_workflow;
pub mod register;
pub mod revise;
pub mod send_alert;
pub(crate) mod settle;
pub mod silence_alerts;
pub mod start_run;
pub mod store_package;
pub mod unregister;

pub use author::Author;
pub use proposal::Proposal;
