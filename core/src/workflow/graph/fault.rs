//! What can be wrong with a graph, and where it is mended.

use crate::check::Severity;

/// Where an edge comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeSource {
    /// It is the edge at this place of the list of edges.
    Given(usize),
    /// It follows from a requirement.
    Derived {
        /// The place of the node that requires.
        node: usize,
        /// The place of the name among what the node requires.
        entry: usize,
    },
}

/// What is wrong with a graph, or worth a remark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphFault {
    /// There is nothing to run.
    #[error("a workflow needs at least one node")]
    Empty,
    /// Two nodes have one key.
    #[error("the key {key:?} names more than one node")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The place of the later node in the list of nodes.
        node: usize,
    },
    /// An edge names no node.
    #[error("the edge names {key:?}, and no node has that key")]
    UnknownNode {
        /// The key that the edge gives.
        key: String,
        /// The place of the edge in the list of edges.
        edge: usize,
        /// Whether it is the edge's `from`; else it is its `to`.
        is_from: bool,
    },
    /// A node waits for itself.
    #[error("the node {key:?} cannot wait for itself{}", told_by(.name.as_deref()))]
    SelfEdge {
        /// The node's key.
        key: String,
        /// The name that it both requires and produces, when that is the reason.
        name: Option<String>,
        /// What says so.
        source_of_edge: EdgeSource,
    },
    /// An edge is given twice.
    #[error("the edge from {from:?} to {to:?} is given twice")]
    DuplicateEdge {
        /// The key of its first node.
        from: String,
        /// The key of its second node.
        to: String,
        /// The place of the later edge in the list of edges.
        edge: usize,
    },
    /// A node requires what no node produces.
    #[error("the node {key:?} requires {name:?}, and no node produces it")]
    UnknownRequirement {
        /// The node's key.
        key: String,
        /// What it requires.
        name: String,
        /// The place of the node.
        node: usize,
        /// The place of the name among what the node requires.
        entry: usize,
    },
    /// A node requires something twice.
    #[error("the node {key:?} requires {name:?} twice")]
    RequiredTwice {
        /// The node's key.
        key: String,
        /// What it requires.
        name: String,
        /// The place of the node.
        node: usize,
        /// The place of the later mention.
        entry: usize,
    },
    /// Two nodes, or one twice, produce the same.
    #[error("{name:?} is produced by {first:?} already; whoever requires it could not tell the two apart")]
    ProducedTwice {
        /// What they produce.
        name: String,
        /// The key of the node that produces it first.
        first: String,
        /// The place of the later node.
        node: usize,
        /// The place of the name among what the later node produces.
        entry: usize,
    },
    /// A node that takes part in the derivation is joined to nothing.
    #[error(
        "the node {key:?} produces {name:?}, which nobody requires, and is joined to no other node; correct the name, or leave \
         `produces` out"
    )]
    Orphan {
        /// The node's key.
        key: String,
        /// The first of what it produces.
        name: String,
        /// The place of the node.
        node: usize,
    },
    /// Nodes wait for each other.
    #[error("the nodes wait for each other: {}", shortened(cycle))]
    Cycle {
        /// The keys of the nodes, in order; the first is repeated at the end.
        cycle: Vec<String>,
        /// What says that the first waits for the last.
        closed_by: EdgeSource,
    },
    /// There are more cycles than were told.
    #[error("{}", more_cycles(*count, *is_exact))]
    MoreCycles {
        /// How many.
        count: usize,
        /// Whether all were looked for; else the search was given up, and there may be more.
        is_exact: bool,
    },
    /// No way leads from START to a node.
    #[error("the node {key:?} is not reached from START: whatever leads to it waits for a cycle")]
    Unreachable {
        /// The node's key.
        key: String,
        /// The place of the node.
        node: usize,
    },
    /// A node is joined to nothing, while others are.
    #[error("the node {key:?} is joined to no other node, and runs beside them")]
    Unconnected {
        /// The node's key.
        key: String,
        /// The place of the node.
        node: usize,
    },
}

/// How many keys of a long cycle a message names.
const KEYS_TOLD: usize = 12;

fn shortened(cycle: &[String]) -> String {
    match cycle.split_last() {
        Some((last, before)) if cycle.len() > KEYS_TOLD => format!(
            "{} → … ({} more) → {last}",
            before[..KEYS_TOLD].join(" → "),
            before.len() - KEYS_TOLD
        ),
        _ => cycle.join(" → "),
    }
}

fn more_cycles(count: usize, is_exact: bool) -> String {
    match (count, is_exact) {
        (0, _) => "there may be more cycles than are listed".to_owned(),
        (count, true) => format!("{count} more cycles were found and are not listed"),
        (count, false) => format!("at least {count} more cycles were found and are not listed"),
    }
}

fn told_by(name: Option<&str>) -> String {
    name.map(|name| format!(": it requires {name:?}, which it produces itself"))
        .unwrap_or_default()
}

impl GraphFault {
    /// Whether a workflow with it is refused.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Unreachable { .. } | Self::Unconnected { .. } => Severity::Remark,
            _ => Severity::Error,
        }
    }

    /// Where it stands in the input: names and places, outermost first.
    #[must_use]
    pub fn path(&self) -> Vec<String> {
        let of_node =
            |node: &usize, field: &str| vec!["nodes".to_owned(), node.to_string(), field.to_owned()];
        let of_entry = |node: &usize, field: &str, entry: &usize| {
            let mut path = of_node(node, field);
            path.push(entry.to_string());
            path
        };
        match self {
            Self::Empty => vec!["nodes".to_owned()],
            Self::DuplicateKey { node, .. } => of_node(node, "key"),
            Self::UnknownNode { edge, is_from, .. } => {
                let mut path = EdgeSource::Given(*edge).path();
                path.push(if *is_from { "from" } else { "to" }.to_owned());
                path
            }
            Self::SelfEdge { source_of_edge, .. } => source_of_edge.path(),
            Self::DuplicateEdge { edge, .. } => EdgeSource::Given(*edge).path(),
            Self::UnknownRequirement { node, entry, .. } | Self::RequiredTwice { node, entry, .. } => {
                of_entry(node, "requires", entry)
            }
            Self::ProducedTwice { node, entry, .. } => of_entry(node, "produces", entry),
            Self::Orphan { node, .. } => of_node(node, "produces"),
            Self::Cycle { closed_by, .. } => closed_by.path(),
            Self::MoreCycles { .. } => vec!["edges".to_owned()],
            Self::Unreachable { node, .. } | Self::Unconnected { node, .. } => {
                vec!["nodes".to_owned(), node.to_string()]
            }
        }
    }
}

impl EdgeSource {
    fn path(self) -> Vec<String> {
        match self {
            Self::Given(edge) => vec!["edges".to_owned(), edge.to_string()],
            Self::Derived { node, entry } => ["nodes", &node.to_string(), "requires", &entry.to_string()]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}
