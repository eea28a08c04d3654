//! A workflow as clients see it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use futures_util::future::try_join_all;
use waterclock_core::catalogue::Catalogue;
use waterclock_core::store::timetable::SchedulesPage;
use waterclock_core::workflow::graph::Outline;
use waterclock_core::workflow::{self, Definition, Difference};

use super::difference::WorkflowDiff;
use super::draft::WorkflowDraft;
use super::graph::WorkflowGraph;
use super::version::WorkflowVersion;
use crate::graphql::connection::{Connection, Page, weight};
use crate::graphql::error::internal;
use crate::graphql::guard::caller;
use crate::graphql::id::{Kind, encode};
use crate::graphql::journal::{self, PageOf};
use crate::graphql::loader::{PublishedOf, load};
use crate::graphql::registration::Registration;
use crate::graphql::schedule::Schedule;

/// What it weighs to read two editions and compare them.
const WEIGHT_OF_COMPARISON: usize = 100;

/// A named graph of task nodes.
#[derive(Clone)]
pub(crate) struct Workflow(pub Arc<workflow::Workflow>);

impl From<workflow::Workflow> for Workflow {
    fn from(workflow: workflow::Workflow) -> Self {
        Self(Arc::new(workflow))
    }
}

impl Workflow {
    async fn version_numbered(&self, context: &Context<'_>, number: i32) -> Result<Option<WorkflowVersion>> {
        let tenant = caller(context)?.tenant_id;
        let catalogue = context.data::<Catalogue>()?;
        let found = catalogue.version(tenant, self.0.id, number).await;
        Ok(found.map_err(|error| internal(&error))?.map(WorkflowVersion))
    }

    async fn resolved_draft(&self, context: &Context<'_>) -> Result<Option<Definition>> {
        let tenant = caller(context)?.tenant_id;
        let found = context.data::<Catalogue>()?.resolve_draft(tenant, &self.0).await;
        found.map_err(|error| internal(&error))
    }
}

/// A named graph of task nodes: a draft, and the versions that were published of it.
#[Object]
impl Workflow {
    /// Names it for good.
    pub(crate) async fn id(&self) -> ID {
        encode(Kind::Workflow, self.0.id)
    }

    /// What everything registered has.
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every field of an object is asynchronous")]
    async fn registration(&self) -> Registration<'_> {
        self.0.as_ref().into()
    }

    /// What the next version will hold.
    async fn draft(&self) -> WorkflowDraft {
        WorkflowDraft(Arc::clone(&self.0))
    }

    /// The graph of the draft; a version has a graph of its own.
    async fn graph(
        &self,
        #[graphql(
            desc = "Whether to show one START before all and one END behind all; they are stored nowhere.",
            default = false
        )]
        with_virtual_nodes: bool,
    ) -> WorkflowGraph {
        WorkflowGraph::new(Outline::of_draft(&self.0.spec, with_virtual_nodes), self.0.id)
    }

    /// The version that runs start from; absent before the first publication.
    async fn published_version(&self, context: &Context<'_>) -> Result<Option<WorkflowVersion>> {
        Ok(load(context, PublishedOf(self.0.id)).await?.map(WorkflowVersion))
    }

    /// One edition.
    async fn version(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The edition, from 1.")] number: i32,
    ) -> Result<Option<WorkflowVersion>> {
        self.version_numbered(context, number).await
    }

    /// What two editions do not have in common. Absent when one of them does not exist, or when the draft names what was deleted
    /// since.
    #[graphql(complexity = "WEIGHT_OF_COMPARISON + child_complexity")]
    async fn diff(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The earlier edition; the published version when absent.")] from: Option<i32>,
        #[graphql(desc = "The later edition; the draft when absent.")] to: Option<i32>,
    ) -> Result<Option<WorkflowDiff>> {
        let from = match from {
            Some(number) => self.version_numbered(context, number).await?,
            None => load(context, PublishedOf(self.0.id)).await?.map(WorkflowVersion),
        };
        let Some(from) = from else { return Ok(None) };
        let to = match to {
            Some(number) => match self.version_numbered(context, number).await? {
                Some(version) => Some(version),
                None => return Ok(None),
            },
            None => None,
        };
        let before = from.definition(context).await?;
        let (after, priority) = match &to {
            Some(version) => (version.definition(context).await?, version.0.priority),
            None => match self.resolved_draft(context).await? {
                Some(definition) => (Arc::new(definition), self.0.spec.priority),
                None => return Ok(None),
            },
        };
        let difference = Difference::between((&before, from.0.priority), (&after, priority));
        Ok(Some(WorkflowDiff::new(Some(from), to, difference)))
    }

    /// The schedules that start it, by key.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn schedules(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<Schedule>> {
        let page = Page::of(first, after.as_deref())?;
        let of = PageOf {
            of: self.0.id,
            page: SchedulesPage {
                after: page.after().map(str::to_owned),
                limit: page.limit(),
            },
        };
        let rows = journal::load(context, of).await?.unwrap_or_default();
        let schedules = try_join_all(rows.iter().map(|row| load(context, row.schedule_id))).await?;
        let schedules = schedules.into_iter().flatten().collect();
        Ok(page.connection(schedules, |schedule| schedule.key.clone(), Schedule))
    }

    /// The editions, the latest first.
    #[graphql(complexity = "weight(first, child_complexity)")]
    async fn versions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Connection<WorkflowVersion>> {
        let page = Page::of(first, after.as_deref())?;
        let (tenant, before) = (caller(context)?.tenant_id, page.after_as()?);
        let found = context
            .data::<Catalogue>()?
            .list_versions(tenant, self.0.id, before, page.limit())
            .await;
        let rows = found.map_err(|error| internal(&error))?;
        Ok(page.connection(rows, |version| version.number.to_string(), WorkflowVersion))
    }
}
