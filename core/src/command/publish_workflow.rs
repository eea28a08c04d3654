//! Makes a version of a workflow's draft.
//!
//! A version repeats everything that its nodes lead to, so it differs from the one before when any of that was edited, and
//! only then: publishing what has not changed gives the version that is there.

use super::Author;
use super::conclude::conclude;
use super::proposal::read_catalogue;
use super::revise::{check_revision, lock_current};
use crate::check::Faults;
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::WorkflowId;
use crate::store::workflow_versions::{NewVersion, find_definitions, insert_version, list_versions};
use crate::store::workflows::set_published_version;
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::workflow::{Definition, Draft, Workflow, WorkflowVersion};

/// The most bytes that a version may take as JSON.
const LARGEST_VERSION: usize = 32 * 1024 * 1024;

/// A workflow with the version that its runs start from.
#[derive(Clone, Debug)]
pub struct Published {
    /// The workflow.
    pub workflow: Workflow,
    /// The version.
    pub version: WorkflowVersion,
}

/// Publishes the draft of the workflow `id`, if it still is at `expected_revision`.
pub async fn publish_workflow(
    database: &Database,
    author: &Author,
    id: WorkflowId,
    expected_revision: i32,
) -> Result<Published, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let published = publish_current(&mut transaction, author, id, expected_revision).await;
    conclude(transaction, published).await
}

async fn publish_current(
    transaction: &mut Transaction,
    author: &Author,
    id: WorkflowId,
    expected_revision: i32,
) -> Result<Published, CommandError> {
    let workflow = lock_current::<Draft>(transaction, author, id).await?;
    let mut faults = Faults::default();
    check_revision(&workflow, expected_revision, &mut faults);
    faults.into_result()?;
    publish_in(transaction, author, workflow).await
}

/// Publishes the draft of a workflow that the transaction has locked or made.
pub(super) async fn publish_in(
    transaction: &mut Transaction,
    author: &Author,
    workflow: Workflow,
) -> Result<Published, CommandError> {
    let catalogue = read_catalogue(transaction, author.tenant, &workflow).await?;
    let mut faults = Faults::default();
    let definition = workflow.spec.resolve(&catalogue, &mut faults);
    faults.into_result()?;
    let priority = workflow.spec.priority;
    make_version(transaction, author, workflow, &definition, priority).await
}

/// Makes a version of a workflow that the transaction has locked or made, unless the latest holds the same.
pub(super) async fn make_version(
    transaction: &mut Transaction,
    author: &Author,
    workflow: Workflow,
    definition: &Definition,
    priority: i16,
) -> Result<Published, CommandError> {
    let latest = list_versions(transaction, author.tenant, workflow.id, None, 1)
        .await?
        .pop();
    if let Some(version) = &latest
        && holds(transaction, author, version, definition, priority).await?
    {
        return Ok(Published {
            workflow,
            version: version.clone(),
        });
    }
    let number = latest.map_or(0, |version| version.number) + 1;
    let new = NewVersion {
        workflow: &workflow,
        number,
        definition: to_json(definition)?,
        priority,
        published_by: &author.subject,
    };
    let version = insert_version(transaction, author.tenant, new).await?;
    let workflow = set_published_version(transaction, author.tenant, &workflow, version.id, number).await?;
    Ok(Published { workflow, version })
}

/// Whether `version` holds `definition` already.
async fn holds(
    transaction: &mut Transaction,
    author: &Author,
    version: &WorkflowVersion,
    definition: &Definition,
    priority: i16,
) -> Result<bool, StoreError> {
    let held = find_definitions(transaction, author.tenant, &[version.id]).await?;
    Ok(version.priority == priority && held.first().is_some_and(|(_, held)| held == definition))
}

fn to_json(definition: &Definition) -> Result<serde_json::Value, CommandError> {
    let json = serde_json::to_value(definition).expect("a definition is JSON");
    let size = json.to_string().len();
    if size <= LARGEST_VERSION {
        return Ok(json);
    }
    let message = format!(
        "the version would take {size} bytes, since it repeats the program or endpoint of every node; \
         at most {LARGEST_VERSION} are taken"
    );
    let limit = i64::try_from(LARGEST_VERSION).unwrap_or(i64::MAX);
    Err(CommandError::refused(Refusal::new(
        RefusalCode::QuotaExceeded { limit },
        ["nodes"],
        message,
    )))
}
