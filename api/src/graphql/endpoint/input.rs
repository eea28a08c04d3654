//! An endpoint as clients propose it.

use async_graphql::InputObject;
use waterclock_core::endpoint::EndpointProposal;
use waterclock_core::workflow::StatusRange;

use super::object::HttpMethod;
use crate::graphql::id::Kind;
use crate::graphql::mutate::{Propose, inputs};
use crate::graphql::named::{NamedValueInput, named};
use crate::graphql::scalar::Duration;

/// What an endpoint is.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct EndpointFields {
    /// What it is for.
    #[graphql(default)]
    description: String,
    /// The method of the call.
    method: HttpMethod,
    /// A template of an `http` or `https` address. Values that templates bring in are percent-encoded.
    url: String,
    /// Templates, by header.
    headers: Option<Vec<NamedValueInput>>,
    /// Templates, by query parameter.
    query: Option<Vec<NamedValueInput>>,
    /// A template of the body.
    body: Option<String>,
    /// The statuses that are success; 200 to 299 when absent or empty.
    expected_status: Option<Vec<StatusSpanInput>>,
    /// How long the call may take; 30 seconds when absent.
    timeout: Option<Duration>,
}

/// A status, or a span of them.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct StatusSpanInput {
    /// The status, or the first of the span.
    from: i32,
    /// The last of the span; `from` when absent.
    to: Option<i32>,
}

impl From<StatusSpanInput> for StatusRange {
    fn from(span: StatusSpanInput) -> Self {
        // No status is 0, so what does not fit is refused where statuses are checked.
        let status = |number: i32| u16::try_from(number).unwrap_or_default();
        Self {
            from: status(span.from),
            to: status(span.to.unwrap_or(span.from)),
        }
    }
}

impl Propose for EndpointFields {
    type Proposal = EndpointProposal;

    fn propose(self) -> (String, EndpointProposal) {
        let proposal = EndpointProposal {
            method: self.method.word().to_owned(),
            url: self.url,
            headers: named(self.headers),
            query: named(self.query),
            body: self.body,
            expected_status: self
                .expected_status
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            timeout_ms: self.timeout.map(|timeout| timeout.0),
        };
        (self.description, proposal)
    }
}

inputs! {
    /// Registers an endpoint.
    RegisterEndpointInput,
    /// Replaces an endpoint as a whole: what is left out takes its default. Its key stays.
    UpdateEndpointInput,
    EndpointFields, Kind::Endpoint
}
