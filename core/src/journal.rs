//! Reads what runs and what has run.
//!
//! Each call is one statement in a transaction of its own, under the tenant's row-level security. Lists that hang on other
//! things (task runs of runs, attempts of task runs) are asked for together, the same page of each.

use std::collections::HashMap;

use crate::catalogue::read;
use crate::id::{ExecutorId, FiringId, RunId, TaskRunId, TenantId, TriggerId, WorkflowId};
use crate::store::attempts::{Attempt, AttemptPage, list_attempts};
use crate::store::executor_lives::{
    Executor, ExecutorPage, count_used_slots, find_executor, list_executors, list_executors_by_id,
};
use crate::store::firings::{Firing, FiringPage, list_firings, list_firings_by_id, list_firings_of_runs};
use crate::store::log_lines::{LogPage, PrintedLine, list_log_lines};
use crate::store::node_times::measure_nodes;
use crate::store::runs::{Run, RunFilter, list_runs, list_runs_by_id};
use crate::store::task_runs::{
    Item, ItemPage, TaskRun, TaskRunPage, list_approvals, list_items, list_task_runs, list_task_runs_by_id,
};
use crate::store::{Actor, Database, StoreError};
use crate::workflow::graph::Expected;

/// The reading side of what runs.
#[derive(Clone)]
pub struct Journal {
    pub(crate) database: Database,
}

impl Journal {
    /// Reads from `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The newest `limit` of the wanted runs that are older than `before`.
    pub async fn runs(
        &self,
        tenant: TenantId,
        filter: &RunFilter,
        before: Option<RunId>,
        limit: i64,
    ) -> Result<Vec<Run>, StoreError> {
        if filter
            .started_by
            .as_ref()
            .is_some_and(|subject| subject.contains('\0'))
        {
            return Ok(Vec::new());
        }
        read!(self, Actor::Tenant(tenant), |transaction| list_runs(
            transaction,
            tenant,
            filter,
            before,
            limit
        ))
    }

    /// The runs that `ids` name, in no order.
    pub async fn runs_by_id(&self, tenant: TenantId, ids: &[RunId]) -> Result<Vec<Run>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_runs_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The same page of the firings of each of `triggers`, the latest first.
    pub async fn firings(
        &self,
        tenant: TenantId,
        triggers: &[TriggerId],
        page: &FiringPage,
    ) -> Result<Vec<Firing>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_firings(
            transaction,
            tenant,
            triggers,
            page
        ))
    }

    /// The firings that `ids` name, in no order.
    pub async fn firings_by_id(&self, tenant: TenantId, ids: &[FiringId]) -> Result<Vec<Firing>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_firings_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The firings that started `runs`, in no order.
    pub async fn firings_of_runs(&self, tenant: TenantId, runs: &[RunId]) -> Result<Vec<Firing>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_firings_of_runs(
            transaction,
            tenant,
            runs
        ))
    }

    /// The same page of the task runs of each of `runs`; those of one run in the order of its definition.
    pub async fn task_runs(
        &self,
        tenant: TenantId,
        runs: &[RunId],
        page: &TaskRunPage,
    ) -> Result<Vec<TaskRun>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_task_runs(
            transaction,
            tenant,
            runs,
            page
        ))
    }

    /// The task runs that `ids` name, in no order.
    pub async fn task_runs_by_id(
        &self,
        tenant: TenantId,
        ids: &[TaskRunId],
    ) -> Result<Vec<TaskRun>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_task_runs_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The same page of the shares of each of `task_runs`; those of one task run in order.
    pub async fn items(
        &self,
        tenant: TenantId,
        task_runs: &[TaskRunId],
        page: &ItemPage,
    ) -> Result<Vec<Item>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_items(
            transaction,
            tenant,
            task_runs,
            page
        ))
    }

    /// The first `limit` task runs after `after` that wait for an answer.
    pub async fn approvals(
        &self,
        tenant: TenantId,
        after: Option<TaskRunId>,
        limit: i64,
    ) -> Result<Vec<TaskRunId>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_approvals(
            transaction,
            tenant,
            after,
            limit
        ))
    }

    /// The same page of the attempts of each of `task_runs`; those of one task run in the order of their numbers.
    pub async fn attempts(
        &self,
        tenant: TenantId,
        task_runs: &[TaskRunId],
        page: AttemptPage,
    ) -> Result<Vec<Attempt>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_attempts(
            transaction,
            tenant,
            task_runs,
            page
        ))
    }

    /// How long the nodes of a workflow took in its latest `runs`, by key. Those that never succeeded are left out.
    pub async fn node_times(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
        runs: i64,
    ) -> Result<HashMap<String, Expected>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| measure_nodes(
            transaction,
            tenant,
            workflow,
            runs
        ))
    }

    /// The same page of the log of each of `task_runs`; the lines of one task run in their order.
    pub async fn log_lines(
        &self,
        tenant: TenantId,
        task_runs: &[TaskRunId],
        page: LogPage,
    ) -> Result<Vec<PrintedLine>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_log_lines(
            transaction,
            tenant,
            task_runs,
            page
        ))
    }

    /// The youngest executors that the tenant may see.
    pub async fn executors(&self, tenant: TenantId, page: ExecutorPage) -> Result<Vec<Executor>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_executors(
            transaction,
            tenant,
            page
        ))
    }

    /// The executors that `ids` name, as far as the tenant may see them, in no order.
    pub async fn executors_by_id(
        &self,
        tenant: TenantId,
        ids: &[ExecutorId],
    ) -> Result<Vec<Executor>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_executors_by_id(
            transaction,
            tenant,
            ids
        ))
    }

    /// The executor that `key` names among those that the tenant may see: the living one, or else the last that was.
    pub async fn executor(&self, tenant: TenantId, key: &str) -> Result<Option<Executor>, StoreError> {
        if key.contains('\0') {
            return Ok(None);
        }
        read!(self, Actor::Tenant(tenant), |transaction| find_executor(
            transaction,
            tenant,
            key
        ))
    }

    /// How many slots the tenant's attempts take now of each of the executors.
    pub async fn used_slots(
        &self,
        tenant: TenantId,
        ids: &[ExecutorId],
    ) -> Result<HashMap<ExecutorId, i64>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| count_used_slots(
            transaction,
            tenant,
            ids
        ))
    }
}
