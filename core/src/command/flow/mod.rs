//! How a run goes on when one of its task runs has ended, or begins.
//!
//! A node that has ended is counted at the nodes that wait for it. Most of these are *plain*: they start when everything
//! before them has succeeded, and an executor does them. Those are counted and made ready by one statement, whatever the
//! size of the run, and nothing is read. All else (rules, conditions, branches, lists, people) is decided here, from what that
//! statement returns.
//!
//! A decision may end a node at once: it is skipped, it is disabled, its list is empty. That end is counted in turn, and may
//! end others. From the first such end on, the waiting nodes of that run are read into memory (see [`front`]), and the
//! cascade is followed there to its end, so that a thousand nodes that are skipped one after the other cost one statement.
//!
//! Everything happens in the transaction in which the cause became true, with the run held, so nothing is between.

mod activate;
mod facts;
mod front;
mod repeat;
mod spread;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::try_join;

use crate::id::{RunId, TaskRunId, TenantId, WorkflowVersionId};
use crate::run::{ParentEnd, Parents, Readiness, TaskRunState};
use crate::signal::Signal;
use crate::store::flow::{
    Beginning, Counted, LockedRun, Notice, ParentsEnded, Placement, TaskRunEnd, begin_task_runs,
    count_parents, end_task_runs, insert_notices, list_blocked, recount_parents,
};
use crate::store::settle::{Endings, finish_attempts};
use crate::store::timers::{NewTimer, insert_timers};
use crate::store::{StoreError, Transaction, Versions};
use crate::workflow::{NodeSpec, PinnedVersion};

pub(crate) use activate::Start;
use front::Front;
pub(crate) use repeat::Repeated;
pub(crate) use spread::GIVEN_UP;

/// A run that this transaction holds still.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) version: Arc<PinnedVersion>,
    pub(crate) priority: i16,
    pub(crate) depth: i16,
    pub(crate) paused: bool,
    /// It was told to stop, or is about to be: nothing of it starts.
    pub(crate) stopping: bool,
}

impl Hand {
    /// The run as it was read.
    pub(crate) fn of(run: &LockedRun, versions: &HashMap<WorkflowVersionId, Arc<PinnedVersion>>) -> Self {
        Self {
            tenant_id: run.tenant_id.into(),
            run_id: run.id.into(),
            version: Arc::clone(&versions[&run.version_id.into()]),
            priority: run.priority,
            depth: run.depth,
            paused: run.paused,
            stopping: run.stop_as.is_some(),
        }
    }

    /// Whether the node, whose rule holds, is not to begin before the run goes on. What executors do is made ready all the same,
    /// and waits in the dispatch.
    fn holds_back(&self, node: i32) -> bool {
        self.paused && !self.version.is_plain(node)
    }

    /// Where a task run of the node waits for an executor.
    fn placement(&self, node: i32) -> Placement {
        let spec = self.version.node(node);
        Placement {
            tenant_id: self.tenant_id,
            version_id: self.version.id,
            paused: self.paused,
            priority: self.version.priority_of(node, self.priority),
            cost: spec.cost,
            labels: spec.required_labels.join(" "),
        }
    }
}

/// A node that has ended and is to be counted.
#[derive(Clone, Debug)]
struct NodeEnd {
    run_id: RunId,
    node: i32,
    end: ParentEnd,
    /// The key of the node with which it began: itself, or one before it that failed.
    origin: Arc<str>,
}

/// The ends that are most to blame for what becomes of nodes.
type Causes = HashMap<(RunId, i32), NodeEnd>;

/// What a run counts since it was held.
#[derive(Clone, Debug, Default)]
struct Tally {
    ended: i32,
    failed: i32,
    reason: Option<String>,
}

/// Gathers what follows from the ends and beginnings of task runs, and writes it.
pub(crate) struct Flow<'a> {
    versions: &'a Versions,
    hands: HashMap<RunId, Hand>,
    /// The ends of attempts, which are written before all else.
    endings: Option<Endings>,
    ends: VecDeque<NodeEnd>,
    starts: Vec<Start>,
    /// Shares that have ended, with whether they failed.
    shares: Vec<(TenantId, TaskRunId, bool)>,
    front: Front,
    writes: Writes,
    tallies: BTreeMap<RunId, Tally>,
    /// Runs that end because a node failed, and its key.
    failing: BTreeMap<RunId, Arc<str>>,
    signals: BTreeSet<Signal>,
}

/// What is to be written.
#[derive(Default)]
struct Writes {
    ends: Vec<TaskRunEnd>,
    beginnings: Vec<Beginning>,
    timers: Vec<NewTimer>,
    notices: Vec<Notice>,
}

impl<'a> Flow<'a> {
    /// Goes on with these runs.
    pub(crate) fn new(versions: &'a Versions, hands: impl IntoIterator<Item = Hand>) -> Self {
        Self {
            versions,
            hands: hands.into_iter().map(|hand| (hand.run_id, hand)).collect(),
            endings: None,
            ends: VecDeque::new(),
            starts: Vec::new(),
            shares: Vec::new(),
            front: Front::default(),
            writes: Writes::default(),
            tallies: BTreeMap::new(),
            failing: BTreeMap::new(),
            signals: BTreeSet::new(),
        }
    }

    /// One more run.
    pub(crate) fn hold(&mut self, hand: Hand) {
        self.hands.insert(hand.run_id, hand);
    }

    /// The run.
    pub(crate) fn hand(&self, run: RunId) -> &Hand {
        &self.hands[&run]
    }

    /// A signal to raise after the commit.
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.signals.insert(signal);
    }

    /// An event to write.
    pub(crate) fn notice(&mut self, notice: Notice) {
        self.writes.notices.push(notice);
    }

    /// A timer to set.
    pub(crate) fn set_timer(&mut self, timer: NewTimer) {
        self.signals.insert(Signal::Ready(timer.tenant_id.partition()));
        self.writes.timers.push(timer);
    }

    /// Attempts have ended. That is written with what follows from it, before it.
    pub(crate) fn record(&mut self, endings: Endings) {
        self.endings = Some(endings);
    }

    /// The task run has ended, which is written down elsewhere.
    pub(crate) fn task_run_ended(&mut self, end: &EndedTaskRun<'_>) {
        let hand = &self.hands[&end.run_id];
        let spec = Arc::clone(hand.version.node(end.node));
        let tenant = hand.tenant_id;
        self.signals.insert(Signal::Events(tenant));
        self.tallies.entry(end.run_id).or_default().ended += 1;
        if end.is_share {
            let failed = !matches!(end.state, TaskRunState::Succeeded | TaskRunState::Skipped);
            self.shares.push((tenant, end.task_run_id, failed));
            return;
        }
        self.node_ended(end.run_id, end.node, &spec, end.state, end.reason);
    }

    /// Ends a live or waiting task run that no executor has.
    pub(crate) fn end(&mut self, end: EndedTaskRun<'_>, output: Option<Value>) {
        self.task_run_ended(&end);
        let tenant_id = self.hands[&end.run_id].tenant_id;
        self.front.remove(end.run_id, end.node, end.is_share);
        self.writes.ends.push(TaskRunEnd {
            tenant_id,
            run_id: end.run_id,
            task_run_id: end.task_run_id,
            state: end.state,
            reason: end.reason.map(ToOwned::to_owned),
            output,
        });
    }

    /// Looks again at a run that goes on: the rules of some nodes may have held while it was paused.
    pub(crate) async fn reconsider(
        &mut self,
        transaction: &mut Transaction,
        run: RunId,
    ) -> Result<(), StoreError> {
        let hand = &self.hands[&run];
        for row in list_blocked(transaction, &[(hand.tenant_id, run)]).await? {
            let parents = Parents {
                all: hand.version.parents_of(row.node),
                ..row.parents
            };
            let rule = hand.version.node(row.node).trigger_rule;
            if parents.readiness(rule) == Readiness::Start {
                self.starts.push(Start::node(run, row.node, row.task_run_id));
            }
        }
        Ok(())
    }

    /// The task run, which nobody held up, is to begin.
    pub(crate) fn begin(&mut self, start: Start) {
        self.starts.push(start);
    }

    fn node_ended(
        &mut self,
        run_id: RunId,
        node: i32,
        spec: &NodeSpec,
        state: TaskRunState,
        reason: Option<&str>,
    ) {
        let fails = state == TaskRunState::Failed && !spec.allow_failure;
        if fails {
            let told = reason.unwrap_or_default();
            let tally = self.tallies.entry(run_id).or_default();
            tally.failed += 1;
            tally
                .reason
                .get_or_insert_with(|| format!("the task node {:?} failed: {told}", spec.key));
        }
        let hand = self
            .hands
            .get_mut(&run_id)
            .expect("only runs that are held go on");
        if fails && !hand.stopping && hand.version.ends_on_failure() {
            hand.stopping = true;
            self.failing.insert(run_id, spec.key.as_str().into());
        }
        if !hand.stopping {
            self.ends.push_back(NodeEnd {
                run_id,
                node,
                end: ParentEnd::of(spec, state),
                origin: spec.key.as_str().into(),
            });
        }
    }

    /// What the ends so far mean for the nodes that wait for them, gathered by node.
    fn parents_ended(&mut self) -> (Vec<ParentsEnded>, Causes) {
        let mut gathered: BTreeMap<(RunId, i32), ParentsEnded> = BTreeMap::new();
        let mut causes = Causes::new();
        let mut ends: Vec<NodeEnd> = std::mem::take(&mut self.ends).into();
        ends.sort_by_key(|end| (end.run_id, end.node));
        for end in ends {
            let hand = &self.hands[&end.run_id];
            if hand.stopping {
                continue;
            }
            for child in hand.version.children(end.node) {
                let plain = hand.version.is_plain(child);
                let counted = gathered
                    .entry((end.run_id, child))
                    .or_insert_with(|| ParentsEnded {
                        run_id: end.run_id,
                        node: child,
                        parents: 0,
                        failed: 0,
                        doomed: 0,
                        skipped: 0,
                        plain,
                        begins: hand.placement(child),
                    });
                counted.parents += 1;
                match end.end {
                    ParentEnd::Succeeded => {}
                    ParentEnd::Failed => counted.failed += 1,
                    ParentEnd::Doomed => counted.doomed += 1,
                    ParentEnd::Skipped => counted.skipped += 1,
                }
                if !plain || end.end != ParentEnd::Succeeded {
                    let rule = hand.version.node(child).trigger_rule;
                    let cause = causes.entry((end.run_id, child)).or_insert_with(|| end.clone());
                    if verdict::blame(rule, &end) > verdict::blame(rule, cause) {
                        *cause = end.clone();
                    }
                }
            }
        }
        (gathered.into_values().collect(), causes)
    }

    /// Follows everything to its end, writes it, and gives the signals to raise after the commit.
    pub(crate) async fn advance(
        mut self,
        transaction: &mut Transaction,
    ) -> Result<BTreeSet<Signal>, StoreError> {
        // Ends are written before what they cause, so that their events have the lower numbers.
        self.write(transaction).await?;
        loop {
            if !self.shares.is_empty() {
                self.write_endings(transaction).await?;
            }
            self.settle_shares(transaction).await?;
            self.count_ends(transaction).await?;
            self.activate(transaction).await?;
            self.write(transaction).await?;
            if self.ends.is_empty() && self.starts.is_empty() && self.shares.is_empty() {
                break;
            }
        }
        self.finish(transaction).await?;
        Ok(self.signals)
    }

    /// Counts the ends, by the statement first and in memory from the first one on that ends others.
    async fn count_ends(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let (ended, causes) = self.parents_ended();
        if ended.is_empty() {
            return self.write_endings(transaction).await;
        }
        // Neither needs the answer of the other, so both are under way at once, in this order.
        let endings = self.endings.take().unwrap_or_default();
        let ((), counted) = try_join!(
            finish_attempts(transaction, endings),
            count_parents(transaction, &ended)
        )?;
        let mut over = Vec::new();
        for row in counted {
            let hand = &self.hands[&row.run_id];
            if row.ready {
                self.signals.insert(Signal::Ready(hand.tenant_id.partition()));
                continue;
            }
            let version = Arc::clone(&hand.version);
            let parents = Parents {
                all: version.parents_of(row.node),
                ..row.parents
            };
            match parents.readiness(version.node(row.node).trigger_rule) {
                Readiness::Wait => {}
                Readiness::Start if hand.holds_back(row.node) => {}
                Readiness::Start => self
                    .starts
                    .push(Start::node(row.run_id, row.node, row.task_run_id)),
                verdict => over.push((row, verdict)),
            }
        }
        let runs: BTreeSet<RunId> = over.iter().map(|(row, _)| row.run_id).collect();
        self.read_front(transaction, &runs).await?;
        for (row, verdict) in over {
            let cause = &causes[&(row.run_id, row.node)];
            self.pass_over(row.run_id, row.node, row.task_run_id, verdict, cause);
        }
        self.cascade();
        Ok(())
    }

    /// Writes the ends of attempts, if that was not done.
    async fn write_endings(&mut self, transaction: &Transaction) -> Result<(), StoreError> {
        match self.endings.take() {
            Some(endings) => finish_attempts(transaction, endings).await,
            None => Ok(()),
        }
    }

    /// Reads the waiting nodes of the runs into memory, but for those that are about to begin, or have begun and are not
    /// written down yet.
    async fn read_front(
        &mut self,
        transaction: &mut Transaction,
        runs: &BTreeSet<RunId>,
    ) -> Result<(), StoreError> {
        let unread: Vec<(TenantId, RunId)> = runs
            .iter()
            .filter(|run| !self.front.knows(**run))
            .map(|run| (self.hands[run].tenant_id, *run))
            .collect();
        if unread.is_empty() {
            return Ok(());
        }
        let blocked = list_blocked(transaction, &unread).await?;
        let starts = self.starts.iter().map(|start| (start.run_id, start.node));
        let beginnings = self.writes.beginnings.iter();
        let begun: BTreeSet<(RunId, i32)> = beginnings
            .map(|beginning| (beginning.run_id, beginning.node))
            .chain(starts)
            .collect();
        for (_, run) in &unread {
            self.front.read(*run);
        }
        for row in blocked {
            if !begun.contains(&(row.run_id, row.node)) {
                let all = self.hands[&row.run_id].version.parents_of(row.node);
                self.front.add(Counted {
                    parents: Parents { all, ..row.parents },
                    ..row
                });
            }
        }
        Ok(())
    }

    /// Ends a node whose rule cannot hold any more.
    fn pass_over(
        &mut self,
        run_id: RunId,
        node: i32,
        task_run_id: TaskRunId,
        verdict: Readiness,
        cause: &NodeEnd,
    ) {
        let spec = Arc::clone(self.hands[&run_id].version.node(node));
        let (state, reason) = verdict::passed_over(&spec, verdict, cause);
        let end = EndedTaskRun {
            run_id,
            node,
            task_run_id,
            is_share: false,
            state,
            reason: Some(&reason),
        };
        self.end(end, None);
        if state == TaskRunState::UpstreamFailed
            && let Some(last) = self.ends.back_mut()
        {
            last.origin = Arc::clone(&cause.origin);
        }
    }

    /// Follows the ends of nodes of runs that were read into memory.
    fn cascade(&mut self) {
        let (mut known, unknown): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.ends)
            .into_iter()
            .partition(|end| self.front.knows(end.run_id));
        self.ends = unknown;
        while let Some(end) = known.pop_front() {
            let hand = self.hands[&end.run_id].clone();
            let version = &hand.version;
            for child in version.children(end.node) {
                let Some(waiting) = self.front.count(end.run_id, child, end.end) else {
                    continue;
                };
                match waiting.parents.readiness(version.node(child).trigger_rule) {
                    Readiness::Wait => {}
                    // It waits on in memory, so that what was counted is written down, for the day the run goes on.
                    Readiness::Start if hand.holds_back(child) => {}
                    Readiness::Start => {
                        self.front.take(end.run_id, child);
                        self.starts
                            .push(Start::node(end.run_id, child, waiting.task_run_id));
                    }
                    verdict => {
                        self.pass_over(end.run_id, child, waiting.task_run_id, verdict, &end);
                    }
                }
            }
            known.extend(std::mem::take(&mut self.ends));
        }
    }

    /// Writes what was gathered.
    async fn write(&mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let writes = std::mem::take(&mut self.writes);
        recount_parents(transaction, &self.front.take_recounts(&self.hands)).await?;
        end_task_runs(transaction, &writes.ends).await?;
        begin_task_runs(transaction, &writes.beginnings).await?;
        insert_notices(transaction, &writes.notices).await?;
        insert_timers(transaction, &writes.timers).await?;
        for beginning in &writes.beginnings {
            self.signals
                .insert(Signal::Ready(beginning.placement.tenant_id.partition()));
        }
        Ok(())
    }
}

/// The end of a task run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedTaskRun<'a> {
    pub(crate) run_id: RunId,
    pub(crate) node: i32,
    pub(crate) task_run_id: TaskRunId,
    /// It is the share of an item, a shard or an executor.
    pub(crate) is_share: bool,
    pub(crate) state: TaskRunState,
    pub(crate) reason: Option<&'a str>,
}
