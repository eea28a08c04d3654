//! The sources of the product, for tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the whole project.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests are a folder of the project")
        .to_owned()
}

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// Its path from the root of the project.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl Source {
    /// Its lines without those that are comments, each with its number.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .zip(1..)
            .map(|(line, number)| (number, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// The files below `folder` that end in `.extension`, in order.
#[must_use]
pub fn files(folder: &str, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), extension, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|it| it == extension) {
            let text = fs::read_to_string(&path).expect("a source in UTF-8");
            let path = path
                .strip_prefix(root())
                .expect("a path below the root")
                .display()
                .to_string();
            found.push(Source { path, text });
        }
    }
}
