//! `GraphiQL`, served from this binary, so that it works where there is no internet.
//!
//! What is not ours (`api/assets/playground/README.md` says what it is and how to refresh it) is served unchanged. Ours are
//! the page, its style, and one script, which keeps the token and speaks `graphql-transport-ws` for subscriptions.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// One file of the playground.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $content_type:literal) => {
        Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../assets/playground/", $name)),
        }
    };
}

static ASSETS: [Asset; 6] = [
    asset!("playground.css", "text/css; charset=utf-8"),
    asset!("playground.js", "text/javascript; charset=utf-8"),
    asset!("graphiql.min.css", "text/css; charset=utf-8"),
    asset!("graphiql.min.js", "text/javascript; charset=utf-8"),
    asset!("react.production.min.js", "text/javascript; charset=utf-8"),
    asset!("react-dom.production.min.js", "text/javascript; charset=utf-8"),
];

const PAGE: &str = include_str!("../../assets/playground/index.html");

/// Everything comes from here and speaks to here. The editor of `GraphiQL` writes style attributes, and its fonts are in its CSS.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
                      img-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page at `/playground`, and its files below it.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/playground", get(page))
        .route("/playground/{file}", get(file))
}

async fn page() -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, PAGE).into_response()
}

/// Files are asked for again after a while and are known by the version of the binary, which they do not outlive.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = HeaderValue::from_static(concat!("\"", env!("CARGO_PKG_VERSION"), "\""));
    let caching = [
        (ETAG, tag.clone()),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    if headers.get(IF_NONE_MATCH) == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}
