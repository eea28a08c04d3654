//! Creates and edits workflows, and says beforehand what would be wrong with one.
//!
//! All of it goes through the same check, so what [`WorkflowEditor::validate`] finds right is saved, and what is refused is
//! refused with everything that it would have told. A graph whose nodes wait for each other is more than a slip of one caller:
//! the refusal is written down as an event, with the cycles, in a transaction of its own once the edit was undone, so that
//! whoever watches the tenant learns of it.

use serde_json::{Value, json};

use super::conclude::conclude;
use super::publish_workflow::publish_in;
use super::register::{New, check_new, register_in};
use super::revise::{Edit, revise_in};
use super::{Author, Proposal};
use crate::check::{Faults, Findings};
use crate::error::{CommandError, RefusalCode};
use crate::event::EventKind;
use crate::id::WorkflowId;
use crate::signal::{Signal, Signals};
use crate::store::events::insert_event;
use crate::store::registry::Registry;
use crate::store::{Actor, Database, StoreError, Transaction};
use crate::workflow::{Draft, Workflow, WorkflowLimits, WorkflowProposal};

/// The most cycles that the event of a refusal names.
const MOST_CYCLES: usize = 10;
/// The most nodes of a cycle that the event names.
const MOST_KEYS: usize = 100;

/// Creates and edits workflows.
#[derive(Clone)]
pub struct WorkflowEditor {
    database: Database,
    signals: Signals,
    limits: WorkflowLimits,
}

impl WorkflowEditor {
    /// Edits workflows of at most `limits` in `database`, and raises `signals` for what it writes down.
    #[must_use]
    pub fn new(database: Database, signals: Signals, limits: WorkflowLimits) -> Self {
        Self {
            database,
            signals,
            limits,
        }
    }

    /// Registers a workflow, and its first version as well if the proposal wants it: both or neither.
    pub async fn create(
        &self,
        author: &Author,
        new: &New<WorkflowProposal>,
    ) -> Result<Workflow, CommandError> {
        self.limits.check(&new.proposal)?;
        let mut transaction = self.database.begin(Actor::Tenant(author.tenant)).await?;
        let created = create_in(&mut transaction, author, new).await;
        let created = conclude(transaction, created).await;
        self.record_cycles(author, &new.key, None, &created).await?;
        created
    }

    /// Edits a workflow's draft, and makes a version of it as well if the proposal wants it: both or neither.
    pub async fn update(
        &self,
        author: &Author,
        edit: &Edit<WorkflowProposal>,
    ) -> Result<Workflow, CommandError> {
        self.limits.check(&edit.proposal)?;
        let mut transaction = self.database.begin(Actor::Tenant(author.tenant)).await?;
        let updated = update_in(&mut transaction, author, edit).await;
        let updated = conclude(transaction, updated).await;
        if is_cyclic(&updated) {
            let key = self.key_of(author, edit.id).await?;
            self.record_cycles(author, &key, Some(edit.id), &updated).await?;
        }
        updated
    }

    /// Everything that would be wrong with a workflow if it were saved, under its own key or in the place of what has it.
    /// Nothing is saved.
    pub async fn validate(
        &self,
        author: &Author,
        new: &New<WorkflowProposal>,
    ) -> Result<Findings, CommandError> {
        if let Err(CommandError::Refused(faults)) = self.limits.check(&new.proposal) {
            let remarks = Vec::new();
            return Ok(Findings { faults, remarks });
        }
        let mut transaction = self.database.begin(Actor::Tenant(author.tenant)).await?;
        let mut faults = Faults::default();
        check_new(&mut faults, new);
        Proposal::check(
            &new.proposal,
            &new.key,
            &mut transaction,
            author.tenant,
            &mut faults,
        )
        .await?;
        transaction.rollback().await?;
        Ok(faults.into_findings())
    }

    async fn key_of(&self, author: &Author, id: WorkflowId) -> Result<String, StoreError> {
        let mut transaction = self.database.begin(Actor::Tenant(author.tenant)).await?;
        let found = Draft::find(&mut transaction, author.tenant, &[id.0], &[]).await?;
        transaction.commit().await?;
        Ok(found
            .into_iter()
            .next()
            .map(|workflow| workflow.key)
            .unwrap_or_default())
    }

    /// Writes down that a workflow was refused for its cycles, if it was.
    async fn record_cycles<T>(
        &self,
        author: &Author,
        key: &str,
        id: Option<WorkflowId>,
        result: &Result<T, CommandError>,
    ) -> Result<(), StoreError> {
        let cycles = cycles_of(result);
        if cycles.is_empty() {
            return Ok(());
        }
        let detail = json!({
            "workflow": key,
            "workflowId": id,
            "by": &*author.subject,
            "message": cycles[0].message,
            "cycles": cycles.iter().take(MOST_CYCLES).map(|cycle| told(cycle.keys)).collect::<Vec<_>>(),
            "cycleCount": cycles.len(),
        });
        let mut transaction = self.database.begin(Actor::Tenant(author.tenant)).await?;
        insert_event(
            &mut transaction,
            author.tenant,
            EventKind::WorkflowRefused,
            detail,
        )
        .await?;
        transaction.commit().await?;
        self.signals.raise([Signal::Events(author.tenant)]);
        Ok(())
    }
}

async fn create_in(
    transaction: &mut Transaction,
    author: &Author,
    new: &New<WorkflowProposal>,
) -> Result<Workflow, CommandError> {
    let (workflow, is_first) = register_in(transaction, author, new).await?;
    if new.proposal.publish && is_first {
        return Ok(publish_in(transaction, author, workflow).await?.workflow);
    }
    Ok(workflow)
}

async fn update_in(
    transaction: &mut Transaction,
    author: &Author,
    edit: &Edit<WorkflowProposal>,
) -> Result<Workflow, CommandError> {
    let workflow = revise_in(transaction, author, edit).await?;
    if edit.proposal.publish {
        return Ok(publish_in(transaction, author, workflow).await?.workflow);
    }
    Ok(workflow)
}

fn is_cyclic<T>(result: &Result<T, CommandError>) -> bool {
    !cycles_of(result).is_empty()
}

/// A cycle for which something was refused.
struct Cycle<'a> {
    keys: &'a [String],
    message: &'a str,
}

/// The cycles for which something was refused.
fn cycles_of<T>(result: &Result<T, CommandError>) -> Vec<Cycle<'_>> {
    let Err(CommandError::Refused(refusals)) = result else {
        return Vec::new();
    };
    let cycles = refusals.iter().filter_map(|refusal| match &refusal.code {
        RefusalCode::Cycle { cycle } => Some(Cycle {
            keys: cycle,
            message: &refusal.message,
        }),
        _ => None,
    });
    cycles.collect()
}

/// A cycle as the event has it: its keys in order, the first repeated at the end, as far as they are told.
fn told(cycle: &[String]) -> Value {
    json!({
        "keys": &cycle[..cycle.len().min(MOST_KEYS)],
        "nodeCount": cycle.len() - 1,
    })
}
