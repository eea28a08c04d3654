//! Which media type a client sends, and which it wants.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

/// A media type that answers come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`, for clients from before there was a media type for GraphQL.
    Json,
    /// `application/graphql-response+json`.
    GraphqlResponse,
    /// `text/event-stream`.
    EventStream,
}

impl MediaType {
    /// The value of `Content-Type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::EventStream => "text/event-stream",
        }
    }

    const fn essence(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::GraphqlResponse => ("application", "graphql-response+json"),
            Self::EventStream => ("text", "event-stream"),
        }
    }
}

/// What the `Accept` header allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The type that the client likes best.
    pub(super) best: MediaType,
    /// Whether a stream of events is among what it takes.
    pub(super) takes_stream: bool,
}

/// Reads `Accept`. Without one, or with a wildcard, the answer is `application/json`, which everything reads. `None` means
/// that nothing we have is acceptable.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Accepted> {
    let lines: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let header = lines.join(",");
    if header.trim().is_empty() {
        return Some(Accepted {
            best: MediaType::Json,
            takes_stream: false,
        });
    }
    let ranges: Vec<Range> = split_unquoted(&header, ',')
        .into_iter()
        .enumerate()
        .filter_map(Range::parse)
        .collect();
    let weigh = |media| weight(&ranges, media);
    // The order among equals is ours where the client has none: JSON first.
    let best = [
        MediaType::Json,
        MediaType::GraphqlResponse,
        MediaType::EventStream,
    ]
    .into_iter()
    .filter_map(|media| Some((media, weigh(media)?)))
    .reduce(|best, other| if other.1 > best.1 { other } else { best })?;
    Some(Accepted {
        best: best.0,
        takes_stream: weigh(MediaType::EventStream).is_some(),
    })
}

/// Whether the body is JSON in UTF-8, said by its one content type and changed by no encoding.
pub(super) fn sends_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let identity = headers
        .get(CONTENT_ENCODING)
        .is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let Some(text) = value.to_str().ok() else {
        return false;
    };
    let mut parts = split_unquoted(text, ';').into_iter();
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"));
    identity && is_json && parts.all(|parameter| is_utf8(parameter).unwrap_or(true))
}

/// One media range of `Accept`.
#[derive(Debug)]
struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    /// In thousandths.
    quality: u16,
    position: usize,
}

/// How much a client wants a type: by quality, then by how early it named it.
type Weight = (u16, std::cmp::Reverse<usize>);

/// The weight of a type by the range that describes it most exactly; `None` when it is not acceptable.
fn weight(ranges: &[Range<'_>], media: MediaType) -> Option<Weight> {
    let (main, sub) = media.essence();
    let exactness = |range: &Range<'_>| match (range.main, range.sub) {
        (m, s) if m.eq_ignore_ascii_case(main) && s.eq_ignore_ascii_case(sub) => Some(2),
        // A stream has to be asked for by name: a wildcard means one answer.
        _ if media == MediaType::EventStream => None,
        (m, "*") if m.eq_ignore_ascii_case(main) => Some(1),
        ("*", "*") => Some(0),
        _ => None,
    };
    ranges
        .iter()
        .filter_map(|range| Some((exactness(range)?, range)))
        .max_by_key(|(exactness, range)| (*exactness, range.quality, std::cmp::Reverse(range.position)))
        .map(|(_, range)| (range.quality, std::cmp::Reverse(range.position)))
        .filter(|(quality, _)| *quality > 0)
}

impl<'a> Range<'a> {
    /// `None` for what is not a media range, or asks for a charset other than UTF-8.
    fn parse((position, text): (usize, &'a str)) -> Option<Self> {
        let mut parts = split_unquoted(text, ';').into_iter().map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let mut quality = 1000;
        for parameter in parts {
            match parameter.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => {
                    quality = thousandths(value.trim())?;
                }
                _ if is_utf8(parameter) == Some(false) => return None,
                _ => {}
            }
        }
        Some(Self {
            main,
            sub,
            quality,
            position,
        })
    }
}

/// Whether a parameter asks for UTF-8; `None` when it is about something else.
fn is_utf8(parameter: &str) -> Option<bool> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().trim_matches('"');
    name.trim()
        .eq_ignore_ascii_case("charset")
        .then(|| value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is between 0 and 1000"
)]
fn thousandths(quality: &str) -> Option<u16> {
    let quality: f32 = quality.parse().ok()?;
    (0.0..=1.0)
        .contains(&quality)
        .then(|| (quality * 1000.0).round() as u16)
}

/// Splits at a separator that does not stand between quotation marks.
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn best(accept: &str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).expect("a header"));
        accepted(&headers).map(|accepted| accepted.best)
    }

    #[test]
    fn the_best_acceptable_type_is_chosen() {
        use MediaType::{EventStream, GraphqlResponse, Json};
        assert_eq!(
            accepted(&HeaderMap::new()).map(|accepted| accepted.best),
            Some(Json)
        );
        for (accept, expected) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("application/graphql-response+json", Some(GraphqlResponse)),
            (
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(GraphqlResponse),
            ),
            ("application/json, application/graphql-response+json", Some(Json)),
            (
                "application/json;q=0.9, application/graphql-response+json",
                Some(GraphqlResponse),
            ),
            (
                "application/graphql-response+json;q=0.5, */*;q=0.1",
                Some(GraphqlResponse),
            ),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("text/html, */*;q=0.8", Some(Json)),
            ("Application/JSON", Some(Json)),
            ("application/json; charset=utf-16", None),
            ("application/json; charset=\"utf-8\"", Some(Json)),
            ("text/event-stream", Some(EventStream)),
            ("text/event-stream, */*", Some(EventStream)),
            ("text/html", None),
            ("text/*", None),
            ("application/json;q=0", None),
            ("nonsense", None),
            ("application/json;q=2", None),
        ] {
            assert_eq!(best(accept), expected, "{accept}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_taken() {
        let sends = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_str(value).expect("a header"));
            }
            sends_json(&headers)
        };
        for good in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=\"UTF-8\"",
        ] {
            assert!(sends(&[good]), "{good}");
        }
        for bad in [
            "text/plain",
            "application/json; charset=utf-16",
            "application/jsonp",
            "multipart/form-data",
            "",
        ] {
            assert!(!sends(&[bad]), "{bad}");
        }
        assert!(!sends(&[]));
        assert!(!sends(&["application/json", "text/plain"]));
        assert!(!sends(&["text/plain; application/json"]));
    }
}
