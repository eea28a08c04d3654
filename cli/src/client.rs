//! The command line as a client of the API, like anybody's: typed from `schema.graphql`, with a token and an address.

mod api;
mod error;
mod subscription;

pub(crate) use api::Api;
pub(crate) use error::ClientError;
pub(crate) use subscription::{Subscription, Tail};
