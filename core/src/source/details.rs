//! What an executor needs to know of the attempts that it now owns.
//!
//! Most attempts need no more than their version, which is in memory, and their run's inputs, which came with them. What
//! others need besides is read for all of them together: the outputs that their templates refer to, the item or shard that
//! they are, the address by which their endpoint calls back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::callback::CallbackToken;
use crate::id::{TaskRunId, TenantId, WorkflowVersionId};
use crate::run::TimerKind;
use crate::store::callbacks::{NewCallback, insert_callbacks};
use crate::store::dispatch::StartedAttempt;
use crate::store::flow::list_node_facts;
use crate::store::items::{ShareOf, find_item_values};
use crate::store::timers::{Due, NewTimer, insert_timers};
use crate::store::{StoreError, Transaction};
use crate::template::nodes_read_by;
use crate::work::{MapItem, Shard};
use crate::workflow::{NodeSpec, Overdue, PinnedVersion, Spread, Work};

type Pinned = HashMap<WorkflowVersionId, Arc<PinnedVersion>>;

/// What some attempts need to know besides their version and inputs.
#[derive(Default)]
pub(super) struct Details {
    nodes: HashMap<TaskRunId, Arc<Value>>,
    shares: HashMap<TaskRunId, ShareOf>,
    callback_urls: HashMap<TaskRunId, String>,
    nothing: Arc<Value>,
}

impl Details {
    /// Reads the details of `started`. Endpoints call back at addresses below `callback_base`.
    pub(super) async fn read(
        transaction: &mut Transaction,
        started: &[StartedAttempt],
        pinned: &Pinned,
        callback_base: Option<&str>,
    ) -> Result<Self, StoreError> {
        let mut details = Self {
            nothing: Arc::new(json!({})),
            ..Self::default()
        };
        let shared: Vec<(TenantId, TaskRunId)> = started
            .iter()
            .filter(|attempt| attempt.item.is_some())
            .map(|attempt| (attempt.tenant_id.into(), attempt.task_run_id.into()))
            .collect();
        if !shared.is_empty() {
            let found = find_item_values(transaction, &shared).await?;
            details.shares = found
                .into_iter()
                .map(|share| (share.task_run_id, share))
                .collect();
        }
        details.read_nodes(transaction, started, pinned).await?;
        if let Some(base) = callback_base {
            details.make_callbacks(transaction, started, pinned, base).await?;
        }
        set_overdue_timers(transaction, started, pinned).await?;
        Ok(details)
    }

    async fn read_nodes(
        &mut self,
        transaction: &mut Transaction,
        started: &[StartedAttempt],
        pinned: &Pinned,
    ) -> Result<(), StoreError> {
        // The shares of one node read the same.
        let mut known: HashMap<(Uuid, i32), Arc<Value>> = HashMap::new();
        for attempt in started {
            let place = (attempt.run_id, attempt.node);
            if let Some(nodes) = known.get(&place) {
                self.nodes.insert(attempt.task_run_id.into(), Arc::clone(nodes));
                continue;
            }
            let version = &pinned[&attempt.version_id.into()];
            let read: BTreeSet<String> = nodes_read_by(&version.node(attempt.node).work)
                .into_iter()
                .collect();
            let places: Vec<i32> = read.iter().filter_map(|key| version.place_of(key)).collect();
            if places.is_empty() {
                continue;
            }
            let (tenant, run) = (attempt.tenant_id.into(), attempt.run_id.into());
            let facts = list_node_facts(transaction, tenant, run, &places).await?;
            let nodes: Map<String, Value> = facts
                .into_iter()
                .map(|row| (row.key, json!({"state": row.state, "outputs": row.output})))
                .collect();
            let nodes = Arc::new(Value::Object(nodes));
            known.insert(place, Arc::clone(&nodes));
            self.nodes.insert(attempt.task_run_id.into(), nodes);
        }
        Ok(())
    }

    async fn make_callbacks(
        &mut self,
        transaction: &mut Transaction,
        started: &[StartedAttempt],
        pinned: &Pinned,
        base: &str,
    ) -> Result<(), StoreError> {
        let mut callbacks = Vec::new();
        for attempt in started {
            let spec = pinned[&attempt.version_id.into()].node(attempt.node);
            if is_called_back(spec) {
                let token = CallbackToken::generate(attempt.tenant_id.into());
                let url = format!("{}/callbacks/{token}", base.trim_end_matches('/'));
                self.callback_urls.insert(attempt.task_run_id.into(), url);
                callbacks.push(NewCallback {
                    lease: attempt.lease(),
                    token_hash: token.hash().to_vec(),
                });
            }
        }
        if callbacks.is_empty() {
            return Ok(());
        }
        insert_callbacks(transaction, &callbacks).await
    }

    /// The nodes that the attempt's templates read.
    pub(super) fn nodes(&self, task_run: TaskRunId) -> Arc<Value> {
        Arc::clone(self.nodes.get(&task_run).unwrap_or(&self.nothing))
    }

    /// The item that the attempt is for.
    pub(super) fn item(&self, spec: &NodeSpec, task_run: TaskRunId) -> Option<MapItem> {
        let share = self.shares.get(&task_run)?;
        matches!(spec.spread, Some(Spread::Map(_))).then(|| MapItem {
            index: share.item.unsigned_abs(),
            count: u32::try_from(share.count).unwrap_or_default(),
            value: share.value.clone(),
        })
    }

    /// The shard that the attempt is.
    pub(super) fn shard(&self, spec: &NodeSpec, task_run: TaskRunId) -> Option<Shard> {
        let share = self.shares.get(&task_run)?;
        let index = share.item.unsigned_abs();
        let count = u32::try_from(share.count).unwrap_or_default();
        match spec.spread.as_ref()? {
            Spread::Map(_) => None,
            Spread::Shards(sharding) => {
                let parameter = sharding.parameters.get(&share.item);
                Some(Shard {
                    index,
                    count,
                    items: vec![index],
                    parameters: parameter
                        .map(|parameter| BTreeMap::from([(index, parameter.clone())]))
                        .unwrap_or_default(),
                })
            }
            Spread::Broadcast => Some(Shard {
                index,
                count,
                ..Shard::default()
            }),
        }
    }

    /// Where the attempt's endpoint calls back.
    pub(super) fn callback_url(&self, task_run: TaskRunId) -> Option<String> {
        self.callback_urls.get(&task_run).cloned()
    }
}

fn is_called_back(spec: &NodeSpec) -> bool {
    matches!(&spec.work, Work::Endpoint(endpoint) if endpoint.callback.is_some())
}

/// Sets timers for attempts that may take longer than they should, to tell of it.
async fn set_overdue_timers(
    transaction: &mut Transaction,
    started: &[StartedAttempt],
    pinned: &Pinned,
) -> Result<(), StoreError> {
    let timer = |attempt: &StartedAttempt| {
        let spec = pinned[&attempt.version_id.into()].node(attempt.node);
        let after_ms = spec.timeout_ms.filter(|_| spec.on_timeout == Overdue::Warn)?;
        Some(NewTimer {
            tenant_id: attempt.tenant_id.into(),
            run_id: attempt.run_id.into(),
            task_run_id: Some(attempt.task_run_id.into()),
            fence: Some(attempt.fence),
            kind: TimerKind::AttemptOverdue,
            due: Due::AfterMs(after_ms),
        })
    };
    let timers: Vec<NewTimer> = started.iter().filter_map(timer).collect();
    insert_timers(transaction, &timers).await
}
