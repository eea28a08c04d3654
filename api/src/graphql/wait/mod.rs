//! What waits, and what for.

mod loader;
mod reason;

pub(crate) use loader::{ChildRunOf, QuestionOf, WaitLoader, load, reasons};
pub(crate) use reason::WaitReason;
