//! Documents that clients name by their hash instead of sending them each time.
//!
//! The protocol is Apollo's: a client sends the SHA-256 alone, learns that it is not known, and sends both once. The store
//! is a bounded memory of this process; a hash that was pushed out, or was told to another process, is asked for again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::ServerError;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::code::ErrorCode;

/// The most documents that are remembered.
const MAX_DOCUMENTS: usize = 500;
/// The longest document that is remembered, so that the memory is bounded too.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024;

type Hash = [u8; 32];

/// The documents of this process.
#[derive(Debug, Default)]
pub(super) struct PersistedQueries {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    documents: HashMap<Hash, Entry>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    document: Arc<str>,
    last_use: u64,
}

impl PersistedQueries {
    /// The document that a request means, given or remembered.
    pub(super) fn document(
        &self,
        query: Option<String>,
        extensions: &Map<String, Value>,
    ) -> Result<Arc<str>, ServerError> {
        match (query, hash(extensions)?) {
            (Some(query), None) => Ok(query.into()),
            (Some(query), Some(hash)) if Sha256::digest(&query)[..] == hash => Ok(query.into()),
            (Some(_), Some(_)) => {
                Err(ErrorCode::BadUserInput.request_error("`sha256Hash` is not the hash of `query`."))
            }
            (None, Some(hash)) => self
                .recall(&hash)
                .ok_or_else(|| ErrorCode::PersistedQueryNotFound.request_error("PersistedQueryNotFound")),
            (None, None) => Err(ErrorCode::BadUserInput.request_error("`query` is missing.")),
        }
    }

    /// Remembers a document that has been parsed, if the client asked for it.
    pub(super) fn remember(&self, document: &Arc<str>, extensions: &Map<String, Value>) {
        let Ok(Some(hash)) = hash(extensions) else {
            return;
        };
        if document.len() > MAX_DOCUMENT_BYTES {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.documents.len() >= MAX_DOCUMENTS && !known.documents.contains_key(&hash) {
            known.forget_least_recent();
        }
        let last_use = known.next_use();
        let document = Arc::clone(document);
        known.documents.insert(hash, Entry { document, last_use });
    }

    fn recall(&self, hash: &Hash) -> Option<Arc<str>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let last_use = known.next_use();
        let entry = known.documents.get_mut(hash)?;
        entry.last_use = last_use;
        Some(Arc::clone(&entry.document))
    }
}

impl Known {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn forget_least_recent(&mut self) {
        let oldest = self
            .documents
            .iter()
            .min_by_key(|(_, entry)| entry.last_use)
            .map(|(hash, _)| *hash);
        if let Some(hash) = oldest {
            self.documents.remove(&hash);
        }
    }
}

/// The hash in `persistedQuery`, if the request has one.
fn hash(extensions: &Map<String, Value>) -> Result<Option<Hash>, ServerError> {
    let malformed = || {
        ErrorCode::BadUserInput.request_error(
            "`persistedQuery` has to be {\"version\": 1, \"sha256Hash\": \"<64 hexadecimal digits>\"}.",
        )
    };
    let persisted = match extensions.get("persistedQuery") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(persisted)) => persisted,
        Some(_) => return Err(malformed()),
    };
    let version = persisted.get("version").and_then(Value::as_i64);
    let digits = persisted
        .get("sha256Hash")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (version, from_hexadecimal(digits)) {
        (Some(1), Some(hash)) => Ok(Some(hash)),
        _ => Err(malformed()),
    }
}

fn from_hexadecimal(digits: &str) -> Option<Hash> {
    let digits: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| digit.try_into().ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] * 16 + pair[1])
        .collect();
    if digits.len() == 64 {
        bytes.try_into().ok()
    } else {
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    pub(in crate::transport) fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut digits, byte| {
            write!(digits, "{byte:02x}").expect("a string");
            digits
        })
    }

    fn extensions(query: &str) -> Map<String, Value> {
        let hash = hexadecimal(&Sha256::digest(query));
        let Value::Object(map) = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } }) else {
            unreachable!("it is an object");
        };
        map
    }

    #[test]
    fn the_least_recently_used_document_is_forgotten_first() {
        let queries = PersistedQueries::default();
        for number in 0..MAX_DOCUMENTS {
            let text = format!("{{ f{number} }}");
            queries.remember(&text.as_str().into(), &extensions(&text));
        }
        assert!(queries.document(None, &extensions("{ f0 }")).is_ok());
        queries.remember(&"{ another }".into(), &extensions("{ another }"));
        assert!(queries.document(None, &extensions("{ f0 }")).is_ok());
        assert!(queries.document(None, &extensions("{ f1 }")).is_err());
    }
}
