//! Uploaded code, named by the SHA-256 of its bytes.
//!
//! The digest is the identity: the same bytes uploaded twice are one package, and a program that names a digest gets these
//! bytes and no others. Hence a package is never edited.

use chrono::{DateTime, Utc};

use crate::workflow::Digest;

/// The most bytes that a package may have.
pub const LARGEST_PACKAGE: u64 = 64 * 1024 * 1024;

/// The bytes of a package are kept in pieces of this size; the last may be smaller.
pub const PIECE: usize = 1024 * 1024;

/// A package, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The SHA-256 of the bytes.
    pub digest: Digest,
    /// The name that it was uploaded with.
    pub file_name: String,
    /// How many bytes it has.
    pub size: i64,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
}
