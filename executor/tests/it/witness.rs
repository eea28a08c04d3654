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
    _folder: TempDir,
}

impl Witness {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader = pipe::OpenOptions::new().open_receiver(&path).unwrap();
        Self {
            path,
            reader,
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
    pub(crate) async fn is_up(&mut self) {
        let byte = timeout(PATIENCE, self.reader.read_u8()).await.expect("nobody came up");
        byte.unwrap();
    }

    /// Waits until nobody holds the FIFO open any more.
    pub(crate) async fn is_gone(mut self) {
        let mut rest = Vec::new();
        let ended = timeout(PATIENCE, self.reader.read_to_end(&mut rest)).await;
        ended.expect("somebody is still there").unwrap();
    }
}

pub(crate) fn stubborn(fifo: &Path) -> String {
    format!("sh -c '{STUBBORN}' > {}", fifo.display())
}

pub(crate) fn stubborn_orphan(fifo: &Path) -> String {
    format!("( setsid sh -c '{STUBBORN}' > {} 2>&1 & )", fifo.display())
}
