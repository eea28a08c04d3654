//! An HTTP server that does as the test says and remembers what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use tokio::net::TcpListener;

use crate::world::Running;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// A server on a loopback port, until it is dropped.
pub struct FakeEndpoint {
    /// Where it listens: `http://127.0.0.1:…`.
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    _serving: Running,
}

impl FakeEndpoint {
    /// Answers every request with the status and body that `answer` gives for it.
    pub async fn answering(
        answer: impl Fn(&Received) -> (u16, String) + Clone + Send + Sync + 'static,
    ) -> Self {
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let seen = Arc::clone(&received);
        let router = Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
                let request = Received {
                    method,
                    uri,
                    headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                };
                let (status, body) = answer(&request);
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                (StatusCode::from_u16(status).expect("a status"), body)
            },
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("a port"));
        let serving = Running::spawn(async move |_| axum::serve(listener, router).await.expect("it serves"));
        Self {
            url,
            received,
            _serving: serving,
        }
    }

    /// The requests that came, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
