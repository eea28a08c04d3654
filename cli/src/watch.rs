//! Watching a run until it ends.

mod progress;
mod screen;
mod tree;

pub(crate) use progress::{NodeChange, Progress};
pub(crate) use screen::Screen;
