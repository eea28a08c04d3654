//! Checks what schedules and triggers give against what their workflow takes.

use serde_json::{Map, Value};

use crate::check::{Faults, Named, quoted};
use crate::id::{TenantId, WorkflowId};
use crate::store::registry::Registry;
use crate::store::start_runs::find_published;
use crate::store::{StoreError, Transaction, Versions};
use crate::workflow::Draft;

/// Checks the names of the inputs, those given as values and those that are computed, by what the workflow takes as far as it is
/// published.
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
    let declared = &pinned[&version].inputs;
    if declared.is_empty() {
        return Ok(());
    }
    let unknown = |name: &str| {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        format!(
            "the workflow has no input {}; it has {}",
            quoted(name),
            known.join(", ")
        )
    };
    faults.within("inputs", |faults| {
        for name in inputs.keys().filter(|name| !declared.contains_key(*name)) {
            faults.within(name, |faults| faults.invalid(unknown(name)));
        }
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
                faults.within(&place, |faults| {
                    faults.within("name", |faults| faults.invalid(unknown(&input.name)));
                });
            }
        }
    });
    Ok(())
}
