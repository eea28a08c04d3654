//! Batches what a request asks of the journal one by one.
//!
//! A page of runs with a page of task runs in each costs two statements: one for the runs, and one for the same page of each
//! run's task runs. Nothing is kept between batches.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use waterclock_core::alert::silence::Silence;
use waterclock_core::backfill::{Backfill, Step};
use waterclock_core::bulk::{BulkJob, BulkRefusal};
use waterclock_core::id::{
    AlertDeliveryId, AlertId, BackfillId, BulkJobId, ExecutorId, FiringId, OccurrenceId, RunId, ScheduleId,
    SilenceId, TaskRunId, TenantId, TriggerId, WorkflowId,
};
use waterclock_core::journal::Journal;
use waterclock_core::store::StoreError;
use waterclock_core::store::alert_deliveries::AlertDelivery;
use waterclock_core::store::alerts::Alert;
use waterclock_core::store::attempts::{Attempt, AttemptPage};
use waterclock_core::store::backfills::{BackfillsPage, StepPage};
use waterclock_core::store::bulk_jobs::RefusalPage;
use waterclock_core::store::executor_lives::Executor;
use waterclock_core::store::firings::{Firing, FiringPage};
use waterclock_core::store::log_lines::{LogPage, PrintedLine};
use waterclock_core::store::runs::Run;
use waterclock_core::store::task_runs::{Item, ItemPage, TaskRun, TaskRunPage};
use waterclock_core::store::timetable::{
    Occurrence, OccurrencePage, RunOfSchedule, RunsPage, ScheduleOfWorkflow, SchedulesPage,
};
use waterclock_core::timetable::Forecast;

use super::error::internal;
use super::guard::caller;
use super::loader::by_tenant;

/// Loads what runs and what has run.
pub(crate) struct JournalLoader(Journal);

/// Asks for a page of what hangs on a run or task run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageOf<Id, P> {
    /// What it hangs on.
    pub(crate) of: Id,
    /// Which page.
    pub(crate) page: P,
}

/// Asks how many slots of an executor the caller's attempts take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UsedSlotsOf(pub(crate) ExecutorId);

/// Asks for the occurrence that a run was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OccurrenceOf(pub(crate) RunId);

/// Asks for the runs that an occurrence waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WaitedForBy(pub(crate) OccurrenceId);

/// Asks for the schedule that started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScheduleOf(pub(crate) RunId);

/// Asks for the firing that started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FiringOf(pub(crate) RunId);

/// Asks what a schedule will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ForecastOf(pub(crate) ScheduleId);

impl JournalLoader {
    /// A loader that gathers ids and reads them from `journal`.
    #[must_use]
    pub(crate) fn batching(journal: Journal) -> DataLoader<Self> {
        DataLoader::new(Self(journal), tokio::spawn)
    }
}

/// Loads one thing that the caller may see.
pub(crate) async fn load<Key>(
    context: &Context<'_>,
    key: Key,
) -> Result<Option<<JournalLoader as Loader<(TenantId, Key)>>::Value>>
where
    Key: Clone + Eq + Hash + Send + Sync + 'static,
    JournalLoader: Loader<(TenantId, Key), Error = Arc<StoreError>>,
{
    let tenant = caller(context)?.tenant_id;
    let loader = context.data::<DataLoader<JournalLoader>>()?;
    loader
        .load_one((tenant, key))
        .await
        .map_err(|error| internal(error.as_ref()))
}

macro_rules! load_by_id {
    ($($id:ty => $value:ty, $read:ident;)+) => {$(
        impl Loader<(TenantId, $id)> for JournalLoader {
            type Value = Arc<$value>;
            type Error = Arc<StoreError>;

            async fn load(&self, keys: &[(TenantId, $id)]) -> Result<HashMap<(TenantId, $id), Arc<$value>>, Arc<StoreError>> {
                let mut loaded = HashMap::with_capacity(keys.len());
                for (tenant, ids) in by_tenant(keys) {
                    let found = self.0.$read(tenant, &ids).await?;
                    loaded.extend(found.into_iter().map(|found| ((tenant, found.id), Arc::new(found))));
                }
                Ok(loaded)
            }
        }
    )+};
}

load_by_id! {
    RunId => Run, runs_by_id;
    TaskRunId => TaskRun, task_runs_by_id;
    ExecutorId => Executor, executors_by_id;
    AlertId => Alert, alerts_by_id;
    AlertDeliveryId => AlertDelivery, alert_deliveries_by_id;
    SilenceId => Silence, silences_by_id;
    BulkJobId => BulkJob, bulk_jobs_by_id;
    OccurrenceId => Occurrence, occurrences_by_id;
    BackfillId => Backfill, backfills_by_id;
    FiringId => Firing, firings_by_id;
}

/// Loads what hangs on something, one for each: how a batch of ids is read, and whose what was read is.
macro_rules! load_of {
    ($($of:ident($id:ty) => $value:ty, $read:ident, |$found:ident| $key:expr, $shown:expr;)+) => {$(
        impl Loader<(TenantId, $of)> for JournalLoader {
            type Value = $value;
            type Error = Arc<StoreError>;

            async fn load(&self, keys: &[(TenantId, $of)]) -> Result<HashMap<(TenantId, $of), $value>, Arc<StoreError>> {
                let mut loaded = HashMap::with_capacity(keys.len());
                for (tenant, ids) in by_tenant(keys) {
                    let ids: Vec<$id> = ids.into_iter().map(|of| of.0).collect();
                    for $found in self.0.$read(tenant, &ids).await? {
                        if let Some(key) = $key {
                            loaded.insert((tenant, $of(key)), $shown);
                        }
                    }
                }
                Ok(loaded)
            }
        }
    )+};
}

load_of! {
    OccurrenceOf(RunId) => Arc<Occurrence>, occurrences_of_runs, |found| found.run_id, Arc::new(found);
    FiringOf(RunId) => Arc<Firing>, firings_of_runs, |found| found.run_id, Arc::new(found);
    ScheduleOf(RunId) => ScheduleId, schedules_of_runs, |found| Some(found.run_id), found.schedule_id;
    WaitedForBy(OccurrenceId) => Vec<RunId>, runs_waited_for, |found| Some(found.0), found.1;
    ForecastOf(ScheduleId) => Arc<Forecast>, forecasts, |found| Some(found.0), found.1;
}

impl Loader<(TenantId, UsedSlotsOf)> for JournalLoader {
    type Value = i64;
    type Error = Arc<StoreError>;

    async fn load(
        &self,
        keys: &[(TenantId, UsedSlotsOf)],
    ) -> Result<HashMap<(TenantId, UsedSlotsOf), i64>, Arc<StoreError>> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for (tenant, ids) in by_tenant(keys) {
            let ids: Vec<ExecutorId> = ids.into_iter().map(|of| of.0).collect();
            let used = self.0.used_slots(tenant, &ids).await?;
            loaded.extend(
                used.into_iter()
                    .map(|(id, slots)| ((tenant, UsedSlotsOf(id)), slots)),
            );
        }
        Ok(loaded)
    }
}

/// What the same page is asked of.
fn by_page<Id: Copy, P: Clone + Eq + Hash>(
    keys: &[(TenantId, PageOf<Id, P>)],
) -> HashMap<(TenantId, P), Vec<Id>> {
    let mut pages: HashMap<(TenantId, P), Vec<Id>> = HashMap::new();
    for (tenant, of) in keys {
        pages.entry((*tenant, of.page.clone())).or_default().push(of.of);
    }
    pages
}

macro_rules! load_pages {
    ($($id:ty, $page:ty => $value:ty, |$journal:ident, $tenant:ident, $ids:ident, $of:ident| $read:expr, $key:ident;)+) => {$(
        impl Loader<(TenantId, PageOf<$id, $page>)> for JournalLoader {
            type Value = Vec<Arc<$value>>;
            type Error = Arc<StoreError>;

            async fn load(
                &self,
                keys: &[(TenantId, PageOf<$id, $page>)],
            ) -> Result<HashMap<(TenantId, PageOf<$id, $page>), Vec<Arc<$value>>>, Arc<StoreError>> {
                let $journal = &self.0;
                let mut loaded: HashMap<_, Vec<Arc<$value>>> = HashMap::with_capacity(keys.len());
                for (($tenant, $of), $ids) in by_page(keys) {
                    for found in $read.await? {
                        let key = ($tenant, PageOf { of: found.$key, page: $of.clone() });
                        loaded.entry(key).or_default().push(Arc::new(found));
                    }
                }
                Ok(loaded)
            }
        }
    )+};
}

load_pages! {
    RunId, TaskRunPage => TaskRun, |journal, tenant, ids, page| journal.task_runs(tenant, &ids, &page), run_id;
    TaskRunId, ItemPage => Item, |journal, tenant, ids, page| journal.items(tenant, &ids, &page), parent_id;
    TaskRunId, AttemptPage => Attempt, |journal, tenant, ids, page| journal.attempts(tenant, &ids, page), task_run_id;
    TaskRunId, LogPage => PrintedLine, |journal, tenant, ids, page| journal.log_lines(tenant, &ids, page), task_run_id;
    BulkJobId, RefusalPage => BulkRefusal, |journal, tenant, ids, page| journal.bulk_refusals(tenant, &ids, page), job_id;
    ScheduleId, OccurrencePage => Occurrence, |journal, tenant, ids, page| journal.occurrences(tenant, &ids, &page), schedule_id;
    ScheduleId, BackfillsPage => Backfill, |journal, tenant, ids, page| journal.backfills_of_schedules(tenant, &ids, &page), schedule_id;
    BackfillId, StepPage => Step, |journal, tenant, ids, page| journal.backfill_steps(tenant, &ids, &page), backfill_id;
    TriggerId, FiringPage => Firing, |journal, tenant, ids, page| journal.firings(tenant, &ids, &page), trigger_id;
    ScheduleId, RunsPage => RunOfSchedule, |journal, tenant, ids, page| journal.runs_of_schedules(tenant, &ids, page), schedule_id;
    WorkflowId, SchedulesPage => ScheduleOfWorkflow, |journal, tenant, ids, page| journal.schedules_of_workflows(tenant, &ids, &page), workflow_id;
}
