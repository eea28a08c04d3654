//! Endpoints.

mod input;
mod mutation;
mod object;
mod query;

pub(crate) use mutation::EndpointMutation;
pub(crate) use object::{Endpoint, PinnedEndpoint};
pub(crate) use query::EndpointQuery;
