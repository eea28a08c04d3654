//! Batches what a request asks for one by one.
//!
//! Whatever a page of a list leads to is loaded with one statement for each kind of thing, since resolvers of one level run
//! together and their ids are gathered. Nothing is kept between batches: what a client reads is what is there.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use waterclock_core::alert::{AlertRuleSpec, ChannelSpec};
use waterclock_core::catalogue::Catalogue;
use waterclock_core::id::{
    AlertChannelId, AlertRuleId, CalendarId, EndpointId, ProgramId, ScheduleId, TaskNodeId, TenantId,
    TriggerId, WorkflowId, WorkflowVersionId,
};
use waterclock_core::registered::Registered;
use waterclock_core::schedule::calendar::CalendarDefinition;
use waterclock_core::schedule::spec::ScheduleSpec;
use waterclock_core::store::StoreError;
use waterclock_core::store::schedule_states::Standing;
use waterclock_core::store::triggers::TriggerStanding;
use waterclock_core::task_node::TaskNodeSpec;
use waterclock_core::tenant::Tenant;
use waterclock_core::trigger::spec::TriggerSpec;
use waterclock_core::workflow::{Definition, Draft, EndpointSpec, ProgramSpec, WorkflowVersion};

use super::error::internal;
use super::guard::caller;

/// Loads what tenants have registered.
pub(crate) struct CatalogueLoader(Catalogue);

/// Asks for the version that runs of a workflow start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PublishedOf(pub WorkflowId);

/// Asks for what a version holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DefinitionOf(pub WorkflowVersionId);

/// Asks where a schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StandingOf(pub ScheduleId);

/// Asks where a trigger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TriggerStandingOf(pub TriggerId);

impl CatalogueLoader {
    /// A loader that gathers ids and reads them from `catalogue`.
    #[must_use]
    pub(crate) fn batching(catalogue: Catalogue) -> DataLoader<Self> {
        DataLoader::new(Self(catalogue), tokio::spawn)
    }
}

/// Loads one of the caller's things.
pub(crate) async fn load<Id>(
    context: &Context<'_>,
    id: Id,
) -> Result<Option<<CatalogueLoader as Loader<(TenantId, Id)>>::Value>>
where
    Id: Copy + Eq + Hash + Send + Sync + 'static,
    CatalogueLoader: Loader<(TenantId, Id), Error = Arc<StoreError>>,
{
    let tenant = caller(context)?.tenant_id;
    let loader = context.data::<DataLoader<CatalogueLoader>>()?;
    loader
        .load_one((tenant, id))
        .await
        .map_err(|error| internal(error.as_ref()))
}

/// The ids of each tenant, since each is read under its own row-level security.
pub(super) fn by_tenant<Id: Copy>(keys: &[(TenantId, Id)]) -> HashMap<TenantId, Vec<Id>> {
    let mut tenants: HashMap<TenantId, Vec<Id>> = HashMap::new();
    for &(tenant, id) in keys {
        tenants.entry(tenant).or_default().push(id);
    }
    tenants
}

/// Loads things of a kind: how a batch of ids is read, and which id what was read belongs to.
macro_rules! load {
    ($id:ty => $value:ty, |$catalogue:ident, $tenant:ident, $ids:ident| $read:expr, |$found:ident| $key:expr, $show:expr) => {
        impl Loader<(TenantId, $id)> for CatalogueLoader {
            type Value = $value;
            type Error = Arc<StoreError>;

            async fn load(
                &self,
                keys: &[(TenantId, $id)],
            ) -> Result<HashMap<(TenantId, $id), $value>, Arc<StoreError>> {
                let $catalogue = &self.0;
                let mut loaded = HashMap::with_capacity(keys.len());
                for ($tenant, $ids) in by_tenant(keys) {
                    for $found in $read.await? {
                        loaded.insert(($tenant, $key), $show);
                    }
                }
                Ok(loaded)
            }
        }
    };
}

macro_rules! load_registered {
    ($($id:ty => $spec:ty),+ $(,)?) => {$(
        load!(
            $id => Arc<Registered<$spec>>,
            |catalogue, tenant, ids| catalogue.load::<$spec>(tenant, &ids),
            |found| found.id,
            Arc::new(found)
        );
    )+};
}

load_registered! {
    ProgramId => ProgramSpec,
    EndpointId => EndpointSpec,
    TaskNodeId => TaskNodeSpec,
    WorkflowId => Draft,
    AlertChannelId => ChannelSpec,
    AlertRuleId => AlertRuleSpec,
    CalendarId => CalendarDefinition,
    ScheduleId => ScheduleSpec,
    TriggerId => TriggerSpec,
}

load!(
    WorkflowVersionId => WorkflowVersion,
    |catalogue, tenant, ids| catalogue.versions(tenant, &ids),
    |version| version.id,
    version
);

load!(
    DefinitionOf => Arc<Definition>,
    |catalogue, tenant, ids| catalogue.definitions(tenant, &ids.iter().map(|of| of.0).collect::<Vec<_>>()),
    |found| DefinitionOf(found.0),
    Arc::new(found.1)
);

load!(
    PublishedOf => WorkflowVersion,
    |catalogue, tenant, ids| catalogue.published_versions(tenant, &ids.iter().map(|of| of.0).collect::<Vec<_>>()),
    |version| PublishedOf(version.workflow_id),
    version
);

load!(
    StandingOf => Arc<Standing>,
    |catalogue, tenant, ids| catalogue.schedule_standings(tenant, &ids.iter().map(|of| of.0).collect::<Vec<_>>()),
    |found| StandingOf(found.0),
    Arc::new(found.1)
);

load!(
    TriggerStandingOf => Arc<TriggerStanding>,
    |catalogue, tenant, ids| catalogue.trigger_standings(tenant, &ids.iter().map(|of| of.0).collect::<Vec<_>>()),
    |found| TriggerStandingOf(found.0),
    Arc::new(found.1)
);

impl Loader<TenantId> for CatalogueLoader {
    type Value = Arc<Tenant>;
    type Error = Arc<StoreError>;

    async fn load(&self, ids: &[TenantId]) -> Result<HashMap<TenantId, Arc<Tenant>>, Arc<StoreError>> {
        let found = self.0.tenants(ids).await?;
        Ok(found
            .into_iter()
            .map(|tenant| (tenant.id, Arc::new(tenant)))
            .collect())
    }
}

/// Loads a tenant, which need not be the caller's.
pub(crate) async fn load_tenant(
    context: &Context<'_>,
    id: TenantId,
) -> Result<Option<super::tenant::Tenant>> {
    let loader = context.data::<DataLoader<CatalogueLoader>>()?;
    let found = loader
        .load_one(id)
        .await
        .map_err(|error| internal(error.as_ref()))?;
    Ok(found.map(super::tenant::Tenant))
}
