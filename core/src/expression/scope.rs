//! Which names an expression may use, and what is known of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::facts::{
    EventFacts, Fact, NodeFacts, OccurrenceFacts, RequestFacts, ResponseFacts, RunFacts, UpstreamFacts,
};
use super::kind::{Kind, Record};
use crate::workflow::{InputSpec, InputType};

/// The names at which every path of an expression begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    Inputs,
    Run,
    Nodes,
    Item,
    Index,
    Occurrence,
    Response,
    Event,
    Upstream,
    Request,
}

impl Root {
    const ALL: [Self; 10] = [
        Self::Inputs,
        Self::Run,
        Self::Nodes,
        Self::Item,
        Self::Index,
        Self::Occurrence,
        Self::Response,
        Self::Event,
        Self::Upstream,
        Self::Request,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Run => "run",
            Self::Nodes => "nodes",
            Self::Item => "item",
            Self::Index => "index",
            Self::Occurrence => "occurrence",
            Self::Response => "response",
            Self::Event => "event",
            Self::Upstream => "upstream",
            Self::Request => "request",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.as_str() == name)
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names that exist where an expression stands. Empty at first: only constants and functions.
///
/// ```
/// use waterclock_core::expression::{Expression, Scope};
///
/// let scope = Scope::default().with_run().with_nodes(["load", "clean-up"]);
/// assert!(Expression::condition(r#"nodes["clean-up"].attempts < 3"#, &scope).is_ok());
/// let error = Expression::condition("nodes.lod.state == 'SUCCEEDED'", &scope).unwrap_err();
/// assert_eq!(error.to_string(), "1:6: there is no task node `lod`; did you mean `load`?");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scope {
    roots: BTreeMap<Root, Kind>,
    working_days: bool,
}

impl Scope {
    /// Every name, with nothing known of it: for an expression that was checked when it was saved.
    #[must_use]
    pub fn unchecked() -> Self {
        Self {
            roots: Root::ALL.into_iter().map(|root| (root, Kind::Any)).collect(),
            working_days: true,
        }
    }

    /// `inputs`, as the workflow declares them. A workflow that declares none takes anything.
    #[must_use]
    pub fn with_inputs(self, inputs: &BTreeMap<String, InputSpec>) -> Self {
        if inputs.is_empty() {
            return self.with(Root::Inputs, Kind::map());
        }
        let field = |(name, spec): (&String, &InputSpec)| (name.clone(), kind_of(spec.r#type));
        let record = Record {
            noun: "input",
            fields: inputs.iter().map(field).collect(),
        };
        self.with(Root::Inputs, Kind::Record(Arc::new(record)))
    }

    /// `run`.
    #[must_use]
    pub fn with_run(self) -> Self {
        self.with(Root::Run, RunFacts::kind())
    }

    /// `nodes`, with the keys of the workflow's nodes.
    #[must_use]
    pub fn with_nodes<'a>(self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let node = NodeFacts::kind();
        let record = Record {
            noun: "task node",
            fields: keys
                .into_iter()
                .map(|key| (key.to_owned(), node.clone()))
                .collect(),
        };
        self.with(Root::Nodes, Kind::Record(Arc::new(record)))
    }

    /// `item` and `index`.
    #[must_use]
    pub fn with_item(self) -> Self {
        self.with(Root::Item, Kind::Any).with(Root::Index, Kind::Number)
    }

    /// `occurrence`.
    #[must_use]
    pub fn with_occurrence(self) -> Self {
        self.with(Root::Occurrence, OccurrenceFacts::kind())
    }

    /// `response`.
    #[must_use]
    pub fn with_response(self) -> Self {
        self.with(Root::Response, ResponseFacts::kind())
    }

    /// `event`: an event that was published.
    #[must_use]
    pub fn with_event(self) -> Self {
        self.with(Root::Event, EventFacts::kind())
    }

    /// `upstream`: a run that has ended.
    #[must_use]
    pub fn with_upstream(self) -> Self {
        self.with(Root::Upstream, UpstreamFacts::kind())
    }

    /// `request`: what a webhook was sent.
    #[must_use]
    pub fn with_request(self) -> Self {
        self.with(Root::Request, RequestFacts::kind())
    }

    /// The functions that ask a calendar, which must then be bound: see [`WorkingDays`](super::WorkingDays).
    #[must_use]
    pub fn with_working_days(mut self) -> Self {
        self.working_days = true;
        self
    }

    fn with(mut self, root: Root, kind: Kind) -> Self {
        self.roots.insert(root, kind);
        self
    }

    pub(super) fn kind(&self, root: Root) -> Option<&Kind> {
        self.roots.get(&root)
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = Root> {
        self.roots.keys().copied()
    }

    pub(super) fn knows_working_days(&self) -> bool {
        self.working_days
    }
}

fn kind_of(input: InputType) -> Kind {
    match input {
        InputType::String => Kind::String,
        InputType::Integer | InputType::Number => Kind::Number,
        InputType::Boolean => Kind::Bool,
        InputType::Json => Kind::Any,
    }
}
