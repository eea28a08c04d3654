//! The folders and files that an attempt works with.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use waterclock_core::work::Assignment;

/// The folder of one attempt, removed when this is dropped.
///
/// It holds `inputs.json`, the run's inputs; `output` and `progress`, into which the program writes; and `work`, where it runs
/// unless it names another folder.
#[derive(Debug)]
pub(super) struct AttemptFolder {
    folder: PathBuf,
}

impl AttemptFolder {
    /// Makes the folder with the inputs, and with nothing in the other files.
    pub(super) fn make(attempts: &Path, assignment: &Assignment) -> io::Result<Self> {
        let made = Self {
            folder: attempts.join(format!("{}-{}", assignment.task_run_id, assignment.fence)),
        };
        fs::create_dir_all(made.work())?;
        fs::write(made.inputs(), assignment.inputs.to_string())?;
        File::create(made.output())?;
        File::create(made.progress())?;
        Ok(made)
    }

    /// The file with the run's inputs.
    pub(super) fn inputs(&self) -> PathBuf {
        self.folder.join("inputs.json")
    }

    /// The file of what the program gives.
    pub(super) fn output(&self) -> PathBuf {
        self.folder.join("output")
    }

    /// The file of how far the program is.
    pub(super) fn progress(&self) -> PathBuf {
        self.folder.join("progress")
    }

    /// The fresh folder to run in.
    pub(super) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }
}

impl Drop for AttemptFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "the folder of an attempt could not be removed");
        }
    }
}

/// Why a working file was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The path leads elsewhere: the definition is wrong.
    #[error("the file {0:?} is not a path within the working directory; give a relative one without `..`")]
    Outside(String),
    /// The system refused: the executor cannot do it.
    #[error("the file {path:?} could not be written into the working directory: {reason}")]
    Refused {
        /// The file's path.
        path: String,
        /// What the system says.
        reason: io::Error,
    },
}

/// Writes `files`, by relative path, into `directory`.
pub(super) fn write_files(directory: &Path, files: &BTreeMap<String, String>) -> Result<(), FileError> {
    files
        .iter()
        .try_for_each(|(path, content)| write_file(directory, path, content))
}

fn write_file(directory: &Path, path: &str, content: &str) -> Result<(), FileError> {
    let outside = || FileError::Outside(path.to_owned());
    let refused = |reason| FileError::Refused {
        path: path.to_owned(),
        reason,
    };
    let relative = Path::new(path);
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return Err(outside());
    }
    let file = directory.join(relative);
    let folder = file.parent().filter(|_| file != directory).ok_or_else(outside)?;
    fs::create_dir_all(folder).map_err(refused)?;
    // A folder that the program names itself may hold links that lead out of it.
    let root = directory.canonicalize().map_err(refused)?;
    if !folder.canonicalize().map_err(refused)?.starts_with(root) {
        return Err(outside());
    }
    // What begins like a script can be executed.
    let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(&file)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(refused)
}

/// Opens a file that a program was to write, for reading; `None` when it is gone.
///
/// A program may have put anything in its place. A link is not followed, for the executor may read what the link's maker
/// may not; a FIFO is not waited for; a folder is none.
pub(super) fn open_plain(path: &Path) -> io::Result<Option<File>> {
    let no_file = |what: &str| Err(io::Error::other(format!("{what} lies in its place")));
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = match File::options().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => return no_file("a link"),
        Err(error) => return Err(error),
    };
    let kind = file.metadata()?.file_type();
    match kind {
        _ if kind.is_file() => Ok(Some(file)),
        _ if kind.is_dir() => no_file("a folder"),
        _ => no_file("something that is no plain file"),
    }
}

/// Looks an executable up as `execvp` does: a name with a slash is a path from `directory`, any other is searched for in
/// the folders of `path`.
pub(super) fn find_executable(word: &str, directory: &Path, path: &str) -> Option<PathBuf> {
    let is_executable =
        |file: &PathBuf| file.is_file() && nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok();
    if word.contains('/') {
        return Some(directory.join(word)).filter(is_executable);
    }
    std::env::split_paths(path)
        .map(|folder| directory.join(folder).join(word))
        .find(is_executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(path: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(path.to_owned(), "content".to_owned())])
    }

    #[test]
    fn files_are_written_below_the_working_directory_and_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        write_files(directory.path(), &files("a/b.txt")).unwrap();
        assert_eq!(
            fs::read_to_string(directory.path().join("a/b.txt")).unwrap(),
            "content"
        );
        for path in ["../a", "/tmp/a", "a/../../b", "", "."] {
            let refused = write_files(directory.path(), &files(path));
            assert!(matches!(refused, Err(FileError::Outside(_))), "{path:?}");
        }
    }

    #[test]
    fn links_do_not_lead_files_out_of_the_working_directory() {
        let outside = tempfile::tempdir().unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), directory.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("x"), directory.path().join("link")).unwrap();
        assert!(write_files(directory.path(), &files("out/a")).is_err());
        assert!(write_files(directory.path(), &files("link")).is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_plain_files_are_read_back_and_nothing_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        fs::write(place("plain"), "x").unwrap();
        std::os::unix::fs::symlink(place("plain"), place("link")).unwrap();
        nix::unistd::mkfifo(&place("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(open_plain(&place("plain")).unwrap().is_some());
        assert!(open_plain(&place("gone")).unwrap().is_none());
        for (name, told) in [(".", "a folder"), ("link", "a link"), ("fifo", "no plain file")] {
            let error = open_plain(&place(name)).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn executables_are_found_as_a_shell_finds_them() {
        let directory = tempfile::tempdir().unwrap();
        let script = BTreeMap::from([
            ("bin/run".to_owned(), "#!/bin/sh\n".to_owned()),
            ("bin/text".to_owned(), "plain".to_owned()),
        ]);
        write_files(directory.path(), &script).unwrap();
        let find = |word: &str, path: &str| find_executable(word, directory.path(), path);
        assert_eq!(find("bin/run", ""), Some(directory.path().join("bin/run")));
        assert_eq!(find("run", "nowhere:bin"), Some(directory.path().join("bin/run")));
        assert_eq!(find("bin/text", ""), None);
        assert_eq!(find("run", ""), None);
        assert!(find("/bin/sh", "").is_some());
    }
}
