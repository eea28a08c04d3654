//! An endpoint as clients propose it.

use async_graphql::InputObject;
use waterclock_core::check::Named;
use waterclock_core::endpoint::EndpointProposal;
use waterclock_core::workflow::{CallbackSpec, StatusRange};

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
    /// What a successful call gives to the nodes after it, at most 256 KiB of JSON; the answer's status, headers and body when
    /// absent or empty.
    outputs: Option<Vec<EndpointOutputInput>>,
    /// That the endpoint may answer 202 and finish later. Without it, 202 is a status like any other.
    callback: Option<CallbackInput>,
}

/// A value taken from an endpoint's answer.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct EndpointOutputInput {
    /// Its name: 1 to 63 letters, digits, `_` and `-`, beginning with a letter or `_`.
    name: String,
    /// An expression (CEL) over `response`: `response.status`, `response.headers['x-total']` (names in lower case) and
    /// `response.body`, which is JSON or, where it is none, a text. Without a value for it, the attempt fails.
    value: String,
}

impl From<EndpointOutputInput> for Named {
    fn from(output: EndpointOutputInput) -> Self {
        Self {
            name: output.name,
            value: output.value,
        }
    }
}

/// How an endpoint finishes later. It is told the address in the header `Waterclock-Callback-Url`, and wherever
/// `${callback.url}` stands.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct CallbackInput {
    /// How long after its answer it must have called back: a second to 90 days.
    deadline: Duration,
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
            outputs: self
                .outputs
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            callback: self.callback.map(|callback| CallbackSpec {
                deadline_ms: callback.deadline.0,
            }),
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
