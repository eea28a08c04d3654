//! What happens to runs, one thing after the other, as chance has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use waterclock_core::command::Author;
use waterclock_core::command::publish_event::{PublishEvent, publish_event};
use waterclock_core::command::rerun::{Rerun, RerunVersion, rerun};
use waterclock_core::id::TenantId;
use waterclock_core::metrics::Metrics;
use waterclock_core::run::{Outcome, Selection};
use waterclock_core::scheduler::Scheduler;
use waterclock_core::store::Versions;
use waterclock_core::work::{Assignment, Lease};
use waterclock_core::workflow::Definition;
use waterclock_tests::chance::Chance;
use waterclock_tests::script::LEASE;
use waterclock_tests::world::SUBJECT;
use waterclock_tests::{Scripted, World, ended};

use super::graphs::{EVENT, WITHIN, definition, within};
use super::ledger::Ledger;

/// How many things happen to runs before they are brought to their end.
const STEPS: usize = 35;

/// How many rounds an end may take.
const ROUNDS: usize = 300;

/// How many slots each executor has.
const SLOTS: u32 = 4;

/// An executor and what it is at.
struct Worker {
    executor: Scripted,
    held: Vec<Assignment>,
    told: BTreeSet<Lease>,
}

/// Runs of one workflow of a tenant, and all who have a hand in them.
pub(super) struct Play<'w> {
    pub(super) world: &'w World,
    seed: u64,
    pub(super) chance: Chance,
    tenant: TenantId,
    key: String,
    pub(super) author: Author,
    pub(super) versions: Versions,
    scheduler: Scheduler,
    workers: Vec<Worker>,
    /// Executors that were lost, and do not know it.
    ghosts: Vec<Worker>,
    joined: usize,
    pub(super) ledger: Ledger,
    journal: Vec<String>,
}

impl<'w> Play<'w> {
    /// A tenant with a workflow, and two executors; nothing has begun.
    pub(super) async fn new(world: &'w World, seed: u64) -> Self {
        let mut chance = Chance::seeded(seed);
        let key = format!("seed-{seed}");
        let tenant = world.tenant(&key).await;
        let definitions: BTreeMap<String, Definition> = [
            (WITHIN.to_owned(), within()),
            (key.clone(), definition(&mut chance)),
        ]
        .into();
        for (key, definition) in &definitions {
            world.publish(tenant, key, definition).await;
        }
        let journal = vec![told(&definitions[&key])];
        let mut play = Self {
            world,
            seed,
            chance,
            tenant,
            author: Author {
                tenant,
                subject: SUBJECT.into(),
            },
            versions: Versions::default(),
            scheduler: Scheduler::new(
                world.engine.clone(),
                world.signals.clone(),
                Metrics::new(),
                "here".to_owned(),
            ),
            workers: Vec::new(),
            ghosts: Vec::new(),
            joined: 0,
            ledger: Ledger::new(tenant, definitions),
            journal,
            key,
        };
        play.join().await;
        play.join().await;
        play
    }

    /// Two runs, whatever may befall them, to their end; then again what failed of them.
    pub(super) async fn perform(mut self) {
        for _ in 0..2 {
            self.world.start(self.tenant, &self.key).await;
            self.look("a run starts").await;
        }
        for _ in 0..STEPS {
            let what = self.step().await;
            self.look(&what).await;
        }
        self.bring_to_an_end().await;
        let repeated = self.rerun_what_failed().await;
        for _ in 0..STEPS / 3 {
            let what = self.step().await;
            self.look(&what).await;
        }
        self.bring_to_an_end().await;
        for (rerun, kept) in repeated {
            self.check_kept(&rerun, &kept);
        }
        self.check_attempts().await;
        for worker in self.workers.iter().chain(&self.ghosts) {
            worker.executor.leave().await;
        }
    }

    /// Writes down what happened, and looks whether all is as it should be.
    async fn look(&mut self, what: &str) {
        self.journal.push(what.to_owned());
        let wrong = self.ledger.look(self.world).await;
        if !wrong.is_empty() {
            self.fail(&wrong.join("\n")).await;
        }
    }

    pub(super) async fn fail(&self, what: &str) -> ! {
        let mut trees = String::new();
        for (id, run) in &self.ledger.runs {
            let tree = self.world.tree(id.parse().expect("an id")).await;
            let _ = write!(trees, "{id} of {}\n{tree}", run.workflow);
        }
        panic!(
            "seed {} (again with WATERCLOCK_SEED={}):\n{}\n\n{trees}\n{what}",
            self.seed,
            self.seed,
            self.journal.join("\n")
        );
    }

    async fn join(&mut self) {
        self.joined += 1;
        let executor = self
            .world
            .executor(&format!("{}-{}", self.key, self.joined))
            .slots(SLOTS)
            .only_for(&self.key);
        self.workers.push(Worker {
            executor: executor.join().await,
            held: Vec::new(),
            told: BTreeSet::new(),
        });
    }

    /// One thing that happens.
    async fn step(&mut self) -> String {
        match self.chance.below(100) {
            0..25 => self.take().await,
            25..50 => self.report().await,
            50..60 => self.work_off().await,
            60..67 => {
                let seconds = 1 + self.chance.below(25);
                self.advance(Duration::from_secs(u64::try_from(seconds).expect("a step")))
                    .await
            }
            67..70 => self.kill().await,
            70..73 => self.haunt().await,
            73..76 => self.publish().await,
            76..87 => self.steer().await,
            _ => self.control().await,
        }
    }

    async fn work_off(&mut self) -> String {
        let worked = self.scheduler.work_off().await;
        worked.expect("the scheduler does its work");
        "the scheduler works".to_owned()
    }

    async fn take(&mut self) -> String {
        let place = self.chance.below(self.workers.len());
        let worker = &mut self.workers[place];
        let held = u32::try_from(worker.held.len()).expect("a few");
        let free = SLOTS.saturating_sub(held);
        let exchanged = worker.executor.exchange(Vec::new(), free).await;
        let taken: Vec<String> = exchanged.assignments.iter().map(named).collect();
        worker.held.extend(exchanged.assignments);
        worker.told = exchanged.cancellations.iter().map(|told| told.lease).collect();
        format!("executor {place} takes {taken:?}")
    }

    async fn report(&mut self) -> String {
        let place = self.chance.below(self.workers.len());
        let (worker, chance) = (&mut self.workers[place], &mut self.chance);
        if worker.held.is_empty() {
            return format!("executor {place} has nothing to report");
        }
        let most = 1 + chance.below(worker.held.len());
        let mut reports = Vec::new();
        let mut said = Vec::new();
        for _ in 0..most {
            let assignment = worker.held.swap_remove(chance.below(worker.held.len()));
            let outcome = outcome(chance, worker.told.contains(&assignment.lease()));
            said.push(format!("{} {outcome}", named(&assignment)));
            reports.push(ended(&assignment, outcome));
        }
        worker.executor.exchange(reports, 0).await;
        format!("executor {place} reports {said:?}")
    }

    /// Moves time, while all executors speak often enough.
    async fn advance(&mut self, by: Duration) -> String {
        let mut left = by;
        while !left.is_zero() {
            let step = left.min(LEASE / 2);
            self.world.advance(step).await;
            for worker in &self.workers {
                worker.executor.beat().await;
            }
            left -= step;
        }
        format!("{by:?} pass")
    }

    /// An executor falls silent, and its lease ends.
    async fn kill(&mut self) -> String {
        let place = self.chance.below(self.workers.len());
        let ghost = self.workers.swap_remove(place);
        let held: Vec<String> = ghost.held.iter().map(named).collect();
        self.ghosts.push(ghost);
        self.advance(LEASE + Duration::from_secs(1)).await;
        self.work_off().await;
        self.join().await;
        format!("executor {place} is lost with {held:?}")
    }

    /// An executor that was lost reports as if nothing had happened, and nobody listens.
    async fn haunt(&mut self) -> String {
        let Some(ghost) = self.ghosts.last() else {
            return "nobody was lost".to_owned();
        };
        let reports = ghost
            .held
            .iter()
            .map(|assignment| ended(assignment, Outcome::Succeeded))
            .collect();
        let before = self.history().await;
        ghost.executor.exchange(reports, 0).await;
        let after = self.history().await;
        assert_eq!(
            before, after,
            "seed {}: a lost executor was listened to",
            self.seed
        );
        "a lost executor reports".to_owned()
    }

    async fn history(&self) -> i64 {
        self.world
            .value(
                "SELECT count(*) FROM events WHERE tenant_id = $1::text::uuid",
                &[&self.tenant.to_string()],
            )
            .await
    }

    async fn publish(&mut self) -> String {
        let event = PublishEvent {
            name: EVENT.to_owned(),
            key: None,
            payload: Value::Null,
            idempotency_key: None,
        };
        let (world, author) = (self.world, &self.author);
        let published = publish_event(&world.api, &world.signals, author, &event).await;
        published.expect("an event is published");
        "an event is published".to_owned()
    }

    /// Nobody interferes any more, and everything ends.
    async fn bring_to_an_end(&mut self) {
        for _ in 0..ROUNDS {
            let live: Vec<(String, bool)> = self
                .ledger
                .runs
                .iter()
                .filter(|(_, run)| !run.has_ended())
                .map(|(id, run)| (id.clone(), run.state == "PAUSED" && run.stop_as.is_none()))
                .collect();
            if live.is_empty() {
                return;
            }
            for (id, is_paused) in live {
                if is_paused {
                    let resumed = self.resume(id.parse().expect("an id")).await;
                    self.look(&format!("run {id} goes on: {resumed:?}")).await;
                }
            }
            let what = self.work_off().await;
            self.look(&what).await;
            let mut did = false;
            for place in 0..self.workers.len() {
                did |= self.do_all(place).await;
            }
            if !did {
                self.move_on().await;
            }
        }
        self.fail("the runs do not come to an end").await;
    }

    /// An executor reports all that it has, and takes what there is. Whether there was anything.
    async fn do_all(&mut self, place: usize) -> bool {
        let (worker, chance) = (&mut self.workers[place], &mut self.chance);
        let held = std::mem::take(&mut worker.held);
        let report = |assignment: &Assignment| {
            ended(
                assignment,
                outcome(chance, worker.told.contains(&assignment.lease())),
            )
        };
        let reports: Vec<_> = held.iter().map(report).collect();
        let did = !reports.is_empty();
        let exchanged = worker.executor.exchange(reports, SLOTS).await;
        worker.told = exchanged.cancellations.iter().map(|told| told.lease).collect();
        worker.held = exchanged.assignments;
        let takes = !worker.held.is_empty();
        self.look(&format!("executor {place} does all it can")).await;
        did || takes
    }

    /// Moves time to the next instant at which something is due.
    async fn move_on(&mut self) {
        let next: Option<i64> = self
            .world
            .value(
                "SELECT ceil(extract(epoch FROM least(
                    (SELECT min(due_at) FROM timers WHERE tenant_id = $1::text::uuid),
                    (SELECT min(ready_at) FROM dispatch WHERE state = 'RETRY_WAIT' AND tenant_id = $1::text::uuid))
                    - present()) * 1000)::bigint",
                &[&self.tenant.to_string()],
            )
            .await;
        match next {
            Some(next) => {
                let by = Duration::from_millis(u64::try_from(next.max(1)).expect("a step"));
                let what = self.advance(by).await;
                self.look(&what).await;
            }
            None if self.ledger.runs.values().all(super::ledger::Run::has_ended) => {}
            None => self.fail("nothing can happen any more").await,
        }
    }

    /// Runs again what failed of the runs that did not succeed. Gives the new runs with the nodes that had succeeded.
    async fn rerun_what_failed(&mut self) -> Vec<(String, BTreeSet<usize>)> {
        let ended: Vec<String> = self
            .ledger
            .runs
            .iter()
            .filter(|(_, run)| run.state != "SUCCEEDED" && !run.has_parent)
            .map(|(id, _)| id.clone())
            .collect();
        let mut repeated = Vec::new();
        for id in ended {
            let states = self.ledger.states(&id);
            let kept: BTreeSet<usize> = (0..states.len())
                .filter(|&place| states[place] == "SUCCEEDED")
                .collect();
            let wanted = Rerun {
                run: id.parse().expect("an id"),
                from: Selection::Failed,
                version: RerunVersion::Same,
                inputs: None,
                idempotency_key: None,
            };
            let (world, author) = (self.world, &self.author);
            let started = rerun(&world.api, &world.signals, &self.versions, author, &wanted).await;
            match started {
                Ok(started) => repeated.push((started.id.to_string(), kept)),
                Err(refused) => {
                    let all_kept = states
                        .iter()
                        .all(|state| state == "SUCCEEDED" || state == "SKIPPED");
                    assert!(all_kept, "seed {}: {refused:?}", self.seed);
                }
            }
            self.look(&format!("what failed of run {id} is run again")).await;
        }
        repeated
    }

    /// Checks that nothing of the rerun ran that had succeeded before.
    fn check_kept(&self, rerun: &str, kept: &BTreeSet<usize>) {
        let ran = self.ledger.task_runs.values().find(|task_run| {
            task_run.run == rerun
                && kept.contains(&task_run.node)
                && (task_run.attempts > 0 || task_run.is_share || task_run.state != "SUCCEEDED")
        });
        assert!(
            ran.is_none(),
            "seed {}: what had succeeded ran again: {ran:?}",
            self.seed
        );
    }

    /// Checks the history of attempts as a whole, and that nothing is left behind.
    async fn check_attempts(&self) {
        const WRONG: &str = "
            SELECT format('the attempts of %s are %s, and it counts %s', t.id, array_agg(a.number ORDER BY a.number), t.attempts)
            FROM attempts AS a JOIN task_runs AS t ON t.tenant_id = a.tenant_id AND t.id = a.task_run_id
            WHERE a.tenant_id = $1::text::uuid
            GROUP BY t.id, t.attempts
            HAVING (min(a.number), max(a.number)) <> (1, count(*)) OR max(a.number) <> t.attempts
            UNION ALL
            SELECT format('%s had an attempt after one that succeeded', task_run_id)
            FROM attempts
            WHERE tenant_id = $1::text::uuid AND outcome = 'SUCCEEDED'
            GROUP BY task_run_id
            HAVING count(*) > 1
            UNION ALL
            SELECT format('%s is %s runs', parent_task_run_id, count(*))
            FROM runs
            WHERE tenant_id = $1::text::uuid AND parent_task_run_id IS NOT NULL
            GROUP BY parent_task_run_id
            HAVING count(*) > 1
            UNION ALL
            SELECT format('timer %s of run %s is left', kind, run_id) FROM timers WHERE tenant_id = $1::text::uuid
            UNION ALL
            SELECT format('%s waits for an event', task_run_id) FROM awaited_events WHERE tenant_id = $1::text::uuid
            UNION ALL
            SELECT format('%s is in the dispatch', task_run_id) FROM dispatch WHERE tenant_id = $1::text::uuid
            UNION ALL
            SELECT format('%s of %s failures and %s faults is tried again', t.id, a.failures, a.faults)
            FROM task_runs AS t
            JOIN runs AS r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
            JOIN workflow_versions AS v ON v.tenant_id = r.tenant_id AND v.id = r.version_id
            CROSS JOIN LATERAL (
                SELECT
                    count(*) FILTER (WHERE outcome IN ('FAILED', 'TIMED_OUT')) AS failures,
                    count(*) FILTER (WHERE outcome = 'FAULT') AS faults
                FROM attempts WHERE tenant_id = t.tenant_id AND task_run_id = t.id) AS a
            CROSS JOIN LATERAL (SELECT v.definition -> 'nodes' -> t.node -> 'retry' AS policy) AS p
            WHERE t.tenant_id = $1::text::uuid
                AND (a.failures > (policy ->> 'max_attempts')::integer OR a.faults > (policy ->> 'max_faults')::integer)";
        let wrong: Vec<String> = self.world.column(WRONG, &[&self.tenant.to_string()]).await;
        if !wrong.is_empty() {
            self.fail(&wrong.join("\n")).await;
        }
    }
}

/// How an attempt ends.
fn outcome(chance: &mut Chance, was_told_to_stop: bool) -> Outcome {
    match chance.below(100) {
        _ if was_told_to_stop && chance.percent(70) => Outcome::Cancelled,
        0..66 => Outcome::Succeeded,
        66..84 => Outcome::Failed,
        84..90 => Outcome::TimedOut,
        90..98 => Outcome::Fault,
        _ => Outcome::Cancelled,
    }
}

fn named(assignment: &Assignment) -> String {
    let item = assignment.item.as_ref().map(|item| item.index);
    format!("{} {item:?} #{}", assignment.node.key, assignment.fence)
}

/// The workflow, a line for each node.
fn told(definition: &Definition) -> String {
    let mut told = format!("{:?}", definition.conduct);
    for (place, node) in definition.nodes.iter().enumerate() {
        let parents = super::model::parents(definition, place);
        let _ = write!(told, "\n{} after {parents:?}: {}", node.key, json!(node));
    }
    told
}
