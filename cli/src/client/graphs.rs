//! Graphs of workflows: drawn, by level, by path.

use graphql_client::GraphQLQuery;

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

impl Api {
    /// The graph of the workflow's draft as text; nothing when there is no such workflow.
    pub(crate) async fn draw_graph(&self, key: String, ends: bool) -> Result<Option<Drawings>, ClientError> {
        let answer = self.ask::<DrawGraph>(draw_graph::Variables { key, ends }).await?;
        Ok(answer.workflow.map(|workflow| workflow.graph))
    }

    /// The nodes of the workflow's draft by how far they are from START.
    pub(crate) async fn levels_of_graph(
        &self,
        key: String,
        ends: bool,
    ) -> Result<Option<Vec<Level>>, ClientError> {
        let variables = levels_of_graph::Variables { key, ends };
        let answer = self.ask::<LevelsOfGraph>(variables).await?;
        Ok(answer.workflow.map(|workflow| workflow.graph.levels))
    }

    /// The first paths of the workflow's draft, at most `limit`.
    pub(crate) async fn paths_of_graph(
        &self,
        key: String,
        limit: u32,
    ) -> Result<Option<ShownPaths>, ClientError> {
        let (mut paths, mut after) = (Vec::new(), None);
        loop {
            let missing = i64::from(limit) - i64::try_from(paths.len()).unwrap_or(i64::MAX);
            let variables = paths_of_graph::Variables {
                key: key.clone(),
                first: missing.min(PAGE),
                after,
            };
            let Some(workflow) = self.ask::<PathsOfGraph>(variables).await?.workflow else {
                return Ok(None);
            };
            let page = workflow.graph.paths;
            paths.extend(page.nodes.into_iter().map(|path| path.keys));
            if missing <= PAGE || !page.page_info.has_next_page {
                let total = page.total_count;
                return Ok(Some(ShownPaths { total, paths }));
            }
            after = page.page_info.end_cursor;
        }
    }

    /// The path of the workflow's draft that takes longest.
    pub(crate) async fn critical_path(&self, key: String) -> Result<Option<ShownCriticalPath>, ClientError> {
        let answer = self.ask::<CriticalPath>(critical_path::Variables { key }).await?;
        Ok(answer.workflow.map(|workflow| workflow.graph.critical_path))
    }
}
