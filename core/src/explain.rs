//! Reads what is waited for, and what people are asked.
//!
//! Whoever asks why something does not run must not be told what was the case a moment before. So all facts of one answer are
//! read in one transaction that sees one instant, for as many as are asked about together, and [`crate::wait`] makes the
//! answer of them. Only those facts are read that somebody's state asks for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::id::{RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::journal::Journal;
use crate::run::{Hold, Parents, TaskRunState};
use crate::store::items::find_item_values;
use crate::store::questions::{list_inputs, list_node_outputs, list_run_versions};
use crate::store::task_runs::list_task_runs_by_id;
use crate::store::tenants::list_tenants_by_id;
use crate::store::waits::{
    OpenRun, WaitFacts, count_ahead, count_shares, list_awaited_events, list_child_runs, list_due,
    list_last_attempts, list_living_executors, list_open_nodes, list_open_runs, list_wait_facts,
    list_waiting_task_runs,
};
use crate::store::{StoreError, Transaction, Versions};
use crate::template::{TemplateContext, nodes_read_in};
use crate::wait::{Around, LiveFacts, QUEUE_SEEN, TaskRunFacts, Wait, gather, reasons};
use crate::work::{Assignment, MapItem};
use crate::workflow::{ApprovalSpec, PinnedVersion, Work};

/// How many of a run's live task runs are looked at to tell what it waits for.
const MOST_LOOKED_AT: i64 = 100;

/// What a task run asks, or asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The task run.
    pub task_run_id: TaskRunId,
    /// What is asked, with its references replaced.
    pub text: String,
    /// As the node has it.
    pub spec: ApprovalSpec,
    /// When the default counts, while it waits for an answer.
    pub until: Option<DateTime<Utc>>,
}

impl Journal {
    /// What each of the task runs waits for now. One that waits for nothing is absent.
    pub async fn task_run_waits(
        &self,
        versions: &Versions,
        tenant: TenantId,
        ids: &[TaskRunId],
    ) -> Result<HashMap<TaskRunId, Vec<Wait>>, StoreError> {
        let mut transaction = self.database.begin_snapshot(tenant).await?;
        let mut reading = Reading::new(&mut transaction, versions, tenant);
        let (facts, around) = reading.facts(ids).await?;
        transaction.commit().await?;
        let waits = facts.iter().map(|task_run| {
            let found = reasons(task_run, &around);
            let found = found.into_iter().map(|reason| Wait::of(reason, task_run.id));
            (task_run.id, found.collect())
        });
        Ok(waits.collect())
    }

    /// What each of the runs waits for now. One that has ended is absent.
    pub async fn run_waits(
        &self,
        versions: &Versions,
        tenant: TenantId,
        ids: &[RunId],
    ) -> Result<HashMap<RunId, Vec<Wait>>, StoreError> {
        let mut transaction = self.database.begin_snapshot(tenant).await?;
        let open = list_open_runs(&mut transaction, tenant, ids).await?;
        let waiting = list_waiting_task_runs(&mut transaction, tenant, ids, MOST_LOOKED_AT).await?;
        let mut reading = Reading::new(&mut transaction, versions, tenant);
        let (facts, around) = reading.facts(&waiting).await?;
        transaction.commit().await?;
        let mut of_run: HashMap<RunId, Vec<TaskRunFacts>> = HashMap::new();
        for task_run in facts {
            of_run.entry(task_run.run_id).or_default().push(task_run);
        }
        let waits = open.into_iter().map(|run| {
            let live = of_run.remove(&run.id).unwrap_or_default();
            (run.id, gather(&run.standing, &live, &around))
        });
        Ok(waits.collect())
    }

    /// What those of the task runs ask, or asked, that are approvals.
    pub async fn questions(
        &self,
        versions: &Versions,
        tenant: TenantId,
        ids: &[TaskRunId],
    ) -> Result<Vec<Question>, StoreError> {
        let mut transaction = self.database.begin_snapshot(tenant).await?;
        let found = list_task_runs_by_id(&mut transaction, tenant, ids).await?;
        let runs = distinct(found.iter().map(|task_run| task_run.run_id));
        let pinned = list_run_versions(&mut transaction, tenant, &runs).await?;
        let mut reading = Reading::new(&mut transaction, versions, tenant);
        let pinned = reading.versions(pinned).await?;
        let asked: Vec<Asked> = found
            .iter()
            .filter_map(|task_run| {
                Asked::of(
                    task_run.id,
                    task_run.run_id,
                    pinned.get(&task_run.run_id)?,
                    task_run.node,
                    task_run.item.is_some(),
                )
            })
            .collect();
        let texts = reading.questions(&asked).await?;
        let open: Vec<TaskRunId> = asked.iter().map(|asked| asked.task_run_id).collect();
        let due = list_due(&mut transaction, tenant, &runs, &open).await?;
        transaction.commit().await?;
        let question = |asked: Asked| Question {
            task_run_id: asked.task_run_id,
            text: texts[&asked.task_run_id].clone(),
            until: due.get(&asked.task_run_id).copied(),
            spec: asked.spec,
        };
        Ok(asked.into_iter().map(question).collect())
    }

    /// The runs that the task runs, each of its run, are; the latest of each.
    pub async fn child_runs(
        &self,
        tenant: TenantId,
        task_runs: &[(RunId, TaskRunId)],
    ) -> Result<HashMap<TaskRunId, RunId>, StoreError> {
        let runs = distinct(task_runs.iter().map(|(run, _)| *run));
        let ids: Vec<TaskRunId> = task_runs.iter().map(|(_, id)| *id).collect();
        let mut transaction = self.database.begin_snapshot(tenant).await?;
        let found = list_child_runs(&mut transaction, tenant, &runs, &ids).await?;
        transaction.commit().await?;
        Ok(found.into_iter().map(|(id, run)| (id, run.id)).collect())
    }
}

fn distinct<T: Ord>(many: impl Iterator<Item = T>) -> Vec<T> {
    many.collect::<BTreeSet<T>>().into_iter().collect()
}

/// A task run that asks something.
#[derive(Clone, Debug)]
struct Asked {
    task_run_id: TaskRunId,
    run_id: RunId,
    version: Arc<PinnedVersion>,
    node: i32,
    is_share: bool,
    spec: ApprovalSpec,
}

impl Asked {
    /// The task run, if it is an approval.
    fn of(
        task_run_id: TaskRunId,
        run_id: RunId,
        version: &Arc<PinnedVersion>,
        node: i32,
        is_share: bool,
    ) -> Option<Self> {
        match &version.node(node).work {
            Work::Approval(spec) => Some(Self {
                task_run_id,
                run_id,
                version: Arc::clone(version),
                node,
                is_share,
                spec: spec.clone(),
            }),
            _ => None,
        }
    }

    fn has_references(&self) -> bool {
        self.spec.question.contains("${")
    }

    /// The places of the nodes that the question reads.
    fn reads(&self) -> impl Iterator<Item = (RunId, i32)> {
        let keys = nodes_read_in([self.spec.question.as_str()]);
        keys.into_iter()
            .filter_map(|key| Some((self.run_id, self.version.place_of(&key)?)))
    }
}

/// What is read at one instant for one tenant.
struct Reading<'a> {
    transaction: &'a mut Transaction,
    versions: &'a Versions,
    tenant: TenantId,
}

impl<'a> Reading<'a> {
    fn new(transaction: &'a mut Transaction, versions: &'a Versions, tenant: TenantId) -> Self {
        Self {
            transaction,
            versions,
            tenant,
        }
    }

    /// Those of the task runs that have not ended, and what lies around them.
    async fn facts(&mut self, ids: &[TaskRunId]) -> Result<(Vec<TaskRunFacts>, Around), StoreError> {
        let mut around = Around::default();
        if ids.is_empty() {
            return Ok((Vec::new(), around));
        }
        let found = list_wait_facts(self.transaction, self.tenant, ids).await?;
        let runs = distinct(found.iter().map(|row| row.run_id));
        let open = list_open_runs(self.transaction, self.tenant, &runs).await?;
        let pinned = open.iter().map(|run| (run.id, run.version_id)).collect();
        let versions = self.versions(pinned).await?;
        around.runs = open
            .into_iter()
            .map(|OpenRun { id, standing, .. }| (id, standing))
            .collect();
        let facts: Vec<TaskRunFacts> = found
            .into_iter()
            .filter_map(|row| Some(self.task_run(versions.get(&row.run_id)?, row)))
            .collect();
        self.read_parents(&facts, &mut around).await?;
        self.read_executors(&facts, &mut around).await?;
        self.read_held(&facts, &mut around).await?;
        self.read_shares(&facts, &mut around).await?;
        Ok((facts, around))
    }

    /// The versions that runs are pinned to.
    async fn versions(
        &mut self,
        pinned: Vec<(RunId, WorkflowVersionId)>,
    ) -> Result<HashMap<RunId, Arc<PinnedVersion>>, StoreError> {
        let wanted = pinned.iter().map(|(_, version)| (self.tenant, *version));
        let found = self.versions.get(self.transaction, wanted).await?;
        Ok(pinned
            .into_iter()
            .filter_map(|(run, version)| Some((run, Arc::clone(found.get(&version)?))))
            .collect())
    }

    fn task_run(&self, version: &Arc<PinnedVersion>, row: WaitFacts) -> TaskRunFacts {
        TaskRunFacts {
            tenant_id: self.tenant,
            id: row.id,
            run_id: row.run_id,
            version: Arc::clone(version),
            node: row.node,
            key: row.key,
            parent_id: row.parent_id,
            parents: Parents {
                all: version.parents_of(row.node),
                ..row.parents
            },
            live: row.live,
        }
    }

    /// Who is waited for by nodes that have not begun.
    async fn read_parents(&mut self, facts: &[TaskRunFacts], around: &mut Around) -> Result<(), StoreError> {
        let mut blocked: BTreeMap<RunId, (&PinnedVersion, BTreeSet<i32>)> = BTreeMap::new();
        for task_run in facts
            .iter()
            .filter(|task_run| task_run.live.is_none() && task_run.parent_id.is_none())
        {
            let of_run = blocked
                .entry(task_run.run_id)
                .or_insert_with(|| (&task_run.version, BTreeSet::new()));
            of_run.1.insert(task_run.node);
        }
        let mut wanted = BTreeSet::new();
        for (run, (version, places)) in blocked {
            let parents = version.parents_by_child(&places);
            wanted.extend(parents.values().flatten().map(|&place| (run, place)));
            around.parents.insert(run, parents);
        }
        if !wanted.is_empty() {
            let wanted: Vec<(RunId, i32)> = wanted.into_iter().collect();
            around.open_nodes = list_open_nodes(self.transaction, self.tenant, &wanted).await?;
        }
        Ok(())
    }

    /// The executors, and the queues that lead to them.
    async fn read_executors(
        &mut self,
        facts: &[TaskRunFacts],
        around: &mut Around,
    ) -> Result<(), StoreError> {
        let ready = those(facts, |live| live.state == TaskRunState::Ready && !live.paused);
        let assigned = those(facts, |live| live.state == TaskRunState::Assigned);
        if !ready.is_empty() {
            around.ahead = count_ahead(self.transaction, self.tenant, &ready, QUEUE_SEEN).await?;
        }
        if !ready.is_empty() || !assigned.is_empty() {
            around.executors = list_living_executors(self.transaction, self.tenant).await?;
        }
        Ok(())
    }

    /// What those wait for that are in the service's own hands, and those that are tried again later.
    async fn read_held(&mut self, facts: &[TaskRunFacts], around: &mut Around) -> Result<(), StoreError> {
        let (tenant, runs) = (
            self.tenant,
            distinct(facts.iter().map(|task_run| task_run.run_id)),
        );
        let timed = those(facts, |live| {
            matches!(live.hold, Some(Hold::Approval | Hold::Wait | Hold::Callback))
        });
        if !timed.is_empty() {
            around.due = list_due(self.transaction, tenant, &runs, &timed).await?;
        }
        let waiting = those(facts, |live| live.hold == Some(Hold::Wait));
        if !waiting.is_empty() {
            around.events = list_awaited_events(self.transaction, tenant, &waiting).await?;
        }
        let within = those(facts, |live| live.hold == Some(Hold::Run));
        if !within.is_empty() {
            around.child_runs = list_child_runs(self.transaction, tenant, &runs, &within).await?;
        }
        let retried = those(facts, |live| live.state == TaskRunState::RetryWait);
        if !retried.is_empty() {
            around.last_attempts = list_last_attempts(self.transaction, tenant, &retried).await?;
        }
        let asking = facts.iter().filter(|task_run| {
            let hold = task_run.live.as_ref().and_then(|live| live.hold);
            hold == Some(Hold::Approval)
        });
        let asked: Vec<Asked> = asking
            .filter_map(|of| Asked::of(of.id, of.run_id, &of.version, of.node, of.parent_id.is_some()))
            .collect();
        around.questions = self.questions(&asked).await?;
        Ok(())
    }

    /// How the shares stand of those that wait for them, and of those among which one waits for its turn.
    async fn read_shares(&mut self, facts: &[TaskRunFacts], around: &mut Around) -> Result<(), StoreError> {
        let waiting = those(facts, |live| live.hold == Some(Hold::Items));
        let of_shares = facts
            .iter()
            .filter(|task_run| task_run.live.is_none())
            .filter_map(|share| share.parent_id);
        let parents = distinct(waiting.into_iter().chain(of_shares));
        if !parents.is_empty() {
            around.shares = count_shares(self.transaction, self.tenant, &parents).await?;
        }
        Ok(())
    }

    /// What is asked, with the references replaced. A reference that leads nowhere leaves its question as the node has it.
    async fn questions(&mut self, asked: &[Asked]) -> Result<HashMap<TaskRunId, String>, StoreError> {
        let mut texts: HashMap<TaskRunId, String> = asked
            .iter()
            .map(|asked| (asked.task_run_id, asked.spec.question.clone()))
            .collect();
        let referring: Vec<&Asked> = asked.iter().filter(|asked| asked.has_references()).collect();
        if referring.is_empty() {
            return Ok(texts);
        }
        let runs = distinct(referring.iter().map(|asked| asked.run_id));
        let inputs = list_inputs(self.transaction, self.tenant, &runs).await?;
        let tenant = list_tenants_by_id(self.transaction, &[self.tenant]).await?;
        let tenant: Arc<str> = tenant
            .into_iter()
            .next()
            .map_or("".into(), |tenant| tenant.key.into());
        let nodes = self.nodes_of_runs(&referring).await?;
        let items = self.items(&referring).await?;
        for asked in referring {
            let assignment = Assignment {
                tenant_id: self.tenant,
                tenant: Arc::clone(&tenant),
                run_id: asked.run_id,
                task_run_id: asked.task_run_id,
                workflow: Arc::clone(&asked.version.workflow),
                version_id: asked.version.id,
                fence: 0,
                node: Arc::clone(asked.version.node(asked.node)),
                inputs: Arc::new(inputs.get(&asked.run_id).cloned().unwrap_or_default()),
                nodes: nodes.get(&asked.run_id).cloned().unwrap_or_default(),
                item: items.get(&asked.task_run_id).cloned(),
                shard: None,
                callback_url: None,
            };
            if let Ok(text) = TemplateContext::new(&assignment).render(&asked.spec.question) {
                texts.insert(asked.task_run_id, text);
            }
        }
        Ok(texts)
    }

    /// What the nodes gave that questions read, by run.
    async fn nodes_of_runs(&mut self, asked: &[&Asked]) -> Result<HashMap<RunId, Arc<Value>>, StoreError> {
        let places = distinct(asked.iter().flat_map(|asked| asked.reads()));
        if places.is_empty() {
            return Ok(HashMap::new());
        }
        let mut nodes: HashMap<RunId, Map<String, Value>> = HashMap::new();
        for row in list_node_outputs(self.transaction, self.tenant, &places).await? {
            let told = json!({"state": row.state, "outputs": row.output});
            nodes.entry(row.run_id.into()).or_default().insert(row.key, told);
        }
        Ok(nodes
            .into_iter()
            .map(|(run, nodes)| (run, Arc::new(Value::Object(nodes))))
            .collect())
    }

    /// The items that those are for that ask once for each item of a list.
    async fn items(&mut self, asked: &[&Asked]) -> Result<HashMap<TaskRunId, MapItem>, StoreError> {
        let shares: Vec<(TenantId, TaskRunId)> = asked
            .iter()
            .filter(|asked| asked.is_share)
            .map(|asked| (self.tenant, asked.task_run_id))
            .collect();
        if shares.is_empty() {
            return Ok(HashMap::new());
        }
        let found = find_item_values(self.transaction, &shares).await?;
        Ok(found
            .into_iter()
            .map(|share| {
                let item = MapItem {
                    index: share.item.unsigned_abs(),
                    count: u32::try_from(share.count).unwrap_or_default(),
                    value: share.value,
                };
                (share.task_run_id, item)
            })
            .collect())
    }
}

/// The live ones of which `wanted` holds.
fn those(facts: &[TaskRunFacts], wanted: impl Fn(&LiveFacts) -> bool) -> Vec<TaskRunId> {
    facts
        .iter()
        .filter(|task_run| task_run.live.as_ref().is_some_and(&wanted))
        .map(|task_run| task_run.id)
        .collect()
}
