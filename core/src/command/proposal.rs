//! From what a caller proposes to what is registered.
//!
//! The rules of form are beside each kind and know no database. Here they meet it: what a proposal refers to is looked up,
//! in the transaction that will write, so that it is there when the writing is done.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::hash::Hash;

use serde::Serialize;
use uuid::Uuid;

use crate::check::{Faults, quoted};
use crate::endpoint::EndpointProposal;
use crate::id::TenantId;
use crate::program::ProgramProposal;
use crate::registered::{Reference, Registered};
use crate::store::packages::find_package;
use crate::store::registry::Registry;
use crate::store::workflows::find_declared_inputs;
use crate::store::{StoreError, Transaction};
use crate::task_node::{NodeSettings, TaskNodeProposal, TaskNodeSpec, TaskWork, WorkProposal};
use crate::workflow::{
    Catalogue, Draft, EndpointSpec, InputSpec, NodeProposal, ProgramSpec, SubWorkflows, Workflow,
    WorkflowProposal,
};

/// What a caller wants something to be.
pub trait Proposal: Clone + Serialize + Send + Sync + 'static {
    /// What is registered when nothing is wrong with the proposal.
    type Spec: Registry;

    /// The name under which idempotency keys are kept.
    const MUTATION: &'static str;

    /// Checks the proposal for what is registered under `key`. `None` when a fault was found that leaves nothing to register.
    fn check(
        &self,
        key: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> impl Future<Output = Result<Option<Self::Spec>, StoreError>> + Send;
}

impl Proposal for ProgramProposal {
    type Spec = ProgramSpec;

    const MUTATION: &'static str = "registerProgram";

    async fn check(
        &self,
        key: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<ProgramSpec>, StoreError> {
        let mut spec = Self::check(self, key, faults);
        if let Some(package) = &mut spec.package {
            match find_package(transaction, tenant, &package.digest).await? {
                Some(found) if package.file_name.is_empty() => package.file_name = found.file_name,
                Some(_) => {}
                None => {
                    let message = format!("there is no package {}; upload it first", package.digest);
                    faults.within("package", |faults| {
                        faults.within("digest", |faults| faults.missing(message));
                    });
                }
            }
        }
        Ok(Some(spec))
    }
}

impl Proposal for EndpointProposal {
    type Spec = EndpointSpec;

    const MUTATION: &'static str = "registerEndpoint";

    async fn check(
        &self,
        key: &str,
        _: &mut Transaction,
        _: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<EndpointSpec>, StoreError> {
        Ok(Some(Self::check(self, key, faults)))
    }
}

impl Proposal for TaskNodeProposal {
    type Spec = TaskNodeSpec;

    const MUTATION: &'static str = "createTaskNode";

    async fn check(
        &self,
        _: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<TaskNodeSpec>, StoreError> {
        let settings = self.settings.check(faults);
        settings.check_applicable(self.work.performer(), &NodeSettings::default(), faults);
        let work = match &self.work {
            WorkProposal::NoOp(true) => Some(TaskWork::NoOp),
            WorkProposal::NoOp(false) => {
                let message = "a task node does nothing with `true`, and with `false` it has nothing to do either; \
                               name a program or an endpoint";
                faults.within("work", |faults| {
                    faults.within("noOp", |faults| faults.invalid(message));
                });
                None
            }
            WorkProposal::Program(program) => {
                let found = find_one::<ProgramSpec>(transaction, tenant, program).await?;
                faults
                    .within("work", |faults| {
                        existing::<ProgramSpec>("program", program, found, faults)
                    })
                    .map(TaskWork::Program)
            }
            WorkProposal::Endpoint(endpoint) => {
                let found = find_one::<EndpointSpec>(transaction, tenant, endpoint).await?;
                faults
                    .within("work", |faults| {
                        existing::<EndpointSpec>("endpoint", endpoint, found, faults)
                    })
                    .map(TaskWork::Endpoint)
            }
        };
        Ok(work.map(|work| TaskNodeSpec { work, settings }))
    }
}

/// The id of what `reference` names, which cannot be deleted until the transaction ends.
pub(super) async fn find_one<S: Registry>(
    transaction: &mut Transaction,
    tenant: TenantId,
    reference: &Reference<S::Id>,
) -> Result<Option<S::Id>, StoreError> {
    let held = hold_all::<S>(transaction, tenant, [reference].into_iter()).await?;
    Ok(held.first().map(|found| found.id))
}

/// Finds what `references` name and keeps it from being deleted meanwhile.
async fn hold_all<'a, S: Registry>(
    transaction: &mut Transaction,
    tenant: TenantId,
    references: impl Iterator<Item = &'a Reference<S::Id>> + Send,
) -> Result<Vec<Registered<S>>, StoreError> {
    let (mut ids, mut keys) = (Vec::new(), Vec::new());
    for reference in references {
        match reference {
            Reference::Id(id) => ids.push((*id).into()),
            // PostgreSQL cannot hold a NUL, so nothing has such a key.
            Reference::Key(key) if key.contains('\0') => {}
            Reference::Key(key) => keys.push(key.as_str()),
        }
    }
    S::hold(transaction, tenant, &distinct(ids), &distinct(keys)).await
}

fn distinct<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

/// What was found for the reference at `place`, or a fault there.
pub(super) fn existing<S: Registry>(
    place: &str,
    reference: &Reference<S::Id>,
    found: Option<S::Id>,
    faults: &mut Faults,
) -> Option<S::Id> {
    if found.is_none() {
        let message = match reference {
            Reference::Key(key) => format!("there is no {} with the key {}", S::NOUN, quoted(key)),
            Reference::Id(_) => format!("there is no {} with that id", S::NOUN),
        };
        faults.within(place, |faults| faults.missing(message));
    }
    found
}

impl Proposal for WorkflowProposal {
    type Spec = Draft;

    const MUTATION: &'static str = "createWorkflow";

    async fn check(
        &self,
        key: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<Draft>, StoreError> {
        let references = self.nodes.iter().flat_map(NodeProposal::task_nodes);
        let held = hold_all::<TaskNodeSpec>(transaction, tenant, references).await?;
        let named = held
            .iter()
            .flat_map(|node| {
                [
                    (Reference::Id(node.id), node.id),
                    (Reference::Key(node.key.clone()), node.id),
                ]
            })
            .collect();
        let proposed = Self::check(self, &named, faults);
        let mut catalogue = catalogue_of(transaction, tenant, held).await?;
        let named = proposed.sub_workflows().collect();
        catalogue.sub_workflows = sub_workflows(transaction, tenant, named, key, proposed.inputs()).await?;
        proposed.check_resolved(&catalogue, faults);
        Ok(proposed.into_draft())
    }
}

/// The task nodes and workflows that the draft of a workflow names, with all that these lead to.
pub(crate) async fn read_catalogue(
    transaction: &mut Transaction,
    tenant: TenantId,
    workflow: &Workflow,
) -> Result<Catalogue, StoreError> {
    let draft = &workflow.spec;
    let ids = distinct(
        draft
            .nodes
            .iter()
            .filter_map(|node| Some(node.work.task_node()?.0))
            .collect(),
    );
    let task_nodes = TaskNodeSpec::find(transaction, tenant, &ids, &[]).await?;
    let mut catalogue = catalogue_of(transaction, tenant, task_nodes).await?;
    let named = draft.sub_workflows().collect();
    catalogue.sub_workflows = sub_workflows(transaction, tenant, named, &workflow.key, &draft.inputs).await?;
    Ok(catalogue)
}

/// What the workflows named by keys declare, as far as they exist. The one called `own` is the one that names them, and declares
/// `own_inputs`, whatever it declared before.
async fn sub_workflows(
    transaction: &mut Transaction,
    tenant: TenantId,
    named: Vec<&str>,
    own: &str,
    own_inputs: &BTreeMap<String, InputSpec>,
) -> Result<SubWorkflows, StoreError> {
    // PostgreSQL cannot hold a NUL, so nothing has such a key.
    let others = named
        .iter()
        .copied()
        .filter(|key| *key != own && !key.contains('\0'));
    let others = distinct(others.collect());
    let mut declared = match others.as_slice() {
        [] => SubWorkflows::new(),
        keys => find_declared_inputs(transaction, tenant, keys).await?,
    };
    if named.contains(&own) {
        declared.insert(own.to_owned(), own_inputs.clone());
    }
    Ok(declared)
}

async fn catalogue_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_nodes: Vec<Registered<TaskNodeSpec>>,
) -> Result<Catalogue, StoreError> {
    let (mut programs, mut endpoints) = (Vec::new(), Vec::new());
    for task_node in &task_nodes {
        match task_node.spec.work {
            TaskWork::NoOp => {}
            TaskWork::Program(id) => programs.push(id.0),
            TaskWork::Endpoint(id) => endpoints.push(id.0),
        }
    }
    Ok(Catalogue {
        task_nodes: by_id(task_nodes),
        programs: find_by_id(transaction, tenant, programs).await?,
        endpoints: find_by_id(transaction, tenant, endpoints).await?,
        sub_workflows: SubWorkflows::new(),
    })
}

async fn find_by_id<S: Registry>(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: Vec<Uuid>,
) -> Result<HashMap<S::Id, Registered<S>>, StoreError>
where
    S::Id: Hash,
{
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(by_id(S::find(transaction, tenant, &distinct(ids), &[]).await?))
}

fn by_id<S: Registry>(found: Vec<Registered<S>>) -> HashMap<S::Id, Registered<S>> {
    found.into_iter().map(|one| (one.id, one)).collect()
}
