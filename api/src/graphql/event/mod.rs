//! Events as they are followed.

mod cursor;
mod follow;
mod object;

pub(crate) use cursor::{EventCursor, decode, encode};
pub(crate) use follow::{all_told, flow, follow, told, watch_error};
pub(crate) use object::{EventKind, RunEvent};
pub(crate) use object::{Shown, show_run_events};
