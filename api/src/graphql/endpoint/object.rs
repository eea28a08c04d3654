//! An endpoint as clients see it.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object, SimpleObject};
use waterclock_core::endpoint;
use waterclock_core::workflow::{EndpointSpec, StatusRange};

use crate::graphql::id::{Kind, encode};
use crate::graphql::named::{NamedValue, named_values};
use crate::graphql::registration::Registration;
use crate::graphql::scalar::Duration;

/// The method of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum HttpMethod {
    /// Reads.
    Get,
    /// Reads, without the body.
    Head,
    /// Hands something over.
    Post,
    /// Puts something in place.
    Put,
    /// Changes parts.
    Patch,
    /// Deletes.
    Delete,
    /// Asks what is possible.
    Options,
}

impl HttpMethod {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Get, "GET"),
        (Self::Head, "HEAD"),
        (Self::Post, "POST"),
        (Self::Put, "PUT"),
        (Self::Patch, "PATCH"),
        (Self::Delete, "DELETE"),
        (Self::Options, "OPTIONS"),
    ];

    /// The method as a request has it.
    pub(super) fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(method, _)| *method == self)
            .map_or("GET", |(_, word)| word)
    }

    fn of(word: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == word)
            .map_or(Self::Get, |(method, _)| *method)
    }
}

/// A span of HTTP statuses, both ends included.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct StatusSpan {
    /// The first.
    from: i32,
    /// The last.
    to: i32,
}

impl From<&StatusRange> for StatusSpan {
    fn from(range: &StatusRange) -> Self {
        Self {
            from: range.from.into(),
            to: range.to.into(),
        }
    }
}

/// A value taken from an endpoint's answer.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct EndpointOutput {
    /// Its name.
    name: String,
    /// An expression (CEL) over `response`.
    value: String,
}

/// How an endpoint finishes later.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Callback {
    /// How long after its answer it must have called back.
    deadline: Duration,
}

/// A registered endpoint: an HTTP address with its method and call rules.
#[derive(Clone)]
pub(crate) struct Endpoint(pub Arc<endpoint::Endpoint>);

impl From<endpoint::Endpoint> for Endpoint {
    fn from(endpoint: endpoint::Endpoint) -> Self {
        Self(Arc::new(endpoint))
    }
}

/// A registered endpoint: an HTTP address with its method and call rules.
#[Object]
impl Endpoint {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Endpoint, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// What was registered.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn spec(&self) -> PinnedEndpoint<'_> {
        PinnedEndpoint(&self.0.spec)
    }
}

/// An endpoint as a workflow version pinned it.
pub(crate) struct PinnedEndpoint<'a>(pub &'a EndpointSpec);

/// An endpoint as a workflow version pinned it.
#[Object]
impl PinnedEndpoint<'_> {
    /// The endpoint's name among people.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// The method of the call.
    async fn method(&self) -> HttpMethod {
        HttpMethod::of(&self.0.method)
    }

    /// A template of an `http` or `https` address.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// Templates, by header.
    async fn headers(&self) -> Vec<NamedValue> {
        named_values(&self.0.headers)
    }

    /// Templates, by query parameter.
    async fn query(&self) -> Vec<NamedValue> {
        named_values(&self.0.query)
    }

    /// A template of the body.
    async fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// The statuses that are success; 200 to 299 when empty.
    async fn expected_status(&self) -> Vec<StatusSpan> {
        self.0.expected_status.iter().map(Into::into).collect()
    }

    /// How long the call may take.
    async fn timeout(&self) -> Duration {
        Duration(self.0.timeout_ms)
    }

    /// What a successful call gives; the answer's status, headers and body when empty.
    async fn outputs(&self) -> Vec<EndpointOutput> {
        let outputs = self.0.outputs.iter();
        outputs
            .map(|(name, value)| EndpointOutput {
                name: name.clone(),
                value: value.clone(),
            })
            .collect()
    }

    /// How it finishes after it answered 202; absent where it finishes with its answer.
    async fn callback(&self) -> Option<Callback> {
        self.0.callback.map(|callback| Callback {
            deadline: Duration(callback.deadline_ms),
        })
    }
}
