//! Stores uploaded code.
//!
//! The caller has the bytes at hand and has compared their digest before it asks, so that no transaction waits for an
//! upload; from there they pass through in pieces, so that nobody holds a package whole.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::Author;
use super::conclude::conclude;
use crate::check::Faults;
use crate::error::CommandError;
use crate::package::{LARGEST_PACKAGE, PIECE, Package};
use crate::program::check_file_name;
use crate::store::packages::{find_package, insert_package, insert_piece};
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::workflow::Digest;

/// A package whose bytes are at hand.
#[derive(Clone, Debug)]
pub struct NewPackage {
    /// The SHA-256 of the bytes.
    pub digest: Digest,
    /// The name that it is stored under on an executor's machine.
    pub file_name: String,
    /// How many bytes it has.
    pub size: u64,
}

/// Why a package was not stored.
#[derive(Debug, thiserror::Error)]
pub enum StorePackageError {
    /// The command did nothing.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The bytes could not be read.
    #[error("the bytes of the package cannot be read")]
    Unreadable(#[from] std::io::Error),
}

impl From<StoreError> for StorePackageError {
    fn from(error: StoreError) -> Self {
        Self::Command(error.into())
    }
}

/// A package that the tenant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPackage {
    /// The package.
    pub package: Package,
    /// It was stored by this call, and not by an earlier one.
    pub is_new: bool,
}

/// Stores a package with the bytes of `content`, which have its digest and size. One that is there stays as it is.
pub async fn store_package(
    database: &Database,
    author: &Author,
    new: &NewPackage,
    content: impl AsyncRead + Send + Unpin,
) -> Result<StoredPackage, StorePackageError> {
    let mut faults = Faults::default();
    faults.within("fileName", |faults| check_file_name(faults, &new.file_name));
    if new.size > LARGEST_PACKAGE {
        let most = usize::try_from(LARGEST_PACKAGE).unwrap_or(usize::MAX);
        faults.exceeded(
            most,
            format!("a package has at most {LARGEST_PACKAGE} bytes, not {}", new.size),
        );
    }
    faults.into_result()?;
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let stored = insert_or_find(&mut transaction, author, new, content).await?;
    Ok(conclude(transaction, Ok(stored)).await?)
}

async fn insert_or_find(
    transaction: &mut Transaction,
    author: &Author,
    new: &NewPackage,
    content: impl AsyncRead + Send + Unpin,
) -> Result<StoredPackage, StorePackageError> {
    let size = i64::try_from(new.size).unwrap_or(i64::MAX);
    let inserted = insert_package(transaction, author.tenant, &new.digest, &new.file_name, size).await?;
    if let Some(package) = inserted {
        write_pieces(transaction, author, &new.digest, content).await?;
        return Ok(StoredPackage {
            package,
            is_new: true,
        });
    }
    let found = find_package(transaction, author.tenant, &new.digest).await?;
    let lost = || StoreError::Unreadable(format!("the package {}, which was just there", new.digest));
    Ok(StoredPackage {
        package: found.ok_or_else(lost)?,
        is_new: false,
    })
}

async fn write_pieces(
    transaction: &mut Transaction,
    author: &Author,
    digest: &Digest,
    mut content: impl AsyncRead + Send + Unpin,
) -> Result<(), StorePackageError> {
    let mut piece = Vec::with_capacity(PIECE);
    for place in 0.. {
        piece.clear();
        (&mut content).take(PIECE as u64).read_to_end(&mut piece).await?;
        if piece.is_empty() {
            break;
        }
        insert_piece(transaction, author.tenant, digest, place, &piece).await?;
    }
    Ok(())
}
