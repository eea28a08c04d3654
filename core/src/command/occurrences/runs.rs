//! The runs of occurrences, whoever starts them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::plans::Armed;
use crate::command::new_run::{ForOccurrence, NewRun};
use crate::command::start_run::complete_inputs;
use crate::expression::OccurrenceFacts;
use crate::id::{BackfillId, RunId, TenantId, WorkflowId};
use crate::run::Trigger;
use crate::store::occurrences::find_published_of_all;
use crate::store::{StoreError, Transaction, Versions};
use crate::workflow::PinnedVersion;

/// The versions from which runs start, by workflow; one that has none is left out.
pub(crate) type Published = HashMap<(TenantId, WorkflowId), Arc<PinnedVersion>>;

/// Reads from which versions runs of the workflows start.
pub(crate) async fn read_published(
    transaction: &mut Transaction,
    versions: &Versions,
    workflows: BTreeSet<(TenantId, WorkflowId)>,
) -> Result<Published, StoreError> {
    if workflows.is_empty() {
        return Ok(Published::new());
    }
    let wanted: Vec<_> = workflows.into_iter().collect();
    let published = find_published_of_all(transaction, &wanted).await?;
    let ids = published.iter().map(|(tenant, _, version)| (*tenant, *version));
    let pinned = versions.get(transaction, ids).await?;
    Ok(published
        .into_iter()
        .map(|(tenant, workflow, version)| ((tenant, workflow), Arc::clone(&pinned[&version])))
        .collect())
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
    published: &Published,
    facts: &OccurrenceFacts,
    more: Option<&Value>,
    cause: Cause<'_>,
) -> Result<NewRun, String> {
    let Some(version) = published.get(&(armed.tenant, armed.spec().workflow)) else {
        return Err("the workflow has no published version; publish it with publishWorkflow".to_owned());
    };
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
