//! Descriptions of graphs that other programs write.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;

/// A list of tasks with their parents and runtimes.
#[derive(Debug, Deserialize)]
pub(crate) struct Dag {
    pub(crate) name: String,
    pub(crate) tasks: Vec<DagTask>,
}

/// One task of a [`Dag`].
#[derive(Debug, Deserialize)]
pub(crate) struct DagTask {
    pub(crate) id: String,
    pub(crate) runtime_s: f64,
    #[serde(default)]
    pub(crate) parents: Vec<String>,
}

/// Why a file is not a graph.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DagError {
    #[error("{path} cannot be read")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is not a list of tasks: {source}")]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path}: the task {id:?} has the runtime {runtime_s}; a runtime is not negative")]
    Runtime {
        path: PathBuf,
        id: String,
        runtime_s: f64,
    },
}

impl Dag {
    /// Reads a file, through gzip where its name ends in `.gz`. The graph itself is checked by the service.
    pub(crate) fn read(path: &Path) -> Result<Self, DagError> {
        let unreadable = |source| DagError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let file = BufReader::new(File::open(path).map_err(unreadable)?);
        let mut text = Vec::new();
        let compressed = path.extension().is_some_and(|extension| extension == "gz");
        if compressed {
            GzDecoder::new(file).read_to_end(&mut text)
        } else {
            { file }.read_to_end(&mut text)
        }
        .map_err(unreadable)?;
        let dag: Self = serde_json::from_slice(&text).map_err(|source| DagError::Malformed {
            path: path.to_owned(),
            source,
        })?;
        match dag
            .tasks
            .iter()
            .find(|task| !(task.runtime_s.is_finite() && task.runtime_s >= 0.0))
        {
            Some(task) => Err(DagError::Runtime {
                path: path.to_owned(),
                id: task.id.clone(),
                runtime_s: task.runtime_s,
            }),
            None => Ok(dag),
        }
    }

    /// A key for each task, in their order: the id in a key's letters, told apart by a number where two ids become one.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut taken = HashSet::new();
        self.tasks
            .iter()
            .map(|task| {
                let plain = key_of(&task.id);
                let (mut key, mut number) = (plain.clone(), 1);
                while !taken.insert(key.clone()) {
                    number += 1;
                    key = format!("{}-{number}", &plain[..plain.len().min(LONGEST_KEY - 7)]);
                }
                key
            })
            .collect()
    }
}

/// The longest key that the service takes.
const LONGEST_KEY: usize = 63;

/// `text` in the letters that a key may have.
pub(crate) fn key_of(text: &str) -> String {
    let letters: String = text
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '-' | '_' | '.') => c,
            _ => '-',
        })
        .collect();
    // What is particular to one task mostly stands last.
    let end = &letters[letters.len().saturating_sub(LONGEST_KEY)..];
    let key = end.trim_start_matches(['-', '_', '.']);
    if key.is_empty() {
        "task".to_owned()
    } else {
        key.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TWO: &str = r#"{"name": "two", "source": "here", "tasks": [
        {"id": "A (1)", "runtime_s": 1.5, "parents": []},
        {"id": "a-[1]", "runtime_s": 0, "parents": ["A (1)"]}
    ]}"#;

    fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        (folder, path)
    }

    #[test]
    fn a_list_of_tasks_is_read_plain_and_compressed() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TWO.as_bytes()).unwrap();
        let files = [
            file("two.json", TWO.as_bytes()),
            file("two.json.gz", &gzip.finish().unwrap()),
        ];
        for (_folder, path) in &files {
            let dag = Dag::read(path).unwrap();
            assert_eq!(dag.name, "two");
            assert_eq!(dag.tasks[1].parents, ["A (1)"]);
        }
    }

    #[test]
    fn ids_become_keys_that_differ() {
        let (_folder, path) = file("two.json", TWO.as_bytes());
        assert_eq!(Dag::read(&path).unwrap().keys(), ["a--1-", "a--1--2"]);
        assert_eq!(key_of("__Über.x"), "ber.x");
        assert_eq!(key_of("(…)"), "task");
        assert_eq!(key_of(&"x".repeat(90)).len(), 63);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let (_folder, path) = file("x.json", b"{\"name\": \"x\", \"tasks\": [{\"id\": 3}]}");
        let error = Dag::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        let (_folder, path) = file(
            "y.json",
            b"{\"name\": \"y\", \"tasks\": [{\"id\": \"a\", \"runtime_s\": -1}]}",
        );
        let error = Dag::read(&path).unwrap_err().to_string();
        assert!(error.contains("\"a\""), "{error}");
    }
}
