//! Starts runs.
//!
//! A lone call goes to the database at once. Calls of one tenant that arrive while its last transaction is under way wait
//! for that one and then share the next, so that many callers cost few commits and a single one waits for nobody. Whoever
//! is answered knows that the run is durable. Nothing is announced inside the transaction; the signals follow it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use super::new_run::{NewRun, begin_runs};
use super::quota::Room;
use crate::check::{holds_nul, quoted};
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{RunId, TenantId, WorkflowVersionId};
use crate::run::Trigger;
use crate::signal::Signals;
use crate::store::start_runs::{NamedCall, claim_keys, find_published_and_quota};
use crate::store::{Actor, Database, StoreError, Transaction, Versions};
use crate::workflow::{InputFault, PinnedVersion};

/// The most calls' runs that share one transaction.
const BATCH: usize = 2_000;

/// The most bytes that the inputs of a run may take as JSON.
pub const INPUTS_LIMIT: usize = 256 * 1024;

/// The name under which idempotency keys of this command are kept.
const MUTATION: &str = "startRun";

/// A run that somebody wants.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// The key of the workflow; its published version is run.
    pub workflow: String,
    /// What the run is given.
    pub inputs: Map<String, Value>,
    /// 0 (last) to 9 (first); the version's when absent.
    pub priority: Option<i16>,
    /// The caller's name for this call: made again under the same name, it answers the same run.
    pub idempotency_key: Option<String>,
}

/// A run that exists now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartedRun {
    /// The run.
    pub id: RunId,
    /// It was made by an earlier call under the same idempotency key.
    pub replayed: bool,
}

/// Starts runs, sharing transactions between calls. One for each process.
#[derive(Clone)]
pub struct RunStarter {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    signals: Signals,
    versions: Versions,
    lanes: Mutex<HashMap<TenantId, Vec<Call>>>,
}

struct Call {
    subject: Arc<str>,
    requests: Vec<StartRun>,
    answer: oneshot::Sender<Result<Vec<StartedRun>, CommandError>>,
}

impl RunStarter {
    /// Starts runs in `database` and raises `signals` for them.
    #[must_use]
    pub fn new(database: Database, signals: Signals) -> Self {
        let inner = Inner {
            database,
            signals,
            versions: Versions::default(),
            lanes: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Starts all of `requests` or none, and gives their runs in the same order.
    pub async fn start(
        &self,
        tenant: TenantId,
        subject: &str,
        requests: Vec<StartRun>,
    ) -> Result<Vec<StartedRun>, CommandError> {
        let (answer, answered) = oneshot::channel();
        let call = Call {
            subject: subject.into(),
            requests,
            answer,
        };
        let leads = {
            let mut lanes = self.inner.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            let leads = !lanes.contains_key(&tenant);
            lanes.entry(tenant).or_default().push(call);
            leads
        };
        if leads {
            // A task of its own: whoever called may go away while others wait for the same transaction.
            tokio::spawn(Arc::clone(&self.inner).drain_lane(tenant));
        }
        answered.await.unwrap_or_else(|_| {
            Err(CommandError::Store(StoreError::Unavailable(
                "the transaction was given up".into(),
            )))
        })
    }
}

impl Inner {
    /// Serves the tenant's calls, a transaction at a time, until none waits.
    async fn drain_lane(self: Arc<Self>, tenant: TenantId) {
        loop {
            let calls = {
                let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
                let waiting = lanes.entry(tenant).or_default();
                if waiting.is_empty() {
                    lanes.remove(&tenant);
                    return;
                }
                take_batch(waiting)
            };
            self.serve(tenant, calls).await;
        }
    }

    async fn serve(&self, tenant: TenantId, calls: Vec<Call>) {
        match self.start_together(tenant, &calls).await {
            Ok(Together::Done(results)) => {
                for (call, result) in calls.into_iter().zip(results) {
                    // Whoever called may have gone; the run stands all the same.
                    let _ = call.answer.send(result);
                }
            }
            Ok(Together::Apart) => self.serve_apart(tenant, calls).await,
            // What one call holds may be what the database refuses; nothing was committed, and the others must not suffer.
            Err(error) if calls.len() > 1 && !matches!(error, StoreError::Unavailable(_)) => {
                self.serve_apart(tenant, calls).await;
            }
            Err(error) => {
                let told = error.to_string();
                let mut error = Some(error);
                for call in calls {
                    let error = error
                        .take()
                        .unwrap_or_else(|| StoreError::Unavailable(told.clone().into()));
                    let _ = call.answer.send(Err(error.into()));
                }
            }
        }
    }

    async fn serve_apart(&self, tenant: TenantId, calls: Vec<Call>) {
        for call in calls {
            let result = match self.start_together(tenant, std::slice::from_ref(&call)).await {
                Ok(Together::Done(mut results)) => results.remove(0),
                Ok(Together::Apart) => unreachable!("one call stands alone already"),
                Err(error) => Err(error.into()),
            };
            let _ = call.answer.send(result);
        }
    }

    /// Starts the runs of all calls in one transaction; a call whose input is refused is left out of it.
    async fn start_together(&self, tenant: TenantId, calls: &[Call]) -> Result<Together, StoreError> {
        let mut transaction = self.database.begin(Actor::Tenant(tenant)).await?;
        let published = self.published(&mut transaction, tenant, calls).await?;
        let mut planned: Vec<Result<Vec<Planned>, CommandError>> = calls
            .iter()
            .map(|call| plan(&published, &call.requests))
            .collect();
        let mut room = match published.quota {
            Some(most) => Room::within(&transaction, &[(tenant, most)]).await?,
            None => Room::default(),
        };
        let clashed = claim(&mut transaction, tenant, &mut planned).await?;
        if take_room(&mut room, tenant, &mut planned) || clashed {
            // Keys were claimed for runs that will not be, so all of it is undone.
            transaction.rollback().await?;
            return Ok(if calls.len() > 1 {
                Together::Apart
            } else {
                Together::done(planned)
            });
        }
        let mut runs = Vec::new();
        for (call, plans) in calls.iter().zip(&mut planned) {
            let plans = plans.iter_mut().flatten().filter(|plan| !plan.replayed);
            runs.extend(plans.map(|plan| plan.run(tenant, &call.subject)));
        }
        let signals = if runs.is_empty() {
            BTreeSet::new()
        } else {
            begin_runs(&mut transaction, &self.versions, runs).await?
        };
        transaction.commit().await?;
        self.signals.raise(signals);
        Ok(Together::done(planned))
    }

    async fn published(
        &self,
        transaction: &mut Transaction,
        tenant: TenantId,
        calls: &[Call],
    ) -> Result<Published, StoreError> {
        let mut keys: Vec<&str> = calls
            .iter()
            .flat_map(|call| &call.requests)
            .map(|request| request.workflow.as_str())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let (by_key, quota) = find_published_and_quota(transaction, tenant, &keys).await?;
        let wanted = by_key
            .iter()
            .filter_map(|(_, version)| Some((tenant, (*version)?)));
        let versions = self.versions.get(transaction, wanted).await?;
        Ok(Published {
            by_key: by_key.into_iter().collect(),
            versions,
            quota,
        })
    }
}

/// What became of calls that share a transaction.
enum Together {
    /// Each has its answer, and what was to be written is durable.
    Done(Vec<Result<Vec<StartedRun>, CommandError>>),
    /// One of them cannot be; nothing was written, and each is to be tried alone.
    Apart,
}

impl Together {
    fn done(planned: Vec<Result<Vec<Planned>, CommandError>>) -> Self {
        let started = |plan: Planned| StartedRun {
            id: plan.id,
            replayed: plan.replayed,
        };
        Self::Done(
            planned
                .into_iter()
                .map(|plans| Ok(plans?.into_iter().map(started).collect()))
                .collect(),
        )
    }
}

/// Takes calls from the front until a batch is full, at least one.
fn take_batch(waiting: &mut Vec<Call>) -> Vec<Call> {
    let mut runs = 0;
    let fits = waiting.iter().take_while(|call| {
        runs += call.requests.len();
        runs <= BATCH
    });
    let taken = fits.count().max(1);
    waiting.drain(..taken).collect()
}

/// The workflows that a batch names.
struct Published {
    by_key: HashMap<String, Option<WorkflowVersionId>>,
    versions: HashMap<WorkflowVersionId, Arc<PinnedVersion>>,
    /// How many runs the tenant may have.
    quota: Option<u32>,
}

/// A run as it will be recorded.
struct Planned {
    id: RunId,
    replayed: bool,
    version: Arc<PinnedVersion>,
    priority: i16,
    inputs: Map<String, Value>,
    named: Option<(String, [u8; 32])>,
}

/// Checks one call's requests against the workflows; tells everything that is wrong with any of them.
fn plan(published: &Published, requests: &[StartRun]) -> Result<Vec<Planned>, CommandError> {
    let mut refusals = Vec::new();
    let mut plans = Vec::with_capacity(requests.len());
    for (place, request) in requests.iter().enumerate() {
        let at = |field: &str| vec![place.to_string(), field.to_owned()];
        let key = &request.workflow;
        let version = match published.by_key.get(key) {
            Some(Some(version)) => Some(&published.versions[version]),
            Some(None) => {
                let message =
                    format!("the workflow {key:?} has no published version; publish it with publishWorkflow");
                refusals.push(Refusal::new(RefusalCode::Conflict, at("workflow"), message));
                None
            }
            None => {
                refusals.push(Refusal::not_found(
                    at("workflow"),
                    format!("there is no workflow with the key {key:?}"),
                ));
                None
            }
        };
        if let Some(priority) = request.priority
            && !(0..=9).contains(&priority)
        {
            refusals.push(Refusal::invalid(
                at("priority"),
                format!("the priority is 0 to 9, not {priority}"),
            ));
        }
        let version_of = version.map(Arc::as_ref);
        let inputs = complete_inputs(version_of, &request.inputs).unwrap_or_else(|faults| {
            refusals.extend(faults.into_iter().map(|fault| {
                let mut path = at("inputs");
                path.extend(fault.path);
                Refusal::invalid(path, fault.message)
            }));
            Map::new()
        });
        if let Some(key) = &request.idempotency_key
            && (key.is_empty() || key.len() > 255)
        {
            refusals.push(Refusal::invalid(
                at("idempotencyKey"),
                "an idempotency key has 1 to 255 bytes",
            ));
        }
        plans.extend(version.map(|version| Planned {
            id: RunId::generate(),
            replayed: false,
            version: Arc::clone(version),
            priority: request.priority.unwrap_or(version.priority),
            named: request.idempotency_key.clone().map(|key| (key, digest(request))),
            inputs,
        }));
    }
    if refusals.is_empty() {
        Ok(plans)
    } else {
        Err(CommandError::Refused(refusals))
    }
}

/// What an idempotency key stands for.
fn digest(request: &StartRun) -> [u8; 32] {
    let told = serde_json::json!([request.workflow, request.inputs, request.priority]);
    Sha256::digest(told.to_string().as_bytes()).into()
}

/// The inputs with their defaults, or everything that is wrong with them, each with the way to it. Without a version it is not
/// known what the workflow takes.
pub(crate) fn complete_inputs(
    version: Option<&PinnedVersion>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<InputFault>> {
    let mut faults = Vec::new();
    let mut inputs = given.clone();
    if let Some(version) = version.filter(|version| !version.inputs.is_empty()) {
        for (name, value) in given {
            faults.extend(check_input(version, name, value));
        }
        for (name, spec) in &version.inputs {
            match (&spec.default, given.contains_key(name)) {
                (Some(default), false) => drop(inputs.insert(name.clone(), default.clone())),
                (None, false) if spec.required => {
                    faults.push(input_fault(
                        Some(name.as_str()),
                        format!("the input {name:?} is required"),
                    ));
                }
                _ => {}
            }
        }
    }
    let text = serde_json::to_string(&inputs).unwrap_or_default();
    if text.len() > INPUTS_LIMIT {
        let message = format!(
            "the inputs take {} bytes; at most {INPUTS_LIMIT} are taken",
            text.len()
        );
        faults.push(input_fault(None, message));
    }
    if inputs
        .iter()
        .any(|(name, value)| name.contains('\0') || holds_nul(value))
    {
        let message = "the inputs hold a NUL character, which cannot be stored";
        faults.push(input_fault(None, message.to_owned()));
    }
    if faults.is_empty() {
        Ok(inputs)
    } else {
        Err(faults)
    }
}

/// What is wrong with one input that was given.
pub(super) fn check_input(version: &PinnedVersion, name: &str, value: &Value) -> Vec<InputFault> {
    let message = match version.inputs.get(name) {
        None => {
            let known: Vec<&str> = version.inputs.keys().map(String::as_str).collect();
            format!(
                "the workflow has no input {}; it has {}",
                quoted(name),
                known.join(", ")
            )
        }
        Some(spec) if !spec.r#type.fits(value) => {
            format!("the input {name:?} is not of the type {:?}", spec.r#type)
        }
        Some(_) => {
            let mut faults = version.schemas.check(name, value);
            for fault in &mut faults {
                fault.path.insert(0, name.to_owned());
            }
            return faults;
        }
    };
    vec![input_fault(Some(name), message)]
}

fn input_fault(name: Option<&str>, message: String) -> InputFault {
    InputFault {
        path: name.map(str::to_owned).into_iter().collect(),
        message,
    }
}

/// Names the calls that want it. One that was named before becomes a replay; under another input its call is refused, and
/// the answer is `true`.
async fn claim(
    transaction: &mut Transaction,
    tenant: TenantId,
    planned: &mut [Result<Vec<Planned>, CommandError>],
) -> Result<bool, StoreError> {
    let calls: Vec<NamedCall> = planned
        .iter()
        .flatten()
        .flatten()
        .filter_map(|plan| {
            let (key, request) = plan.named.clone()?;
            Some(NamedCall {
                key,
                request,
                object_id: plan.id.0,
            })
        })
        .collect();
    if calls.is_empty() {
        return Ok(false);
    }
    let holders: HashMap<String, NamedCall> = claim_keys(transaction, tenant, MUTATION, &calls)
        .await?
        .into_iter()
        .map(|holder| (holder.key.clone(), holder))
        .collect();
    let mut clashed = false;
    for plans in planned {
        let conflict = plans.iter_mut().flatten().find_map(|plan| {
            let (key, request) = plan.named.as_ref()?;
            let holder = holders.get(key)?;
            if holder.request != *request {
                return Some(key.clone());
            }
            plan.replayed = holder.object_id != plan.id.0;
            plan.id = holder.object_id.into();
            None
        });
        if let Some(key) = conflict {
            *plans = Err(CommandError::IdempotencyConflict(key));
            clashed = true;
        }
    }
    Ok(clashed)
}

/// Refuses the calls for whose runs the tenant has no room. Whether one of them has claimed a key.
fn take_room(room: &mut Room, tenant: TenantId, planned: &mut [Result<Vec<Planned>, CommandError>]) -> bool {
    let mut claimed = false;
    for call in planned {
        let Ok(plans) = call else { continue };
        let new: Vec<usize> = (0..plans.len()).filter(|&place| !plans[place].replayed).collect();
        if let Err((reached, free)) = room.take_many(tenant, new.len()) {
            claimed |= plans.iter().any(|plan| plan.named.is_some());
            let first = new[free].to_string();
            *call = Err(CommandError::refused(reached.refusal([first])));
        }
    }
    claimed
}

impl Planned {
    /// The run to record.
    fn run(&mut self, tenant: TenantId, started_by: &Arc<str>) -> NewRun {
        NewRun {
            id: self.id,
            tenant,
            started_by: Arc::clone(started_by),
            version: Arc::clone(&self.version),
            priority: self.priority,
            inputs: std::mem::take(&mut self.inputs),
            trigger: Trigger::Caller,
            occurrence: None,
            within: None,
            rerun_of: None,
            paused: false,
            begins: true,
        }
    }
}
