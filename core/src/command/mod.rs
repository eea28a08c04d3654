//! Changes of the world, one file each. Transactions begin and end here.

pub mod answer_approval;
pub mod answer_callback;
mod author;
pub mod bulk_runs;
pub mod cancel_run;
mod conclude;
pub mod create_tenant;
pub mod drain_executor;
pub mod dry_run;
pub mod edit_schedule;
pub mod edit_workflow;
pub(crate) mod fire_timers;
pub(crate) mod flow;
mod idempotency;
mod new_run;
pub(crate) mod occurrences;
pub mod pause_run;
pub(crate) mod proposal;
mod propose_alert;
pub mod publish_event;
pub mod publish_workflow;
pub mod register;
pub mod rerun;
pub mod revise;
pub mod roll_back_workflow;
pub mod send_alert;
pub(crate) mod settle;
pub mod silence_alerts;
pub mod start_run;
pub mod steer_task_run;
pub(crate) mod stop_run;
pub mod store_package;
pub mod unregister;
pub(crate) mod work_off_bulk_job;

pub use author::Author;
pub use proposal::Proposal;
