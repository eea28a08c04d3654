//! Calls an endpoint. Ten thousand calls in flight are ten thousand futures: no thread waits for any of them.
//!
//! Redirects are not followed. The address that was registered is the one that is called, with its method and body; a
//! redirect is an answer like any other, and counts as success where its status is expected.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response};
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use url::Url;
use waterclock_core::egress::{EgressError, EgressPolicy};
use waterclock_core::run::Outcome;
use waterclock_core::template::TemplateContext;
use waterclock_core::work::{Assignment, OUTPUT_LIMIT};
use waterclock_core::workflow::{EndpointSpec, StatusRange};

use super::{Finding, Stops};

/// The most of a response's body that is read, which leaves room in the output for status and headers.
const BODY_LIMIT: usize = OUTPUT_LIMIT - 16 * 1024;

/// How much of a refusal's body the message repeats, in bytes.
const EXCERPT: usize = 300;

/// How long a connection is kept for the next call, and how many per host.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 64;

/// The headers of an answer that are kept.
const KEPT_HEADERS: &[&str] = &[
    "content-type",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "x-request-id",
];

/// Calls endpoints over connections that all calls share.
pub(super) struct EndpointCaller {
    client: Client,
    policy: Arc<EgressPolicy>,
}

impl EndpointCaller {
    /// Calls what `policy` allows.
    pub(super) fn new(policy: EgressPolicy) -> io::Result<Self> {
        let policy = Arc::new(policy);
        let client = policy
            .client()
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self { client, policy })
    }

    /// Makes one call. It is broken off as soon as the attempt is to stop.
    pub(super) async fn call(
        &self,
        assignment: &Assignment,
        endpoint: &EndpointSpec,
        mut stops: Stops,
    ) -> Finding {
        let request = match self.request(assignment, endpoint) {
            Ok(request) => request,
            Err(refused) => return refused,
        };
        let limit = time_limit(assignment, endpoint);
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let answering = async {
            let response = self.client.execute(request).await?;
            Answer::read(response).await
        };
        tokio::select! {
            biased;
            stop = stops.asked() => Finding::stopped(stop),
            answered = timeout(limit, answering) => match answered {
                Ok(Ok(answer)) => answer.judged_by(&endpoint.expected_status),
                Ok(Err(error)) => Finding::failed(explain(&error, &host)),
                Err(_) => Finding::ended(
                    Outcome::TimedOut,
                    format!("{host} had not answered in full within the timeout of {limit:?}"),
                ),
            },
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

/// The shorter of the endpoint's own timeout and the task node's.
fn time_limit(assignment: &Assignment, endpoint: &EndpointSpec) -> Duration {
    let limit = assignment
        .node
        .timeout_ms
        .map_or(endpoint.timeout_ms, |node| node.min(endpoint.timeout_ms));
    Duration::from_millis(limit.try_into().unwrap_or(0))
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

/// What an endpoint answered.
struct Answer {
    status: u16,
    headers: Map<String, Value>,
    body: Vec<u8>,
    truncated: bool,
}

impl Answer {
    async fn read(mut response: Response) -> reqwest::Result<Self> {
        let mut answer = Self {
            status: response.status().as_u16(),
            headers: kept_headers(response.headers()),
            body: Vec::new(),
            truncated: false,
        };
        while let Some(chunk) = response.chunk().await? {
            let room = BODY_LIMIT - answer.body.len();
            answer.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                answer.truncated = true;
                break;
            }
        }
        Ok(answer)
    }

    fn judged_by(self, expected: &[StatusRange]) -> Finding {
        let status = self.status;
        let is_expected = if expected.is_empty() {
            (200..=299).contains(&status)
        } else {
            expected
                .iter()
                .any(|range| (range.from..=range.to).contains(&status))
        };
        let found = if is_expected {
            Finding::succeeded()
        } else {
            Finding::failed(self.refusal(expected))
        };
        Finding {
            http_status: Some(status),
            output: Some(self.output()),
            ..found
        }
    }

    fn refusal(&self, expected: &[StatusRange]) -> String {
        let ranges: Vec<String> = expected.iter().copied().map(range_text).collect();
        let expected = if ranges.is_empty() {
            "200 to 299".to_owned()
        } else {
            ranges.join(", ")
        };
        let body = String::from_utf8_lossy(&self.body);
        let excerpt = body[..body.floor_char_boundary(EXCERPT)].trim();
        let separator = if excerpt.is_empty() { "" } else { ": " };
        format!(
            "answered {}, expected {expected}{separator}{excerpt}",
            self.status
        )
    }

    /// The answer as JSON of at most [`OUTPUT_LIMIT`] bytes: the body as it is when it is JSON, as text otherwise.
    fn output(self) -> Value {
        let whole = (!self.truncated)
            .then(|| serde_json::from_slice(&self.body).ok())
            .flatten()
            .map(without_nul);
        let mut output = json!({
            "status": self.status,
            "headers": self.headers,
            "body": whole.unwrap_or_else(|| text_of(&self.body).into()),
            "truncated": self.truncated,
        });
        // Escapes may make a text longer than its bytes were.
        let mut kept = self.body.len();
        while output.to_string().len() > OUTPUT_LIMIT {
            kept /= 2;
            output["body"] = text_of(&self.body[..kept]).into();
            output["truncated"] = true.into();
        }
        output
    }
}

fn range_text(range: StatusRange) -> String {
    if range.from == range.to {
        range.from.to_string()
    } else {
        format!("{} to {}", range.from, range.to)
    }
}

fn kept_headers(headers: &HeaderMap) -> Map<String, Value> {
    KEPT_HEADERS
        .iter()
        .filter_map(|&name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.to_owned(), value.into()))
        })
        .collect()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "")
}

/// PostgreSQL stores no NUL, in JSON either.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\0', "").into(),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.replace('\0', ""), without_nul(value)))
            .collect(),
        other => other,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &[u8]) -> Answer {
        Answer {
            status,
            headers: Map::new(),
            body: body.to_vec(),
            truncated: false,
        }
    }

    #[test]
    fn a_status_is_judged_by_what_was_expected() {
        let expected = [
            StatusRange { from: 404, to: 404 },
            StatusRange { from: 500, to: 599 },
        ];
        assert_eq!(answer(204, b"").judged_by(&[]).outcome, Outcome::Succeeded);
        assert_eq!(answer(302, b"").judged_by(&[]).outcome, Outcome::Failed);
        assert_eq!(answer(503, b"").judged_by(&expected).outcome, Outcome::Succeeded);
        let refused = answer(200, b"not this").judged_by(&expected);
        assert_eq!(
            refused.message.as_deref(),
            Some("answered 200, expected 404, 500 to 599: not this")
        );
        assert_eq!(refused.http_status, Some(200));
    }

    #[test]
    fn a_body_is_kept_as_json_or_as_text_and_never_with_nul() {
        assert_eq!(answer(200, b"{\"a\":[1]}").output()["body"], json!({"a": [1]}));
        assert_eq!(answer(200, b"a\0b\xff").output()["body"], json!("ab\u{fffd}"));
        assert_eq!(answer(200, b"\"a\\u0000b\"").output()["body"], json!("ab"));
    }

    #[test]
    fn output_keeps_its_bound_even_when_every_byte_must_be_escaped() {
        let output = answer(200, &vec![1; BODY_LIMIT]).output();
        assert!(output.to_string().len() <= OUTPUT_LIMIT);
        assert_eq!(output["truncated"], true);
    }
}
