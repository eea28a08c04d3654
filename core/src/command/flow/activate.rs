//! What becomes of a node whose rule holds.
//!
//! It passes if it is disabled, and is skipped if its condition is not true. Otherwise it is spread over its items, waits for an
//! executor, or is in the service's own hands: a choice is made at once, a question, a wait and a run within the run are held
//! until what they wait for has come.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::facts::Facts;
use super::{EndedTaskRun, Flow, Hand};
use crate::command::new_run::{NewRun, Within, insert_new_runs};
use crate::command::start_run::complete_inputs;
use crate::id::{RunId, TaskRunId};
use crate::run::{Hold, TaskRunState, TimerKind, Trigger};
use crate::store::flow::{Beginning, Placement, await_event};
use crate::store::items::Share;
use crate::store::start_runs::find_published;
use crate::store::timers::{Due, NewTimer};
use crate::store::{StoreError, Transaction};
use crate::workflow::{BranchMode, BranchSpec, NodeSpec, PinnedVersion, SubWorkflowSpec, WaitSpec, Work};

/// How many runs may lie within each other.
pub(crate) const MOST_DEPTH: i16 = 16;

/// A task run that is to begin.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) run_id: RunId,
    pub(crate) node: i32,
    pub(crate) task_run_id: TaskRunId,
    /// What it is a share of, when it is one.
    pub(crate) share: Option<Share>,
}

impl Start {
    /// The task run of a node.
    pub(crate) fn node(run_id: RunId, node: i32, task_run_id: TaskRunId) -> Self {
        Self {
            run_id,
            node,
            task_run_id,
            share: None,
        }
    }
}

impl Flow<'_> {
    /// Begins what is to begin.
    pub(super) async fn activate(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        while let Some(start) = self.starts.pop() {
            let hand = self.hands[&start.run_id].clone();
            let spec = Arc::clone(hand.version.node(start.node));
            let waits_for_resume = start.share.is_none() && hand.holds_back(start.node);
            if !hand.stopping && !waits_for_resume {
                self.activate_one(transaction, &hand, &spec, start).await?;
            }
        }
        Ok(())
    }

    async fn activate_one(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        spec: &NodeSpec,
        start: Start,
    ) -> Result<(), StoreError> {
        if start.share.is_none() {
            if spec.disabled {
                self.close(
                    transaction,
                    &start,
                    TaskRunState::Succeeded,
                    Some("it is disabled"),
                    None,
                )
                .await?;
                return Ok(());
            }
            if let Some(condition) = &spec.condition {
                let facts = self.facts(transaction, hand, &[condition]).await?;
                match facts.holds(condition) {
                    Ok(true) => {}
                    Ok(false) => {
                        let reason = format!("its condition is not true: {condition}");
                        return self
                            .close(transaction, &start, TaskRunState::Skipped, Some(&reason), None)
                            .await;
                    }
                    Err(fault) => {
                        let reason = format!("its condition cannot be evaluated: {fault}");
                        return self
                            .close(transaction, &start, TaskRunState::Failed, Some(&reason), None)
                            .await;
                    }
                }
            }
            if let Some(spread) = &spec.spread {
                return self.spread(transaction, hand, spec, spread, &start).await;
            }
        }
        self.perform(transaction, hand, spec, &start).await
    }

    /// Gives the task run to whoever does such work.
    pub(super) async fn perform(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        spec: &NodeSpec,
        start: &Start,
    ) -> Result<(), StoreError> {
        match &spec.work {
            Work::NoOp | Work::Program(_) | Work::Endpoint(_) => {
                self.dispatch(hand, spec, start);
                Ok(())
            }
            Work::Workflow(workflow) => self.run_within(transaction, hand, workflow, start).await,
            Work::Branch(branch) => self.branch(transaction, hand, branch, start).await,
            Work::Approval(approval) => {
                self.hold_for(
                    hand,
                    start,
                    Hold::Approval,
                    approval.deadline_ms.map(Due::AfterMs),
                );
                Ok(())
            }
            Work::Wait(wait) => self.wait(transaction, hand, wait, start).await,
        }
    }

    fn dispatch(&mut self, hand: &Hand, spec: &NodeSpec, start: &Start) {
        let mut placement = hand.placement(start.node);
        let pinned_to = start
            .share
            .as_ref()
            .filter(|_| spec.spread.as_ref().is_some_and(|spread| !spread.is_map()))
            .and_then(|share| share.value.get("executor")?.as_str().map(ToOwned::to_owned));
        if let Some(executor) = &pinned_to {
            placement.labels = with_label(&placement, executor);
        }
        self.writes.beginnings.push(Beginning {
            run_id: start.run_id,
            task_run_id: start.task_run_id,
            node: start.node,
            item: start.share.as_ref().map(|share| share.item),
            placement,
            pinned_to,
            hold: None,
        });
        if let Some(deadline) = spec.start_deadline {
            self.set_timer(NewTimer {
                tenant_id: hand.tenant_id,
                run_id: start.run_id,
                task_run_id: Some(start.task_run_id),
                fence: None,
                kind: TimerKind::StartDeadline,
                due: Due::AfterMs(deadline.after_ms),
            });
        }
    }

    /// Keeps the task run in the service's own hands, for no longer than `until`.
    pub(super) fn hold_for(&mut self, hand: &Hand, start: &Start, hold: Hold, until: Option<Due>) {
        self.writes.beginnings.push(Beginning {
            run_id: start.run_id,
            task_run_id: start.task_run_id,
            node: start.node,
            item: start.share.as_ref().map(|share| share.item),
            placement: hand.placement(start.node),
            pinned_to: None,
            hold: Some(hold),
        });
        if let Some(due) = until {
            self.set_timer(NewTimer {
                tenant_id: hand.tenant_id,
                run_id: start.run_id,
                task_run_id: Some(start.task_run_id),
                fence: None,
                kind: TimerKind::HoldOver,
                due,
            });
        }
    }

    /// Ends a task run that does not begin, or is done already.
    pub(super) async fn close(
        &mut self,
        transaction: &mut Transaction,
        start: &Start,
        state: TaskRunState,
        reason: Option<&str>,
        output: Option<Value>,
    ) -> Result<(), StoreError> {
        if start.share.is_none() {
            self.read_front(transaction, &BTreeSet::from([start.run_id]))
                .await?;
        }
        let end = EndedTaskRun {
            run_id: start.run_id,
            node: start.node,
            task_run_id: start.task_run_id,
            is_share: start.share.is_some(),
            state,
            reason,
        };
        self.end(end, output);
        self.cascade();
        Ok(())
    }

    async fn fail(
        &mut self,
        transaction: &mut Transaction,
        start: &Start,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.close(transaction, start, TaskRunState::Failed, Some(reason), None)
            .await
    }

    /// Chooses which of the nodes that wait for a branch run, and skips the others: those among its own successors that
    /// were not chosen and are not reached from what was.
    async fn branch(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        branch: &BranchSpec,
        start: &Start,
    ) -> Result<(), StoreError> {
        let texts: Vec<&str> = branch.cases.iter().map(|case| case.when.as_str()).collect();
        let facts = self.facts(transaction, hand, &texts).await?;
        let (chosen, because) = match choose(branch, &facts) {
            Ok(chosen) => chosen,
            Err(fault) => return self.fail(transaction, start, &fault).await,
        };
        self.read_front(transaction, &BTreeSet::from([start.run_id]))
            .await?;
        let places: BTreeSet<i32> = chosen
            .iter()
            .filter_map(|key| hand.version.place_of(key))
            .collect();
        let mut reached = places.clone();
        for &place in &places {
            reached.extend(hand.version.descendants(place));
        }
        let key = &hand.version.node(start.node).key;
        let reason = format!("the branch {key:?} chose {}: {because}", told(&chosen));
        for child in hand.version.children(start.node) {
            if let Some(waiting) = self.front.get(start.run_id, child)
                && !reached.contains(&child)
            {
                let skipped = Start::node(start.run_id, child, waiting.task_run_id);
                self.close(transaction, &skipped, TaskRunState::Skipped, Some(&reason), None)
                    .await?;
            }
        }
        let output = json!({"chosen": chosen});
        self.close(transaction, start, TaskRunState::Succeeded, None, Some(output))
            .await
    }

    async fn wait(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        wait: &WaitSpec,
        start: &Start,
    ) -> Result<(), StoreError> {
        match wait {
            WaitSpec::Duration { for_ms } => {
                self.hold_for(hand, start, Hold::Wait, Some(Due::AfterMs(*for_ms)));
                Ok(())
            }
            WaitSpec::Instant { at } => {
                let facts = self.facts(transaction, hand, &[at]).await?;
                match facts.evaluate(at, None).and_then(|value| instant(&value)) {
                    Ok(at) => {
                        self.hold_for(hand, start, Hold::Wait, Some(Due::At(at)));
                        Ok(())
                    }
                    Err(fault) => {
                        let reason = format!("the instant that it waits for cannot be told: {fault}");
                        self.fail(transaction, start, &reason).await
                    }
                }
            }
            WaitSpec::Event {
                name,
                key,
                deadline_ms,
            } => {
                let key = match key {
                    None => None,
                    Some(text) => {
                        let facts = self.facts(transaction, hand, &[text]).await?;
                        match facts.evaluate(text, None) {
                            Ok(Value::String(key)) => Some(key),
                            Ok(key) => Some(key.to_string()),
                            Err(fault) => {
                                let reason =
                                    format!("the key of the event that it waits for cannot be told: {fault}");
                                return self.fail(transaction, start, &reason).await;
                            }
                        }
                    }
                };
                self.hold_for(hand, start, Hold::Wait, deadline_ms.map(Due::AfterMs));
                let (tenant, run, task_run) = (hand.tenant_id, start.run_id, start.task_run_id);
                if await_event(transaction, tenant, run, task_run, name, key.as_deref()).await? {
                    self.set_timer(NewTimer {
                        tenant_id: tenant,
                        run_id: run,
                        task_run_id: Some(task_run),
                        fence: None,
                        kind: TimerKind::EventPublished,
                        due: Due::AfterMs(0),
                    });
                }
                Ok(())
            }
        }
    }

    /// Starts a run within the run.
    async fn run_within(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        workflow: &SubWorkflowSpec,
        start: &Start,
    ) -> Result<(), StoreError> {
        let key = &workflow.key;
        if hand.depth >= MOST_DEPTH {
            let reason =
                format!("runs lie within each other {MOST_DEPTH} deep at most, and this one is the last");
            return self.fail(transaction, start, &reason).await;
        }
        let published = find_published(transaction, hand.tenant_id, &[key]).await?;
        let version_id = match published.into_iter().next() {
            Some((_, Some(version))) => version,
            Some((_, None)) => {
                let reason = format!("the workflow {key:?} has no published version");
                return self.fail(transaction, start, &reason).await;
            }
            None => {
                let reason = format!("there is no workflow with the key {key:?}");
                return self.fail(transaction, start, &reason).await;
            }
        };
        let versions = self
            .versions
            .get(transaction, [(hand.tenant_id, version_id)])
            .await?;
        let version = Arc::clone(&versions[&version_id]);
        let inputs = match self
            .inputs_within(transaction, hand, workflow, &version, start)
            .await?
        {
            Ok(inputs) => inputs,
            Err(fault) => return self.fail(transaction, start, &fault).await,
        };
        self.hold_for(hand, start, Hold::Run, None);
        let run = NewRun {
            id: RunId::generate(),
            tenant: hand.tenant_id,
            started_by: format!("workflow:{}", hand.version.workflow).into(),
            version,
            priority: hand.version.priority_of(start.node, hand.priority),
            inputs,
            trigger: Trigger::Workflow,
            occurrence: None,
            within: Some(Within {
                run_id: hand.run_id,
                task_run_id: start.task_run_id,
                depth: hand.depth + 1,
            }),
            rerun_of: None,
            paused: hand.paused,
            begins: true,
        };
        let inserted = insert_new_runs(transaction, vec![run]).await?;
        for (hand, starts) in inserted {
            self.signals
                .insert(crate::signal::Signal::Ready(hand.tenant_id.partition()));
            self.hold(hand);
            self.starts.extend(starts);
        }
        Ok(())
    }

    async fn inputs_within(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        workflow: &SubWorkflowSpec,
        version: &PinnedVersion,
        start: &Start,
    ) -> Result<Result<Map<String, Value>, String>, StoreError> {
        let texts: Vec<&str> = workflow.inputs.values().map(String::as_str).collect();
        let facts = self.facts(transaction, hand, &texts).await?;
        let item = start.share.as_ref().map(|share| (&share.value, share.item));
        let mut given = Map::new();
        for (name, text) in &workflow.inputs {
            match facts.evaluate(text, item) {
                Ok(value) => drop(given.insert(name.clone(), value)),
                Err(fault) => return Ok(Err(format!("the input {name:?} cannot be told: {fault}"))),
            }
        }
        Ok(complete_inputs(Some(version), &given).map_err(|faults| {
            let told: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            format!(
                "the workflow {:?} does not take its inputs: {}",
                workflow.key,
                told.join("; ")
            )
        }))
    }
}

/// The labels with that of the executor that a share was dealt to, sorted.
fn with_label(placement: &Placement, executor: &str) -> String {
    let label = format!("executor={executor}");
    let mut labels: Vec<&str> = placement
        .labels
        .split(' ')
        .filter(|label| !label.is_empty())
        .collect();
    labels.push(&label);
    labels.sort_unstable();
    labels.join(" ")
}

/// The keys that a branch chooses, and why.
fn choose(branch: &BranchSpec, facts: &Facts) -> Result<(Vec<String>, String), String> {
    let mut chosen: Vec<String> = Vec::new();
    let mut because = Vec::new();
    for case in &branch.cases {
        let when = &case.when;
        match facts.holds(when) {
            Ok(true) => {
                chosen.extend(
                    case.then
                        .iter()
                        .filter(|key| !chosen.contains(key))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
                because.push(when.as_str());
                if branch.mode == BranchMode::First {
                    break;
                }
            }
            Ok(false) => {}
            Err(fault) => return Err(format!("the case {when:?} cannot be evaluated: {fault}")),
        }
    }
    if because.is_empty() {
        return Ok((branch.otherwise.clone(), "no case holds".to_owned()));
    }
    Ok((chosen, because.join(", ")))
}

fn told(keys: &[String]) -> String {
    if keys.is_empty() {
        return "nothing".to_owned();
    }
    let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
    keys.join(", ")
}

fn instant(value: &Value) -> Result<DateTime<Utc>, String> {
    let text = value
        .as_str()
        .ok_or_else(|| format!("{value} is not an instant by RFC 3339"))?;
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| format!("{text:?} is not an instant by RFC 3339"))
}
