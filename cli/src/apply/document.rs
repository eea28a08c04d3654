//! Definitions as they stand in files, before the service sees them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::source::{Fault, Source, Step};

/// What a document defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    // In the order in which they depend on each other.
    Program,
    Endpoint,
    TaskNode,
    Workflow,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Program, Self::Endpoint, Self::TaskNode, Self::Workflow];

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_string() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Program => "Program",
            Self::Endpoint => "Endpoint",
            Self::TaskNode => "TaskNode",
            Self::Workflow => "Workflow",
        })
    }
}

/// One definition.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    pub(crate) source: Source,
    /// Everything but the kind.
    pub(crate) fields: Map<String, Value>,
}

impl Document {
    /// Its fields as `T`; all that `T` does not know, or else the first that it cannot take.
    pub(crate) fn typed<T: DeserializeOwned>(&self) -> Result<T, Vec<Fault>> {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let fields = Value::Object(self.fields.clone());
        let tracked = serde_path_to_error::Deserializer::new(fields, &mut track);
        let typed = serde_ignored::deserialize(tracked, |path| unknown.push(steps_of_ignored(&path)));
        if !unknown.is_empty() {
            return Err(unknown
                .iter()
                .map(|steps| {
                    self.source
                        .fault(steps, format!("a {} has no such field", self.kind))
                })
                .collect());
        }
        typed.map_err(|error: serde_json::Error| {
            let steps: Vec<Step> = track.path().iter().filter_map(step_of_tracked).collect();
            vec![self.source.fault(&steps, error)]
        })
    }
}

fn steps_of_ignored(path: &serde_ignored::Path<'_>) -> Vec<Step> {
    use serde_ignored::Path as Ignored;
    let (parent, step) = match path {
        Ignored::Root => return Vec::new(),
        Ignored::Seq { parent, index } => (parent, Some(Step::Item(*index))),
        Ignored::Map { parent, key } => (parent, Some(Step::Key(key.clone()))),
        Ignored::Some { parent } | Ignored::NewtypeStruct { parent } | Ignored::NewtypeVariant { parent } => {
            (parent, None)
        }
    };
    let mut steps = steps_of_ignored(parent);
    steps.extend(step);
    steps
}

fn step_of_tracked(segment: &serde_path_to_error::Segment) -> Option<Step> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Seq { index } => Some(Step::Item(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        Segment::Unknown => None,
    }
}

/// Reads every document of the files, and of the YAML files in the folders, that `paths` name.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Document>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut documents: Vec<Document> = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_of(path, &mut faults));
    }
    for path in files {
        match fs::read_to_string(&path) {
            Err(error) => faults.push(unreadable(&path, &error)),
            Ok(text) => {
                for source in Source::split(&path, &text) {
                    match document_of(source) {
                        Ok(Some(document)) => documents.push(document),
                        Ok(None) => {}
                        Err(fault) => faults.push(fault),
                    }
                }
            }
        }
    }
    faults.extend(doubled(&documents));
    match faults.is_empty() {
        true => Ok(documents),
        false => Err(faults),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault {
        path: path.to_owned(),
        line: None,
        message: error.to_string(),
    }
}

/// The file itself, or the YAML files in and below the folder, in the order of their names.
fn files_of(path: &Path, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = match fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(unreadable(path, &error));
            return Vec::new();
        }
    };
    let mut inside: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    inside.sort();
    inside
        .iter()
        .filter(|path| path.is_dir() || is_yaml(path))
        .flat_map(|path| files_of(path, faults))
        .collect()
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// The definition in a document; `None` when the document is empty.
fn document_of(source: Source) -> Result<Option<Document>, Fault> {
    let value: serde_norway::Value = serde::Deserialize::deserialize(source.deserializer())
        .map_err(|error| source.fault_of_parser(&error))?;
    let value = serde_json::to_value(value).map_err(|error| source.fault(&[], error))?;
    let mut fields = match value {
        Value::Null => return Ok(None),
        Value::Object(fields) => fields,
        _ => return Err(source.fault(&[], "a definition is a map with a `kind` and a `key`")),
    };
    let kinds = || Kind::ALL.map(|kind| kind.to_string()).join(", ");
    let kind = match fields.remove("kind") {
        Some(Value::String(word)) => Kind::of(&word).ok_or_else(|| {
            source.fault(
                &[Step::Key("kind".to_owned())],
                format!("there is no {word:?}; there are {}", kinds()),
            )
        })?,
        _ => return Err(source.fault(&[], format!("a definition needs a `kind`: {}", kinds()))),
    };
    match fields.get("key") {
        Some(Value::String(key)) => Ok(Some(Document {
            kind,
            key: key.clone(),
            source,
            fields,
        })),
        _ => Err(source.fault(&[], format!("a {kind} needs a `key`, which is text"))),
    }
}

/// Documents that define what another has defined.
fn doubled(documents: &[Document]) -> Vec<Fault> {
    let is_doubled = |place: &usize| {
        let document = &documents[*place];
        documents[..*place]
            .iter()
            .any(|other| (other.kind, &other.key) == (document.kind, &document.key))
    };
    (0..documents.len())
        .filter(is_doubled)
        .map(|place| {
            let Document {
                kind, key, source, ..
            } = &documents[place];
            source.fault(
                &[Step::Key("key".to_owned())],
                format!("another document defines the {kind} {key:?} already"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Sample {
        key: String,
        environment: Option<std::collections::BTreeMap<String, String>>,
        max_attempts: Option<i64>,
    }

    fn faults(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.yaml");
        fs::write(&path, text).unwrap();
        let faults = match read(&[folder.path().to_owned()]) {
            Err(faults) => faults,
            Ok(documents) => documents
                .iter()
                .filter_map(|document| document.typed::<Sample>().err())
                .flatten()
                .collect(),
        };
        faults
            .iter()
            .map(|fault| {
                let line = fault.line.map_or(String::new(), |line| line.to_string());
                format!("{line}: {}", fault.message)
            })
            .collect()
    }

    #[test]
    fn documents_are_read_from_folders_in_any_number() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deeper")).unwrap();
        fs::write(
            folder.path().join("deeper/a.yml"),
            "kind: Program\nkey: a\n---\n---\nkind: Endpoint\nkey: a\n",
        )
        .unwrap();
        fs::write(folder.path().join("b.yaml"), "{kind: Workflow, key: b}").unwrap();
        fs::write(folder.path().join("README.md"), "not YAML: [").unwrap();
        let read = read(&[folder.path().to_owned()]).unwrap();
        let named: Vec<_> = read
            .iter()
            .map(|document| (document.kind, document.key.as_str()))
            .collect();
        assert_eq!(
            named,
            [(Kind::Workflow, "b"), (Kind::Program, "a"), (Kind::Endpoint, "a")]
        );
    }

    #[test]
    fn every_unknown_field_is_told_with_its_line() {
        let told = faults(
            "kind: Program\nkey: a\nenviroment: {}\nkinds: 3\n---\nkind: Program\nkey: b\nmaxattempts: 1\n",
        );
        assert_eq!(
            told,
            [
                "3: enviroment: a Program has no such field",
                "4: kinds: a Program has no such field",
                "8: maxattempts: a Program has no such field"
            ]
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_told_with_its_path_and_line() {
        let told = faults("kind: Program\nkey: a\nenvironment:\n  HOME: /\n  PORT: 80\n");
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("5: environment.PORT: invalid type"),
            "{told:?}"
        );
    }

    #[test]
    fn what_is_no_definition_is_told() {
        assert_eq!(
            faults("kind: Programme\nkey: a\n---\nkey: a\n---\n- 1\n---\nkind: Program\n"),
            [
                "1: kind: there is no \"Programme\"; there are Program, Endpoint, TaskNode, Workflow",
                "4: a definition needs a `kind`: Program, Endpoint, TaskNode, Workflow",
                "6: a definition is a map with a `kind` and a `key`",
                "8: a Program needs a `key`, which is text",
            ]
        );
        let told = faults("kind: Program\nkey: a\nkey: b\n");
        assert!(told[0].contains("duplicate"), "{told:?}");
        let told = faults("kind: Program\n  key: [\n");
        assert_eq!(told.len(), 1, "{told:?}");
        let told = faults("kind: Program\nkey: a\n---\nkind: Program\nkey: a\n");
        assert_eq!(
            told,
            ["5: key: another document defines the Program \"a\" already"]
        );
    }
}
