//! The graph of a draft or a version, and what can be asked of it.

use std::str::FromStr;
use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use num_bigint::BigUint;
use waterclock_core::id::WorkflowId;
use waterclock_core::journal::Journal;
use waterclock_core::workflow::graph::{END, Expected, Outline, Paths, START};

use crate::graphql::connection::{Connection, Page, weight, weight_of_whole};
use crate::graphql::error::internal;
use crate::graphql::guard::caller;
use crate::graphql::scalar::Duration;
use crate::transport::ErrorCode;

/// How many runs durations are taken from when the caller does not say.
const DEFAULT_RUNS: i32 = 20;
/// The most runs that durations are taken from.
const MOST_RUNS: i32 = 100;
/// The most digits of a cursor's rank; a path of a graph that can be saved has far fewer.
const MOST_DIGITS: usize = 64 * 1024;

/// What a vertex of a shown graph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum GraphNodeKind {
    /// A node of the workflow.
    Node,
    /// The virtual source, which comes before every node that waits for nobody.
    Start,
    /// The virtual sink, which comes behind every node that nobody waits for.
    End,
}

/// A vertex of a shown graph.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct GraphNode {
    /// The node's key; `START` and `END`, which no node can be called, for the virtual ones.
    key: String,
    /// What it is.
    kind: GraphNodeKind,
    /// How many edges the longest way from START to it has: 0 for START itself.
    level: i32,
    /// The names that it needs another node to have produced before.
    requires: Vec<String>,
    /// The names that other nodes may require.
    produces: Vec<String>,
}

/// An edge of a shown graph: one node waits for another.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WorkflowGraphEdge {
    /// The key of the node that comes first.
    from: String,
    /// The key of the node that waits for it.
    to: String,
    /// What the first produces and the second requires; empty for an edge that was only given.
    names: Vec<String>,
}

/// The nodes that are equally far from START.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct GraphLevel {
    /// How many edges the longest way from START has.
    level: i32,
    /// The keys of the nodes, by place.
    keys: Vec<String>,
}

/// A path from START to END.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct GraphPath {
    /// The keys of its nodes, in order, without START and END.
    keys: Vec<String>,
}

/// A node of a critical path.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CriticalNode {
    /// The node's key.
    key: String,
    /// How long it is expected to take: the median over the runs. Absent when it never succeeded; then it counts as nothing.
    duration: Option<Duration>,
    /// From how many runs that is known.
    runs: i32,
}

/// The path that a run waits for longest.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CriticalPath {
    /// Its nodes, in order.
    nodes: Vec<CriticalNode>,
    /// How long its nodes take together, as far as that is known. No run is faster, however many executors there are.
    duration: Duration,
    /// How many nodes of the whole graph never succeeded in the runs, and count as nothing.
    unknown_nodes: i32,
}

/// A graph: who waits for whom, given and derived.
pub(crate) struct WorkflowGraph {
    outline: Arc<Outline>,
    workflow: WorkflowId,
}

impl WorkflowGraph {
    /// The graph of a draft or version of `workflow`.
    pub(super) fn new(outline: Outline, workflow: WorkflowId) -> Self {
        Self {
            outline: Arc::new(outline),
            workflow,
        }
    }

    fn keys(&self, places: Vec<u32>) -> Vec<String> {
        let key = |place| self.outline.key(place).to_owned();
        places.into_iter().map(key).collect()
    }

    fn depth(levels: &[u32]) -> u32 {
        levels.iter().copied().max().unwrap_or_default()
    }
}

/// A graph: who waits for whom, given and derived.
#[Object]
impl WorkflowGraph {
    /// How many nodes the workflow has.
    async fn node_count(&self) -> i32 {
        count(self.outline.nodes().len())
    }

    /// How many edges the workflow has.
    async fn edge_count(&self) -> i32 {
        count(self.outline.edges().len())
    }

    /// The nodes, by place; with the virtual ones, START is the first and END the last.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn nodes(&self) -> Vec<GraphNode> {
        let levels = self.outline.graph().levels();
        let node = |(node, &level): (&waterclock_core::workflow::graph::OutlineNode, &u32)| GraphNode {
            key: node.key.clone(),
            kind: GraphNodeKind::Node,
            level: count(level as usize),
            requires: node.requires.clone(),
            produces: node.produces.clone(),
        };
        let mut nodes: Vec<GraphNode> = self.outline.nodes().iter().zip(&levels).map(node).collect();
        if self.outline.has_virtual_nodes() {
            nodes.insert(0, virtual_node(START, GraphNodeKind::Start, 0));
            nodes.push(virtual_node(END, GraphNodeKind::End, Self::depth(&levels) + 1));
        }
        nodes
    }

    /// The edges; with the virtual nodes, also those from START and to END.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn edges(&self) -> Vec<WorkflowGraphEdge> {
        let outline = &self.outline;
        let edge = |from: &str, to: &str, names: Vec<&str>| WorkflowGraphEdge {
            from: from.to_owned(),
            to: to.to_owned(),
            names: names.into_iter().map(str::to_owned).collect(),
        };
        let stored = outline.edges().iter().map(|&stored| {
            edge(
                outline.key(stored.from),
                outline.key(stored.to),
                outline.names_of(stored),
            )
        });
        let first = outline
            .graph()
            .roots()
            .map(|root| edge(START, outline.key(root), Vec::new()));
        let last = outline
            .graph()
            .leaves()
            .map(|leaf| edge(outline.key(leaf), END, Vec::new()));
        let virtual_edges = first.chain(last).filter(|_| outline.has_virtual_nodes());
        stored.chain(virtual_edges).collect()
    }

    /// The paths from START to END, at every node the lower place first. A cursor holds for the graph it was given for; when a
    /// draft was edited meanwhile, it is refused.
    #[graphql(complexity = "weight(first, child_complexity)")]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn paths(
        &self,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<PathConnection> {
        let page = Page::of(first, after.as_deref())?;
        let graph = self.outline.fingerprint();
        let begin = match page.after_as::<PathCursor>()? {
            None => BigUint::ZERO,
            Some(cursor) if cursor.graph == graph => cursor.rank + 1_u8,
            Some(_) => {
                let message =
                    "`after` is a cursor of the graph before it was edited; begin with the first page again.";
                return Err(ErrorCode::BadUserInput.error(message));
            }
        };
        let paths = Paths::of(self.outline.graph());
        let limit = usize::try_from(page.limit()).unwrap_or_default();
        let mut rows = Vec::with_capacity(limit);
        for (place, path) in paths.from(&begin).take(limit).enumerate() {
            rows.push((
                PathCursor {
                    rank: &begin + place,
                    graph,
                },
                path,
            ));
        }
        let total_count = paths.total().to_string();
        let path = |(_, path)| GraphPath {
            keys: self.keys(path),
        };
        Ok(PathConnection {
            connection: page.connection(rows, |(cursor, _)| cursor.to_string(), path),
            total_count,
        })
    }

    /// The nodes by how far they are from START: who is on one level waits for nobody else on it.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn levels(&self) -> Vec<GraphLevel> {
        let levels = self.outline.graph().levels();
        let depth = Self::depth(&levels) as usize;
        let mut keys: Vec<Vec<String>> = vec![Vec::new(); depth + 2];
        for (node, &level) in self.outline.nodes().iter().zip(&levels) {
            keys[level as usize].push(node.key.clone());
        }
        keys[0].push(START.to_owned());
        keys[depth + 1].push(END.to_owned());
        let is_shown = |level: usize| (1..=depth).contains(&level) || self.outline.has_virtual_nodes();
        keys.into_iter()
            .enumerate()
            .filter(|&(level, _)| is_shown(level))
            .map(|(level, keys)| GraphLevel {
                level: count(level),
                keys,
            })
            .collect()
    }

    /// The path from START to END that takes longest, by what the nodes took before. Where nothing is known, the one with the
    /// most nodes.
    #[graphql(complexity = "weight_of_whole(child_complexity)")]
    async fn critical_path(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "From how many of the workflow's latest runs, 1 to 100; 20 when absent.")]
        runs: Option<i32>,
    ) -> Result<CriticalPath> {
        let runs = runs.unwrap_or(DEFAULT_RUNS);
        if !(1..=MOST_RUNS).contains(&runs) {
            let message = format!("`runs` is 1 to {MOST_RUNS}, not {runs}.");
            return Err(ErrorCode::BadUserInput.error(message));
        }
        let tenant = caller(context)?.tenant_id;
        let journal = context.data::<Journal>()?;
        let measured = journal.node_times(tenant, self.workflow, runs.into()).await;
        let measured = measured.map_err(|error| internal(&error))?;
        let nodes = self.outline.nodes();
        let expected: Vec<Option<Expected>> = nodes
            .iter()
            .map(|node| measured.get(&node.key).copied())
            .collect();
        let times: Vec<u64> = expected
            .iter()
            .map(|known| known.map_or(0, |known| known.milliseconds))
            .collect();
        let path = self.outline.graph().critical_path(&times);
        let node = |&place: &u32| CriticalNode {
            key: self.outline.key(place).to_owned(),
            duration: expected[place as usize].map(|known| milliseconds(known.milliseconds)),
            runs: expected[place as usize].map_or(0, |known| count(known.runs as usize)),
        };
        Ok(CriticalPath {
            nodes: path.iter().map(node).collect(),
            duration: milliseconds(path.iter().map(|&place| times[place as usize]).sum()),
            unknown_nodes: count(expected.iter().filter(|known| known.is_none()).count()),
        })
    }

    /// The graph in Mermaid's language.
    async fn mermaid(&self) -> String {
        self.outline.mermaid()
    }

    /// The graph in Graphviz's language.
    async fn dot(&self) -> String {
        self.outline.dot()
    }
}

/// A page of the paths from START to END.
pub(crate) struct PathConnection {
    connection: Connection<GraphPath>,
    total_count: String,
}

/// A page of the paths from START to END.
#[Object]
impl PathConnection {
    /// The page.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn connection(&self) -> &Connection<GraphPath> {
        &self.connection
    }

    /// How many paths there are, exactly: a whole number in decimal digits, which may be more than a number of JSON can hold.
    async fn total_count(&self) -> &str {
        &self.total_count
    }
}

/// The place of a path: its rank among the paths of one graph.
struct PathCursor {
    rank: BigUint,
    graph: u64,
}

impl std::fmt::Display for PathCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}@{:x}", self.rank, self.graph)
    }
}

impl FromStr for PathCursor {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (rank, graph) = text.split_once('@').ok_or(())?;
        if rank.len() > MOST_DIGITS {
            return Err(());
        }
        Ok(Self {
            rank: BigUint::parse_bytes(rank.as_bytes(), 16).ok_or(())?,
            graph: u64::from_str_radix(graph, 16).map_err(drop)?,
        })
    }
}

fn virtual_node(key: &str, kind: GraphNodeKind, level: u32) -> GraphNode {
    GraphNode {
        key: key.to_owned(),
        kind,
        level: count(level as usize),
        requires: Vec::new(),
        produces: Vec::new(),
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn milliseconds(time: u64) -> Duration {
    Duration(i64::try_from(time).unwrap_or(i64::MAX))
}
