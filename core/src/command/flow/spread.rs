//! Nodes that run once for each item, shard or executor.
//!
//! The node's own task run is held while its shares run; they are task runs as any other, retried and cancelled as such.
//! Their number is known when the node begins, so all of them are written at once, and a cap on how many run is kept by
//! letting one begin for each that ends.

use serde_json::{Value, json};

use super::{EndedTaskRun, Flow, Hand, Start};
use crate::assign::deal;
use crate::id::TaskRunId;
use crate::run::{Hold, TaskRunState};
use crate::signal::Signal;
use crate::store::items::{
    Share, Spreading, count_items, drop_items, insert_items, list_eligible_executors, list_item_outputs,
    list_waiting_items, stop_items,
};
use crate::store::{StoreError, Transaction};
use crate::work::OUTPUT_LIMIT;
use crate::workflow::{MapSpec, NodeSpec, ShardingSpec, Spread};

/// The reason of shares that are stopped because of others.
pub(crate) const GIVEN_UP: &str = "more of the others failed than may";

/// The most items that a node runs over.
pub(crate) const MOST_ITEMS: usize = 10_000;

impl Flow<'_> {
    /// Spreads a node over what it runs over.
    pub(super) async fn spread(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        spec: &NodeSpec,
        spread: &Spread,
        start: &Start,
    ) -> Result<(), StoreError> {
        let values = match spread {
            Spread::Map(map) => self.items(transaction, hand, map).await?,
            Spread::Shards(sharding) => Ok(shards(transaction, hand, spec, sharding).await?),
            Spread::Broadcast => Ok(executors(transaction, hand, spec)
                .await?
                .into_iter()
                .map(|executor| json!({"executor": executor}))
                .collect()),
        };
        let values = match values {
            Ok(values) => values,
            Err(fault) => {
                return self
                    .close(transaction, start, TaskRunState::Failed, Some(&fault), None)
                    .await;
            }
        };
        if values.is_empty() {
            let (state, reason, output) = match spread {
                Spread::Map(_) => (TaskRunState::Succeeded, "its list is empty", Some(json!([]))),
                Spread::Shards(_) | Spread::Broadcast => (
                    TaskRunState::Failed,
                    "no executor that it may run on is alive",
                    None,
                ),
            };
            return self.close(transaction, start, state, Some(reason), output).await;
        }
        self.hold_for(hand, start, Hold::Items, None);
        self.write(transaction).await?;
        let shares: Vec<Share> = (0..)
            .zip(values)
            .map(|(item, value)| Share {
                task_run_id: TaskRunId::generate(),
                item,
                value,
            })
            .collect();
        insert_items(
            transaction,
            hand.tenant_id,
            hand.run_id,
            start.task_run_id,
            &shares,
        )
        .await?;
        let at_once = parallelism(spread).unwrap_or(shares.len());
        for share in shares.into_iter().take(at_once) {
            self.begin_share(start.run_id, start.node, share);
        }
        Ok(())
    }

    /// The items of a list.
    async fn items(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        map: &MapSpec,
    ) -> Result<Result<Vec<Value>, String>, StoreError> {
        let facts = self.facts(transaction, hand, &[&map.items]).await?;
        Ok(match facts.evaluate(&map.items, None) {
            Ok(Value::Array(items)) if items.len() > MOST_ITEMS => Err(format!(
                "its list has {} items; a node runs over {MOST_ITEMS} at most",
                items.len()
            )),
            Ok(Value::Array(items)) => Ok(items),
            Ok(other) => Err(format!("what it is to run over is no list but {}", kind(&other))),
            Err(fault) => Err(format!("its list cannot be told: {fault}")),
        })
    }

    fn begin_share(&mut self, run_id: crate::id::RunId, node: i32, share: Share) {
        self.starts.push(Start {
            run_id,
            node,
            task_run_id: share.task_run_id,
            share: Some(share),
        });
    }

    /// Counts the shares that have ended, lets others begin in their place, and ends the nodes whose shares have all ended.
    pub(super) async fn settle_shares(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        if self.shares.is_empty() {
            return Ok(());
        }
        let ended = std::mem::take(&mut self.shares);
        for spreading in count_items(transaction, &ended).await? {
            self.settle_spreading(transaction, spreading).await?;
        }
        Ok(())
    }

    async fn settle_spreading(
        &mut self,
        transaction: &mut Transaction,
        spreading: Spreading,
    ) -> Result<(), StoreError> {
        let hand = self.hands[&spreading.run_id].clone();
        let spec = hand.version.node(spreading.node).clone();
        let Some(spread) = &spec.spread else {
            return Ok(());
        };
        let tolerated = self.tolerated(transaction, &hand, spread, spreading).await?;
        let fails = spreading.failed > tolerated;
        if spreading.open == 0 {
            return self.end_spreading(transaction, &hand, spreading, fails).await;
        }
        if fails {
            return self.give_up(transaction, &hand, spreading).await;
        }
        if parallelism(spread).is_some() && !hand.stopping {
            let next = list_waiting_items(
                transaction,
                hand.tenant_id,
                spreading.task_run_id,
                i64::from(spreading.ended),
            )
            .await?;
            for share in next {
                self.begin_share(spreading.run_id, spreading.node, share);
            }
        }
        Ok(())
    }

    /// How many shares may fail.
    async fn tolerated(
        &self,
        transaction: &mut Transaction,
        hand: &Hand,
        spread: &Spread,
        spreading: Spreading,
    ) -> Result<i32, StoreError> {
        let Spread::Map(map) = spread else {
            return Ok(0);
        };
        if map.tolerated_failures <= 0.0 || spreading.failed == 0 {
            return Ok(0);
        }
        let outputs =
            list_item_outputs(transaction, hand.tenant_id, hand.run_id, spreading.task_run_id).await?;
        let items = f64::from(i32::try_from(outputs.len()).unwrap_or(i32::MAX));
        #[expect(clippy::cast_possible_truncation, reason = "a share of at most 10,000 items")]
        let tolerated = (items * map.tolerated_failures.min(1.0)).floor() as i32;
        Ok(tolerated)
    }

    /// More shares failed than may: what waits does not begin, and what runs is stopped.
    async fn give_up(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        spreading: Spreading,
    ) -> Result<(), StoreError> {
        let tenant = hand.tenant_id;
        let parent = spreading.task_run_id;
        let most = i64::try_from(MOST_ITEMS).unwrap_or(i64::MAX);
        let waiting = list_waiting_items(transaction, tenant, parent, most).await?;
        let dropped = drop_items(transaction, tenant, parent).await?;
        let executors = stop_items(transaction, tenant, parent).await?;
        self.signals.extend(executors.into_iter().map(Signal::Executor));
        let ended = waiting.into_iter().map(|share| share.task_run_id).chain(dropped);
        for task_run_id in ended {
            let end = EndedTaskRun {
                run_id: spreading.run_id,
                node: spreading.node,
                task_run_id,
                is_share: true,
                state: TaskRunState::Cancelled,
                reason: Some(GIVEN_UP),
            };
            self.end(end, None);
        }
        self.write(transaction).await
    }

    async fn end_spreading(
        &mut self,
        transaction: &mut Transaction,
        hand: &Hand,
        spreading: Spreading,
        fails: bool,
    ) -> Result<(), StoreError> {
        let (tenant, run, parent) = (hand.tenant_id, hand.run_id, spreading.task_run_id);
        let outputs = list_item_outputs(transaction, tenant, run, parent).await?;
        let count = outputs.len();
        let (state, reason) = if fails {
            let reason = format!("{} of {count} failed or were stopped", spreading.failed);
            (TaskRunState::Failed, Some(reason))
        } else {
            let tolerated = (spreading.failed > 0)
                .then(|| format!("{} of {count} failed, as many may", spreading.failed));
            (TaskRunState::Succeeded, tolerated)
        };
        let (output, cut) = collected(outputs);
        let reason = match (reason, cut) {
            (reason, None) => reason,
            (None, cut) => cut,
            (Some(reason), Some(cut)) => Some(format!("{reason}; {cut}")),
        };
        let end = EndedTaskRun {
            run_id: run,
            node: spreading.node,
            task_run_id: parent,
            is_share: false,
            state,
            reason: reason.as_deref(),
        };
        self.end(end, Some(output));
        self.write(transaction).await
    }
}

impl Spread {
    /// Whether it is over a list.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }
}

/// How many shares run at once, if that is bounded.
pub(super) fn parallelism(spread: &Spread) -> Option<usize> {
    match spread {
        Spread::Map(map) => usize::try_from(map.parallelism?).ok(),
        Spread::Shards(_) | Spread::Broadcast => None,
    }
}

async fn executors(
    transaction: &mut Transaction,
    hand: &Hand,
    spec: &NodeSpec,
) -> Result<Vec<String>, StoreError> {
    let live = list_eligible_executors(transaction, hand.tenant_id, &spec.required_labels).await?;
    Ok(live.into_iter().map(|executor| executor.key).collect())
}

/// What each shard is told: its parameters, and the executor that it was dealt to, if one is alive.
async fn shards(
    transaction: &mut Transaction,
    hand: &Hand,
    spec: &NodeSpec,
    sharding: &ShardingSpec,
) -> Result<Vec<Value>, StoreError> {
    let executors = executors(transaction, hand, spec).await?;
    let count = usize::try_from(sharding.count).unwrap_or_default();
    let hands = if executors.is_empty() {
        Vec::new()
    } else {
        deal(sharding.strategy, count, executors.len(), &spec.key)
    };
    let shard = |index: usize| {
        let executor = hands.get(index).map(|&place| executors[place].as_str());
        let parameter = i32::try_from(index)
            .ok()
            .and_then(|index| sharding.parameters.get(&index));
        json!({"executor": executor, "items": [index], "parameters": {index.to_string(): parameter}})
    };
    Ok((0..count).map(shard).collect())
}

/// What the shares gave, as far as it may be kept, and what was left out.
fn collected(outputs: Vec<Option<Value>>) -> (Value, Option<String>) {
    let count = outputs.len();
    let mut kept = Vec::with_capacity(count);
    let mut size = 2;
    let mut left_out = 0;
    for output in outputs {
        let output = output.unwrap_or_default();
        size += output.to_string().len() + 1;
        if size > OUTPUT_LIMIT {
            left_out += 1;
            kept.push(Value::Null);
        } else {
            kept.push(output);
        }
    }
    let cut = (left_out > 0).then(|| {
        format!("the outputs of {left_out} of {count} were left out: {OUTPUT_LIMIT} bytes are kept")
    });
    (Value::Array(kept), cut)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
