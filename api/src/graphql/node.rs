//! Anything by its id.

use async_graphql::{Context, ID, Interface, Object, Result};
use futures_util::future::try_join_all;
use waterclock_core::id::{
    AlertChannelId, AlertDeliveryId, AlertId, AlertRuleId, BackfillId, BulkJobId, CalendarId, EndpointId,
    ExecutorId, FiringId, OccurrenceId, ProgramId, RunId, ScheduleId, SilenceId, TaskNodeId, TaskRunId,
    TenantId, TriggerId, WorkflowId, WorkflowVersionId,
};

use super::alert::{Alert, AlertChannel, AlertDelivery, AlertRule, Silence};
use super::backfill::Backfill;
use super::bulk::BulkJob;
use super::calendar::Calendar;
use super::endpoint::Endpoint;
use super::executor::Executor;
use super::guard::{VIEWER, caller};
use super::id::{Kind, decode};
use super::journal;
use super::loader::{load, load_tenant};
use super::program::Program;
use super::run::Run;
use super::schedule::{Occurrence, Schedule};
use super::task_node::TaskNode;
use super::task_run::TaskRun;
use super::tenant::Tenant;
use super::trigger::{Firing, Trigger};
use super::workflow::{Workflow, WorkflowVersion};
use crate::transport::ErrorCode;

/// Anything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Names it for good."))]
pub(crate) enum Node {
    /// A tenant.
    Tenant(Tenant),
    /// A program.
    Program(Program),
    /// An endpoint.
    Endpoint(Endpoint),
    /// A task node.
    TaskNode(TaskNode),
    /// A workflow.
    Workflow(Workflow),
    /// An edition of a workflow.
    WorkflowVersion(WorkflowVersion),
    /// A run.
    Run(Run),
    /// A task run.
    TaskRun(TaskRun),
    /// A life of an executor.
    Executor(Executor),
    /// A channel of alerts.
    AlertChannel(AlertChannel),
    /// A rule that raises alerts.
    AlertRule(AlertRule),
    /// An alert.
    Alert(Alert),
    /// A delivery of an alert.
    AlertDelivery(AlertDelivery),
    /// A silence.
    Silence(Silence),
    /// Something that is done to many runs.
    BulkJob(BulkJob),
    /// Which days and hours work.
    Calendar(Calendar),
    /// When a workflow runs.
    Schedule(Schedule),
    /// An occurrence of a schedule.
    Occurrence(Occurrence),
    /// What somebody has run of a schedule's past.
    Backfill(Backfill),
    /// What starts a workflow because something else happened.
    Trigger(Trigger),
    /// A firing of a trigger.
    Firing(Firing),
}

/// The most ids of one call.
const MOST_IDS: usize = 100;

/// Reading anything by its id.
#[derive(Default)]
pub(crate) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// What an id names, if it exists and is the caller's. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER")]
    async fn node(&self, context: &Context<'_>, #[graphql(desc = "The id.")] id: ID) -> Result<Option<Node>> {
        find(context, &id).await
    }

    /// What ids name, in their order; null for each that names nothing of the caller's. Needs the scope `viewer`.
    #[graphql(guard = "VIEWER", complexity = "ids.len().min(MOST_IDS) * child_complexity")]
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST_IDS {
            let message = format!("`ids` has at most {MOST_IDS} entries, not {}.", ids.len());
            return Err(ErrorCode::BadUserInput.error(message));
        }
        try_join_all(ids.iter().map(|id| find(context, id))).await
    }
}

/// What `id` names, if it is the caller's.
async fn find(context: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some((kind, uuid)) = decode(id) else {
        return Ok(None);
    };
    Ok(match kind {
        Kind::Tenant => {
            let own = TenantId::from(uuid) == caller(context)?.tenant_id;
            if own {
                load_tenant(context, uuid.into()).await?.map(Node::Tenant)
            } else {
                None
            }
        }
        Kind::Program => load(context, ProgramId::from(uuid))
            .await?
            .map(|found| Node::Program(Program(found))),
        Kind::Endpoint => load(context, EndpointId::from(uuid))
            .await?
            .map(|found| Node::Endpoint(Endpoint(found))),
        Kind::TaskNode => load(context, TaskNodeId::from(uuid))
            .await?
            .map(|found| Node::TaskNode(TaskNode(found))),
        Kind::Workflow => load(context, WorkflowId::from(uuid))
            .await?
            .map(|found| Node::Workflow(Workflow(found))),
        Kind::WorkflowVersion => load(context, WorkflowVersionId::from(uuid))
            .await?
            .map(|found| Node::WorkflowVersion(WorkflowVersion(found))),
        Kind::Run => journal::load(context, RunId::from(uuid))
            .await?
            .map(|found| Node::Run(Run::known(found))),
        Kind::TaskRun => journal::load(context, TaskRunId::from(uuid))
            .await?
            .map(|found| Node::TaskRun(TaskRun::known(found))),
        Kind::Executor => journal::load(context, ExecutorId::from(uuid))
            .await?
            .map(|found| Node::Executor(Executor(found))),
        Kind::AlertChannel => load(context, AlertChannelId::from(uuid))
            .await?
            .map(|found| Node::AlertChannel(AlertChannel(found))),
        Kind::AlertRule => load(context, AlertRuleId::from(uuid))
            .await?
            .map(|found| Node::AlertRule(AlertRule(found))),
        Kind::Alert => journal::load(context, AlertId::from(uuid))
            .await?
            .map(|found| Node::Alert(Alert(found))),
        Kind::AlertDelivery => journal::load(context, AlertDeliveryId::from(uuid))
            .await?
            .map(|found| Node::AlertDelivery(AlertDelivery(found))),
        Kind::Silence => journal::load(context, SilenceId::from(uuid))
            .await?
            .map(|found| Node::Silence(Silence(found))),
        Kind::BulkJob => journal::load(context, BulkJobId::from(uuid))
            .await?
            .map(|found| Node::BulkJob(BulkJob(found))),
        Kind::Calendar => load(context, CalendarId::from(uuid))
            .await?
            .map(|found| Node::Calendar(Calendar(found))),
        Kind::Schedule => load(context, ScheduleId::from(uuid))
            .await?
            .map(|found| Node::Schedule(Schedule(found))),
        Kind::Occurrence => journal::load(context, OccurrenceId::from(uuid))
            .await?
            .map(|found| Node::Occurrence(Occurrence(found))),
        Kind::Backfill => journal::load(context, BackfillId::from(uuid))
            .await?
            .map(|found| Node::Backfill(Backfill(found))),
        Kind::Trigger => load(context, TriggerId::from(uuid))
            .await?
            .map(|found| Node::Trigger(Trigger(found))),
        Kind::Firing => journal::load(context, FiringId::from(uuid))
            .await?
            .map(|found| Node::Firing(Firing(found))),
    })
}
