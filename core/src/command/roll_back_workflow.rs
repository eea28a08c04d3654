//! Goes back to an earlier version of a workflow.
//!
//! Versions only ever follow each other: going back makes another version, which holds exactly what the old one held, so that
//! the list of versions stays the history of what runs were started from. Runs under way keep the version they have.
//!
//! The draft stays as it is. A version repeats programs and endpoints as they were, and a draft only names them, so there may be
//! no draft any more that would give the old version; and whoever goes back in a hurry does not want the work lost that led to
//! the version they leave. What publishing the draft would change is what its difference to the published version tells.

use super::Author;
use super::conclude::conclude;
use super::publish_workflow::{Published, make_version};
use super::revise::{check_revision, lock_current};
use crate::check::Faults;
use crate::error::{CommandError, Refusal};
use crate::id::WorkflowId;
use crate::store::workflow_versions::{find_definitions, find_version};
use crate::store::{Actor, Database, Transaction};
use crate::workflow::Draft;

/// A wish to go back.
#[derive(Clone, Copy, Debug)]
pub struct RollBack {
    /// The workflow.
    pub id: WorkflowId,
    /// The revision that the caller has read.
    pub expected_revision: i32,
    /// The edition to go back to.
    pub number: i32,
}

/// Makes a version that holds what an earlier one held, and lets runs start from it. When the latest version holds just that,
/// it stays.
pub async fn roll_back_workflow(
    database: &Database,
    author: &Author,
    wish: RollBack,
) -> Result<Published, CommandError> {
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let published = roll_back_in(&mut transaction, author, wish).await;
    conclude(transaction, published).await
}

async fn roll_back_in(
    transaction: &mut Transaction,
    author: &Author,
    wish: RollBack,
) -> Result<Published, CommandError> {
    let workflow = lock_current::<Draft>(transaction, author, wish.id).await?;
    let mut faults = Faults::default();
    check_revision(&workflow, wish.expected_revision, &mut faults);
    faults.into_result()?;
    let missing = || {
        let message = format!(
            "the workflow {:?} has no version {}; `versions` lists those that it has",
            workflow.key, wish.number
        );
        CommandError::refused(Refusal::not_found(["number"], message))
    };
    let old = find_version(transaction, author.tenant, wish.id, wish.number)
        .await?
        .ok_or_else(missing)?;
    let held = find_definitions(transaction, author.tenant, &[old.id])
        .await?
        .pop();
    let (_, definition) = held.ok_or_else(missing)?;
    make_version(transaction, author, workflow, &definition, old.priority).await
}
