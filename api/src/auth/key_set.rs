//! A JSON Web Key Set that may change while the process runs.
//!
//! The set is read when a token first needs it, again after [`KEEP`], and when a token names a key that the set does not
//! have: an issuer that rotates its keys announces the change in no other way. Anyone may send such a token, so reading
//! for that reason is allowed once in [`BETWEEN_UNKNOWN`], and readers wait for the one that is under way. While the
//! source cannot be read, the keys last read go on to be used: an issuer that restarts must not lock everyone out.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;
use tracing::{info, warn};

use super::config::{AuthConfigError, JwksSource};
use super::key::VerifyingKey;

/// How long a set is used before it is read again.
const KEEP: Duration = Duration::from_mins(10);
/// How much time passes at least between two readings for the sake of unknown keys.
const BETWEEN_UNKNOWN: Duration = Duration::from_secs(30);
/// How soon a source that could not be read is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// How long one reading may take.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest key set.
const LARGEST_SET: usize = 256 * 1024;

/// The keys of one source, with when and why they were last read.
#[derive(Debug)]
pub(super) struct KeySet {
    source: JwksSource,
    http: reqwest::Client,
    keys: RwLock<Arc<Vec<NamedKey>>>,
    readings: Mutex<Readings>,
}

#[derive(Clone, Debug)]
struct NamedKey {
    kid: Option<String>,
    key: VerifyingKey,
}

#[derive(Debug, Default)]
struct Readings {
    good: Option<Instant>,
    failed: Option<Instant>,
    for_unknown: Option<Instant>,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the address cannot be read: {0}")]
    Http(#[from] reqwest::Error),
    #[error("reading took longer than {} s", READ_TIMEOUT.as_secs())]
    Timeout,
    #[error("it is larger than {LARGEST_SET} bytes")]
    TooLarge,
    #[error("it is not a JSON object with a list of `keys`")]
    NotASet,
    #[error("it has no usable signature key: {0}")]
    NoUsableKey(String),
}

impl KeySet {
    /// A set that reads its file at once, so that a wrong name stops the start, but its address only when needed.
    pub(super) fn new(source: JwksSource) -> Result<Arc<Self>, AuthConfigError> {
        let http = reqwest::Client::builder()
            .timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(AuthConfigError::Tls)?;
        let mut readings = Readings::default();
        let keys = match &source {
            JwksSource::File(path) => {
                let bytes = std::fs::read(path).map_err(|source| AuthConfigError::UnreadableJwks {
                    path: path.clone(),
                    source,
                })?;
                readings.good = Some(Instant::now());
                parse(&bytes).map_err(|error| AuthConfigError::UselessJwks {
                    path: path.clone(),
                    reason: error.to_string(),
                })?
            }
            JwksSource::Url(_) => Vec::new(),
        };
        Ok(Arc::new(Self {
            source,
            http,
            keys: RwLock::new(Arc::new(keys)),
            readings: Mutex::new(readings),
        }))
    }

    /// The key that a token with this `kid` must have been signed with.
    pub(super) async fn find(self: &Arc<Self>, kid: Option<&str>) -> Option<VerifyingKey> {
        self.freshen().await;
        if let Some(key) = pick(&self.current(), kid) {
            return Some(key);
        }
        self.read_for_unknown(kid).await
    }

    /// Reads a set that has grown old: in the background while there are keys to go on with, else now.
    async fn freshen(self: &Arc<Self>) {
        if self.current().is_empty() {
            let mut readings = self.readings.lock().await;
            if readings.is_due() {
                self.read(&mut readings).await;
            }
        } else if self.readings.try_lock().is_ok_and(|readings| readings.is_due()) {
            let set = Arc::clone(self);
            tokio::spawn(async move {
                let mut readings = set.readings.lock().await;
                if readings.is_due() {
                    set.read(&mut readings).await;
                }
            });
        }
    }

    async fn read_for_unknown(&self, kid: Option<&str>) -> Option<VerifyingKey> {
        let mut readings = self.readings.lock().await;
        // The reading that this one waited for may have brought the key.
        if let Some(key) = pick(&self.current(), kid) {
            return Some(key);
        }
        if readings
            .for_unknown
            .is_some_and(|last| last.elapsed() < BETWEEN_UNKNOWN)
            || readings.has_just_failed()
        {
            return None;
        }
        readings.for_unknown = Some(Instant::now());
        self.read(&mut readings).await;
        pick(&self.current(), kid)
    }

    async fn read(&self, readings: &mut MutexGuard<'_, Readings>) {
        let read = tokio::time::timeout(READ_TIMEOUT, self.fetch())
            .await
            .unwrap_or(Err(ReadError::Timeout))
            .and_then(|bytes| parse(&bytes));
        match read {
            Ok(keys) => {
                info!(jwks.source = %self.source, jwks.keys = keys.len(), "read the key set");
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                readings.good = Some(Instant::now());
                readings.failed = None;
            }
            Err(error) => {
                warn!(jwks.source = %self.source, %error, "could not read the key set; going on with the keys last read");
                readings.failed = Some(Instant::now());
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<u8>, ReadError> {
        match &self.source {
            JwksSource::File(path) => Ok(tokio::fs::read(path).await?),
            JwksSource::Url(url) => {
                let mut response = self.http.get(url.clone()).send().await?.error_for_status()?;
                let mut bytes = Vec::new();
                while let Some(chunk) = response.chunk().await? {
                    if bytes.len() + chunk.len() > LARGEST_SET {
                        return Err(ReadError::TooLarge);
                    }
                    bytes.extend_from_slice(&chunk);
                }
                Ok(bytes)
            }
        }
    }

    fn current(&self) -> Arc<Vec<NamedKey>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Readings {
    fn is_due(&self) -> bool {
        self.good.is_none_or(|last| last.elapsed() >= KEEP) && !self.has_just_failed()
    }

    fn has_just_failed(&self) -> bool {
        self.failed.is_some_and(|last| last.elapsed() < AFTER_FAILURE)
    }
}

impl std::fmt::Display for JwksSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            // User names and passwords in an address are nobody's business.
            Self::Url(url) => write!(f, "{}{}", url.origin().ascii_serialization(), url.path()),
        }
    }
}

/// The key with this name; for a token that names none, the only key there is.
fn pick(keys: &[NamedKey], kid: Option<&str>) -> Option<VerifyingKey> {
    match (kid, keys) {
        (Some(kid), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
    .map(|key| key.key.clone())
}

/// The usable keys of a set. One that is not usable does not spoil the others.
fn parse(bytes: &[u8]) -> Result<Vec<NamedKey>, ReadError> {
    let set: Value = serde_json::from_slice(bytes).map_err(|_| ReadError::NotASet)?;
    let entries = set
        .get("keys")
        .and_then(Value::as_array)
        .ok_or(ReadError::NotASet)?;
    let (mut keys, mut passed_over) = (Vec::new(), Vec::new());
    for entry in entries {
        let kid = entry.get("kid").and_then(Value::as_str);
        let key = serde_json::from_value::<Jwk>(entry.clone())
            .map_err(|_| "it is not a JSON Web Key")
            .and_then(|jwk| VerifyingKey::from_jwk(&jwk));
        match key {
            Ok(key) => keys.push(NamedKey {
                kid: kid.map(str::to_owned),
                key,
            }),
            Err(reason) => passed_over.push(format!("`{}`: {reason}", kid.unwrap_or("?"))),
        }
    }
    if keys.is_empty() {
        return Err(ReadError::NoUsableKey(passed_over.join("; ")));
    }
    Ok(keys)
}
