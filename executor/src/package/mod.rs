//! Uploaded code on the executor's disk.
//!
//! A package is fetched by its digest, verified, unpacked where it is an archive, and then put in its place by one rename:
//! what lies there is whole. It lies below its tenant's folder, so that knowing a digest is no way to another tenant's code.
//! The folder is emptied when an executor starts, which so trusts only what it verified itself. Two attempts that want one
//! package at once wait for one fetch.

mod unpack;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use uuid::Uuid;
use waterclock_core::id::TenantId;
use waterclock_core::work::{WorkSource, WorkSourceError};
use waterclock_core::workflow::{Digest, PackageRef};

use crate::patience::in_time;

use unpack::{ArchiveFormat, UnpackError};

/// Why a package cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    /// It could not be fetched.
    #[error("the package {file_name} could not be fetched: {cause}")]
    NotFetched {
        /// The package's file name.
        file_name: String,
        /// What the source said.
        cause: WorkSourceError,
    },
    /// Its bytes are not those that were registered.
    #[error(
        "the package {file_name} was fetched with the digest {found}, and {wanted} was registered; upload it again"
    )]
    DigestDiffers {
        /// The package's file name.
        file_name: String,
        /// What was registered.
        wanted: Digest,
        /// What came.
        found: Digest,
    },
    /// Its name is not that of a file.
    #[error("{0:?} is not a file name; give the package a plain name such as app.jar")]
    NotAFileName(String),
    /// It is an archive that cannot be used.
    #[error("the package {file_name} cannot be unpacked: {cause}")]
    NotUnpacked {
        /// The package's file name.
        file_name: String,
        /// What is wrong with it.
        cause: UnpackError,
    },
    /// The disk refused.
    #[error("the package {file_name} could not be stored on the executor: {cause}")]
    NotStored {
        /// The package's file name.
        file_name: String,
        /// What the system said.
        cause: io::Error,
    },
}

impl PackageError {
    /// Whether another executor, or a later time, may manage.
    pub(crate) fn is_fault(&self) -> bool {
        match self {
            Self::NotFetched { .. } | Self::DigestDiffers { .. } | Self::NotStored { .. } => true,
            Self::NotUnpacked { cause, .. } => matches!(cause, UnpackError::Disk(_)),
            Self::NotAFileName(_) => false,
        }
    }
}

/// A package on disk. It stays there while this is held.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    path: PathBuf,
    is_folder: bool,
    _slot: Arc<Slot>,
}

impl Package {
    /// The file, or the folder of the unpacked archive.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was an archive and is a folder now.
    pub(crate) fn is_folder(&self) -> bool {
        self.is_folder
    }
}

/// Fetches packages and keeps the ones used last.
pub(crate) struct PackageCache {
    folder: PathBuf,
    limit: u64,
    source: Arc<dyn WorkSource>,
    index: Mutex<Index>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    package: Digest,
    file_name: String,
}

#[derive(Default)]
struct Index {
    slots: HashMap<Key, Arc<Slot>>,
    /// Counts uses, to tell which was the last.
    uses: u64,
}

/// The place of one package: empty, being filled, or filled.
#[derive(Debug, Default)]
struct Slot {
    stored: OnceCell<Stored>,
    last_use: Mutex<u64>,
}

#[derive(Clone, Debug)]
struct Stored {
    path: PathBuf,
    is_folder: bool,
    size: u64,
}

impl PackageCache {
    /// An empty cache in `folder` that keeps at most `limit` bytes, beside what is in use.
    pub(crate) fn open(folder: PathBuf, limit: u64, source: Arc<dyn WorkSource>) -> io::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            limit,
            source,
            index: Mutex::default(),
        })
    }

    /// The package on disk, fetched if it is not there.
    pub(crate) async fn get(&self, tenant: TenantId, package: &PackageRef) -> Result<Package, PackageError> {
        if !is_file_name(&package.file_name) {
            return Err(PackageError::NotAFileName(package.file_name.clone()));
        }
        let key = Key {
            tenant,
            package: package.digest,
            file_name: package.file_name.clone(),
        };
        let slot = self.slot(&key);
        let stored = slot.stored.get_or_try_init(|| self.fetch(&key)).await?.clone();
        self.evict().await;
        Ok(Package {
            path: stored.path,
            is_folder: stored.is_folder,
            _slot: slot,
        })
    }

    fn slot(&self, key: &Key) -> Arc<Slot> {
        let mut index = lock(&self.index);
        index.uses += 1;
        let now = index.uses;
        let slot = Arc::clone(index.slots.entry(key.clone()).or_default());
        *lock(&slot.last_use) = now;
        slot
    }

    async fn fetch(&self, key: &Key) -> Result<Stored, PackageError> {
        let bytes = in_time(self.source.fetch_package(key.tenant, &key.package))
            .await
            .map_err(|cause| PackageError::NotFetched {
                file_name: key.file_name.clone(),
                cause,
            })?;
        let incoming = self.folder.join(format!("incoming-{}", Uuid::now_v7()));
        let place = self
            .folder
            .join(key.tenant.to_string())
            .join(key.package.to_string())
            .join(&key.file_name);
        let key = key.clone();
        let stored = spawn_blocking(move || store(&key, &bytes, &incoming, place));
        stored
            .await
            .unwrap_or_else(|defect| std::panic::resume_unwind(defect.into_panic()))
    }

    /// Removes what was used longest ago until the rest keeps to the limit. What is in use stays.
    async fn evict(&self) {
        let doomed = lock(&self.index).overflow(self.limit, &self.folder);
        if !doomed.is_empty() {
            let removed = spawn_blocking(move || {
                for folder in doomed {
                    let _ = remove(&folder);
                }
            });
            let _ = removed.await;
        }
    }
}

impl Index {
    /// Takes the least recently used packages out, and moves them aside so that they can be fetched anew at once.
    fn overflow(&mut self, limit: u64, folder: &Path) -> Vec<PathBuf> {
        let size_of = |slot: &Slot| slot.stored.get().map_or(0, |stored| stored.size);
        let mut total: u64 = self.slots.values().map(|slot| size_of(slot)).sum();
        let mut doomed = Vec::new();
        while total > limit {
            let idle = self
                .slots
                .iter()
                .filter(|(_, slot)| Arc::strong_count(slot) == 1 && slot.stored.initialized())
                .min_by_key(|(_, slot)| *lock(&slot.last_use))
                .map(|(key, _)| key.clone());
            let Some(slot) = idle.and_then(|key| self.slots.remove(&key)) else {
                break;
            };
            total -= size_of(&slot);
            if let Some(stored) = slot.stored.get() {
                let aside = folder.join(format!("outgoing-{}", Uuid::now_v7()));
                if fs::rename(&stored.path, &aside).is_ok() {
                    doomed.push(aside);
                }
            }
        }
        doomed
    }
}

fn store(key: &Key, bytes: &Bytes, incoming: &Path, place: PathBuf) -> Result<Stored, PackageError> {
    let found = Digest::of(bytes);
    if found != key.package {
        return Err(PackageError::DigestDiffers {
            file_name: key.file_name.clone(),
            wanted: key.package,
            found,
        });
    }
    let not_stored = |cause| PackageError::NotStored {
        file_name: key.file_name.clone(),
        cause,
    };
    let format = ArchiveFormat::of(&key.file_name);
    let size = match format {
        Some(format) => unpack::unpack(format, bytes, incoming).map_err(|cause| {
            let _ = remove(incoming);
            PackageError::NotUnpacked {
                file_name: key.file_name.clone(),
                cause,
            }
        })?,
        None => write_file(incoming, bytes).map_err(not_stored)?,
    };
    place
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::rename(incoming, &place))
        .map_err(not_stored)?;
    Ok(Stored {
        path: place,
        is_folder: format.is_some(),
        size,
    })
}

/// Writes a package that is used as it is. It may be executed, and not changed.
fn write_file(path: &Path, bytes: &Bytes) -> io::Result<u64> {
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o555))?;
    Ok(bytes.len() as u64)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']) && name.len() <= 255
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
