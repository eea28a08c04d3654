//! Puts the API on the network: GraphQL, the pages beside it, and the probes.
//!
//! The router is made from values and holds no globals, so that a test runs as many as it likes. It ends in the order in
//! which things depend on each other: no new connections, then the streams, then the requests that are still answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt as _;
use prometheus::Registry;
use tokio::net::TcpListener;
use tracing::{Instrument as _, info, info_span, warn};

use crate::auth::Gate;
use crate::health::{self, Readiness};
use crate::transport::{
    AllowedOrigins, Engine, REQUEST_ID_HEADER, RequestId, Service, Settings, Shutdown, graphql, origin_guard,
};
use crate::{landing, playground};

/// How long requests that are still being answered may hold up the end.
const DRAIN: Duration = Duration::from_secs(10);

/// What the API is put together from.
pub struct ServerConfig {
    /// The schema.
    pub engine: Arc<dyn Engine>,
    /// The schema's printed form, which `/schema.graphql` shows: the documentation of every type.
    pub sdl: String,
    /// Who is let in.
    pub gate: Gate,
    /// The sites whose pages may call the API.
    pub allowed_origins: AllowedOrigins,
    /// Bounds of time and number.
    pub settings: Settings,
    /// Whether the service can do its work; `/readyz` asks.
    pub readiness: Arc<dyn Readiness>,
    /// The metrics that `/metrics` shows.
    pub metrics: Registry,
    /// Further routes of the API. They stand behind the same check of origins and do their own authentication, with
    /// [`Gate::authorize`].
    pub routes: Router,
    /// Ends the streams when the service stops.
    pub shutdown: Shutdown,
}

/// The whole HTTP interface.
pub fn router(config: ServerConfig) -> Router {
    let service = Service::new(
        config.engine,
        &config.sdl,
        config.gate,
        config.settings,
        config.shutdown,
    );
    let api = Router::new()
        .route("/graphql", any(graphql))
        .with_state(Arc::new(service))
        .merge(config.routes)
        .layer(middleware::from_fn_with_state(
            config.allowed_origins,
            origin_guard,
        ));
    Router::new()
        .route("/", get(landing::page))
        .route("/schema.graphql", get(schema).with_state(Arc::from(config.sdl)))
        .merge(playground::routes())
        .merge(health::routes(config.readiness, config.metrics))
        .merge(api)
        .layer(middleware::from_fn(name_and_protect))
}

/// Serves until the shutdown begins, then until what has begun is done or the patience is spent.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) -> std::io::Result<()> {
    let begun = shutdown.token.clone();
    // Answers are written whole; waiting for more to send only delays them.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection may delay its answers");
        }
    });
    let serving = axum::serve(listener, router).with_graceful_shutdown(begun.cancelled_owned());
    let ended = async {
        let result = serving.await;
        shutdown.streams.close();
        shutdown.streams.wait().await;
        result
    };
    let patience = async {
        shutdown.token.cancelled().await;
        info!("no longer accepting connections");
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = ended => result,
        () = patience => {
            warn!("some requests did not end within {} s and are cut off", DRAIN.as_secs());
            Ok(())
        }
    }
}

async fn schema(State(sdl): State<Arc<str>>) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, String::from(&*sdl)).into_response()
}

/// Gives each request its id, and each answer the headers that keep a browser from misreading it.
async fn name_and_protect(mut request: Request, next: Next) -> Response {
    let request_id = RequestId::of(request.headers());
    let span = info_span!("request", request.id = %request_id, method = %request.method(), path = request.uri().path());
    request.extensions_mut().insert(request_id.clone());
    let mut response = next.run(request).instrument(span).await;
    if let Some(value) = request_id.to_header() {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    protect(response.headers_mut());
    response
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
}
