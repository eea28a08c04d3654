//! Registered HTTP addresses, each with its method and call rules.
//!
//! URL, headers, query and body are templates, so their final form is known only when a call is made; what stands outside of
//! the templates is checked here.

use std::ops::RangeInclusive;

use serde::Serialize;
use url::Url;

use crate::check::{Faults, Named, check_named, check_range, check_scoped_template, quoted};
use crate::expression::{Expression, Scope};
use crate::id::EndpointId;
use crate::registered::{Registered, Registrable};
use crate::template::TemplateScope;
use crate::work::is_output_name;
use crate::workflow::{CallbackSpec, EndpointSpec, StatusRange};

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
/// The most outputs.
const MOST_OUTPUTS: usize = 100;
/// How long an endpoint may take to call back, in milliseconds: a second to 90 days.
const CALLBACK_DEADLINES: RangeInclusive<i64> = 1_000..=7_776_000_000;
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
    /// Expressions over `response`, by the name of the output.
    pub outputs: Vec<Named>,
    /// How it finishes later, if it may.
    pub callback: Option<CallbackSpec>,
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
        let scope = TemplateScope {
            is_called_back: self.callback.is_some(),
            ..TemplateScope::ALONE
        };
        faults.within("url", |faults| check_url(faults, &self.url, &scope));
        let lower = |name: &str| name.to_ascii_lowercase();
        let headers = check_named(
            faults,
            "headers",
            &self.headers,
            MOST_NAMED,
            lower,
            |faults, header| check_header(faults, header, &scope),
        );
        let query = check_named(
            faults,
            "query",
            &self.query,
            MOST_NAMED,
            str::to_owned,
            |faults, parameter| check_parameter(faults, parameter, &scope),
        );
        if let Some(body) = &self.body {
            faults.within("body", |faults| {
                check_scoped_template(faults, body, LARGEST_BODY, &scope);
            });
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
        let outputs = check_named(
            faults,
            "outputs",
            &self.outputs,
            MOST_OUTPUTS,
            str::to_owned,
            check_output,
        );
        if let Some(callback) = self.callback {
            faults.within("callback", |faults| check_callback(faults, callback));
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
            outputs,
            callback: self.callback,
        }
    }
}

/// An address is `http` or `https` as far as it can be known: a template at its beginning may become either.
fn check_url(faults: &mut Faults, url: &str, scope: &TemplateScope<'_>) {
    check_scoped_template(faults, url, LONGEST_VALUE, scope);
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

fn check_header(faults: &mut Faults, header: &Named, scope: &TemplateScope<'_>) {
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
        check_scoped_template(faults, &header.value, LONGEST_VALUE, scope);
        if header
            .value
            .chars()
            .any(|letter| letter.is_control() && letter != '\t')
        {
            faults.invalid("a header's value holds no line breaks or control characters");
        }
    });
}

fn check_parameter(faults: &mut Faults, parameter: &Named, scope: &TemplateScope<'_>) {
    if parameter.name.is_empty() {
        faults.within("name", |faults| faults.invalid("a query parameter has a name"));
    }
    faults.within("name", |faults| {
        crate::check::check_text(faults, &parameter.name, LONGEST_VALUE);
    });
    faults.within("value", |faults| {
        check_scoped_template(faults, &parameter.value, LONGEST_VALUE, scope);
    });
}

fn check_output(faults: &mut Faults, output: &Named) {
    faults.within("name", |faults| {
        if !is_output_name(&output.name) {
            faults.invalid(format!(
                "{} is not the name of an output: 1 to 63 letters, digits, `_` and `-`, beginning with a letter or `_`",
                quoted(&output.name)
            ));
        }
    });
    faults.within("value", |faults| {
        if let Err(error) = Expression::parse(&output.value, &Scope::default().with_response()) {
            for fault in error.faults {
                faults.invalid(fault.to_string());
            }
        }
    });
}

fn check_callback(faults: &mut Faults, callback: CallbackSpec) {
    let what = "the time to call back in milliseconds";
    faults.within("deadline", |faults| {
        check_range(faults, what, callback.deadline_ms, CALLBACK_DEADLINES);
    });
}

/// Checks that a span of statuses is one.
pub(crate) fn check_statuses(faults: &mut Faults, range: StatusRange) {
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
            outputs: Vec::new(),
            callback: None,
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
    fn where_to_call_back_is_known_only_to_an_endpoint_that_may_finish_later() {
        let told = EndpointProposal {
            body: Some("${callback.url}".to_owned()),
            ..get("http://a/?to=${callback.url}")
        };
        assert_eq!(paths(&told), ["url", "body"]);
        let told = EndpointProposal {
            callback: Some(CallbackSpec { deadline_ms: 60_000 }),
            ..told
        };
        assert_eq!(paths(&told), Vec::<String>::new());
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
            outputs: vec![
                named("id", "response.body.id"),
                named("id", "1"),
                named("a.b", "response.boddy"),
                named("c", "1 +"),
            ],
            callback: Some(CallbackSpec { deadline_ms: 0 }),
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
            "outputs.1.name",
            "outputs.2.name",
            "outputs.2.value",
            "outputs.3.value",
            "callback.deadline",
        ];
        assert_eq!(paths(&faulty), told);
    }
}
