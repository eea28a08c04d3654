//! The rules of time: which instants a schedule names, and what becomes of them.

pub mod calendar;
pub mod catch_up;
pub mod overlap;
pub mod preset;
pub mod recurrence;

pub mod rule;
pub mod timing;
pub mod zone;
