//! Unpacks archives that somebody else made.
//!
//! An archive is a list of paths and contents, and neither can be trusted: paths that climb out of the folder, links that
//! lead out of it and files written through them, a few bytes that unpack to a full disk. Every entry therefore passes
//! one [`Folder`], which knows the bounds. Links are made after all files, so that nothing is written through one, and each
//! must lead, as the system itself resolves it, to something within the folder.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::EntryType;
use zip::ZipArchive;

/// The most bytes that an archive may unpack to.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;

/// The most files, folders and links in an archive.
const MOST_ENTRIES: usize = 100_000;

/// The longest target of a link.
const LONGEST_LINK: u64 = 4096;

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    /// Its bytes are not those of an archive of its kind.
    #[error("it is damaged, or not the kind of archive that its name says ({0})")]
    Damaged(String),
    /// A path in it leads out of it.
    #[error("it holds {0:?}, which would lie outside its folder")]
    Escapes(String),
    /// A link in it leads out of it, or nowhere.
    #[error("it holds the link {0:?}, which leads to nothing within it")]
    LinkEscapes(String),
    /// Something other than a file, a folder or a symbolic link.
    #[error("it holds {0:?}, which is neither a file nor a folder nor a symbolic link")]
    Unsupported(String),
    /// Two entries with one path.
    #[error("it holds {0:?} twice")]
    Twice(String),
    /// It is too large.
    #[error("it unpacks to more than {MOST_BYTES} bytes or {MOST_ENTRIES} entries")]
    TooLarge,
    /// The disk refused.
    #[error("the executor could not write it: {0}")]
    Disk(io::Error),
}

/// The archives that are unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArchiveFormat {
    Zip,
    Tar,
    TarGz,
}

impl ArchiveFormat {
    /// By the file's name; `None` for what is used as it is.
    pub(crate) fn of(file_name: &str) -> Option<Self> {
        let name = file_name.to_ascii_lowercase();
        let is = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if is(&[".zip"]) {
            Some(Self::Zip)
        } else if is(&[".tar"]) {
            Some(Self::Tar)
        } else if is(&[".tar.gz", ".tgz"]) {
            Some(Self::TarGz)
        } else {
            None
        }
    }
}

/// Unpacks `bytes` into the new folder `path`, and says how many bytes that took.
pub(crate) fn unpack(format: ArchiveFormat, bytes: &[u8], path: &Path) -> Result<u64, UnpackError> {
    let mut folder = Folder::make(path)?;
    match format {
        ArchiveFormat::Zip => unpack_zip(bytes, &mut folder)?,
        ArchiveFormat::Tar => unpack_tar(bytes, &mut folder)?,
        ArchiveFormat::TarGz => unpack_tar(GzDecoder::new(bytes), &mut folder)?,
    }
    folder.finish()
}

fn unpack_zip(bytes: &[u8], folder: &mut Folder) -> Result<(), UnpackError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        if entry.is_dir() {
            folder.add_folder(&name)?;
        } else if entry.is_symlink() {
            let mut target = String::new();
            entry
                .by_ref()
                .take(LONGEST_LINK)
                .read_to_string(&mut target)
                .map_err(damaged)?;
            folder.add_link(&name, target.into())?;
        } else {
            let is_executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
            folder.add_file(&name, is_executable, &mut entry)?;
        }
    }
    Ok(())
}

fn unpack_tar(bytes: impl Read, folder: &mut Folder) -> Result<(), UnpackError> {
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Directory => folder.add_folder(&name)?,
            EntryType::Regular | EntryType::Continuous => {
                let is_executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                folder.add_file(&name, is_executable, &mut entry)?;
            }
            EntryType::Symlink => {
                let target = entry.link_name().map_err(damaged)?.unwrap_or_default();
                folder.add_link(&name, target.into_owned())?;
            }
            // What tar says about the archive itself.
            EntryType::XGlobalHeader => {}
            _ => return Err(UnpackError::Unsupported(name)),
        }
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> UnpackError {
    UnpackError::Damaged(error.to_string())
}

/// The folder that an archive is unpacked into.
struct Folder {
    root: PathBuf,
    links: Vec<(String, PathBuf)>,
    entries: usize,
    room: u64,
}

impl Folder {
    fn make(path: &Path) -> Result<Self, UnpackError> {
        fs::create_dir(path).map_err(UnpackError::Disk)?;
        Ok(Self {
            root: path.canonicalize().map_err(UnpackError::Disk)?,
            links: Vec::new(),
            entries: 0,
            room: MOST_BYTES,
        })
    }

    fn add_folder(&mut self, name: &str) -> Result<(), UnpackError> {
        let path = self.place(name)?;
        fs::create_dir_all(path).map_err(|error| refused(error, name))
    }

    fn add_file(&mut self, name: &str, is_executable: bool, content: impl Read) -> Result<(), UnpackError> {
        let path = self.place_in_folder(name)?;
        let mode = if is_executable { 0o555 } else { 0o444 };
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)
            .map_err(|error| refused(error, name))?;
        let mut content = content.take(self.room + 1);
        let written = copy(&mut content, &mut file)?;
        self.room = self.room.checked_sub(written).ok_or(UnpackError::TooLarge)?;
        Ok(())
    }

    fn add_link(&mut self, name: &str, target: PathBuf) -> Result<(), UnpackError> {
        self.place(name)?;
        self.links.push((name.to_owned(), target));
        Ok(())
    }

    /// Makes the links, and says how many bytes everything takes.
    fn finish(mut self) -> Result<u64, UnpackError> {
        for (name, target) in std::mem::take(&mut self.links) {
            let path = self.place_in_folder(&name)?;
            symlink(target, &path).map_err(|error| refused(error, &name))?;
            let leads_inside = path
                .canonicalize()
                .is_ok_and(|found| found.starts_with(&self.root));
            if !leads_inside {
                return Err(UnpackError::LinkEscapes(name));
            }
        }
        Ok(MOST_BYTES - self.room)
    }

    fn place_in_folder(&mut self, name: &str) -> Result<PathBuf, UnpackError> {
        let path = self.place(name)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| refused(error, name))?;
        }
        Ok(path)
    }

    /// Where an entry goes: below the folder, by a path that only goes down.
    fn place(&mut self, name: &str) -> Result<PathBuf, UnpackError> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(UnpackError::TooLarge);
        }
        let goes_down = Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if goes_down && !name.contains('\0') {
            Ok(self.root.join(name))
        } else {
            Err(UnpackError::Escapes(name.to_owned()))
        }
    }
}

/// Copies, and tells apart an archive that cannot be read and a disk that cannot be written.
fn copy(content: &mut impl Read, file: &mut File) -> Result<u64, UnpackError> {
    let mut buffer = vec![0; 64 * 1024];
    let mut written = 0;
    loop {
        let read = content.read(&mut buffer).map_err(damaged)?;
        if read == 0 {
            return Ok(written);
        }
        io::Write::write_all(file, &buffer[..read]).map_err(UnpackError::Disk)?;
        written += read as u64;
    }
}

fn refused(error: io::Error, name: &str) -> UnpackError {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => UnpackError::Twice(name.to_owned()),
        _ => UnpackError::Disk(error),
    }
}
