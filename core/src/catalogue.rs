//! Reads what a tenant has registered.
//!
//! Each call is one statement in a transaction of its own, under the tenant's row-level security. What belongs together is
//! asked for together, by ids, so that a caller who shows a list costs one statement for each kind of thing in it.

use crate::check::Faults;
use crate::command::proposal::read_catalogue;
use crate::id::{ScheduleId, TenantId, TriggerId, WorkflowId, WorkflowVersionId};
use crate::package::Package;
use crate::registered::{Listing, Registered};
use crate::store::packages::{find_package, list_packages};
use crate::store::registry::Registry;
use crate::store::schedule_states::{Standing, list_standings};
use crate::store::tenants::{find_tenant, list_tenants, list_tenants_by_id};
use crate::store::triggers::{TriggerStanding, list_trigger_standings};
use crate::store::workflow_versions::{
    find_definitions, find_published_versions, find_version, find_versions, list_versions,
};
use crate::store::{Actor, Database, StoreError};
use crate::tenant::Tenant;
use crate::workflow::{Definition, Digest, Workflow, WorkflowVersion};

/// Runs one statement in a transaction for `$actor`.
macro_rules! read {
    ($self:ident, $actor:expr, |$transaction:ident| $read:expr) => {{
        let mut transaction = $self.database.begin($actor).await?;
        let $transaction = &mut transaction;
        let found = $read.await?;
        transaction.commit().await?;
        Ok(found)
    }};
}

pub(crate) use read;

/// The reading side of what is registered.
#[derive(Clone)]
pub struct Catalogue {
    database: Database,
}

impl Catalogue {
    /// Reads from `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Where the schedules of a tenant stand, by id.
    pub async fn schedule_standings(
        &self,
        tenant: TenantId,
        schedules: &[ScheduleId],
    ) -> Result<Vec<(ScheduleId, Standing)>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_standings(
            transaction,
            tenant,
            schedules
        ))
    }

    /// Where the triggers of a tenant stand, by id.
    pub async fn trigger_standings(
        &self,
        tenant: TenantId,
        triggers: &[TriggerId],
    ) -> Result<Vec<(TriggerId, TriggerStanding)>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_trigger_standings(
            transaction,
            tenant,
            triggers
        ))
    }

    /// Those of the tenant's that `ids` name, in no order.
    pub async fn load<S: Registry>(
        &self,
        tenant: TenantId,
        ids: &[S::Id],
    ) -> Result<Vec<Registered<S>>, StoreError> {
        let ids: Vec<uuid::Uuid> = ids.iter().map(|&id| id.into()).collect();
        read!(self, Actor::Tenant(tenant), |transaction| S::find(
            transaction,
            tenant,
            &ids,
            &[]
        ))
    }

    /// The one that `key` names.
    pub async fn find<S: Registry>(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<Registered<S>>, StoreError> {
        if !is_storable(key) {
            return Ok(None);
        }
        let found: Result<Vec<_>, StoreError> = read!(self, Actor::Tenant(tenant), |transaction| S::find(
            transaction,
            tenant,
            &[],
            &[key]
        ));
        Ok(found?.into_iter().next())
    }

    /// Those that `listing` describes, by key.
    pub async fn list<S: Registry>(
        &self,
        tenant: TenantId,
        listing: &Listing,
    ) -> Result<Vec<Registered<S>>, StoreError> {
        let texts = [&listing.after, &listing.prefix, &listing.search];
        if !texts.into_iter().flatten().all(|text| is_storable(text)) {
            return Ok(Vec::new());
        }
        read!(self, Actor::Tenant(tenant), |transaction| S::list(
            transaction,
            tenant,
            listing
        ))
    }

    /// The versions that `ids` name, in no order.
    pub async fn versions(
        &self,
        tenant: TenantId,
        ids: &[WorkflowVersionId],
    ) -> Result<Vec<WorkflowVersion>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| find_versions(
            transaction,
            tenant,
            ids
        ))
    }

    /// The versions that runs of `workflows` start from, in no order.
    pub async fn published_versions(
        &self,
        tenant: TenantId,
        workflows: &[WorkflowId],
    ) -> Result<Vec<WorkflowVersion>, StoreError> {
        read!(
            self,
            Actor::Tenant(tenant),
            |transaction| find_published_versions(transaction, tenant, workflows)
        )
    }

    /// The edition `number` of a workflow.
    pub async fn version(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
        number: i32,
    ) -> Result<Option<WorkflowVersion>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| find_version(
            transaction,
            tenant,
            workflow,
            number
        ))
    }

    /// Editions of a workflow below `before`, the latest first.
    pub async fn list_versions(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
        before: Option<i32>,
        limit: i64,
    ) -> Result<Vec<WorkflowVersion>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_versions(
            transaction,
            tenant,
            workflow,
            before,
            limit
        ))
    }

    /// What the versions that `ids` name hold.
    pub async fn definitions(
        &self,
        tenant: TenantId,
        ids: &[WorkflowVersionId],
    ) -> Result<Vec<(WorkflowVersionId, Definition)>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| find_definitions(
            transaction,
            tenant,
            ids
        ))
    }

    /// What the draft of a workflow would give if it were published now; nothing when it names what was deleted since.
    pub async fn resolve_draft(
        &self,
        tenant: TenantId,
        workflow: &Workflow,
    ) -> Result<Option<Definition>, StoreError> {
        let found: Result<_, StoreError> = read!(self, Actor::Tenant(tenant), |transaction| read_catalogue(
            transaction,
            tenant,
            workflow
        ));
        let definition = workflow.spec.resolve(&found?, &mut Faults::default());
        Ok((definition.nodes.len() == workflow.spec.nodes.len()).then_some(definition))
    }

    /// The package that `digest` names.
    pub async fn package(&self, tenant: TenantId, digest: &Digest) -> Result<Option<Package>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| find_package(
            transaction,
            tenant,
            digest
        ))
    }

    /// Packages after `after`, by digest.
    pub async fn list_packages(
        &self,
        tenant: TenantId,
        after: Option<Digest>,
        limit: i64,
    ) -> Result<Vec<Package>, StoreError> {
        read!(self, Actor::Tenant(tenant), |transaction| list_packages(
            transaction,
            tenant,
            after,
            limit
        ))
    }

    /// The tenants that `ids` name, in no order.
    pub async fn tenants(&self, ids: &[TenantId]) -> Result<Vec<Tenant>, StoreError> {
        read!(self, Actor::Nobody, |transaction| list_tenants_by_id(
            transaction,
            ids
        ))
    }

    /// The tenant that `key` names.
    pub async fn tenant(&self, key: &str) -> Result<Option<Tenant>, StoreError> {
        if !is_storable(key) {
            return Ok(None);
        }
        read!(self, Actor::Nobody, |transaction| find_tenant(transaction, key))
    }

    /// Tenants after `after`, by key.
    pub async fn list_tenants(&self, after: Option<&str>, limit: i64) -> Result<Vec<Tenant>, StoreError> {
        if !after.is_none_or(is_storable) {
            return Ok(Vec::new());
        }
        read!(self, Actor::Nobody, |transaction| list_tenants(
            transaction,
            after,
            limit
        ))
    }
}

/// `PostgreSQL` cannot hold a NUL, so nothing is found under a text with one.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}
