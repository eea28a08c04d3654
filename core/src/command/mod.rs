//! Changes of the world, one file each. Transactions begin and end here.

pub mod cancel_run;
pub mod drain_executor;
pub(crate) mod settle;
pub mod start_run;
