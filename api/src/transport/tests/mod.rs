//! The API as its clients meet it, over a schema that has one field for each thing that can happen.

mod events;
mod hostile;
mod http;
pub(crate) mod world;
