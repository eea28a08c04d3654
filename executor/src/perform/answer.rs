//! What an endpoint answered, and what that comes to.
//!
//! An endpoint may say by expressions what an answer gives. Where one has no value for an answer that is a success by its
//! status, the attempt fails: the answer is not what the definition says it is, and the nodes after it would work with
//! nothing. The output of an attempt that fails is the answer itself, for whoever looks why.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::{Map, Value, json};
use waterclock_core::expression::{Bindings, Expression, ResponseFacts, Scope};
use waterclock_core::work::OUTPUT_LIMIT;
use waterclock_core::workflow::{EndpointSpec, StatusRange};

use super::Finding;
use super::outputs::{bounded, without_nul};

/// The most of a response's body that is read, which leaves room in the output for status and headers.
const BODY_LIMIT: usize = OUTPUT_LIMIT - 16 * 1024;

/// How much of a refusal's body the message repeats, in bytes.
const EXCERPT: usize = 300;

/// The status of an endpoint that has begun and not finished.
const ACCEPTED: u16 = 202;

/// The headers of an answer that are kept.
const KEPT_HEADERS: &[&str] = &[
    "content-type",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "x-request-id",
];

/// What an endpoint answered.
pub(super) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    truncated: bool,
}

impl Answer {
    /// Reads an answer to its end, or as far as it is kept.
    pub(super) async fn read(mut response: Response) -> reqwest::Result<Self> {
        let mut answer = Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
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

    /// Whether the endpoint says that it will finish later.
    pub(super) fn is_accepted(&self) -> bool {
        self.status == ACCEPTED
    }

    /// What the attempt came to, and what is to be told in its log.
    pub(super) fn judged_by(self, endpoint: &EndpointSpec) -> (Finding, Option<String>) {
        let found = if !is_expected(self.status, &endpoint.expected_status) {
            Finding {
                retry_after: retry_after(&self.headers),
                ..Finding::failed(self.refusal(&endpoint.expected_status))
            }
        } else if endpoint.outputs.is_empty() {
            Finding::succeeded()
        } else {
            match self.evaluate(&endpoint.outputs) {
                Ok(values) => return self.giving(values),
                Err(told) => Finding::failed(told),
            }
        };
        let http_status = Some(self.status);
        let output = self.output();
        let cut = output["truncated"] == true;
        let remark = cut.then(|| {
            format!("output cut: an answer and what belongs to it may take {OUTPUT_LIMIT} bytes of JSON")
        });
        let finding = Finding {
            http_status,
            output: Some(output),
            ..found
        };
        (finding, remark)
    }

    /// The values of expressions over this answer.
    fn evaluate(&self, outputs: &BTreeMap<String, String>) -> Result<BTreeMap<String, Value>, String> {
        let scope = Scope::default().with_response();
        let bindings = Bindings::default().with_response(ResponseFacts {
            status: self.status.into(),
            headers: joined_headers(&self.headers),
            body: Arc::new(self.body()),
        });
        let cut = if self.truncated {
            format!(" (of the answer's body, the first {BODY_LIMIT} bytes were read)")
        } else {
            String::new()
        };
        let value = |(name, source): (&String, &String)| {
            let told = |error: &dyn Display| format!("the output {name:?} has no value: {error}{cut}");
            let expression = Expression::parse(source, &scope).map_err(|error| told(&error))?;
            let value = expression.evaluate(&bindings).map_err(|error| told(&error))?;
            Ok((name.clone(), value))
        };
        outputs.iter().map(value).collect()
    }

    fn giving(&self, values: BTreeMap<String, Value>) -> (Finding, Option<String>) {
        let (kept, cut) = bounded(values);
        let finding = Finding {
            http_status: Some(self.status),
            output: Some(kept.into()),
            message: cut.clone(),
            ..Finding::succeeded()
        };
        (finding, cut)
    }

    /// The body as it is when it is JSON, as text otherwise.
    fn body(&self) -> Value {
        let whole = (!self.truncated)
            .then(|| serde_json::from_slice(&self.body).ok())
            .flatten()
            .map(without_nul);
        whole.unwrap_or_else(|| text_of(&self.body).into())
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

    /// The answer as JSON of at most [`OUTPUT_LIMIT`] bytes.
    fn output(self) -> Value {
        let mut output = json!({
            "status": self.status,
            "headers": kept_headers(&self.headers),
            "body": self.body(),
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

fn is_expected(status: u16, expected: &[StatusRange]) -> bool {
    if expected.is_empty() {
        return (200..=299).contains(&status);
    }
    expected
        .iter()
        .any(|range| (range.from..=range.to).contains(&status))
}

/// How long the endpoint wants to be left alone. An instant is compared with that of the answer, which is of the same clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = told.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = httpdate::parse_http_date(told).ok()?;
    let answered = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(until.duration_since(answered).unwrap_or_default())
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

/// Every header, by its name in lower case; what stands in several is joined as HTTP has it.
fn joined_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let text = text_of(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|values| *values = format!("{values}, {text}"))
            .or_insert(text);
    }
    joined
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "")
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use waterclock_core::run::Outcome;

    use super::*;

    fn answer(status: u16, body: &[u8]) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: body.to_vec(),
            truncated: false,
        }
    }

    fn endpoint(expected_status: &[StatusRange]) -> EndpointSpec {
        serde_json::from_value(json!({
            "key": "e", "method": "GET", "url": "http://e/", "timeout_ms": 1, "expected_status": expected_status,
        }))
        .unwrap()
    }

    fn outcome(status: u16, expected: &[StatusRange]) -> Outcome {
        let (finding, _) = answer(status, b"").judged_by(&endpoint(expected));
        finding.outcome
    }

    #[test]
    fn a_status_is_judged_by_what_was_expected() {
        let expected = [
            StatusRange { from: 404, to: 404 },
            StatusRange { from: 500, to: 599 },
        ];
        assert_eq!(outcome(204, &[]), Outcome::Succeeded);
        assert_eq!(outcome(302, &[]), Outcome::Failed);
        assert_eq!(outcome(503, &expected), Outcome::Succeeded);
        let (refused, _) = answer(200, b"not this").judged_by(&endpoint(&expected));
        assert_eq!(
            refused.message.as_deref(),
            Some("answered 200, expected 404, 500 to 599: not this")
        );
        assert_eq!(refused.http_status, Some(200));
    }

    #[test]
    fn expressions_say_what_an_answer_gives() {
        let outputs = |given: &[(&str, &str)]| {
            let mut endpoint = endpoint(&[]);
            endpoint.outputs = given
                .iter()
                .map(|(name, source)| ((*name).to_owned(), (*source).to_owned()))
                .collect();
            endpoint
        };
        let answered = || {
            let mut answer = answer(201, br#"{"id": 7, "rows": [1, 2, 3]}"#);
            answer.headers.append("X-Part", HeaderValue::from_static("a"));
            answer.headers.append("x-part", HeaderValue::from_static("b"));
            answer
        };
        let endpoint = outputs(&[
            ("id", "response.body.id"),
            ("rows", "size(response.body.rows)"),
            ("parts", "response.headers['x-part']"),
            ("created", "response.status == 201"),
        ]);
        let (finding, remark) = answered().judged_by(&endpoint);
        assert_eq!((finding.outcome, remark), (Outcome::Succeeded, None));
        let expected = json!({"id": 7, "rows": 3, "parts": "a, b", "created": true});
        assert_eq!((finding.output, finding.http_status), (Some(expected), Some(201)));

        let (finding, _) = answered().judged_by(&outputs(&[("name", "response.body.name")]));
        let message = finding.message.unwrap();
        assert_eq!(finding.outcome, Outcome::Failed, "{message}");
        assert!(
            message.starts_with("the output \"name\" has no value: 1:"),
            "{message}"
        );
        assert_eq!(finding.output.unwrap()["body"]["id"], 7);

        let (refused, _) = answer(500, b"down").judged_by(&outputs(&[("id", "response.body.id")]));
        assert_eq!(
            refused.message.as_deref(),
            Some("answered 500, expected 200 to 299: down")
        );

        let long = outputs(&[
            ("all", "response.body"),
            ("again", "response.body"),
            ("short", "1"),
        ]);
        let (finding, remark) = answer(200, &vec![b'x'; 150_000]).judged_by(&long);
        assert_eq!(finding.outcome, Outcome::Succeeded);
        let output = finding.output.unwrap();
        let names: Vec<&String> = output.as_object().unwrap().keys().collect();
        assert_eq!(names, ["all", "short"]);
        assert!(
            finding
                .message
                .unwrap()
                .starts_with("outputs cut: again left out")
        );
        assert!(remark.is_some());
    }

    #[test]
    fn who_refuses_may_ask_to_be_left_alone_for_a_while_or_until_an_instant_of_its_own_clock() {
        let asked = |retry_after: &'static str, date: Option<&'static str>, status: u16| {
            let mut answer = answer(status, b"");
            let value = HeaderValue::from_static;
            answer.headers.insert(RETRY_AFTER, value(retry_after));
            if let Some(date) = date {
                answer.headers.insert(DATE, value(date));
            }
            answer.judged_by(&endpoint(&[])).0.retry_after
        };
        let noon = "Sun, 06 Nov 1994 12:00:00 GMT";
        assert_eq!(asked("120", None, 503), Some(Duration::from_mins(2)));
        assert_eq!(asked(" 0 ", None, 429), Some(Duration::ZERO));
        assert_eq!(asked("7", None, 409), Some(Duration::from_secs(7)));
        assert_eq!(
            asked("Sun, 06 Nov 1994 12:00:30 GMT", Some(noon), 503),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            asked(noon, Some("Sun, 06 Nov 1994 12:00:30 GMT"), 503),
            Some(Duration::ZERO)
        );
        for (told, date) in [
            (noon, None),
            (noon, Some("today")),
            ("soon", Some(noon)),
            ("-1", None),
            ("1.5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(asked(told, date, 503), None, "{told}");
        }
        assert_eq!(asked("120", None, 200), None);
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
