//! Tells when processes are there and when they are gone, without asking again and again.
//!
//! A process that holds the writing end of a FIFO open is seen from the reading end: what it writes, and, when it and all
//! who inherited that end are gone, the end of the file.

use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::source::PATIENCE;

/// What a stubborn process does: says that it is up, and ignores everything but KILL.
const STUBBORN: &str = r#"trap "" TERM HUP INT; echo up; while :; do sleep 1000; done"#;

pub(crate) struct Witness {
    path: PathBuf,
    reader: pipe::Receiver,
    /// Our own writing end: closing it brings the end about also when nobody ever came.
    writer: pipe::Sender,
    _folder: TempDir,
}

impl Witness {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader = pipe::OpenOptions::new().open_receiver(&path).unwrap();
        let writer = pipe::OpenOptions::new().open_sender(&path).unwrap();
        Self {
            path,
            reader,
            writer,
            _folder: folder,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A shell command that holds the FIFO open, in the foreground.
    pub(crate) fn stubborn(&self) -> String {
        stubborn(&self.path)
    }

    /// A shell command that leaves a stubborn grandchild behind, orphaned and in a session of its own.
    pub(crate) fn stubborn_orphan(&self) -> String {
        stubborn_orphan(&self.path)
    }

    /// Waits until somebody wrote a line.
    pub(crate) async fn sees_somebody(&mut self) {
        let line = async { while self.reader.read_u8().await.unwrap() != b'\n' {} };
        timeout(PATIENCE, line).await.expect("nobody came up");
    }

    /// Waits until nobody holds the FIFO open any more.
    pub(crate) async fn sees_nobody(mut self) {
        drop(self.writer);
        let mut rest = Vec::new();
        let ended = timeout(PATIENCE, self.reader.read_to_end(&mut rest)).await;
        ended.expect("somebody is still there").unwrap();
    }
}

/// A FIFO that a script waits at until it may go on.
pub(crate) struct Barrier {
    path: PathBuf,
    _folder: TempDir,
}

impl Barrier {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("barrier");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        Self {
            path,
            _folder: folder,
        }
    }

    /// A shell command that waits.
    pub(crate) fn wait(&self) -> String {
        format!("read line < {}", self.path.display())
    }

    /// Lets the script go on.
    pub(crate) async fn open(&self) {
        tokio::fs::write(&self.path, "go\n").await.unwrap();
    }
}

pub(crate) fn stubborn(fifo: &Path) -> String {
    format!("sh -c '{STUBBORN}' > {}", fifo.display())
}

pub(crate) fn stubborn_orphan(fifo: &Path) -> String {
    format!("( setsid sh -c '{STUBBORN}' > {} 2>&1 & )", fifo.display())
}
