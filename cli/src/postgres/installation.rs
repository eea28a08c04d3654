//! Where PostgreSQL's programs are on this machine.
//!
//! Distributions keep several major versions side by side, mostly outside `PATH`, and a cluster can only be run by the
//! version that made it. So all are found, and one is chosen: for a new cluster the highest that is supported, for an old
//! one its own.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The major versions that Waterclock runs on.
pub(crate) const SUPPORTED: std::ops::RangeInclusive<u32> = 14..=18;

/// One PostgreSQL on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) major: u32,
    bin: PathBuf,
}

impl Installation {
    /// Every supported installation on this machine, the highest version last.
    pub(crate) fn all() -> Vec<Self> {
        Self::among(candidates())
    }

    fn among(folders: impl IntoIterator<Item = PathBuf>) -> Vec<Self> {
        let mut found = BTreeMap::new();
        for bin in folders {
            if let Some(installation) = Self::at(bin)
                && SUPPORTED.contains(&installation.major)
            {
                found.entry(installation.major).or_insert(installation);
            }
        }
        found.into_values().collect()
    }

    fn at(bin: PathBuf) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let version = output_of(&bin.join("postgres"), "--version")?;
        Some(Self {
            major: major_of(&version)?,
            bin,
        })
    }

    /// The path of one of its programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// Folders that may hold the programs, in the order of preference within one major version.
fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = output_of(Path::new("pg_config"), "--bindir")
        .map(|line| PathBuf::from(line.trim_end()))
        .into_iter()
        .collect();
    folders.extend(
        subfolders("/usr/lib/postgresql", |_| true)
            .map(|version| version.join("bin"))
            .chain(subfolders("/usr", |name| name.starts_with("pgsql-")).map(|version| version.join("bin"))),
    );
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders
}

fn subfolders(parent: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(move |entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
}

fn output_of(program: &Path, argument: impl AsRef<OsStr>) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`, and `18devel` and `17beta1` too.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn pretend(folder: &Path, version: &str) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        for name in ["postgres", "initdb"] {
            let program = folder.join(name);
            fs::write(
                &program,
                format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n"),
            )
            .unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder.to_owned()
    }

    #[test]
    fn the_major_version_is_read_from_every_form_of_the_version() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 14\n"), Some(14));
        assert_eq!(major_of("postgres: command not found"), None);
    }

    #[test]
    fn the_highest_supported_version_comes_last_and_others_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["9.6.24", "16.3", "14.12", "99.1", "16.1"]
            .map(|version| pretend(&root.path().join(version), version));
        let found = Installation::among(folders.clone().into_iter().chain([root.path().join("absent")]));
        let majors: Vec<u32> = found.iter().map(|installation| installation.major).collect();
        assert_eq!(majors, [14, 16]);
        assert_eq!(found[1].program("initdb"), folders[1].join("initdb"));
    }
}
