//! Which web pages may speak to this service.
//!
//! A browser says which page sent a request, and a page of another site has no business here unless the configuration
//! says so. That is checked for every method and for WebSocket, which no other rule of browsers restricts. Clients that
//! are not browsers send no origin and are not asked for one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::code::ErrorCode;
use super::refusal_body;

/// The origins of other sites whose pages may call the API.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(Arc<[String]>);

/// An entry of the configuration that is not an origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "WATERCLOCK_ALLOWED_ORIGINS: `{0}` is not an origin: write `https://app.example.com`, without a path"
)]
pub struct NotAnOrigin(String);

/// Where a request comes from.
#[derive(Debug, PartialEq, Eq)]
enum Provenance {
    /// From no page, or from one of our own.
    Own,
    /// From a page of an allowed site.
    Allowed(HeaderValue),
    /// From a page that has no business here.
    Foreign,
}

impl AllowedOrigins {
    /// Reads origins that are separated by commas or spaces.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        text.split([',', ' '])
            .filter(|entry| !entry.is_empty())
            .map(|entry| origin(entry).ok_or_else(|| NotAnOrigin(entry.to_owned())))
            .collect::<Result<Vec<_>, _>>()
            .map(|origins| Self(origins.into()))
    }

    fn judge(&self, headers: &HeaderMap, uri: &Uri) -> Provenance {
        let mut values = headers.get_all(ORIGIN).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Provenance::Own,
            (Some(value), None) => value,
            (Some(_), Some(_)) => return Provenance::Foreign,
        };
        let Some(claimed) = value.to_str().ok().and_then(origin) else {
            return Provenance::Foreign;
        };
        if is_own(&claimed, headers, uri) {
            Provenance::Own
        } else if self.0.contains(&claimed) {
            Provenance::Allowed(value.clone())
        } else {
            Provenance::Foreign
        }
    }
}

/// The canonical form of an origin: scheme, host, and the port where it is not the scheme's own.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = matches!(url.scheme(), "http" | "https")
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare.then(|| url.origin().ascii_serialization())
}

/// Whether the page was served by the host that the request goes to, whatever stands in front and ends TLS.
fn is_own(claimed: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str)) else {
        return false;
    };
    let scheme = claimed.split("://").next().unwrap_or_default();
    origin(&format!("{scheme}://{host}")).is_some_and(|own| own == claimed)
}

/// Refuses requests of foreign pages, and tells browsers which others may be sent.
pub(crate) async fn guard(State(allowed): State<AllowedOrigins>, request: Request, next: Next) -> Response {
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let provenance = allowed.judge(request.headers(), request.uri());
    let mut response = match provenance {
        Provenance::Foreign => forbidden(),
        _ if is_preflight => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Provenance::Allowed(origin) = provenance {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("x-request-id, www-authenticate, retry-after");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        if is_preflight {
            permit(headers);
        }
    }
    response
}

fn permit(headers: &mut HeaderMap) {
    let methods = HeaderValue::from_static("GET, POST, PUT");
    let allowed = HeaderValue::from_static("authorization, content-type, x-request-id");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

fn forbidden() -> Response {
    let message =
        "Pages of this origin may not call the API; WATERCLOCK_ALLOWED_ORIGINS lists those that may.";
    (StatusCode::FORBIDDEN, refusal_body(ErrorCode::Forbidden, message)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(host: &str, origin: &str) -> Provenance {
        let allowed =
            AllowedOrigins::parse("https://app.example.com, http://localhost:3000").expect("origins");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).expect("a header"));
        headers.insert(ORIGIN, HeaderValue::from_str(origin).expect("a header"));
        allowed.judge(&headers, &Uri::from_static("/graphql"))
    }

    #[test]
    fn own_pages_and_configured_sites_may_call_and_nobody_else() {
        assert_eq!(judge("api.test:8080", "http://api.test:8080"), Provenance::Own);
        assert_eq!(judge("api.test", "https://api.test"), Provenance::Own);
        assert_eq!(judge("API.test:443", "https://api.test"), Provenance::Own);
        assert!(matches!(
            judge("api.test", "https://app.example.com"),
            Provenance::Allowed(_)
        ));
        assert!(matches!(
            judge("api.test", "http://localhost:3000"),
            Provenance::Allowed(_)
        ));
        for foreign in [
            "null",
            "https://evil.test",
            "http://app.example.com",
            "https://app.example.com.evil.test",
            "https://app.example.com:8443",
            "http://api.test:81",
            "http://api.test@evil.test",
            "file://",
            "nonsense",
        ] {
            assert_eq!(judge("api.test", foreign), Provenance::Foreign, "{foreign}");
        }
    }

    #[test]
    fn a_setting_that_is_not_an_origin_is_refused_by_name() {
        for wrong in ["*", "app.example.com", "https://app.example.com/path", "ftp://a"] {
            let error = AllowedOrigins::parse(wrong).expect_err(wrong).to_string();
            assert!(error.contains("WATERCLOCK_ALLOWED_ORIGINS"), "{error}");
        }
    }
}
