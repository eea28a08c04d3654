//! Tells orchestrators whether to keep, to use, and how to watch this process.
//!
//! Alive means that the process answers at all; only a restart would mend the opposite. Ready means that it can do its
//! work now, which a restart of this process seldom mends: a database that is away makes it unready and not dead.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder as _, Registry, TextEncoder};

/// How long the question may take before the answer is no.
const PATIENCE: Duration = Duration::from_secs(3);

/// Knows whether the service can do its work.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// `Err` says in a sentence what is missing.
    async fn check(&self) -> Result<(), String>;
}

/// `/livez`, `/readyz` and `/metrics`.
pub(crate) fn routes(readiness: Arc<dyn Readiness>, metrics: Registry) -> Router {
    Router::new()
        .route("/livez", get(async || plain(StatusCode::OK, "alive\n".into())))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(render).with_state(metrics))
}

async fn ready(State(readiness): State<Arc<dyn Readiness>>) -> Response {
    let checked = tokio::time::timeout(PATIENCE, readiness.check()).await;
    match checked.unwrap_or_else(|_| Err(format!("the check took longer than {} s", PATIENCE.as_secs()))) {
        Ok(()) => plain(StatusCode::OK, "ready\n".into()),
        Err(reason) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}

async fn render(State(metrics): State<Registry>) -> Response {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    match encoder.encode(&metrics.gather(), &mut text) {
        Ok(()) => ([(CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics could not be written\n".into(),
            )
        }
    }
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}
