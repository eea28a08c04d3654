//! The folder in which one installation keeps what it must find again: its PostgreSQL cluster, its signing secret.
//!
//! A folder given by mistake (a home folder, another program's) must never be written to, and a folder written by a
//! release with another layout must not be guessed at. Both are told by one small file, `layout`, that is made in an empty
//! folder and expected in any other.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// What `layout` says in a folder that this release understands.
const LAYOUT: &str = "waterclock 1";

/// The settings file that may wait in an otherwise empty folder before the first start.
pub(crate) const SETTINGS_FILE: &str = "waterclock.toml";

/// A folder that is known to be Waterclock's.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

/// The right to run an installation from a folder; it ends with the process, however that dies.
#[derive(Debug)]
pub(crate) struct DataDirLock {
    _file: File,
}

/// Why a folder cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    #[error("the data directory {path} cannot be {deed}; give another with --data-dir")]
    Unusable {
        path: PathBuf,
        deed: &'static str,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path} is not empty and not a data directory of Waterclock's; give an empty or absent folder with --data-dir"
    )]
    Foreign { path: PathBuf },
    #[error(
        "the data directory {path} was written by another release (its layout is {found:?}, this release knows {LAYOUT:?}); \
         run that release, or give another folder with --data-dir"
    )]
    OtherLayout { path: PathBuf, found: String },
    #[error(
        "another `waterclock up` (process {holder}) runs from the data directory {path}; stop it, or give another folder \
         with --data-dir"
    )]
    InUse { path: PathBuf, holder: String },
    #[error(
        "{path} is shorter than 256 bits; remove it to have another made (tokens signed with it end), or mend it"
    )]
    ShortSecret { path: PathBuf },
}

impl DataDir {
    /// Takes the folder at `path`, and makes it when it is absent.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |deed| {
            move |source| DataDirError::Unusable {
                path: path.to_owned(),
                deed,
                source,
            }
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable("made"))?;
        let directory = Self {
            path: path.canonicalize().map_err(unusable("read"))?,
        };
        directory.check_layout()?;
        Ok(directory)
    }

    /// Where it is: an absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn check_layout(&self) -> Result<(), DataDirError> {
        let layout = self.path.join("layout");
        match fs::read_to_string(&layout) {
            Ok(found) if found.trim_end() == LAYOUT => Ok(()),
            Ok(found) => Err(DataDirError::OtherLayout {
                path: self.path.clone(),
                found: found.trim_end().chars().take(40).collect(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.holds_anything().map_err(self.unusable("read"))? {
                    return Err(DataDirError::Foreign {
                        path: self.path.clone(),
                    });
                }
                fs::write(&layout, format!("{LAYOUT}\n")).map_err(self.unusable("written to"))
            }
            Err(error) => Err(self.unusable("read")(error)),
        }
    }

    fn holds_anything(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.path)? {
            if entry?.file_name() != SETTINGS_FILE {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the folder for this process alone.
    pub(crate) fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path.join("lock"))
            .map_err(self.unusable("locked"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(DataDirError::InUse {
                    path: self.path.clone(),
                    holder: holder.trim_end().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(self.unusable("locked")(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(self.unusable("locked"))?;
        Ok(DataDirLock { _file: file })
    }

    /// The secret that tokens of this installation are signed with, made when there is none yet.
    ///
    /// `up` and `token` may both be first at the same instant. Each writes a file of its own, and the one whose link is
    /// made first has made the secret.
    pub(crate) fn secret(&self) -> Result<String, DataDirError> {
        let path = self.path.join("jwt-secret");
        if !path.exists() {
            let candidate = self.path.join(format!("jwt-secret.{}", std::process::id()));
            let made =
                write_private(&candidate, &random_secret()).and_then(|()| fs::hard_link(&candidate, &path));
            let _ = fs::remove_file(&candidate);
            match made {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(self.unusable("written to")(error));
                }
                _ => {}
            }
        }
        let secret = fs::read_to_string(&path).map_err(self.unusable("read"))?;
        let secret = secret.trim_end().to_owned();
        if secret.len() < 32 {
            return Err(DataDirError::ShortSecret { path });
        }
        Ok(secret)
    }

    fn unusable(&self, deed: &'static str) -> impl FnOnce(io::Error) -> DataDirError {
        let path = self.path.clone();
        move |source| DataDirError::Unusable { path, deed, source }
    }
}

fn random_secret() -> String {
    let bytes: [u8; 32] = rand::random();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_of_somebody_elses_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "chapter one").unwrap();
        let error = DataDir::open(folder.path()).unwrap_err();
        assert!(matches!(error, DataDirError::Foreign { .. }), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_of_another_release_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("layout"), "waterclock 2\n").unwrap();
        let error = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("waterclock 2"), "{error}");
    }

    #[test]
    fn settings_may_wait_for_the_first_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(SETTINGS_FILE), "").unwrap();
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn only_one_process_at_a_time_runs_from_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(&folder.path().join("data")).unwrap();
        let lock = first.lock().unwrap();
        let error = first.lock().unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(lock);
        first.lock().unwrap();
    }

    #[test]
    fn the_secret_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let directory = DataDir::open(folder.path()).unwrap();
        let secret = directory.secret().unwrap();
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&secret).unwrap().len(), 32);
        assert_eq!(directory.secret().unwrap(), secret);
        let mode = fs::metadata(directory.path().join("jwt-secret"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let directory = DataDir::open(folder.path()).unwrap();
        fs::write(directory.path().join("jwt-secret"), "secret\n").unwrap();
        assert!(matches!(
            directory.secret(),
            Err(DataDirError::ShortSecret { .. })
        ));
    }
}
