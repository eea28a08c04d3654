//! The cluster's directory: made, owned, and reached by a handle.
//!
//! The account that PostgreSQL runs under must reach its directory, and need not be able to: root's own folder is closed
//! to others, and so is every folder below it. Opening such folders, or putting the cluster elsewhere, would each surprise
//! somebody. Instead the directory is opened once, by us, and handed down as an open file: a path through
//! `/proc/self/fd` leads straight to it, whatever lies above, and PostgreSQL passes the file on to its own children.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::Uid;

use super::ClusterError;
use super::account::Account;
use super::installation::{Installation, SUPPORTED};
use super::spawn;

/// A cluster's directory, and what runs it.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    handle: File,
    pub(crate) account: Account,
    pub(crate) installation: Installation,
}

impl Directory {
    /// The cluster at `path`, made when there is none.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self, ClusterError> {
        let installations = Installation::all();
        if !path.exists() {
            make(path, &installations)?;
        }
        Self::open(path, installations)
    }

    fn open(path: &Path, installations: Vec<Installation>) -> Result<Self, ClusterError> {
        let unreadable = |source| ClusterError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let owner = Uid::from_raw(fs::metadata(path).map_err(unreadable)?.uid());
        let account = Account::of_owner(owner).ok_or_else(|| ClusterError::OwnedByAnother {
            path: path.to_owned(),
            owner,
        })?;
        let version = fs::read_to_string(path.join("PG_VERSION")).map_err(unreadable)?;
        let version = version.trim_end();
        let found: Vec<u32> = installations
            .iter()
            .map(|installation| installation.major)
            .collect();
        let installation = installations
            .into_iter()
            .find(|installation| installation.major.to_string() == version)
            .ok_or_else(|| ClusterError::OtherVersion {
                path: path.to_owned(),
                version: version.to_owned(),
                found,
            })?;
        Ok(Self {
            path: path.to_owned(),
            handle: File::open(path).map_err(unreadable)?,
            account,
            installation,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn handle(&self) -> &File {
        &self.handle
    }

    /// Its path for this process and those that inherit the handle, at most 30 bytes long.
    pub(crate) fn path_by_handle(&self) -> PathBuf {
        path_by(&self.handle)
    }

    /// The postmaster that runs in this directory although we have not started it, if there is one.
    ///
    /// The process id in `postmaster.pid` may long belong to another process; a postmaster is told by where it stands.
    pub(crate) fn postmaster(&self) -> Option<i32> {
        let text = fs::read_to_string(self.path.join("postmaster.pid")).ok()?;
        let pid: i32 = text.lines().next()?.trim().parse().ok()?;
        let here = self.handle.metadata().ok()?;
        let there = fs::metadata(format!("/proc/{pid}/cwd")).ok()?;
        ((here.dev(), here.ino()) == (there.dev(), there.ino())).then_some(pid)
    }
}

/// Makes a cluster beside `path` and moves it there once it is whole, so that what bears the name can be started.
fn make(path: &Path, installations: &[Installation]) -> Result<(), ClusterError> {
    let installation = installations
        .last()
        .ok_or(ClusterError::NoInstallation { supported: SUPPORTED })?;
    let account = Account::for_cluster_to_make().ok_or(ClusterError::NoAccount)?;
    let unmade = |source| ClusterError::Unmade {
        path: path.to_owned(),
        source,
    };
    let partial = path.with_extension("partial");
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unmade(error)),
        _ => {}
    }
    let handle = make_directory(&partial, account).map_err(unmade)?;
    let output = initialize(installation, account, &handle).map_err(unmade)?;
    if !output.status.success() {
        return Err(ClusterError::Initialization {
            path: path.to_owned(),
            output: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
        });
    }
    // initdb was told to leave this to us: one call for the file system is faster than one for each of a thousand files.
    nix::unistd::syncfs(&handle).map_err(|errno| unmade(errno.into()))?;
    fs::rename(&partial, path).map_err(unmade)?;
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
        .map_err(unmade)
}

fn make_directory(path: &Path, account: Account) -> io::Result<File> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    if let Account::Other { uid, gid } = account {
        std::os::unix::fs::chown(path, Some(uid.as_raw()), Some(gid.as_raw()))?;
    }
    File::open(path)
}

fn initialize(installation: &Installation, account: Account, directory: &File) -> io::Result<Output> {
    let mut initdb = Command::new(installation.program("initdb"));
    initdb
        .arg("-D")
        .arg(path_by(directory))
        .args(["--username", super::OWNER, "--auth", "trust"])
        .args(["--encoding", "UTF8", "--locale", "C.UTF-8"])
        .args(["--no-sync", "--no-instructions"])
        .stdin(Stdio::null());
    spawn::bind(&mut initdb, account, directory.as_raw_fd(), Signal::SIGKILL);
    initdb.output()
}

fn path_by(handle: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()))
}
