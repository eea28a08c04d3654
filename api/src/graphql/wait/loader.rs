//! Batches what a page asks about waiting.
//!
//! All of a batch is read at one instant, in as many statements for a hundred task runs as for one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use waterclock_core::explain::Question;
use waterclock_core::id::{RunId, TaskRunId, TenantId};
use waterclock_core::journal::Journal;
use waterclock_core::store::{StoreError, Versions};
use waterclock_core::wait::Wait;

use super::reason::WaitReason;
use crate::graphql::error::internal;
use crate::graphql::guard::caller;
use crate::graphql::loader::by_tenant;

/// Loads what is waited for.
pub(crate) struct WaitLoader {
    journal: Journal,
    versions: Versions,
}

impl WaitLoader {
    /// A loader that gathers ids and reads them from `journal`.
    #[must_use]
    pub(crate) fn batching(journal: Journal, versions: Versions) -> DataLoader<Self> {
        DataLoader::new(Self { journal, versions }, tokio::spawn)
    }
}

/// Asks for the question of a task run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QuestionOf(pub(crate) TaskRunId);

/// Asks for the run that a task run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ChildRunOf {
    /// The run of the task run.
    pub(crate) run: RunId,
    /// The task run.
    pub(crate) task_run: TaskRunId,
}

/// Loads one thing of the caller's.
pub(crate) async fn load<Key>(
    context: &Context<'_>,
    key: Key,
) -> Result<Option<<WaitLoader as Loader<(TenantId, Key)>>::Value>>
where
    Key: Copy + Eq + Hash + Send + Sync + 'static,
    WaitLoader: Loader<(TenantId, Key), Error = Arc<StoreError>>,
{
    let tenant = caller(context)?.tenant_id;
    let loader = context.data::<DataLoader<WaitLoader>>()?;
    loader
        .load_one((tenant, key))
        .await
        .map_err(|error| internal(error.as_ref()))
}

/// What a run or a task run of the caller's waits for.
pub(crate) async fn reasons<Key>(context: &Context<'_>, of: Key) -> Result<Vec<WaitReason>>
where
    Key: Copy + Eq + Hash + Send + Sync + 'static,
    WaitLoader: Loader<(TenantId, Key), Value = Arc<Vec<Wait>>, Error = Arc<StoreError>>,
{
    let found = load(context, of).await?;
    Ok(found
        .iter()
        .flat_map(|waits| waits.iter())
        .map(WaitReason::of)
        .collect())
}

macro_rules! load_waits {
    ($($id:ty => $read:ident;)+) => {$(
        impl Loader<(TenantId, $id)> for WaitLoader {
            type Value = Arc<Vec<Wait>>;
            type Error = Arc<StoreError>;

            async fn load(&self, keys: &[(TenantId, $id)]) -> Result<HashMap<(TenantId, $id), Arc<Vec<Wait>>>, Arc<StoreError>> {
                let mut loaded = HashMap::with_capacity(keys.len());
                for (tenant, ids) in by_tenant(keys) {
                    let found = self.journal.$read(&self.versions, tenant, &ids).await?;
                    loaded.extend(found.into_iter().map(|(id, waits)| ((tenant, id), Arc::new(waits))));
                }
                Ok(loaded)
            }
        }
    )+};
}

load_waits! {
    RunId => run_waits;
    TaskRunId => task_run_waits;
}

impl Loader<(TenantId, QuestionOf)> for WaitLoader {
    type Value = Arc<Question>;
    type Error = Arc<StoreError>;

    async fn load(
        &self,
        keys: &[(TenantId, QuestionOf)],
    ) -> Result<HashMap<(TenantId, QuestionOf), Arc<Question>>, Arc<StoreError>> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for (tenant, ids) in by_tenant(keys) {
            let ids: Vec<TaskRunId> = ids.into_iter().map(|of| of.0).collect();
            for question in self.journal.questions(&self.versions, tenant, &ids).await? {
                loaded.insert((tenant, QuestionOf(question.task_run_id)), Arc::new(question));
            }
        }
        Ok(loaded)
    }
}

impl Loader<(TenantId, ChildRunOf)> for WaitLoader {
    type Value = RunId;
    type Error = Arc<StoreError>;

    async fn load(
        &self,
        keys: &[(TenantId, ChildRunOf)],
    ) -> Result<HashMap<(TenantId, ChildRunOf), RunId>, Arc<StoreError>> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for (tenant, of) in by_tenant(keys) {
            let wanted: Vec<(RunId, TaskRunId)> = of.iter().map(|of| (of.run, of.task_run)).collect();
            let found = self.journal.child_runs(tenant, &wanted).await?;
            loaded.extend(
                of.into_iter()
                    .filter_map(|of| Some(((tenant, of), *found.get(&of.task_run)?))),
            );
        }
        Ok(loaded)
    }
}
