//! Takes packages in: `PUT /packages/{sha256}?fileName=app.jar`, with the bytes as the body.
//!
//! Bytes are no GraphQL. They are written to a file without a name while they are counted and hashed, so that a slow client
//! holds neither memory nor a transaction, and reach the database only when they are what the address says. The address
//! names the content, so sending it again is harmless: the package is there already, and the answer says so.

use std::io::{self, SeekFrom};
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use waterclock_core::command::Author;
use waterclock_core::command::store_package::{NewPackage, StorePackageError, StoredPackage, store_package};
use waterclock_core::error::CommandError;
use waterclock_core::package::LARGEST_PACKAGE;
use waterclock_core::store::Database;
use waterclock_core::workflow::Digest;

use crate::auth::{self, Gate, Scope};
use crate::transport::{ErrorCode, refusal_body};

/// How long the next bytes of an upload may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What uploads need.
#[derive(Clone)]
pub struct Packages {
    /// Who is let in.
    pub gate: Gate,
    /// Where packages are kept.
    pub database: Database,
}

/// The routes of packages.
pub fn routes(packages: Packages) -> Router {
    Router::new()
        .route("/packages/{digest}", put(upload))
        .with_state(packages)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    file_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    digest: String,
    file_name: String,
    size: i64,
}

/// Why an upload is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Caller(#[from] auth::Refusal),
    #[error("an upload needs a token with the scope `developer`")]
    Scope,
    #[error("{0}")]
    Address(String),
    #[error("a package has at most {LARGEST_PACKAGE} bytes; this one is larger")]
    TooLarge,
    #[error("the address names the SHA-256 {named}, and the bytes that arrived have {found}")]
    Digest { named: Digest, found: Digest },
    #[error("the upload ended before the package did")]
    Interrupted(#[source] axum::Error),
    #[error("nothing of the package arrived for {} s", PATIENCE.as_secs())]
    Stalled,
    #[error("{}", .0.join("; "))]
    Input(Vec<String>),
    #[error("the service failed to store the package; its log has the cause")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

async fn upload(
    State(packages): State<Packages>,
    headers: HeaderMap,
    Path(digest): Path<String>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    body: Body,
) -> Result<Response, Refusal> {
    let caller = packages.gate.authorize(&headers).await?;
    if !caller.scopes.allows(Scope::Developer) {
        return Err(Refusal::Scope);
    }
    let named: Digest = digest
        .parse()
        .map_err(|error| Refusal::Address(format!("{error}, as `sha256sum` prints it")))?;
    let Query(Parameters { file_name }) = parameters.map_err(|_| {
        Refusal::Address(
            "the address needs `?fileName=`: the name that executors store the package under".to_owned(),
        )
    })?;
    let (content, size) = receive(body, named).await?;
    let author = Author {
        tenant: caller.tenant_id,
        subject: caller.subject,
    };
    let new = NewPackage {
        digest: named,
        file_name,
        size,
    };
    let stored = store_package(&packages.database, &author, &new, content).await?;
    tracing::info!(tenant.id = %author.tenant, package.digest = %named, package.size = size, "took a package in");
    Ok(answer(stored))
}

fn answer(stored: StoredPackage) -> Response {
    let status = if stored.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let package = stored.package;
    let body = Stored {
        digest: package.digest.to_string(),
        file_name: package.file_name,
        size: package.size,
    };
    (status, Json(body)).into_response()
}

/// Writes the body to a file that nobody else sees, and compares its digest. Gives the file at its beginning, and its size.
async fn receive(body: Body, named: Digest) -> Result<(File, u64), Refusal> {
    let mut file = tokio::task::spawn_blocking(tempfile::tempfile)
        .await
        .map_err(io::Error::from)
        .and_then(|file| file)
        .map(File::from_std)?;
    let (mut hash, mut size) = (Sha256::new(), 0_u64);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = tokio::time::timeout(PATIENCE, pieces.next())
        .await
        .map_err(|_| Refusal::Stalled)?
    {
        let piece = piece.map_err(Refusal::Interrupted)?;
        size += piece.len() as u64;
        if size > LARGEST_PACKAGE {
            return Err(Refusal::TooLarge);
        }
        hash.update(&piece);
        file.write_all(&piece).await?;
    }
    let found = Digest(hash.finalize().into());
    if found != named {
        return Err(Refusal::Digest { named, found });
    }
    file.flush().await?;
    file.seek(SeekFrom::Start(0)).await?;
    Ok((file, size))
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<StorePackageError> for Refusal {
    fn from(error: StorePackageError) -> Self {
        match error {
            StorePackageError::Command(CommandError::Refused(refusals)) => {
                Self::Input(refusals.into_iter().map(|refusal| refusal.message).collect())
            }
            error => Self::Failed(Box::new(error)),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Caller(_) => (StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated),
            Self::Scope => (StatusCode::FORBIDDEN, ErrorCode::Forbidden),
            Self::Address(_) | Self::Interrupted(_) | Self::Input(_) => {
                (StatusCode::BAD_REQUEST, ErrorCode::BadUserInput)
            }
            Self::Stalled => (StatusCode::REQUEST_TIMEOUT, ErrorCode::Timeout),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput),
            Self::Digest { .. } => (StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::BadUserInput),
            Self::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalServerError),
        };
        let body = refusal_body(code, &self.to_string());
        match self {
            Self::Caller(refusal) => refusal.into_response(),
            Self::Failed(cause) => {
                tracing::error!(error = ?cause, "a package could not be stored");
                (status, body).into_response()
            }
            _ => (status, body).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_that_are_not_what_the_address_says_are_refused_with_both_digests() {
        let (named, found) = (Digest::of(b"these"), Digest::of(b"those"));
        let refused = receive(Body::from("those"), named).await.unwrap_err();
        let told = refused.to_string();
        assert!(
            told.contains(&named.to_string()) && told.contains(&found.to_string()),
            "{told}"
        );
        assert_eq!(refused.into_response().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_as_soon_as_it_is() {
        let piece = bytes::Bytes::from(vec![0; 1024 * 1024]);
        let endless = futures_util::stream::repeat_with(move || Ok::<_, io::Error>(piece.clone()));
        let refused = receive(Body::from_stream(endless), Digest::of(b""))
            .await
            .unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn bytes_arrive_whole() {
        let (mut file, size) = receive(Body::from("these"), Digest::of(b"these")).await.unwrap();
        let mut content = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut file, &mut content)
            .await
            .unwrap();
        assert_eq!((content.as_str(), size), ("these", 5));
    }
}
