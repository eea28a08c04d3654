//! Endpoints.

mod input;
mod mutation;
mod object;
mod query;

pub(crate) use input::StatusSpanInput;
pub(crate) use mutation::EndpointMutation;
pub(crate) use object::{Endpoint, PinnedEndpoint, StatusSpan};
pub(crate) use query::EndpointQuery;
