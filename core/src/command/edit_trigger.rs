//! Registers, edits and steers triggers.
//!
//! All of it holds the lock under which the tenant's firings are decided about, and first decides about what has happened by then. So
//! what happened before an edit is judged by what the trigger was, and what happens after it by what it is; and two triggers
//! that lead to each other cannot both be made at once.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;

use super::firings::{settle_trigger, settle_trigger_in_part};
use super::given_inputs::check_declared;
use super::occurrences::Memory;
use super::partition_lock::under_lock;
use super::proposal::{existing, find_one};
use super::propose_schedule::refuse_nul;
use super::register::{New, register_in};
use super::revise::{Edit, check_revision, lock_current, revise_in};
use super::{Author, Proposal};
use crate::check::{Faults, check_range};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{TenantId, TriggerId, WorkflowId};
use crate::signal::{Signal, Signals};
use crate::store::registry::Registry;
use crate::store::schedule_states::{forget_watcher, read_present, watch_workflow};
use crate::store::triggers::{list_links_but, set_trigger_state};
use crate::store::webhook_secrets::put_secret;
use crate::store::{Database, StoreError, Transaction};
use crate::trigger::ring::{Link, ring_closed_by};
use crate::trigger::secret::WebhookSecret;
use crate::trigger::signature::Scheme;
use crate::trigger::source::{Source, SourceProposal};
use crate::trigger::spec::{TriggerProposal, TriggerSpec};
use crate::trigger::{Trigger, TriggerState};
use crate::workflow::Draft;

/// The longest that a secret is taken beside the one that has come in its place, in milliseconds: thirty days.
const LONGEST_OVERLAP_MS: i64 = 30 * 86_400_000;

/// How many batches of firings are decided about before an edit at the most; what is left then is decided about by the edit.
const MOST_TURNS: u32 = 1_000;

/// A trigger that was registered.
#[derive(Clone, Debug)]
pub struct CreatedTrigger {
    /// The trigger.
    pub trigger: Trigger,
    /// What calls of its webhook are signed with, if it has one and this call has made it.
    pub secret: Option<WebhookSecret>,
}

/// A secret that comes in the place of another.
#[derive(Clone)]
pub struct Rotation {
    /// The webhook's trigger.
    pub id: TriggerId,
    /// The secret; one is made when absent.
    pub secret: Option<String>,
    /// For how long the other one is taken as well, in milliseconds.
    pub overlap_ms: i64,
}

/// Keeps triggers.
#[derive(Clone)]
pub struct TriggerEditor {
    database: Database,
    signals: Signals,
    memory: Memory,
}

impl TriggerEditor {
    /// Keeps triggers in `database`, and raises `signals` for them.
    #[must_use]
    pub fn new(database: Database, signals: Signals) -> Self {
        Self {
            database,
            signals,
            memory: Memory::default(),
        }
    }

    /// Registers a trigger, which is for what happens from now on. Calls of a webhook are to be signed with `secret`; one is made
    /// when it is absent.
    pub async fn create(
        &self,
        author: &Author,
        new: &New<TriggerProposal>,
        secret: Option<&str>,
    ) -> Result<CreatedTrigger, CommandError> {
        under_lock!(self, author, |transaction, _signals| {
            let secret = secret_for(&new.proposal.on, secret)?;
            let (trigger, made_now) = register_in(transaction, author, new).await?;
            let secret = secret.filter(|_| made_now);
            if made_now {
                watch(transaction, author.tenant, &trigger).await?;
            }
            if let Some(secret) = &secret {
                let now = read_present(transaction).await?;
                put_secret(transaction, author.tenant, trigger.id, secret, now).await?;
            }
            Ok(CreatedTrigger { trigger, secret })
        })
    }

    /// Edits a trigger. What has happened by now is judged by what it was.
    pub async fn update(
        &self,
        author: &Author,
        edit: &Edit<TriggerProposal>,
    ) -> Result<Trigger, CommandError> {
        self.catch_up(author, edit.id).await?;
        under_lock!(self, author, |transaction, signals| {
            self.settle(transaction, author.tenant, edit.id, signals).await?;
            let before = lock_current::<TriggerSpec>(transaction, author, edit.id).await?;
            let after = revise_in(transaction, author, edit).await?;
            if after.spec.on != before.spec.on {
                watch(transaction, author.tenant, &after).await?;
            }
            Ok(after)
        })
    }

    /// Deletes a trigger. What it started goes on, and what became of its firings stays.
    pub async fn delete(
        &self,
        author: &Author,
        id: TriggerId,
        expected_revision: i32,
    ) -> Result<(), CommandError> {
        self.catch_up(author, id).await?;
        under_lock!(self, author, |transaction, signals| {
            let current = lock_current::<TriggerSpec>(transaction, author, id).await?;
            let mut faults = Faults::default();
            check_revision(&current, expected_revision, &mut faults);
            faults.into_result()?;
            self.settle(transaction, author.tenant, id, signals).await?;
            forget_watcher(transaction, author.tenant, id.0).await?;
            Ok(TriggerSpec::remove(transaction, author.tenant, id.0).await?)
        })
    }

    /// Pauses a trigger, so that it starts nothing, or lets it go on with what happens from now on; and gives it. One that stands there
    /// already is left as it is.
    pub async fn bring_to(
        &self,
        author: &Author,
        id: TriggerId,
        state: TriggerState,
        reason: Option<&str>,
    ) -> Result<Trigger, CommandError> {
        self.catch_up(author, id).await?;
        under_lock!(self, author, |transaction, signals| {
            let current = lock_current::<TriggerSpec>(transaction, author, id).await?;
            self.settle(transaction, author.tenant, id, signals).await?;
            let paused_by = || format!("paused by {}", author.subject);
            let told = match state {
                TriggerState::Active => None,
                TriggerState::Paused => Some(reason.map_or_else(paused_by, str::to_owned)),
            };
            let (by, told) = (&*author.subject, told.as_deref());
            set_trigger_state(transaction, author.tenant, id, state, by, told).await?;
            Ok(current)
        })
    }

    /// Gives a webhook another secret. The one that it had is taken as well until the overlap is over.
    pub async fn rotate_secret(
        &self,
        author: &Author,
        rotation: &Rotation,
    ) -> Result<CreatedTrigger, CommandError> {
        under_lock!(self, author, |transaction, _signals| {
            let trigger = lock_current::<TriggerSpec>(transaction, author, rotation.id).await?;
            let Source::Webhook { scheme, .. } = trigger.spec.on else {
                let message = format!(
                    "the trigger {:?} waits for `{}`: only webhooks have secrets",
                    trigger.key,
                    trigger.spec.on.name()
                );
                return Err(CommandError::refused(Refusal::new(
                    RefusalCode::Conflict,
                    ["id"],
                    message,
                )));
            };
            let mut faults = Faults::default();
            faults.within("overlap", |faults| {
                let range = 0..=LONGEST_OVERLAP_MS;
                check_range(faults, "an overlap in milliseconds", rotation.overlap_ms, range);
            });
            let secret = read_secret(scheme, rotation.secret.as_deref(), &mut faults);
            faults.into_result()?;
            let until = read_present(transaction).await? + TimeDelta::milliseconds(rotation.overlap_ms);
            if let Some(secret) = &secret {
                put_secret(transaction, author.tenant, trigger.id, secret, until).await?;
            }
            Ok(CreatedTrigger { trigger, secret })
        })
    }

    fn raise(&self, tenant: TenantId, mut signals: BTreeSet<Signal>) {
        signals.insert(Signal::Occurrences(tenant.partition()));
        self.signals.raise(signals);
    }

    /// Decides about most of what has happened by now, a batch under the lock at a time, so that an edit of a trigger that was flooded does
    /// not keep the whole partition waiting.
    async fn catch_up(&self, author: &Author, id: TriggerId) -> Result<(), CommandError> {
        let mut turns = 0;
        while self.settle_in_part(author, id).await? && turns < MOST_TURNS {
            turns += 1;
        }
        Ok(())
    }

    async fn settle_in_part(&self, author: &Author, id: TriggerId) -> Result<bool, CommandError> {
        under_lock!(self, author, |transaction, signals| {
            let (raised, left) = settle_trigger_in_part(transaction, &self.memory, author.tenant, id).await?;
            signals.extend(raised);
            Ok(left)
        })
    }

    /// Decides about what has happened by now.
    async fn settle(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        id: TriggerId,
        signals: &mut BTreeSet<Signal>,
    ) -> Result<(), StoreError> {
        signals.extend(settle_trigger(transaction, &self.memory, tenant, id).await?);
        Ok(())
    }
}

/// The secret of a webhook that is made, as it was given or anew. What is no webhook has none.
fn secret_for(on: &SourceProposal, given: Option<&str>) -> Result<Option<WebhookSecret>, CommandError> {
    let mut faults = Faults::default();
    let secret = match (on, given) {
        (SourceProposal::Webhook { scheme, .. }, given) => read_secret(*scheme, given, &mut faults),
        (_, None) => None,
        (_, Some(_)) => {
            let message = "only webhooks have secrets; leave it out";
            faults.within("secret", |faults| faults.invalid(message));
            None
        }
    };
    faults.into_result()?;
    Ok(secret)
}

fn read_secret(scheme: Scheme, given: Option<&str>, faults: &mut Faults) -> Option<WebhookSecret> {
    let Some(text) = given else {
        return Some(WebhookSecret::generate());
    };
    match WebhookSecret::parse(scheme, text) {
        Ok(secret) => Some(secret),
        Err(message) => {
            faults.within("secret", |faults| faults.invalid(message));
            None
        }
    }
}

/// Watches the runs whose ends the trigger waits for, and no others for it.
async fn watch(transaction: &mut Transaction, tenant: TenantId, trigger: &Trigger) -> Result<(), StoreError> {
    forget_watcher(transaction, tenant, trigger.id.0).await?;
    if let Some(watched) = trigger.spec.on.watched() {
        watch_workflow(transaction, tenant, watched, trigger.id.0).await?;
    }
    Ok(())
}

impl Proposal for TriggerProposal {
    type Spec = TriggerSpec;

    const MUTATION: &'static str = "createTrigger";

    async fn check(
        &self,
        key: &str,
        transaction: &mut Transaction,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> Result<Option<TriggerSpec>, StoreError> {
        refuse_nul(self, faults);
        let found = find_one::<Draft>(transaction, tenant, &self.workflow).await?;
        let workflow = existing::<Draft>("workflow", &self.workflow, found, faults);
        if let Some(id) = workflow {
            let given = (&self.inputs, &*self.computed_inputs);
            check_declared(transaction, tenant, id, given, faults).await?;
        }
        let watched = find_watched(&self.on, transaction, tenant, faults).await?;
        let spec = Self::check(self, workflow, watched, faults);
        if let Some(spec) = &spec {
            let before = TriggerSpec::find(transaction, tenant, &[], &[key]).await?;
            if let Some(before) = before.first() {
                faults.within("on", |faults| spec.on.check_kept(&before.spec.on, faults));
            }
            refuse_ring(spec, key, transaction, tenant, faults).await?;
        }
        Ok(spec)
    }
}

/// The workflow whose runs' ends are waited for; it cannot be deleted until the transaction ends.
async fn find_watched(
    on: &SourceProposal,
    transaction: &mut Transaction,
    tenant: TenantId,
    faults: &mut Faults,
) -> Result<Option<WorkflowId>, StoreError> {
    let SourceProposal::RunEnded { workflow, .. } = on else {
        return Ok(None);
    };
    let found = find_one::<Draft>(transaction, tenant, workflow).await?;
    Ok(faults.within("on", |faults| {
        faults.within("runEnded", |faults| {
            existing::<Draft>("workflow", workflow, found, faults)
        })
    }))
}

/// Refuses a trigger called `key` with which workflows would start each other without end.
async fn refuse_ring(
    spec: &TriggerSpec,
    key: &str,
    transaction: &mut Transaction,
    tenant: TenantId,
    faults: &mut Faults,
) -> Result<(), StoreError> {
    let Some(watched) = spec.on.watched() else {
        return Ok(());
    };
    let link = Link {
        watched,
        started: spec.workflow,
    };
    let others = list_links_but(transaction, tenant, key).await?;
    let Some(ring) = ring_closed_by(link, &others) else {
        return Ok(());
    };
    let ids: Vec<_> = ring.iter().map(|workflow| workflow.0).collect();
    let workflows = Draft::find(transaction, tenant, &ids, &[]).await?;
    let keys: HashMap<WorkflowId, String> = workflows
        .into_iter()
        .map(|workflow| (workflow.id, workflow.key))
        .collect();
    let cycle: Vec<String> = ring
        .iter()
        .map(|workflow| keys.get(workflow).cloned().unwrap_or_default())
        .collect();
    let message = format!(
        "the ends of runs would start runs without end: {}; start another workflow, or delete a trigger on the way",
        cycle.join(" → ")
    );
    let path = ["on", "runEnded", "workflow"].map(str::to_owned);
    faults.within_all(&path, |faults| faults.tell(RefusalCode::Cycle { cycle }, message));
    Ok(())
}
