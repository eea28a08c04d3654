//! Names with values: variables, headers, query parameters, working files.
//!
//! They are lists and not JSON objects, so that the schema says what they are and a mistake has a place.

use std::collections::BTreeMap;

use async_graphql::{InputObject, SimpleObject};
use waterclock_core::check::Named;

/// A name with its value.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct NamedValue {
    /// The name.
    name: String,
    /// The value, a template.
    value: String,
}

/// A name with its value.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct NamedValueInput {
    /// The name.
    name: String,
    /// The value, a template: `${inputs.NAME}`, `${nodes.KEY.outputs.NAME}`, `${nodes.KEY.state}`, `${run.id}`,
    /// `${run.workflow}`, `${task.key}`, `${task.id}`, `${attempt}` and `${tenant}` are replaced; in a mapped node `${item}`,
    /// `${index}` and `${count}`, in a sharded one `${shard.index}`, `${shard.count}`, `${shard.items}` and
    /// `${shard.parameters}`, and in an endpoint with a callback `${callback.url}`. `$${` stands for a plain `${`.
    value: String,
}

/// A working file.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WorkingFile {
    /// Its path below the working directory.
    path: String,
    /// Its content, a template.
    content: String,
}

/// A working file.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct WorkingFileInput {
    /// Its path below the working directory: names joined by `/`.
    path: String,
    /// Its content, a template.
    content: String,
}

/// The entries of a map, by name.
pub(crate) fn named_values(map: &BTreeMap<String, String>) -> Vec<NamedValue> {
    map.iter()
        .map(|(name, value)| NamedValue {
            name: name.clone(),
            value: value.clone(),
        })
        .collect()
}

/// The working files of a map, by path.
pub(crate) fn working_files(map: &BTreeMap<String, String>) -> Vec<WorkingFile> {
    map.iter()
        .map(|(path, content)| WorkingFile {
            path: path.clone(),
            content: content.clone(),
        })
        .collect()
}

impl From<NamedValueInput> for Named {
    fn from(input: NamedValueInput) -> Self {
        Self {
            name: input.name,
            value: input.value,
        }
    }
}

impl From<WorkingFileInput> for Named {
    fn from(input: WorkingFileInput) -> Self {
        Self {
            name: input.path,
            value: input.content,
        }
    }
}

/// The entries of an optional list.
pub(crate) fn named<T: Into<Named>>(list: Option<Vec<T>>) -> Vec<Named> {
    list.unwrap_or_default().into_iter().map(Into::into).collect()
}
