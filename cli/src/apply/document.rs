//! Definitions as they stand in files, before the service sees them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Map, Value};
use waterclock_core::workflow::Digest;

use super::shape::Shapes;
use super::source::{Fault, Source, Step};

/// What a document defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    // In the order in which they depend on each other.
    Program,
    Endpoint,
    TaskNode,
    Workflow,
    AlertChannel,
    AlertRule,
    Calendar,
    Schedule,
    Trigger,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Program,
        Self::Endpoint,
        Self::TaskNode,
        Self::Workflow,
        Self::AlertChannel,
        Self::AlertRule,
        Self::Calendar,
        Self::Schedule,
        Self::Trigger,
    ];

    /// The schema's name for what creates one.
    fn input_type(self) -> &'static str {
        match self {
            Self::Program => "RegisterProgramInput",
            Self::Endpoint => "RegisterEndpointInput",
            Self::TaskNode => "CreateTaskNodeInput",
            Self::Workflow => "CreateWorkflowInput",
            Self::AlertChannel => "RegisterAlertChannelInput",
            Self::AlertRule => "RegisterAlertRuleInput",
            Self::Calendar => "CreateCalendarInput",
            Self::Schedule => "CreateScheduleInput",
            Self::Trigger => "CreateTriggerInput",
        }
    }

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
            Self::AlertChannel => "AlertChannel",
            Self::AlertRule => "AlertRule",
            Self::Calendar => "Calendar",
            Self::Schedule => "Schedule",
            Self::Trigger => "Trigger",
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
    /// What the service is to be given, when it fits the schema; all that does not fit otherwise.
    pub(super) fn proposal(mut self, shapes: &Shapes) -> Result<Proposal, Vec<Fault>> {
        let package = self.take_package().map_err(|fault| vec![fault])?;
        if self.kind == Kind::Workflow {
            // Whoever applies a workflow means it to run as it stands.
            self.fields.entry("publish").or_insert(Value::Bool(true));
        }
        if let Some(Value::Object(timing)) = self.fields.get_mut("timing") {
            // A selection may hold others, and the type that is generated for it can be empty, but not left out.
            timing.entry("calendar").or_insert(Value::Null);
        }
        let mut misfits = Vec::new();
        if self.fields.contains_key(IDEMPOTENCY_KEY) {
            let steps = vec![Step::Key(IDEMPOTENCY_KEY.to_owned())];
            misfits.push((
                steps,
                "a file is applied as often as one likes, and needs none".to_owned(),
            ));
        }
        let mut fields = Value::Object(self.fields);
        shapes.check(self.kind.input_type(), &mut fields, &mut misfits);
        if !misfits.is_empty() {
            return Err(misfits
                .iter()
                .map(|(steps, message)| self.source.fault(steps, message))
                .collect());
        }
        Ok(Proposal {
            kind: self.kind,
            key: self.key,
            source: self.source,
            fields,
            package,
            rank: 0,
        })
    }

    /// Puts the digest of `package: {file: …}` in the file's place.
    fn take_package(&mut self) -> Result<Option<Upload>, Fault> {
        let Some(Value::Object(package)) = self.fields.get_mut("package") else {
            return Ok(None);
        };
        let Some(Value::String(file)) = package.remove("file") else {
            return Ok(None);
        };
        let path = self.source.folder().join(&file);
        let steps = ["package", "file"].map(|key| Step::Key(key.to_owned()));
        let content = fs::read(&path).map_err(|error| {
            let message = format!("{} cannot be read: {error}", path.display());
            self.source.fault(&steps, message)
        })?;
        let digest = Digest::of(&content).to_string();
        package.insert("digest".to_owned(), Value::String(digest.clone()));
        let file_name = match package.get("fileName").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
        };
        package.insert("fileName".to_owned(), Value::String(file_name.clone()));
        Ok(Some(Upload {
            digest,
            file_name,
            content: content.into(),
        }))
    }
}

/// What a caller gives so that a call made twice has one effect.
const IDEMPOTENCY_KEY: &str = "idempotencyKey";

/// A definition that fits the schema.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) source: Source,
    /// The fields of the input that creates it, with their defaults.
    pub(super) fields: Value,
    pub(super) package: Option<Upload>,
    /// Those of its kind with a lower rank are made before it.
    pub(super) rank: usize,
}

/// A file that a program needs and that the service may not have yet.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) digest: String,
    pub(super) file_name: String,
    pub(super) content: Bytes,
}

/// Reads every document of the files, and of the YAML files in the folders, that `paths` name.
pub(super) fn read(paths: &[PathBuf], faults: &mut Vec<Fault>) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_of(path, faults));
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
    documents
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
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f.yaml"), text).unwrap();
        let mut faults = Vec::new();
        let documents = read(&[folder.path().to_owned()], &mut faults);
        let shapes = Shapes::of_schema();
        for document in documents {
            faults.extend(document.proposal(&shapes).err().into_iter().flatten());
        }
        let told = |fault: &Fault| {
            let line = fault.line.map_or(String::new(), |line| line.to_string());
            format!("{line}: {}", fault.message)
        };
        faults.iter().map(told).collect()
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
        let mut faults = Vec::new();
        let read = read(&[folder.path().to_owned()], &mut faults);
        assert_eq!(faults, []);
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
    fn every_fault_of_every_document_is_told_with_its_line() {
        let told = faults(
            "kind: Program\nkey: a\nruntime: EXEC\nenviroment: []\narguments: [x, 3]\n---\nkind: Program\nkey: b\n",
        );
        assert_eq!(
            told,
            [
                "4: enviroment: there is no such field; `environment` is one",
                "5: arguments.1: text is expected, and this is 3; put it in quotes",
                "7: `runtime` is missing",
            ]
        );
    }

    #[test]
    fn what_is_no_definition_is_told() {
        assert_eq!(
            faults("kind: Programme\nkey: a\n---\nkey: a\n---\n- 1\n---\nkind: Program\n"),
            [
                "1: kind: there is no \"Programme\"; there are Program, Endpoint, TaskNode, Workflow, AlertChannel, AlertRule, Calendar, Schedule, Trigger",
                "4: a definition needs a `kind`: Program, Endpoint, TaskNode, Workflow, AlertChannel, AlertRule, Calendar, Schedule, Trigger",
                "6: a definition is a map with a `kind` and a `key`",
                "8: a Program needs a `key`, which is text",
            ]
        );
        let told = faults("kind: Program\nkey: a\nkey: b\n");
        assert!(told[0].contains("duplicate"), "{told:?}");
        let told = faults("kind: Program\n  key: [\n");
        assert_eq!(told.len(), 1, "{told:?}");
        let told =
            faults("{kind: Program, key: a, runtime: EXEC}\n---\n{kind: Program, key: a, runtime: EXEC}\n");
        assert_eq!(
            told,
            ["3: key: another document defines the Program \"a\" already"]
        );
    }

    #[test]
    fn a_package_is_named_by_the_digest_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.jar"), "bytes").unwrap();
        let text = "kind: Program\nkey: a\nruntime: JAVA\npackage: {file: ./app.jar}\n";
        fs::write(folder.path().join("f.yaml"), text).unwrap();
        let document = read(&[folder.path().join("f.yaml")], &mut Vec::new()).remove(0);
        let proposal = document.proposal(&Shapes::of_schema()).unwrap();
        let upload = proposal.package.unwrap();
        assert_eq!(upload.digest, Digest::of(b"bytes").to_string());
        assert_eq!(proposal.fields["package"]["fileName"], "app.jar");

        let told = faults(text);
        assert!(told[0].starts_with("4: package.file: "), "{told:?}");
    }
}
