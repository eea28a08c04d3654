//! What was seen of the runs of a tenant so far, and what must hold of what is seen next.
//!
//! Events are read in their order, and every beginning and every end is weighed when it comes; then the rows are read, and
//! everything that is counted in them is counted again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use waterclock_core::id::TenantId;
use waterclock_core::workflow::{Definition, NodeSpec, Spread};
use waterclock_tests::World;

use super::model::{End, ends_on_failure, holds, is_hopeless, parents, result};

const LEFT_OUT: &str = "left out of this rerun";

/// A run as its row tells of it.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) state: String,
    pub(super) stop_as: Option<String>,
    pub(super) workflow: String,
    pub(super) is_rerun: bool,
    pub(super) has_parent: bool,
    reason: Option<String>,
    counts: (i32, i32, i32),
}

impl Run {
    pub(super) fn has_ended(&self) -> bool {
        is_end(&self.state)
    }
}

/// A task run as its rows tell of it.
#[derive(Clone, Debug)]
pub(super) struct TaskRun {
    pub(super) run: String,
    pub(super) node: usize,
    pub(super) is_share: bool,
    /// As the world sees it.
    pub(super) state: String,
    pub(super) hold: Option<String>,
    kept: String,
    is_dispatched: bool,
    reason: Option<String>,
    parent: Option<String>,
    counts: [i32; 4],
    items: (i32, i32),
    pub(super) attempts: i32,
}

/// What the events told of a task run.
#[derive(Clone, Debug, Default)]
struct Told {
    begun: bool,
    attempt: i64,
    end: Option<String>,
}

/// Everything that was seen.
pub(super) struct Ledger {
    tenant: String,
    definitions: BTreeMap<String, Definition>,
    pub(super) runs: BTreeMap<String, Run>,
    pub(super) task_runs: BTreeMap<String, TaskRun>,
    told: BTreeMap<String, Told>,
    ended_runs: BTreeSet<String>,
    /// Task runs that people ended.
    pub(super) steered: BTreeSet<String>,
    /// Runs of which nothing may start any more, because a stop was answered.
    pub(super) stopped: BTreeSet<String>,
    read_until: i64,
}

/// How a task run can end.
const ENDS: [&str; 5] = ["SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED", "UPSTREAM_FAILED"];

fn is_end(state: &str) -> bool {
    !matches!(
        state,
        "QUEUED" | "PAUSED" | "BLOCKED" | "READY" | "ASSIGNED" | "RUNNING" | "RETRY_WAIT"
    )
}

impl Ledger {
    pub(super) fn new(tenant: TenantId, definitions: BTreeMap<String, Definition>) -> Self {
        Self {
            tenant: tenant.to_string(),
            definitions,
            runs: BTreeMap::new(),
            task_runs: BTreeMap::new(),
            told: BTreeMap::new(),
            ended_runs: BTreeSet::new(),
            steered: BTreeSet::new(),
            stopped: BTreeSet::new(),
            read_until: 0,
        }
    }

    pub(super) fn definition(&self, run: &str) -> &Definition {
        &self.definitions[&self.runs[run].workflow]
    }

    pub(super) fn spec(&self, task_run: &TaskRun) -> &NodeSpec {
        &self.definition(&task_run.run).nodes[task_run.node]
    }

    /// Reads what has happened, and everything that is wrong with it.
    pub(super) async fn look(&mut self, world: &World) -> Vec<String> {
        let before: BTreeMap<String, String> = self
            .runs
            .iter()
            .map(|(id, run)| (id.clone(), run.state.clone()))
            .collect();
        self.read_rows(world).await;
        let mut wrong = self.read_events(world, &before).await;
        wrong.extend(self.recount());
        wrong.extend(self.judge());
        for (id, run) in &self.runs {
            if run.stop_as.is_some() {
                self.stopped.insert(id.clone());
            }
        }
        wrong
    }

    async fn read_rows(&mut self, world: &World) {
        let runs = world
            .sql
            .query(
                "SELECT r.id::text, r.state, r.stop_as, w.key, r.rerun_of IS NOT NULL, r.parent_run_id IS NOT NULL,
                    r.task_runs, r.open_task_runs, r.failed_task_runs, r.state_reason
                FROM runs AS r JOIN workflows AS w ON w.tenant_id = r.tenant_id AND w.id = r.workflow_id
                WHERE r.tenant_id = $1::text::uuid",
                &[&self.tenant],
            )
            .await
            .expect("the runs");
        for row in runs {
            let run = Run {
                state: row.get(1),
                stop_as: row.get(2),
                workflow: row.get(3),
                is_rerun: row.get(4),
                has_parent: row.get(5),
                counts: (row.get(6), row.get(7), row.get(8)),
                reason: row.get(9),
            };
            self.runs.insert(row.get(0), run);
        }
        let task_runs = world
            .sql
            .query(
                "SELECT t.id::text, t.run_id::text, t.node, t.item IS NOT NULL, coalesce(d.state, t.state), d.hold, t.state,
                    d.task_run_id IS NOT NULL, t.state_reason, t.parent_id::text,
                    t.pending_parents, t.failed_parents, t.doomed_parents, t.skipped_parents, t.open_items, t.failed_items,
                    t.attempts
                FROM task_runs AS t
                LEFT JOIN dispatch AS d ON d.tenant_id = t.tenant_id AND d.task_run_id = t.id
                WHERE t.tenant_id = $1::text::uuid",
                &[&self.tenant],
            )
            .await
            .expect("the task runs");
        for row in task_runs {
            let task_run = TaskRun {
                run: row.get(1),
                node: usize::try_from(row.get::<_, i32>(2)).expect("a place"),
                is_share: row.get(3),
                state: row.get(4),
                hold: row.get(5),
                kept: row.get(6),
                is_dispatched: row.get(7),
                reason: row.get(8),
                parent: row.get(9),
                counts: [row.get(10), row.get(11), row.get(12), row.get(13)],
                items: (row.get(14), row.get(15)),
                attempts: row.get(16),
            };
            self.task_runs.insert(row.get(0), task_run);
        }
    }

    /// How the nodes before the node have ended, by the events that came so far.
    fn parents_told(&self, run: &str, node: usize) -> Vec<Option<End>> {
        let definition = self.definition(run);
        let nodes: BTreeMap<usize, &String> = self
            .task_runs
            .iter()
            .filter(|(_, task_run)| task_run.run == run && !task_run.is_share)
            .map(|(id, task_run)| (task_run.node, id))
            .collect();
        parents(definition, node)
            .into_iter()
            .map(|parent| {
                let id = nodes[&parent];
                let state = self.told.get(id)?.end.as_deref()?;
                let left_out = self.task_runs[id].reason.as_deref() == Some(LEFT_OUT);
                Some(if left_out {
                    End::Succeeded
                } else {
                    End::of(&definition.nodes[parent], state)
                })
            })
            .collect()
    }

    async fn read_events(&mut self, world: &World, before: &BTreeMap<String, String>) -> Vec<String> {
        let rows = world
            .sql
            .query(
                "SELECT seq, run_id::text, task_run_id::text, kind, coalesce(data, '{}')::text FROM events
                WHERE tenant_id = $1::text::uuid AND seq > $2 AND run_id IS NOT NULL ORDER BY seq",
                &[&self.tenant, &self.read_until],
            )
            .await
            .expect("the events");
        let mut wrong = Vec::new();
        for row in rows {
            self.read_until = row.get(0);
            let (run, kind): (String, String) = (row.get(1), row.get(3));
            let Some(task_run) = row.get::<_, Option<String>>(2) else {
                let end = kind.strip_prefix("RUN_").unwrap_or_default();
                if ["SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT"].contains(&end)
                    && !self.ended_runs.insert(run.clone())
                {
                    wrong.push(format!("run {run} ended twice"));
                }
                continue;
            };
            let data: Value = serde_json::from_str(row.get(4)).expect("JSON");
            let is_new = !before.contains_key(&run);
            if let Some(fault) = self.weigh(&task_run, &kind, &data, is_new) {
                let seen = &self.task_runs[&task_run];
                let key = &self.spec(seen).key;
                wrong.push(format!("{kind} of {key} ({task_run}) of run {run}: {fault}"));
            }
            let kept_paused =
                before.get(&run).is_some_and(|state| state == "PAUSED") && self.runs[&run].state == "PAUSED";
            if kept_paused && kind == "TASK_RUN_STARTED" && !data["attempt"].is_null() {
                wrong.push(format!("{task_run} started in run {run}, which is paused"));
            }
        }
        wrong
    }

    /// What is wrong with what an event tells of a task run.
    fn weigh(&mut self, id: &str, kind: &str, data: &Value, run_is_new: bool) -> Option<String> {
        let task_run = self.task_runs[id].clone();
        let told = self.told.get(id).cloned().unwrap_or_default();
        let kind = kind.strip_prefix("TASK_RUN_")?;
        if let Some(end) = told.end {
            return Some(format!("it had ended as {end}"));
        }
        let mut now = told.clone();
        let fault = match kind {
            "READY" | "STARTED" => {
                now.begun = true;
                // What is ready again tells of the attempt that ended.
                let attempt = data["attempt"].as_i64().filter(|_| kind == "STARTED");
                now.attempt = attempt.unwrap_or(told.attempt);
                self.fault_of_start(&task_run, &told, attempt)
            }
            end if ENDS.contains(&end) => {
                now.end = Some(end.to_owned());
                let exempt = told.begun || task_run.is_share || self.steered.contains(id);
                let is_kept = self.runs[&task_run.run].is_rerun && run_is_new;
                (!exempt && !is_kept)
                    .then(|| self.fault_of_end(&task_run, end))
                    .flatten()
            }
            _ => None,
        };
        self.told.insert(id.to_owned(), now);
        fault
    }

    fn fault_of_start(&self, task_run: &TaskRun, told: &Told, attempt: Option<i64>) -> Option<String> {
        if self.stopped.contains(&task_run.run) {
            return Some("its run was stopped before".to_owned());
        }
        if attempt.is_some_and(|attempt| attempt <= told.attempt) {
            return Some(format!("its attempt {} was before", told.attempt));
        }
        if told.begun || task_run.is_share {
            return None;
        }
        let rule = self.spec(task_run).trigger_rule;
        let parents = self.parents_told(&task_run.run, task_run.node);
        (!holds(rule, &parents)).then(|| format!("its rule {rule} does not hold of {parents:?}"))
    }

    /// What is wrong with the end of a node that never began.
    fn fault_of_end(&self, task_run: &TaskRun, end: &str) -> Option<String> {
        let spec = self.spec(task_run);
        let rule = spec.trigger_rule;
        let parents = self.parents_told(&task_run.run, task_run.node);
        let reason = task_run.reason.as_deref().unwrap_or_default();
        let blames_others = reason.starts_with("its trigger rule") || reason.contains("before it failed");
        let broken = parents.iter().flatten().any(|end| end.is_failure());
        let fault = match end {
            "CANCELLED" if self.runs[&task_run.run].stop_as.is_none() => "nobody stopped its run",
            "UPSTREAM_FAILED" if !broken => "nothing before it failed",
            "UPSTREAM_FAILED" | "SKIPPED" if blames_others && !is_hopeless(rule, &parents) => {
                "its rule can hold yet"
            }
            "SUCCEEDED" | "FAILED" | "SKIPPED" if !blames_others && !holds(rule, &parents) => {
                "its rule does not hold"
            }
            "SUCCEEDED" if !spec.disabled && spec.spread.is_none() => "it was never done",
            _ => return None,
        };
        Some(format!("{fault}: {rule} of {parents:?}, {reason:?}"))
    }

    /// Everything that is counted in rows and should be another number.
    fn recount(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (id, run) in &self.runs {
            let mine: Vec<&TaskRun> = self.task_runs.values().filter(|it| it.run == *id).collect();
            let open = mine.iter().filter(|it| !is_end(&it.state)).count();
            let failed = mine
                .iter()
                .filter(|it| !it.is_share && it.state == "FAILED" && !self.spec(it).allow_failure);
            let counted = [mine.len(), open, failed.count()];
            let told = [run.counts.0, run.counts.1, run.counts.2];
            if counted.map(|count| i32::try_from(count).expect("a few")) != told {
                wrong.push(format!(
                    "run {id} counts {told:?} task runs, open and failed ones, and has {counted:?}"
                ));
            }
            if run.has_ended() != self.ended_runs.contains(id) || run.has_ended() != (open == 0) {
                wrong.push(format!("run {id} is {} with {open} open", run.state));
            }
            if run.has_ended() && run.state != "SUCCEEDED" && run.reason.is_none() {
                wrong.push(format!("run {id} is {} and does not say why", run.state));
            }
        }
        for (id, task_run) in &self.task_runs {
            if (task_run.kept == "LIVE") != task_run.is_dispatched {
                wrong.push(format!(
                    "task run {id} is {} and not so in the dispatch",
                    task_run.kept
                ));
            }
            let end = self.told.get(id).and_then(|told| told.end.as_deref());
            if is_end(&task_run.state) != end.is_some() || end.is_some_and(|end| end != task_run.state) {
                wrong.push(format!(
                    "task run {id} is {}, and was told to be {end:?}",
                    task_run.state
                ));
            }
            if is_end(&task_run.state) && task_run.state != "SUCCEEDED" && task_run.reason.is_none() {
                wrong.push(format!(
                    "task run {id} is {} and does not say why",
                    task_run.state
                ));
            }
            if task_run.hold.as_deref() == Some("ITEMS") {
                wrong.extend(self.recount_shares(id, task_run));
            }
            let run = &self.runs[&task_run.run];
            if task_run.state == "BLOCKED" && !task_run.is_share && run.stop_as.is_none() {
                wrong.extend(self.recount_parents(id, task_run, run));
            }
        }
        wrong
    }

    fn recount_shares(&self, id: &str, task_run: &TaskRun) -> Option<String> {
        let shares: Vec<&TaskRun> = self
            .task_runs
            .values()
            .filter(|share| share.parent.as_deref() == Some(id))
            .collect();
        let open = shares.iter().filter(|share| !is_end(&share.state)).count();
        let failed = shares.iter().filter(|share| {
            is_end(&share.state) && !["SUCCEEDED", "SKIPPED"].contains(&share.state.as_str())
        });
        let failed = failed.count();
        let told = (
            usize::try_from(task_run.items.0).expect("a count"),
            usize::try_from(task_run.items.1).expect("a count"),
        );
        if told != (open, failed) {
            return Some(format!(
                "task run {id} counts {told:?} open and failed shares, and has {open} and {failed}"
            ));
        }
        let Some(Spread::Map(map)) = &self.spec(task_run).spread else {
            return None;
        };
        let live = shares.iter().filter(|share| share.is_dispatched).count();
        let may = |most: i32| live <= usize::try_from(most).expect("a count");
        if !map.parallelism.is_none_or(may) {
            return Some(format!("{live} shares of {id} are live at once"));
        }
        // The tests tolerate nothing or half.
        let is_given_up = if map.tolerated_failures > 0.0 {
            failed > shares.len() / 2
        } else {
            failed > 0
        };
        let waits = shares
            .iter()
            .find(|share| ["BLOCKED", "READY", "ASSIGNED", "RETRY_WAIT"].contains(&share.state.as_str()));
        waits
            .filter(|_| is_given_up)
            .map(|share| format!("a share of {id}, which was given up, is {}", share.state))
    }

    fn recount_parents(&self, id: &str, task_run: &TaskRun, run: &Run) -> Option<String> {
        let parents = self.parents_told(&task_run.run, task_run.node);
        let count = |end: Option<End>| {
            let alike = parents.iter().filter(|parent| **parent == end).count();
            i32::try_from(alike).expect("a count")
        };
        let counted = [
            count(None),
            count(Some(End::Failed)),
            count(Some(End::UpstreamFailed)),
            count(Some(End::Skipped)),
        ];
        let spec = self.spec(task_run);
        let rule = spec.trigger_rule;
        if counted != task_run.counts {
            return Some(format!(
                "{} ({id}) counts {:?} of parents that are {counted:?}",
                spec.key, task_run.counts
            ));
        }
        let may_begin = holds(rule, &parents) && run.state != "PAUSED";
        (may_begin || is_hopeless(rule, &parents)).then(|| {
            format!(
                "{} ({id}) still waits, by the rule {rule} of {parents:?}",
                spec.key
            )
        })
    }

    /// Runs that came to what they should not.
    fn judge(&self) -> Vec<String> {
        let ended = self.runs.iter().filter(|(_, run)| run.has_ended());
        ended
            .filter_map(|(id, run)| {
                let definition = self.definition(id);
                let states = self.states(id);
                let wanted = run
                    .stop_as
                    .as_deref()
                    .unwrap_or_else(|| result(definition, &states));
                let failed = (0..states.len())
                    .any(|place| states[place] == "FAILED" && !definition.nodes[place].allow_failure);
                // A run within another is stopped with it, and comes to the same.
                let ends_itself = run.stop_as.as_deref() == Some("FAILED") && !run.has_parent;
                if ends_itself && !(failed && ends_on_failure(definition)) {
                    return Some(format!("run {id} ended itself without a failure that ends it"));
                }
                (run.state != wanted).then(|| format!("run {id} is {}, not {wanted}: {states:?}", run.state))
            })
            .collect()
    }

    /// The states of the nodes of a run, by place.
    pub(super) fn states(&self, run: &str) -> Vec<String> {
        let mut nodes: Vec<(usize, String)> = self
            .task_runs
            .values()
            .filter(|task_run| task_run.run == run && !task_run.is_share)
            .map(|task_run| (task_run.node, task_run.state.clone()))
            .collect();
        nodes.sort();
        nodes.into_iter().map(|(_, state)| state).collect()
    }
}
