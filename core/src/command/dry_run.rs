//! Tells what a run would do, without making it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Author;
use super::conclude::conclude;
use super::start_run::complete_inputs;
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::WorkflowVersionId;
use crate::run::{Foreseen, Premises, TaskRunState, dry_run};
use crate::store::alerts::read_present;
use crate::store::start_runs::find_published;
use crate::store::{Actor, Database, Transaction, Versions};
use crate::workflow::PinnedVersion;

/// A run that is not made.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// Of what.
    pub of: DryRunOf,
    /// What it would be given.
    pub inputs: Map<String, Value>,
    /// How task nodes would end, by key; they succeed when nothing is said of them.
    pub assume: Vec<(String, TaskRunState)>,
}

/// Of what a run is not made.
#[derive(Clone, Debug)]
pub enum DryRunOf {
    /// The published version of the workflow with this key.
    Workflow(String),
    /// This version.
    Version(WorkflowVersionId),
}

/// What would become of every node of a run, with the version it would be of. What `startRun` would refuse is refused, and so is
/// what is assumed of a node that is not there, or that is no end.
pub async fn foresee_run(
    database: &Database,
    versions: &Versions,
    author: &Author,
    wanted: &DryRun,
) -> Result<(Arc<PinnedVersion>, Vec<Foreseen>), CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let result = foresee_within(&mut transaction, versions, author, wanted).await;
    conclude(transaction, result).await
}

async fn foresee_within(
    transaction: &mut Transaction,
    versions: &Versions,
    author: &Author,
    wanted: &DryRun,
) -> Result<(Arc<PinnedVersion>, Vec<Foreseen>), CommandError> {
    let version = find(transaction, versions, author, &wanted.of).await?;
    let mut refusals = Vec::new();
    let inputs = complete_inputs(Some(&version), &wanted.inputs).unwrap_or_else(|faults| {
        refusals.extend(faults.into_iter().map(|fault| {
            let mut path = vec!["inputs".to_owned()];
            path.extend(fault.path);
            Refusal::invalid(path, fault.message)
        }));
        Map::new()
    });
    let mut ends = BTreeMap::new();
    for (at, (key, state)) in wanted.assume.iter().enumerate() {
        let path = |field: &str| ["assume".to_owned(), at.to_string(), field.to_owned()];
        if let Some(place) = version.place_of(key) {
            ends.insert(place, *state);
        } else {
            let message = format!("the workflow has no task node with the key {key:?}");
            refusals.push(Refusal::not_found(path("node"), message));
        }
        if !matches!(
            state,
            TaskRunState::Succeeded | TaskRunState::Failed | TaskRunState::Skipped
        ) {
            let message = format!("assume that it ends as SUCCEEDED, FAILED or SKIPPED, not {state}");
            refusals.push(Refusal::invalid(path("state"), message));
        }
    }
    if !refusals.is_empty() {
        return Err(CommandError::Refused(refusals));
    }
    let premises = Premises {
        inputs,
        ends,
        started_by: author.subject.to_string(),
        at: read_present(transaction).await?,
        priority: version.priority,
    };
    let foreseen = dry_run(&version, &premises);
    Ok((version, foreseen))
}

async fn find(
    transaction: &mut Transaction,
    versions: &Versions,
    author: &Author,
    of: &DryRunOf,
) -> Result<Arc<PinnedVersion>, CommandError> {
    let refused = |refusal| Err(CommandError::refused(refusal));
    let id = match of {
        DryRunOf::Version(id) => *id,
        DryRunOf::Workflow(key) if key.contains('\0') => {
            return refused(Refusal::invalid(
                ["workflow"],
                "a key cannot hold a NUL character",
            ));
        }
        DryRunOf::Workflow(key) => {
            let published = find_published(transaction, author.tenant, &[key]).await?;
            match published.into_iter().next() {
                Some((_, Some(id))) => id,
                Some((_, None)) => {
                    let message = format!(
                        "the workflow {key:?} has no published version; publish it with publishWorkflow"
                    );
                    return refused(Refusal::new(RefusalCode::Conflict, ["workflow"], message));
                }
                None => {
                    let message = format!("there is no workflow with the key {key:?}");
                    return refused(Refusal::not_found(["workflow"], message));
                }
            }
        }
    };
    let found = versions.get(transaction, [(author.tenant, id)]).await?;
    match found.get(&id) {
        Some(version) => Ok(Arc::clone(version)),
        None => refused(Refusal::not_found(
            ["versionId"],
            "there is no workflow version with this id",
        )),
    }
}
