//! Runs a run again, or parts of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Author;
use super::cancel_run::hold_run;
use super::conclude::conclude;
use super::flow::{Flow, Repeated};
use super::idempotency::{Claim, check_idempotency_key, claim};
use super::new_run::{ForOccurrence, NewRun, insert_new_runs};
use super::quota::Room;
use super::start_run::{StartedRun, complete_inputs};
use crate::check::Faults;
use crate::error::{CommandError, Refusal, RefusalCode};
use crate::id::{RunId, TenantId};
use crate::run::{EarlierEnd, Fate, Selection, TaskRunState, Trigger, plan_rerun};
use crate::signal::{Signal, Signals};
use crate::store::flow::{NodeFactsRow, list_node_facts, read_run_facts};
use crate::store::start_runs::find_published;
use crate::store::{Actor, Database, Transaction, Versions};
use crate::workflow::PinnedVersion;

/// The name under which idempotency keys of this command are kept.
const MUTATION: &str = "rerun";

/// The reason of a node that keeps its success.
const KEPT: &str = "kept from the run that is run again";

/// A run that somebody wants again.
#[derive(Clone, Debug, Serialize)]
pub struct Rerun {
    /// The run.
    pub run: RunId,
    /// Which of its nodes run again.
    pub from: Selection,
    /// By which version.
    pub version: RerunVersion,
    /// What it is given in place of what the run was given; the same when absent.
    pub inputs: Option<Map<String, Value>>,
    /// The caller's name for this call: made again under the same name, it answers the same run.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// The version by which a run is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RerunVersion {
    /// That of the run.
    Same,
    /// The published one. Its nodes are matched with those of the run by their keys.
    Latest,
}

/// Starts a run that repeats parts of one that has ended, which stays as it is. When this returns, the new run is durable.
///
/// A run that has not ended or is not the tenant's, a key that no node has, inputs that the version does not take, and a rerun in
/// which nothing would run are refused.
pub async fn rerun(
    database: &Database,
    signals: &Signals,
    versions: &Versions,
    author: &Author,
    wanted: &Rerun,
) -> Result<StartedRun, CommandError> {
    let mut faults = Faults::default();
    check_idempotency_key(&mut faults, wanted.idempotency_key.as_deref());
    faults.into_result()?;
    let mut transaction = database.begin(Actor::Tenant(author.tenant)).await?;
    let result = rerun_within(&mut transaction, versions, author, wanted).await;
    let (started, raised) = conclude(transaction, result).await?;
    signals.raise(raised);
    Ok(started)
}

/// Does what [`rerun`] does, and gives the signals to raise after the commit.
pub(super) async fn rerun_within(
    transaction: &mut Transaction,
    versions: &Versions,
    author: &Author,
    wanted: &Rerun,
) -> Result<(StartedRun, BTreeSet<Signal>), CommandError> {
    let tenant = author.tenant;
    let id = RunId::generate();
    let key = wanted.idempotency_key.as_deref();
    if let Claim::Made(earlier) = claim(transaction, tenant, MUTATION, key, wanted, id.0).await? {
        let replayed = StartedRun {
            id: earlier.into(),
            replayed: true,
        };
        return Ok((replayed, BTreeSet::new()));
    }
    // Before the run is held: whoever starts others for the tenant may have to hold runs of it under the same lock.
    let mut room = Room::of(transaction, tenant).await?;
    let held = hold_run(transaction, tenant, wanted.run).await?;
    if !held.has_ended() {
        let message = format!(
            "the run has not ended: it is {}; wait for its end or stop it with cancelRun, and run it again then",
            held.state
        );
        return Err(CommandError::refused(Refusal::new(
            RefusalCode::Conflict,
            ["id"],
            message,
        )));
    }
    let pinned = versions
        .get(transaction, [(tenant, held.version_id.into())])
        .await?;
    let earlier_version = Arc::clone(&pinned[&held.version_id.into()]);
    let version = match wanted.version {
        RerunVersion::Same => Arc::clone(&earlier_version),
        RerunVersion::Latest => latest(transaction, versions, tenant, &earlier_version).await?,
    };
    let facts = read_run_facts(transaction, tenant, wanted.run).await?;
    let occurrence = facts.occurrence.map(|facts| ForOccurrence {
        schedule_id: None,
        facts,
        overlap_key: None,
        backfill_id: None,
    });
    let inputs = check(&version, wanted, facts.inputs)?;
    let places: Vec<i32> = (0..)
        .zip(&earlier_version.nodes)
        .map(|(place, _)| place)
        .collect();
    let ends = list_node_facts(transaction, tenant, wanted.run, &places).await?;
    let nodes = plan(&version, wanted, ends)?;
    room.take(tenant)
        .map_err(|reached| CommandError::refused(reached.refusal(["id"])))?;
    let run = NewRun {
        id,
        tenant,
        started_by: author.subject.clone(),
        version,
        priority: held.priority,
        inputs,
        trigger: Trigger::Rerun,
        occurrence,
        within: None,
        rerun_of: Some(wanted.run),
        paused: false,
        begins: false,
    };
    let mut flow = Flow::new(versions, []);
    for (hand, _) in insert_new_runs(transaction, vec![run]).await? {
        flow.hold(hand);
    }
    flow.signal(Signal::Ready(tenant.partition()));
    flow.signal(Signal::Events(tenant));
    flow.repeat(transaction, id, nodes).await?;
    let raised = flow.advance(transaction).await?;
    Ok((StartedRun { id, replayed: false }, raised))
}

/// The published version of the run's workflow.
async fn latest(
    transaction: &mut Transaction,
    versions: &Versions,
    tenant: TenantId,
    earlier: &PinnedVersion,
) -> Result<Arc<PinnedVersion>, CommandError> {
    let key: &str = &earlier.workflow;
    let published = find_published(transaction, tenant, &[key]).await?;
    let Some((_, Some(id))) = published.into_iter().next() else {
        let message =
            format!("the workflow {key:?} has no published version any more; take the version SAME");
        return Err(CommandError::refused(Refusal::new(
            RefusalCode::Conflict,
            ["version"],
            message,
        )));
    };
    let found = versions.get(transaction, [(tenant, id)]).await?;
    Ok(Arc::clone(&found[&id]))
}

/// The inputs of the rerun, or everything that is wrong with what is wanted.
fn check(
    version: &PinnedVersion,
    wanted: &Rerun,
    earlier: Value,
) -> Result<Map<String, Value>, CommandError> {
    let mut refusals = Vec::new();
    if let Selection::Nodes { keys, .. } = &wanted.from {
        if keys.is_empty() {
            refusals.push(Refusal::invalid(
                ["from", "nodes", "keys"],
                "name at least one task node",
            ));
        }
        for (place, key) in keys.iter().enumerate() {
            if version.place_of(key).is_none() {
                let message = format!("the workflow has no task node with the key {key:?}");
                refusals.push(Refusal::not_found(
                    [
                        "from".to_owned(),
                        "nodes".to_owned(),
                        "keys".to_owned(),
                        place.to_string(),
                    ],
                    message,
                ));
            }
        }
    }
    let given = match (&wanted.inputs, earlier) {
        (Some(inputs), _) => inputs.clone(),
        (None, Value::Object(inputs)) => inputs,
        (None, _) => Map::new(),
    };
    let inputs = complete_inputs(Some(version), &given).unwrap_or_else(|faults| {
        refusals.extend(faults.into_iter().map(|fault| {
            let mut path = vec!["inputs".to_owned()];
            path.extend(fault.path);
            Refusal::invalid(path, fault.message)
        }));
        Map::new()
    });
    if refusals.is_empty() {
        Ok(inputs)
    } else {
        Err(CommandError::Refused(refusals))
    }
}

/// What becomes of each node, by place. Refused when nothing would run.
fn plan(
    version: &PinnedVersion,
    wanted: &Rerun,
    ends: Vec<NodeFactsRow>,
) -> Result<Vec<Repeated>, CommandError> {
    let mut outputs = HashMap::new();
    let mut earlier = BTreeMap::new();
    for row in ends {
        let state: TaskRunState = row.state.parse().map_err(|unknown| {
            crate::store::StoreError::Unreadable(format!("the state of a task run: {unknown}"))
        })?;
        outputs.insert(row.key.clone(), row.output);
        let reason = row.state_reason;
        earlier.insert(row.key, EarlierEnd { state, reason });
    }
    let fates = plan_rerun(version, &earlier, &wanted.from);
    if !fates.iter().any(|fate| fate.runs()) {
        let message =
            "nothing of the run failed, so nothing would run; run all of it again, or name task nodes";
        return Err(CommandError::refused(Refusal::new(
            RefusalCode::Conflict,
            ["from"],
            message,
        )));
    }
    let repeated = fates.into_iter().zip(&version.nodes).map(|(fate, node)| {
        let end = earlier.remove(&node.key).filter(|_| fate == Fate::Kept);
        let (state, reason) = end.map_or((TaskRunState::Skipped, None), |end| (end.state, end.reason));
        Repeated {
            fate,
            state,
            reason: reason.or_else(|| Some(KEPT.to_owned())),
            output: outputs.remove(&node.key).flatten(),
        }
    });
    Ok(repeated.collect())
}
