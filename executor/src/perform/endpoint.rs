//! Calls an endpoint. Ten thousand calls in flight are ten thousand futures: no thread waits for any of them.
//!
//! Redirects are not followed. The address that was registered is the one that is called, with its method and body; a
//! redirect is an answer like any other, and counts as success where its status is expected.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request};
use tokio::time::timeout;
use url::Url;
use waterclock_core::egress::{EgressError, EgressPolicy};
use waterclock_core::run::Outcome;
use waterclock_core::template::TemplateContext;
use waterclock_core::work::Assignment;
use waterclock_core::workflow::{EndpointSpec, Overdue};

use super::answer::Answer;
use super::bounds::{Bounds, milliseconds};
use super::{Finding, Performed, Stops};
use crate::log::{AttemptLog, Log};

/// How long a connection is kept for the next call, and how many per host.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 64;

/// Where an endpoint that answers 202 calls back.
const CALLBACK_HEADER: &str = "waterclock-callback-url";

/// Calls endpoints over connections that all calls share.
pub(super) struct EndpointCaller {
    client: Client,
    policy: Arc<EgressPolicy>,
    log: Log,
}

impl EndpointCaller {
    /// Calls what `policy` allows.
    pub(super) fn new(policy: EgressPolicy, log: Log) -> io::Result<Self> {
        let policy = Arc::new(policy);
        let client = policy
            .client()
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self { client, policy, log })
    }

    /// Makes one call. It is broken off as soon as the attempt is to stop. When this returns, the log is whole.
    pub(super) async fn call(
        &self,
        assignment: &Assignment,
        endpoint: &EndpointSpec,
        mut stops: Stops,
    ) -> Performed {
        let log = self.log.of(assignment.lease(), 0);
        let performed = self
            .call_logged(assignment, endpoint, stops.clone(), &log)
            .await
            .unwrap_or_else(Performed::Ended);
        tokio::select! {
            () = log.flushed() => {}
            () = stops.lost() => {}
        }
        performed
    }

    async fn call_logged(
        &self,
        assignment: &Assignment,
        endpoint: &EndpointSpec,
        mut stops: Stops,
        log: &AttemptLog,
    ) -> Result<Performed, Finding> {
        let request = self.request(assignment, endpoint)?;
        let bounds = Bounds::of(assignment);
        let limit = time_limit(assignment, endpoint);
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let answering = async {
            let response = self.client.execute(request).await?;
            Answer::read(response).await
        };
        let answered = tokio::select! {
            biased;
            stop = stops.asked() => return Err(Finding::stopped(stop)),
            answered = timeout(limit, answering) => answered,
            never = bounds.warn(log) => match never {},
        };
        match answered {
            Ok(Ok(answer)) => Ok(judged(answer, endpoint, log).await),
            Ok(Err(error)) => Err(Finding::failed(explain(&error, &host))),
            Err(_) => Err(Finding::ended(
                Outcome::TimedOut,
                format!("{host} had not answered in full within the timeout of {limit:?}"),
            )),
        }
    }

    fn request(&self, assignment: &Assignment, endpoint: &EndpointSpec) -> Result<Request, Finding> {
        let values = TemplateContext::new(assignment);
        let url = self.address(
            &values.render_url(&endpoint.url)?,
            values.render_map(&endpoint.query)?,
        )?;
        let method = Method::from_bytes(endpoint.method.as_bytes())
            .map_err(|_| Finding::failed(format!("{:?} is not an HTTP method", endpoint.method)))?;
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(
            "idempotency-key",
            header_text(&assignment.task_run_id.to_string()),
        );
        headers.insert("waterclock-attempt", assignment.fence.into());
        if let Some(url) = callback_url(assignment, endpoint)? {
            headers.insert(CALLBACK_HEADER, header_text(url));
        }
        for (name, value) in values.render_map(&endpoint.headers)? {
            let (name, value) = header(&name, &value)?;
            headers.insert(name, value);
        }
        if let Some(body) = &endpoint.body {
            let body = values.render(body)?;
            if !headers.contains_key(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind_of(&body)));
            }
            *request.body_mut() = Some(body.into());
        }
        Ok(request)
    }

    fn address(&self, text: &str, query: impl IntoIterator<Item = (String, String)>) -> Result<Url, Finding> {
        let mut url: Url = text
            .parse()
            .map_err(|error| Finding::failed(format!("the url {text:?} cannot be called: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Finding::failed(format!(
                "the url {text:?} cannot be called: it begins neither with http:// nor with https://"
            )));
        }
        self.policy
            .check_url(&url)
            .map_err(|refused| Finding::failed(refused.to_string()))?;
        for (name, value) in query {
            url.query_pairs_mut().append_pair(&name, &value);
        }
        Ok(url)
    }
}

/// What an answer comes to: 202 is only a promise where the endpoint has a callback.
async fn judged(answer: Answer, endpoint: &EndpointSpec, log: &AttemptLog) -> Performed {
    if let Some(callback) = endpoint.callback
        && answer.is_accepted()
    {
        let deadline = milliseconds(callback.deadline_ms);
        log.remark(format!("answered 202, and has {deadline:?} to call back"))
            .await;
        return Performed::Deferred;
    }
    let (finding, remark) = answer.judged_by(endpoint);
    if let Some(remark) = remark {
        log.remark(remark).await;
    }
    Performed::Ended(finding)
}

/// The endpoint's own timeout, or the task node's where that is shorter and fails the attempt.
fn time_limit(assignment: &Assignment, endpoint: &EndpointSpec) -> Duration {
    let node = assignment.node.timeout_ms;
    let limit = node
        .filter(|_| assignment.node.on_timeout == Overdue::Fail)
        .map_or(endpoint.timeout_ms, |node| node.min(endpoint.timeout_ms));
    milliseconds(limit)
}

/// The address at which the endpoint says that it has finished, where it may finish later.
fn callback_url<'a>(
    assignment: &'a Assignment,
    endpoint: &EndpointSpec,
) -> Result<Option<&'a String>, Finding> {
    match (&endpoint.callback, &assignment.callback_url) {
        (None, _) => Ok(None),
        (Some(_), Some(url)) => Ok(Some(url)),
        (Some(_), None) => Err(Finding::fault(
            "the endpoint is to call back, and this executor was not told where: set WATERCLOCK_PUBLIC_URL (--public-url) to the \
             address of the API as endpoints reach it",
        )),
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Finding> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Finding::failed(format!("{name:?} is not the name of an HTTP header")))?;
    let value = HeaderValue::from_str(value).map_err(|_| {
        Finding::failed(format!(
            "the value of the header {name:?} has characters that a header cannot have, such as a line end"
        ))
    })?;
    Ok((parsed, value))
}

fn header_text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn kind_of(body: &str) -> &'static str {
    if serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok() {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    }
}

/// Why a call failed, for people: what happened to their endpoint, in its own words where it has any.
fn explain(error: &reqwest::Error, host: &str) -> String {
    if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<EgressError>()) {
        return refused.to_string();
    }
    let system = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    let what = if error.is_connect() {
        format!("could not connect to {host}")
    } else {
        format!("the connection to {host} broke before the answer was complete")
    };
    let why = match system.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => ": it refuses connections at this port".to_owned(),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            ": there is no way to its network".to_owned()
        }
        _ => causes(error)
            .last()
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default(),
    };
    what + &why
}

/// What lies behind an error, the deepest last.
fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause: &'a (dyn Error + 'static) = next?;
        next = cause.source();
        Some(cause)
    })
}
