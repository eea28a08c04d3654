//! Calendars: which days and hours work.

mod input;
mod mutation;
mod object;
mod query;

pub(crate) use input::TimeWindowInput;
pub(crate) use mutation::CalendarMutation;
pub(crate) use object::{Calendar, TimeWindow};
pub(crate) use query::CalendarQuery;
