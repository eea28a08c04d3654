//! Registered HTTP addresses, each with its method and call rules.
//!
//! URL, headers, query and body are templates, so their final form is known only when a call is made; what stands outside of
//! the templates is checked here.

use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

use crate::check::{Faults, Named, check_named, check_range, check_text_template, quoted};
use crate::id::EndpointId;
use crate::registered::{Registered, Registrable};
use crate::workflow::{EndpointSpec, StatusRange};

/// A registered endpoint.
pub type Endpoint = Registered<EndpointSpec>;

impl Registrable for EndpointSpec {
    type Id = EndpointId;

    const NOUN: &'static str = "endpoint";
    const USERS: &'static str = "task nodes";
}

/// The methods that a call may use.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The most headers, and the most query parameters.
const MOST_NAMED: usize = 100;
/// The most bytes of a URL, a header or a query parameter.
const LONGEST_VALUE: usize = 8 * 1024;
/// The most bytes of a body's template.
const LARGEST_BODY: usize = 512 * 1024;
/// The most spans of expected statuses.
const MOST_STATUSES: usize = 50;
/// How long a call may take when the caller names no bound, in milliseconds.
const DEFAULT_TIMEOUT: i64 = 30_000;
/// The longest that a call may take, in milliseconds: a day.
const LONGEST_TIMEOUT: i64 = 86_400_000;
/// Headers that belong to the connection; the executor's client sets them.
const CONNECTION_HEADERS: [&str; 7] = [
    "connection",
    "content-length",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a caller wants an endpoint to be.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointProposal {
    /// One of [`METHODS`].
    pub method: String,
    /// A template of an `http` or `https` address.
    pub url: String,
    /// Templates, by header.
    pub headers: Vec<Named>,
    /// Templates, by query parameter.
    pub query: Vec<Named>,
    /// A template of the body.
    pub body: Option<String>,
    /// The statuses that are success; 200 to 299 when empty.
    pub expected_status: Vec<StatusRange>,
    /// How long the call may take, in milliseconds.
    pub timeout_ms: Option<i64>,
}

impl EndpointProposal {
    /// Checks everything and gives the specification.
    pub fn check(&self, key: &str, faults: &mut Faults) -> EndpointSpec {
        faults.within("method", |faults| {
            if !METHODS.contains(&self.method.as_str()) {
                faults.invalid(format!(
                    "the method is one of {}, not {}",
                    METHODS.join(", "),
                    quoted(&self.method)
                ));
            }
        });
        faults.within("url", |faults| check_url(faults, &self.url));
        let lower = |name: &str| name.to_ascii_lowercase();
        let headers = check_named(faults, "headers", &self.headers, MOST_NAMED, lower, check_header);
        let query = check_named(
            faults,
            "query",
            &self.query,
            MOST_NAMED,
            str::to_owned,
            check_parameter,
        );
        if let Some(body) = &self.body {
            faults.within("body", |faults| check_text_template(faults, body, LARGEST_BODY));
        }
        faults.each(
            "expectedStatus",
            &self.expected_status,
            MOST_STATUSES,
            |faults, range| check_statuses(faults, *range),
        );
        if let Some(timeout) = self.timeout_ms {
            let what = "the timeout in milliseconds";
            faults.within("timeout", |faults| {
                check_range(faults, what, timeout, 1..=LONGEST_TIMEOUT);
            });
        }
        EndpointSpec {
            key: key.to_owned(),
            method: self.method.clone(),
            url: self.url.clone(),
            headers,
            query,
            body: self.body.clone(),
            expected_status: self.expected_status.clone(),
            timeout_ms: self.timeout_ms.unwrap_or(DEFAULT_TIMEOUT),
            outputs: BTreeMap::new(),
            callback: None,
        }
    }
}

/// An address is `http` or `https` as far as it can be known: a template at its beginning may become either.
fn check_url(faults: &mut Faults, url: &str) {
    check_text_template(faults, url, LONGEST_VALUE);
    if url.starts_with("${") {
        return;
    }
    let told = quoted(url);
    if !url.starts_with("http://") && !url.starts_with("https://") {
        faults.invalid(format!(
            "{told} is not the address of an endpoint: it begins with http:// or https://"
        ));
    } else if url.chars().any(|letter| letter.is_control() || letter == ' ') {
        faults.invalid(format!(
            "{told} holds spaces or control characters; write them percent-encoded"
        ));
    } else if !url.contains("${")
        && let Err(error) = Url::parse(url)
    {
        faults.invalid(format!("{told} is not an address: {error}"));
    }
}

fn check_header(faults: &mut Faults, header: &Named) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let told = quoted(&header.name);
    faults.within("name", |faults| {
        if header.name.is_empty() || header.name.len() > 255 || !header.name.bytes().all(is_token) {
            faults.invalid(format!("{told} is not the name of a header"));
        } else if CONNECTION_HEADERS.contains(&header.name.to_ascii_lowercase().as_str()) {
            faults.invalid(format!(
                "{told} belongs to the connection and is set by the executor"
            ));
        }
    });
    faults.within("value", |faults| {
        check_text_template(faults, &header.value, LONGEST_VALUE);
        if header
            .value
            .chars()
            .any(|letter| letter.is_control() && letter != '\t')
        {
            faults.invalid("a header's value holds no line breaks or control characters");
        }
    });
}

fn check_parameter(faults: &mut Faults, parameter: &Named) {
    if parameter.name.is_empty() {
        faults.within("name", |faults| faults.invalid("a query parameter has a name"));
    }
    faults.within("name", |faults| {
        crate::check::check_text(faults, &parameter.name, LONGEST_VALUE);
    });
    faults.within("value", |faults| {
        check_text_template(faults, &parameter.value, LONGEST_VALUE);
    });
}

fn check_statuses(faults: &mut Faults, range: StatusRange) {
    if !(100..=599).contains(&range.from) || !(100..=599).contains(&range.to) || range.from > range.to {
        faults.invalid(format!(
            "{} to {} is not a span of HTTP statuses: 100 to 599, upwards",
            range.from, range.to
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CommandError;

    fn paths(proposal: &EndpointProposal) -> Vec<String> {
        let mut faults = Faults::default();
        proposal.check("e", &mut faults);
        match faults.into_result() {
            Err(CommandError::Refused(refusals)) => {
                refusals.iter().map(|refusal| refusal.path.join(".")).collect()
            }
            _ => Vec::new(),
        }
    }

    fn get(url: &str) -> EndpointProposal {
        EndpointProposal {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
            expected_status: Vec::new(),
            timeout_ms: None,
        }
    }

    #[test]
    fn an_address_is_http_or_begins_with_a_template() {
        for url in [
            "http://a/",
            "https://a:1/${inputs.x}?y=1",
            "${inputs.base}/x",
            "http://a:${inputs.port}/",
        ] {
            assert_eq!(paths(&get(url)), Vec::<String>::new(), "{url}");
        }
        for url in [
            "",
            "ftp://a/",
            "//a",
            "http://",
            "http://a b/",
            "http://a:x/",
            "file:///etc/passwd",
            "http://${",
        ] {
            assert!(!paths(&get(url)).is_empty(), "{url}");
        }
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let named = |name: &str, value: &str| Named {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let faulty = EndpointProposal {
            method: "get".to_owned(),
            headers: vec![
                named("X-A", "1"),
                named("x-a", "2"),
                named("a b", "\r\n"),
                named("Connection", "close"),
            ],
            query: vec![named("", "1")],
            expected_status: vec![
                StatusRange { from: 200, to: 204 },
                StatusRange { from: 300, to: 200 },
            ],
            timeout_ms: Some(0),
            ..get("http://a/")
        };
        let told = [
            "method",
            "headers.1.name",
            "headers.2.name",
            "headers.2.value",
            "headers.3.name",
            "query.0.name",
            "expectedStatus.1",
            "timeout",
        ];
        assert_eq!(paths(&faulty), told);
    }
}
