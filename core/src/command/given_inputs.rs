//! Checks what schedules, triggers and backfills give against what their workflow takes.

use serde_json::{Map, Value};

use super::edit_schedule::ScheduleEditor;
use super::occurrences::Armed;
use super::start_run::check_input;
use crate::check::{Faults, Named, quoted};
use crate::error::CommandError;
use crate::id::{TenantId, WorkflowId};
use crate::store::occurrences::find_published_of_all;
use crate::store::registry::Registry;
use crate::store::start_runs::find_published;
use crate::store::{StoreError, Transaction, Versions};
use crate::workflow::{Draft, PinnedVersion};

/// Checks the inputs, those given as values and the names of those that are computed, by what the workflow takes as far as it is published.
pub(super) async fn check_declared(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: WorkflowId,
    (inputs, computed): (&Map<String, Value>, &[Named]),
    faults: &mut Faults,
) -> Result<(), StoreError> {
    let found = Draft::find(transaction, tenant, &[workflow.0], &[]).await?;
    let Some(workflow) = found.into_iter().next() else {
        return Ok(());
    };
    let published = find_published(transaction, tenant, &[&workflow.key]).await?;
    let Some((_, Some(version))) = published.into_iter().next() else {
        return Ok(());
    };
    let pinned = Versions::default().get(transaction, [(tenant, version)]).await?;
    let pinned = &pinned[&version];
    let declared = &pinned.inputs;
    if declared.is_empty() {
        return Ok(());
    }
    check_values(pinned, inputs, faults);
    faults.within("inputs", |faults| {
        let given =
            |name: &String| inputs.contains_key(name) || computed.iter().any(|input| input.name == *name);
        for (name, spec) in declared {
            if spec.required && spec.default.is_none() && !given(name) {
                let message = format!("the workflow requires the input {}; give it", quoted(name));
                faults.within(name, |faults| faults.invalid(message));
            }
        }
    });
    faults.within("computedInputs", |faults| {
        for (place, input) in computed.iter().enumerate() {
            if !declared.contains_key(&input.name) {
                let known: Vec<&str> = declared.keys().map(String::as_str).collect();
                let name = quoted(&input.name);
                let message = format!("the workflow has no input {name}; it has {}", known.join(", "));
                faults.within(&place, |faults| {
                    faults.within("name", |faults| faults.invalid(message));
                });
            }
        }
    });
    Ok(())
}

impl ScheduleEditor {
    /// Refuses inputs that no run of the schedule would be taken with, so that a slip of the pen does not reject thousands of occurrences.
    pub(super) async fn check_inputs(
        &self,
        transaction: &mut Transaction,
        armed: &Armed,
        inputs: &Map<String, Value>,
    ) -> Result<(), CommandError> {
        if inputs.is_empty() {
            return Ok(());
        }
        let workflow = (armed.tenant, armed.spec().workflow);
        let published = find_published_of_all(transaction, &[workflow]).await?;
        let ids = published.iter().map(|row| (row.tenant_id, row.version_id));
        let pinned = self.memory.versions.get(transaction, ids).await?;
        let mut faults = Faults::default();
        for version in pinned.values() {
            check_values(version, inputs, &mut faults);
        }
        faults.into_result()
    }
}

/// Checks the inputs that are given as values by what runs of the version take. It may be that others are required.
fn check_values(version: &PinnedVersion, inputs: &Map<String, Value>, faults: &mut Faults) {
    if version.inputs.is_empty() {
        return;
    }
    faults.within("inputs", |faults| {
        for (name, value) in inputs {
            for fault in check_input(version, name, value) {
                faults.within_all(&fault.path, |faults| faults.invalid(fault.message));
            }
        }
    });
}
