//! Workflow versions, read once and kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{workflow_versions, workflows};
use super::{StoreError, Transaction};
use crate::id::{TenantId, WorkflowVersionId};
use crate::workflow::PinnedVersion;

/// How many versions are kept; beyond it the whole memory is forgotten and fills again with what is in use.
const KEEP: usize = 1024;

type Kept = HashMap<(TenantId, WorkflowVersionId), Arc<PinnedVersion>>;

/// Versions that this process has read. A version never changes, so none is ever stale.
#[derive(Clone, Default)]
pub struct Versions {
    kept: Arc<Mutex<Kept>>,
}

impl Versions {
    /// The versions that `wanted` names, by id; reads those that were not read before, all in one statement.
    pub async fn get(
        &self,
        transaction: &Transaction,
        wanted: impl IntoIterator<Item = (TenantId, WorkflowVersionId)>,
    ) -> Result<HashMap<WorkflowVersionId, Arc<PinnedVersion>>, StoreError> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for key in wanted {
                match kept.get(&key) {
                    Some(version) => drop(found.insert(key.1, Arc::clone(version))),
                    None if missing.contains(&key) => {}
                    None => missing.push(key),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let read = read_versions(transaction, &missing).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + read.len() > KEEP {
            kept.clear();
        }
        for (tenant, version) in read {
            kept.insert((tenant, version.id), Arc::clone(&version));
            found.insert(version.id, version);
        }
        Ok(found)
    }
}

async fn read_versions(
    transaction: &Transaction,
    wanted: &[(TenantId, WorkflowVersionId)],
) -> Result<Vec<(TenantId, Arc<PinnedVersion>)>, StoreError> {
    let tenants: Vec<Uuid> = wanted.iter().map(|(tenant, _)| tenant.0).collect();
    let ids: Vec<Uuid> = wanted.iter().map(|(_, version)| version.0).collect();
    let rows: Vec<(Uuid, Uuid, Uuid, i32, i16, Value, String)> = workflow_versions::table
        .inner_join(
            workflows::table.on(workflows::tenant_id
                .eq(workflow_versions::tenant_id)
                .and(workflows::id.eq(workflow_versions::workflow_id))),
        )
        .filter(
            workflow_versions::tenant_id
                .eq_any(tenants)
                .and(workflow_versions::id.eq_any(ids)),
        )
        .select((
            workflow_versions::tenant_id,
            workflow_versions::id,
            workflow_versions::workflow_id,
            workflow_versions::number,
            workflow_versions::priority,
            workflow_versions::definition,
            workflows::key,
        ))
        .load(&mut &**transaction)
        .await?;
    rows.into_iter()
        .map(
            |(tenant, id, workflow_id, number, priority, definition, workflow)| {
                let definition = serde_json::from_value(definition)
                    .map_err(|error| StoreError::Unreadable(format!("the workflow version {id}: {error}")))?;
                let version = PinnedVersion::new(
                    id.into(),
                    workflow_id.into(),
                    &workflow,
                    number,
                    priority,
                    definition,
                );
                Ok((tenant.into(), Arc::new(version)))
            },
        )
        .collect()
}
