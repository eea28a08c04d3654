//! What is said of nodes that a rule passes over, and of runs when all their nodes have ended.

use serde_json::{Map, Value};

use super::{Flow, Hand, NodeEnd};
use crate::command::stop_run::{Order, Stop, stop_held_run};
use crate::id::{RunId, TaskRunId, TenantId};
use crate::run::{ParentEnd, Readiness, RunState, TaskRunState, TimerKind, unhandled_failures};
use crate::signal::Signal;
use crate::store::flow::list_node_states;
use crate::store::settle::{Progress, end_run, finish_runs};
use crate::store::timers::{Due, NewTimer, forget_timers, insert_timers};
use crate::store::{StoreError, Transaction};
use crate::work::OUTPUT_LIMIT;
use crate::workflow::{FailureStrategy, NodeSpec, TriggerRule};

/// The state and the reason of a node whose rule cannot hold any more, since `cause` ended.
pub(super) fn passed_over(node: &NodeSpec, verdict: Readiness, cause: &NodeEnd) -> (TaskRunState, String) {
    let origin = &cause.origin;
    if verdict == Readiness::Doom && matches!(cause.end, ParentEnd::Failed | ParentEnd::Doomed) {
        let reason = format!("the task node {origin:?} before it failed");
        return (TaskRunState::UpstreamFailed, reason);
    }
    let what = match cause.end {
        ParentEnd::Succeeded => "succeeded",
        ParentEnd::Failed | ParentEnd::Doomed => "failed",
        ParentEnd::Skipped => "was skipped",
    };
    let reason = format!(
        "its trigger rule {} cannot hold any more: the task node {origin:?} before it {what}",
        node.trigger_rule
    );
    let state = if verdict == Readiness::Doom {
        TaskRunState::UpstreamFailed
    } else {
        TaskRunState::Skipped
    };
    (state, reason)
}

/// How much the end of a parent is to blame that a rule cannot hold.
#[expect(clippy::match_same_arms, reason = "each rule stands by itself")]
pub(super) fn blame(rule: TriggerRule, end: &NodeEnd) -> u8 {
    use ParentEnd as End;
    match (rule, end.end) {
        (TriggerRule::AllFailed | TriggerRule::OneFailed, End::Failed | End::Doomed)
        | (TriggerRule::AllSkipped, End::Skipped) => 0,
        (TriggerRule::AllFailed | TriggerRule::OneFailed | TriggerRule::AllSkipped, _) => 2,
        (TriggerRule::NoneSkipped, End::Skipped) => 2,
        (TriggerRule::NoneSkipped, _) | (_, End::Succeeded) => 0,
        (_, End::Skipped) => 1,
        (_, End::Failed | End::Doomed) => 2,
    }
}

/// A run of which nothing is open.
struct Finished {
    tenant_id: TenantId,
    run_id: RunId,
    within: Option<(RunId, TaskRunId)>,
}

impl Flow<'_> {
    /// Stops the runs that end because a node failed, counts what has ended, and ends the runs of which nothing is open.
    pub(super) async fn finish(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        for (run, node) in std::mem::take(&mut self.failing) {
            let hand = self.hands[&run].clone();
            let stop = Stop {
                ends_as: RunState::Failed,
                by: None,
                reason: format!("the run ends because the task node {node:?} failed"),
                order: match hand.version.conduct.failure_strategy {
                    FailureStrategy::EndAndStop => Order::Stop,
                    FailureStrategy::End | FailureStrategy::Continue => Order::LetFinish,
                },
            };
            let signals = stop_held_run(transaction, hand.tenant_id, run, &stop).await?;
            self.signals.extend(signals);
        }
        if self.tallies.is_empty() {
            return Ok(());
        }
        let progress: Vec<Progress> = std::mem::take(&mut self.tallies)
            .into_iter()
            .map(|(run_id, tally)| Progress {
                tenant_id: self.hands[&run_id].tenant_id,
                run_id,
                ended: tally.ended,
                failed: tally.failed,
                reason: tally.reason,
                judged: self.hands[&run_id].version.is_judged(),
            })
            .collect();
        for run in finish_runs(transaction, &progress).await? {
            let hand = self.hands[&run.id].clone();
            let watched = if run.finished {
                run.watched
            } else {
                self.judge(transaction, &hand, run.failed).await?
            };
            if watched {
                self.signals
                    .insert(Signal::Occurrences(hand.tenant_id.partition()));
            }
            let finished = Finished {
                tenant_id: hand.tenant_id,
                run_id: run.id,
                within: run.within,
            };
            self.after_end(transaction, &hand, &finished).await?;
        }
        Ok(())
    }

    /// Says what a run comes to, and what it returns. Whether a schedule or a trigger waits for that.
    async fn judge(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        failed: i32,
    ) -> Result<bool, StoreError> {
        let (tenant, run) = (hand.tenant_id, hand.run_id);
        let key = |place: &i32| format!("{:?}", hand.version.node(*place).key);
        let mut reason = None;
        if failed > 0 {
            let states = list_node_states(transaction, tenant, run).await?;
            let unhandled = unhandled_failures(&hand.version, &states);
            if !unhandled.is_empty() {
                return end_run(transaction, tenant, run, RunState::Failed, None, None).await;
            }
            let places = (0..)
                .zip(&states)
                .filter(|(_, state)| **state == TaskRunState::Failed);
            let keys: Vec<String> = places.map(|(place, _)| key(&place)).collect();
            reason = Some(format!("the failure of {} was handled", keys.join(", ")));
        }
        match self.outputs_of(transaction, hand).await? {
            Ok(output) => {
                let state = RunState::Succeeded;
                end_run(transaction, tenant, run, state, reason.as_deref(), output).await
            }
            Err(fault) => end_run(transaction, tenant, run, RunState::Failed, Some(&fault), None).await,
        }
    }

    /// What a successful run returns, or why it cannot.
    async fn outputs_of(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
    ) -> Result<Result<Option<Value>, String>, StoreError> {
        let outputs = &hand.version.conduct.outputs;
        if outputs.is_empty() {
            return Ok(Ok(None));
        }
        let texts: Vec<&str> = outputs.values().map(String::as_str).collect();
        let facts = self.facts(transaction, hand, &texts).await?;
        let mut given = Map::new();
        for (name, text) in outputs {
            match facts.evaluate(text, None) {
                Ok(value) => drop(given.insert(name.clone(), value)),
                Err(fault) => return Ok(Err(format!("its output {name:?} cannot be told: {fault}"))),
            }
        }
        let given = Value::Object(given);
        let size = given.to_string().len();
        Ok(if size > OUTPUT_LIMIT {
            Err(format!(
                "its outputs take {size} bytes; at most {OUTPUT_LIMIT} are kept"
            ))
        } else {
            Ok(Some(given))
        })
    }

    /// Wakes whoever waits for the run, and takes away what it left.
    async fn after_end(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        run: &Finished,
    ) -> Result<(), StoreError> {
        self.signals.insert(Signal::Events(run.tenant_id));
        if hand.version.sets_timers() {
            forget_timers(transaction, run.tenant_id, &[run.run_id]).await?;
        }
        let Some((parent, task_run)) = run.within else {
            return Ok(());
        };
        self.signals.insert(Signal::Ready(run.tenant_id.partition()));
        let timer = NewTimer {
            tenant_id: run.tenant_id,
            run_id: parent,
            task_run_id: Some(task_run),
            fence: None,
            kind: TimerKind::RunEnded,
            due: Due::AfterMs(0),
        };
        insert_timers(transaction, &[timer]).await
    }
}
