//! An endpoint as clients propose it.

use async_graphql::{ID, InputObject};
use waterclock_core::command::register::New;
use waterclock_core::command::revise::Edit;
use waterclock_core::endpoint::EndpointProposal;
use waterclock_core::workflow::StatusRange;

use super::object::HttpMethod;
use crate::graphql::id::{Kind, of_kind};
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

/// Registers an endpoint.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct RegisterEndpointInput {
    /// Its name among people: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    key: String,
    /// The caller's name for this call: made again under the same name, it answers the same.
    idempotency_key: Option<String>,
    /// What it is.
    #[graphql(flatten)]
    fields: EndpointFields,
}

/// Replaces an endpoint as a whole: what is left out takes its default. Its key stays.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct UpdateEndpointInput {
    /// The endpoint.
    id: ID,
    /// The revision that the caller has read; another one is a conflict.
    expected_revision: i32,
    /// What it is to be.
    #[graphql(flatten)]
    fields: EndpointFields,
}

impl EndpointFields {
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

impl From<RegisterEndpointInput> for New<EndpointProposal> {
    fn from(input: RegisterEndpointInput) -> Self {
        let (description, proposal) = input.fields.propose();
        Self {
            key: input.key,
            description,
            proposal,
            idempotency_key: input.idempotency_key,
        }
    }
}

impl From<UpdateEndpointInput> for Edit<EndpointProposal> {
    fn from(input: UpdateEndpointInput) -> Self {
        let (description, proposal) = input.fields.propose();
        let id = of_kind(Kind::Endpoint, &input.id);
        Self {
            id,
            expected_revision: input.expected_revision,
            description,
            proposal,
        }
    }
}
