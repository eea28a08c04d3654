//! Graphs of workflows: drawn, by level, by path.

use std::marker::PhantomData;

use graphql_client::{GraphQLQuery, QueryBody};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Api, ClientError};

type Duration = String;

macro_rules! operations {
    ($($name:ident in $path:tt;)+) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../schema.graphql",
            query_path = $path,
            variables_derives = "Clone, Debug",
            response_derives = "Clone, Debug"
        )]
        pub(crate) struct $name;
    )+};
}

// A file for each: a client sends the whole file of an operation.
operations! {
    DrawGraph in "src/client/operations/draw_graph.graphql";
    LevelsOfGraph in "src/client/operations/levels_of_graph.graphql";
    PathsOfGraph in "src/client/operations/paths_of_graph.graphql";
    CriticalPath in "src/client/operations/critical_path.graphql";
}

/// The most paths that a page has.
const PAGE: i64 = 100;

pub(crate) use critical_path::CriticalPathWorkflowGraphCriticalPath as ShownCriticalPath;
pub(crate) use draw_graph::DrawGraphWorkflowGraph as Drawings;
pub(crate) use levels_of_graph::LevelsOfGraphWorkflowGraphLevels as Level;

/// Paths from START to END, as far as they were asked for.
#[derive(Clone, Debug)]
pub(crate) struct ShownPaths {
    /// How many there are, in decimal digits.
    pub(crate) total: String,
    /// The keys of the nodes of each.
    pub(crate) paths: Vec<Vec<String>>,
}

/// The edition of a workflow whose graph is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Edition {
    /// The workflow's key.
    pub(crate) key: String,
    /// The number of the version; the draft when absent.
    pub(crate) version: Option<i32>,
}

/// A query of the draft's graph that can be asked of a version's too: what has the graph is the version there, and the answer is
/// otherwise the same.
trait OfVersion {
    /// The operation that asks the version.
    const TEXT: &'static str;
    /// Its name.
    const NAME: &'static str;
    /// What has the graph.
    type Holder: DeserializeOwned;
}

macro_rules! of_version {
    ($($query:ident, $name:literal, $holder:ty, $path:literal;)+) => {$(
        impl OfVersion for $query {
            const TEXT: &'static str = include_str!($path);
            const NAME: &'static str = $name;
            type Holder = $holder;
        }
    )+};
}

of_version! {
    DrawGraph, "DrawGraphOfVersion", draw_graph::DrawGraphWorkflow, "operations/draw_graph_of_version.graphql";
    LevelsOfGraph, "LevelsOfGraphOfVersion", levels_of_graph::LevelsOfGraphWorkflow, "operations/levels_of_graph_of_version.graphql";
    PathsOfGraph, "PathsOfGraphOfVersion", paths_of_graph::PathsOfGraphWorkflow, "operations/paths_of_graph_of_version.graphql";
    CriticalPath, "CriticalPathOfVersion", critical_path::CriticalPathWorkflow, "operations/critical_path_of_version.graphql";
}

/// The query, asked of a version.
struct AskedOfVersion<Q>(PhantomData<Q>);

#[derive(Deserialize)]
struct VersionAnswer<H> {
    workflow: Option<VersionHolder<H>>,
}

#[derive(Deserialize)]
struct VersionHolder<H> {
    version: Option<H>,
}

impl<Q: OfVersion> GraphQLQuery for AskedOfVersion<Q> {
    type Variables = Value;
    type ResponseData = VersionAnswer<Q::Holder>;

    fn build_query(variables: Value) -> QueryBody<Value> {
        QueryBody {
            variables,
            query: Q::TEXT,
            operation_name: Q::NAME,
        }
    }
}

impl Api {
    async fn ask_version<Q: OfVersion>(&self, variables: Value) -> Result<Option<Q::Holder>, ClientError> {
        let answer = self.ask::<AskedOfVersion<Q>>(variables).await?;
        Ok(answer.workflow.and_then(|workflow| workflow.version))
    }

    /// The graph of the edition as text; nothing when there is no such edition.
    pub(crate) async fn draw_graph(&self, of: Edition, ends: bool) -> Result<Option<Drawings>, ClientError> {
        let Edition { key, version } = of;
        let found = match version {
            None => {
                self.ask::<DrawGraph>(draw_graph::Variables { key, ends })
                    .await?
                    .workflow
            }
            Some(number) => {
                let variables = json!({ "key": key, "number": number, "ends": ends });
                self.ask_version::<DrawGraph>(variables).await?
            }
        };
        Ok(found.map(|edition| edition.graph))
    }

    /// The nodes of the edition by how far they are from START.
    pub(crate) async fn levels_of_graph(
        &self,
        of: Edition,
        ends: bool,
    ) -> Result<Option<Vec<Level>>, ClientError> {
        let Edition { key, version } = of;
        let found = match version {
            None => {
                let variables = levels_of_graph::Variables { key, ends };
                self.ask::<LevelsOfGraph>(variables).await?.workflow
            }
            Some(number) => {
                let variables = json!({ "key": key, "number": number, "ends": ends });
                self.ask_version::<LevelsOfGraph>(variables).await?
            }
        };
        Ok(found.map(|edition| edition.graph.levels))
    }

    /// The first paths of the edition, at most `limit`.
    pub(crate) async fn paths_of_graph(
        &self,
        of: Edition,
        limit: u32,
    ) -> Result<Option<ShownPaths>, ClientError> {
        let (mut paths, mut after) = (Vec::new(), None);
        loop {
            let missing = i64::from(limit) - i64::try_from(paths.len()).unwrap_or(i64::MAX);
            let first = missing.min(PAGE);
            let key = of.key.clone();
            let found = match of.version {
                None => {
                    let variables = paths_of_graph::Variables { key, first, after };
                    self.ask::<PathsOfGraph>(variables).await?.workflow
                }
                Some(number) => {
                    let variables = json!({ "key": key, "number": number, "first": first, "after": after });
                    self.ask_version::<PathsOfGraph>(variables).await?
                }
            };
            let Some(edition) = found else {
                return Ok(None);
            };
            let page = edition.graph.paths;
            paths.extend(page.nodes.into_iter().map(|path| path.keys));
            if missing <= PAGE || !page.page_info.has_next_page {
                let total = page.total_count;
                return Ok(Some(ShownPaths { total, paths }));
            }
            after = page.page_info.end_cursor;
        }
    }

    /// The path of the edition that takes longest.
    pub(crate) async fn critical_path(&self, of: Edition) -> Result<Option<ShownCriticalPath>, ClientError> {
        let Edition { key, version } = of;
        let found = match version {
            None => {
                self.ask::<CriticalPath>(critical_path::Variables { key })
                    .await?
                    .workflow
            }
            Some(number) => {
                let variables = json!({ "key": key, "number": number });
                self.ask_version::<CriticalPath>(variables).await?
            }
        };
        Ok(found.map(|edition| edition.graph.critical_path))
    }
}
