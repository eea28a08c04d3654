//! One YAML document, and the line on which any part of it stands.
//!
//! A fault may come to light long after the text was read: in the typed form, or in the service's answer. It is then known
//! by its path (`workflow.nodes.3.key`). To find the line, the document is read once more by a probe that follows the path
//! and stops there with an error, for the YAML parser says of every error where it stood.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_norway::Deserializer;

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the value under a key.
    Key(String),
    /// To an item of a list.
    Item(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Item(place) => place.fmt(f),
        }
    }
}

/// A document and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    path: Arc<Path>,
    text: Arc<str>,
    /// Its place among the documents of its file.
    place: usize,
}

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Source {
    /// The documents of a file, up to the first that is not YAML: nobody knows where that one ends.
    pub(crate) fn split(path: &Path, text: &str) -> Vec<Self> {
        let (path, text): (Arc<Path>, Arc<str>) = (path.into(), text.into());
        let readable = Deserializer::from_str(&text)
            .map(IgnoredAny::deserialize)
            .take_while(Result::is_ok)
            .count();
        let at = |place| Self {
            path: path.clone(),
            text: text.clone(),
            place,
        };
        let mut documents: Vec<Self> = (0..readable).map(at).collect();
        if Deserializer::from_str(&text).nth(readable).is_some() {
            documents.push(at(readable));
        }
        documents
    }

    /// The folder of its file.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// The parser, at the beginning of this document.
    pub(crate) fn deserializer(&self) -> Deserializer<'_> {
        Deserializer::from_str(&self.text)
            .nth(self.place)
            .expect("the document was there when the file was split")
    }

    /// A fault at `steps`, or, where these lead nowhere, at the last step that leads somewhere.
    pub(crate) fn fault(&self, steps: &[Step], message: impl fmt::Display) -> Fault {
        let shown: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let message = if shown.is_empty() {
            message.to_string()
        } else {
            format!("{}: {message}", shown.join("."))
        };
        Fault {
            path: self.path.to_path_buf(),
            line: self.line_of(steps),
            message,
        }
    }

    /// The parser's own fault.
    pub(crate) fn fault_of_parser(&self, error: &serde_norway::Error) -> Fault {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Fault {
            path: self.path.to_path_buf(),
            line: error.location().map(|location| location.line()),
            message,
        }
    }

    fn line_of(&self, steps: &[Step]) -> Option<usize> {
        let found = self.deserializer().deserialize_any(Probe { steps });
        found.err()?.location().map(|location| location.line())
    }
}

const HERE: &str = "here";

/// Follows the steps and fails where they end.
#[derive(Clone, Copy)]
struct Probe<'a> {
    steps: &'a [Step],
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Whatever is not a map or a list fails as a value of the wrong type, which serves as well.
impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the end of the path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.steps.split_first() else {
            return Err(A::Error::custom(HERE));
        };
        let key = ProbedKey {
            wanted,
            is_last: rest.is_empty(),
        };
        while let Some(is_wanted) = map.next_key_seed(key)? {
            if is_wanted {
                return map.next_value_seed(Probe { steps: rest });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Err(A::Error::custom(HERE))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Step::Item(place), rest)) = self.steps.split_first() else {
            return Err(A::Error::custom(HERE));
        };
        for _ in 0..*place {
            items.next_element::<IgnoredAny>()?;
        }
        items.next_element_seed(Probe { steps: rest })?;
        Err(A::Error::custom(HERE))
    }
}

/// Tells whether a key is the wanted one, and fails on it when the path ends there, so that the line is the key's and not
/// that of a value further down.
#[derive(Clone, Copy)]
struct ProbedKey<'a> {
    wanted: &'a str,
    is_last: bool,
}

impl<'de> DeserializeSeed<'de> for ProbedKey<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ProbedKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<bool, E> {
        match key == self.wanted {
            true if self.is_last => Err(E::custom(HERE)),
            is_wanted => Ok(is_wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
kind: Program
key: first
---
# a remark
kind: Workflow
key: second
nodes:
  - key: a
  - key: b
    taskNode: x
    environment:
      LANG: C
edges: [{from: a,
         to: b}]
";

    fn line(steps: &[Step]) -> Option<usize> {
        let documents = Source::split(Path::new("f.yaml"), FILE);
        assert_eq!(documents.len(), 2);
        documents[1].line_of(steps)
    }

    fn key(name: &str) -> Step {
        Step::Key(name.to_owned())
    }

    #[test]
    fn a_path_leads_to_its_line() {
        assert_eq!(line(&[key("kind")]), Some(5));
        assert_eq!(line(&[key("nodes")]), Some(7));
        assert_eq!(line(&[key("nodes"), Step::Item(1)]), Some(9));
        assert_eq!(line(&[key("nodes"), Step::Item(1), key("taskNode")]), Some(10));
        assert_eq!(
            line(&[key("nodes"), Step::Item(1), key("environment"), key("LANG")]),
            Some(12)
        );
        assert_eq!(line(&[key("edges"), Step::Item(0), key("to")]), Some(14));
    }

    #[test]
    fn a_path_that_ends_early_leads_as_far_as_it_can() {
        assert_eq!(line(&[]), Some(5));
        assert_eq!(line(&[key("nodes"), Step::Item(1), key("absent")]), Some(9));
        assert_eq!(line(&[key("key"), key("deeper")]), Some(6));
    }
}
