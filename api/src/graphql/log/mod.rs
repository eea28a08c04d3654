//! What attempts print: read, and followed.

mod object;
mod subscription;

pub(crate) use object::LogLine;
pub(crate) use object::log;
pub(crate) use subscription::LogSubscription;
