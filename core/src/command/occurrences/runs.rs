//! The runs of occurrences, whoever starts them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::plans::Armed;
use crate::command::new_run::{ForOccurrence, NewRun};
use crate::command::quota::Room;
use crate::command::start_run::complete_inputs;
use crate::expression::OccurrenceFacts;
use crate::id::{BackfillId, RunId, TenantId, WorkflowId};
use crate::run::Trigger;
use crate::store::occurrences::find_published_of_all;
use crate::store::{StoreError, Transaction, Versions};
use crate::workflow::PinnedVersion;

/// What runs of some workflows start from.
#[derive(Default)]
pub(crate) struct Startable {
    published: HashMap<(TenantId, WorkflowId), Arc<PinnedVersion>>,
    /// For how many more of them there is room.
    pub(crate) room: Room,
}

impl Startable {
    /// The version from which runs of the workflow start.
    pub(crate) fn version(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
    ) -> Result<&Arc<PinnedVersion>, String> {
        self.published.get(&(tenant, workflow)).ok_or_else(|| {
            "the workflow has no published version; publish it with publishWorkflow".to_owned()
        })
    }
}

/// Reads what runs of the workflows start from.
pub(crate) async fn read_startable(
    transaction: &Transaction,
    versions: &Versions,
    workflows: BTreeSet<(TenantId, WorkflowId)>,
) -> Result<Startable, StoreError> {
    if workflows.is_empty() {
        return Ok(Startable::default());
    }
    let wanted: Vec<_> = workflows.into_iter().collect();
    let rows = find_published_of_all(transaction, &wanted).await?;
    let quotas: BTreeMap<TenantId, u32> = rows
        .iter()
        .filter_map(|row| Some((row.tenant_id, row.most_live_runs?)))
        .collect();
    let room = Room::within(transaction, &quotas.into_iter().collect::<Vec<_>>()).await?;
    let ids = rows.iter().map(|row| (row.tenant_id, row.version_id));
    let pinned = versions.get(transaction, ids).await?;
    let published = rows.into_iter().map(|row| {
        let version = Arc::clone(&pinned[&row.version_id]);
        ((row.tenant_id, row.workflow_id), version)
    });
    Ok(Startable {
        published: published.collect(),
        room,
    })
}

/// What starts an occurrence.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause<'a> {
    /// It was due, or asked for, and may not overlap with others under this key.
    Schedule { overlap_key: Option<&'a str> },
    /// This backfill, which somebody asked for.
    Backfill { id: BackfillId, by: &'a str },
}

/// The run of an occurrence, given `more` over what the schedule gives; or why it cannot be made.
pub(super) fn run_of(
    armed: &Armed,
    startable: &Startable,
    facts: &OccurrenceFacts,
    more: Option<&Value>,
    cause: Cause<'_>,
) -> Result<NewRun, String> {
    let version = startable.version(armed.tenant, armed.spec().workflow)?;
    let given = armed.inputs(facts, more)?;
    let inputs = complete_inputs(Some(version), &given).map_err(|faults| {
        let told: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
        format!("the workflow does not take its inputs: {}", told.join("; "))
    })?;
    let (trigger, started_by, overlap_key, backfill_id) = match cause {
        Cause::Schedule { overlap_key } => {
            let by = format!("schedule:{}", armed.schedule.key);
            (Trigger::Schedule, by, overlap_key, None)
        }
        Cause::Backfill { id, by } => (Trigger::Backfill, format!("backfill:{by}"), None, Some(id)),
    };
    Ok(NewRun {
        id: RunId::generate(),
        tenant: armed.tenant,
        started_by: started_by.into(),
        version: Arc::clone(version),
        priority: armed.spec().priority.unwrap_or(version.priority),
        inputs,
        trigger,
        occurrence: Some(ForOccurrence {
            schedule_id: Some(armed.id()),
            facts: json!(facts),
            overlap_key: overlap_key.map(str::to_owned),
            backfill_id,
        }),
        within: None,
        rerun_of: None,
        paused: false,
        begins: true,
    })
}
