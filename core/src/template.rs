//! Text with references in it: `${…}` in arguments, variables, files, URLs, headers and bodies.
//!
//! | reference | stands for |
//! |---|---|
//! | `${inputs.NAME}` | what the run was given |
//! | `${nodes.KEY.outputs.NAME}`, `${nodes.KEY.state}` | what a task node before this one gave, and how it ended |
//! | `${item}`, `${index}`, `${count}` | the item of a mapped task run, its place from 0, and how many there are |
//! | `${shard.index}`, `${shard.count}`, `${shard.items}`, `${shard.parameters}` | the share of a sharded task run |
//! | `${callback.url}` | where an endpoint that answered 202 says that it has finished |
//! | `${run.id}`, `${run.workflow}`, `${task.key}`, `${task.id}`, `${attempt}`, `${tenant}` | who asks |
//!
//! Behind an input, the outputs and the item, dots go deeper: a field's name, or a place in a list. A text stands as it is,
//! anything else as JSON. `$${` stands for a plain `${`.
//!
//! References are replaced, never computed with: what a definition means can be seen without running it, so that
//! [`check_template`] finds every name that leads nowhere when the definition is saved, and [`nodes_read_by`] tells which
//! outputs an executor needs to be given, and no others are loaded for it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::work::{Assignment, Shard};
use crate::workflow::Work;

/// A reference that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without its `}`.
    #[error("`${{` at byte {0} is never closed by `}}`; write `$${{` for a plain `${{`")]
    Unclosed(usize),
    /// A name that means nothing.
    #[error(
        "`${{{0}}}` refers to nothing; there are inputs.NAME, nodes.KEY.outputs.NAME, nodes.KEY.state, item, index, \
         count, shard.index, shard.count, shard.items, shard.parameters, callback.url, run.id, run.workflow, task.key, \
         task.id, attempt and tenant"
    )]
    Unknown(String),
    /// An input that the run was not given.
    #[error("`${{inputs.{0}}}` refers to an input that this run does not have")]
    MissingInput(String),
    /// A task node whose end need not have come when this one begins.
    #[error(
        "`${{{name}}}` reads the node {key:?}, which does not come before this one; add an edge, or read one that does"
    )]
    NotBefore {
        /// The reference.
        name: String,
        /// The node's key.
        key: String,
    },
    /// An output that the task node did not give, or a part that the output or the item does not have.
    #[error("`${{{0}}}` refers to a value that was not given")]
    MissingValue(String),
    /// A reference that has a value in other nodes only.
    #[error("`${{{name}}}` has a value only in {place}")]
    OutOfPlace {
        /// The reference.
        name: String,
        /// Where it has one.
        place: &'static str,
    },
}

const MAPPED: &str = "a node that runs once per item of a list";
const SHARDED: &str = "a node that is sharded";
const CALLED_BACK: &str = "an endpoint that has a `callback`";

/// What a reference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reference<'a> {
    RunId,
    RunWorkflow,
    TaskKey,
    TaskId,
    Attempt,
    Tenant,
    Input(&'a str),
    State(&'a str),
    Outputs { key: &'a str, path: &'a str },
    Item(&'a str),
    Index,
    Count,
    ShardIndex,
    ShardCount,
    ShardItems,
    ShardParameters,
    CallbackUrl,
}

impl<'a> Reference<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        Some(match name {
            "run.id" => Self::RunId,
            "run.workflow" => Self::RunWorkflow,
            "task.key" => Self::TaskKey,
            "task.id" => Self::TaskId,
            "attempt" => Self::Attempt,
            "tenant" => Self::Tenant,
            "item" => Self::Item(""),
            "index" => Self::Index,
            "count" => Self::Count,
            "shard.index" => Self::ShardIndex,
            "shard.count" => Self::ShardCount,
            "shard.items" => Self::ShardItems,
            "shard.parameters" => Self::ShardParameters,
            "callback.url" => Self::CallbackUrl,
            _ => match name.split_once('.')? {
                ("inputs", path) if !path.is_empty() => Self::Input(path),
                ("item", path) if !path.is_empty() => Self::Item(path),
                ("nodes", rest) => Self::parse_node(rest)?,
                _ => return None,
            },
        })
    }

    /// A node's key may hold dots: it ends where `.state` or `.outputs` begins.
    fn parse_node(rest: &'a str) -> Option<Self> {
        let ends = |(at, _): &(usize, &str)| {
            let behind = &rest[at + 1..];
            behind == "state" || behind == "outputs" || behind.starts_with("outputs.")
        };
        let (at, _) = rest.match_indices('.').find(ends)?;
        let (key, behind) = (&rest[..at], &rest[at + 1..]);
        let path = behind.strip_prefix("outputs.").unwrap_or_default();
        match behind {
            _ if key.is_empty() => None,
            "state" => Some(Self::State(key)),
            "outputs" => Some(Self::Outputs { key, path }),
            _ => (!path.is_empty()).then_some(Self::Outputs { key, path }),
        }
    }

    /// The key of the task node that it reads.
    fn node(self) -> Option<&'a str> {
        match self {
            Self::State(key) | Self::Outputs { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Whether it has a value only where it is given one, and how people call that place.
    fn place(self) -> Option<&'static str> {
        match self {
            Self::Item(_) | Self::Index | Self::Count => Some(MAPPED),
            Self::ShardIndex | Self::ShardCount | Self::ShardItems | Self::ShardParameters => Some(SHARDED),
            Self::CallbackUrl => Some(CALLED_BACK),
            _ => None,
        }
    }
}

/// The values that references have in one attempt.
#[derive(Clone, Debug)]
pub struct TemplateContext<'a> {
    assignment: &'a Assignment,
}

impl<'a> TemplateContext<'a> {
    /// The values of one attempt.
    #[must_use]
    pub fn new(assignment: &'a Assignment) -> Self {
        Self { assignment }
    }

    /// Replaces every reference in `template`.
    pub fn render(&self, template: &str) -> Result<String, TemplateError> {
        render(template, |name| self.value(name))
    }

    /// Replaces every reference in the template of an address. Values are percent-encoded, so that none of them ends the part
    /// of the address that it stands in and begins another.
    pub fn render_url(&self, template: &str) -> Result<String, TemplateError> {
        render(template, |name| {
            self.value(name).map(|value| percent_encoded(&value))
        })
    }

    /// Replaces every reference in the values of `templates`.
    pub fn render_map(
        &self,
        templates: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, TemplateError> {
        templates
            .iter()
            .map(|(name, template)| Ok((name.clone(), self.render(template)?)))
            .collect()
    }

    fn value(&self, name: &str) -> Result<String, TemplateError> {
        let given = self.assignment;
        let reference = Reference::parse(name).ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
        let missing = || match (reference, reference.place()) {
            (Reference::Input(path), _) => TemplateError::MissingInput(path.to_owned()),
            (Reference::Item(_), _) if given.item.is_some() => TemplateError::MissingValue(name.to_owned()),
            (_, Some(place)) => TemplateError::OutOfPlace {
                name: name.to_owned(),
                place,
            },
            _ => TemplateError::MissingValue(name.to_owned()),
        };
        let of_shard = |tell: fn(&Shard) -> String| given.shard.as_ref().map(tell);
        let value = match reference {
            Reference::RunId => Some(given.run_id.to_string()),
            Reference::RunWorkflow => Some(given.workflow.to_string()),
            Reference::TaskKey => Some(given.node.key.clone()),
            Reference::TaskId => Some(given.task_run_id.to_string()),
            Reference::Attempt => Some(given.fence.to_string()),
            Reference::Tenant => Some(given.tenant.to_string()),
            Reference::Input(path) => part(&given.inputs, path).map(text_of),
            Reference::State(key) => given
                .nodes
                .get(key)
                .and_then(|node| node.get("state"))
                .map(text_of),
            Reference::Outputs { key, path } => given
                .nodes
                .get(key)
                .and_then(|node| part(node.get("outputs")?, path))
                .map(text_of),
            Reference::Item(path) => given
                .item
                .as_ref()
                .and_then(|item| part(&item.value, path))
                .map(text_of),
            Reference::Index => given.item.as_ref().map(|item| item.index.to_string()),
            Reference::Count => given.item.as_ref().map(|item| item.count.to_string()),
            Reference::ShardIndex => of_shard(|shard| shard.index.to_string()),
            Reference::ShardCount => of_shard(|shard| shard.count.to_string()),
            Reference::ShardItems => of_shard(Shard::items_text),
            Reference::ShardParameters => of_shard(Shard::parameters_text),
            Reference::CallbackUrl => given.callback_url.clone(),
        };
        value.ok_or_else(missing)
    }
}

/// The part of `value` that a dotted path leads to; the whole for an empty one.
fn part<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    })
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// `value` with everything encoded that RFC 3986 does not leave to all parts of an address.
fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.extend([
                '%',
                char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]),
                char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]),
            ]);
        }
    }
    encoded
}

/// What is known, when a definition is saved, of what its templates may refer to.
#[derive(Clone, Copy)]
pub struct TemplateScope<'a> {
    /// The inputs that a run may have.
    pub inputs: Names<'a>,
    /// The task nodes that end before this one begins.
    pub nodes: Names<'a>,
    /// The node may run once per item of a list.
    pub is_mapped: bool,
    /// The node may be sharded.
    pub is_sharded: bool,
    /// The node calls an endpoint that may finish later.
    pub is_called_back: bool,
}

/// Names of which some exist.
#[derive(Clone, Copy)]
pub enum Names<'a> {
    /// Any name may.
    Any,
    /// Those that this says yes to.
    These(&'a dyn Fn(&str) -> bool),
}

impl TemplateScope<'_> {
    /// The scope of what is registered by itself: whoever uses it may be any node of any workflow.
    pub const ALONE: Self = Self {
        inputs: Names::Any,
        nodes: Names::Any,
        is_mapped: true,
        is_sharded: true,
        is_called_back: false,
    };

    fn holds(&self, reference: Reference<'_>) -> bool {
        match reference.place() {
            Some(MAPPED) => self.is_mapped,
            Some(SHARDED) => self.is_sharded,
            Some(_) => self.is_called_back,
            None => true,
        }
    }
}

impl Names<'_> {
    fn include(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(has) => has(name),
        }
    }
}

/// Checks the form and the names of every reference in `template`, without values: for a definition that is saved.
pub fn check_template(template: &str, scope: &TemplateScope<'_>) -> Result<(), TemplateError> {
    let check = |name: &str| {
        let reference = Reference::parse(name).ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
        if let Reference::Input(path) = reference {
            let first = path.split('.').next().unwrap_or(path);
            if !scope.inputs.include(first) {
                return Err(TemplateError::MissingInput(path.to_owned()));
            }
        }
        if let Some(key) = reference.node()
            && !scope.nodes.include(key)
        {
            let (name, key) = (name.to_owned(), key.to_owned());
            return Err(TemplateError::NotBefore { name, key });
        }
        match reference.place() {
            Some(place) if !scope.holds(reference) => Err(TemplateError::OutOfPlace {
                name: name.to_owned(),
                place,
            }),
            _ => Ok(String::new()),
        }
    };
    render(template, check).map(drop)
}

/// Every template of `work`.
#[must_use]
pub fn templates_of(work: &Work) -> Vec<&str> {
    let templates: Vec<&String> = match work {
        Work::Program(program) => {
            let lists = program.arguments.iter().chain(&program.working_directory);
            let maps = program.environment.values().chain(program.files.values());
            lists.chain(maps).collect()
        }
        Work::Endpoint(endpoint) => {
            let named = endpoint.headers.values().chain(endpoint.query.values());
            let texts = std::iter::once(&endpoint.url).chain(&endpoint.body);
            texts.chain(named).collect()
        }
        Work::NoOp | Work::Workflow(_) | Work::Branch(_) | Work::Approval(_) | Work::Wait(_) => Vec::new(),
    };
    templates.into_iter().map(String::as_str).collect()
}

/// The keys of the task nodes whose outputs or states the templates of `work` read.
#[must_use]
pub fn nodes_read_by(work: &Work) -> BTreeSet<String> {
    nodes_read_in(templates_of(work))
}

/// The keys of the task nodes whose outputs or states the templates read.
#[must_use]
pub fn nodes_read_in<'a>(templates: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut read = BTreeSet::new();
    for template in templates {
        // What is wrong with a template is for `check_template` to tell.
        let _ = render(template, |name| {
            read.extend(
                Reference::parse(name)
                    .and_then(Reference::node)
                    .map(str::to_owned),
            );
            Ok(String::new())
        });
    }
    read
}

fn render(
    template: &str,
    mut value: impl FnMut(&str) -> Result<String, TemplateError>,
) -> Result<String, TemplateError> {
    let mut rendered = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("${") {
        if at > 0 && rest.as_bytes()[at - 1] == b'$' {
            rendered.push_str(&rest[..at - 1]);
            rendered.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        rendered.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = inside
            .find('}')
            .ok_or(TemplateError::Unclosed(template.len() - rest.len() + at))?;
        rendered.push_str(&value(inside[..end].trim())?);
        rest = &inside[end + 1..];
    }
    rendered.push_str(rest);
    Ok(rendered)
}

#[cfg(test)]
mod tests;
