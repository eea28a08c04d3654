//! Controls that meet those who assign and start, and processes that die with a control half-way.
//!
//! What a control has answered holds: of a stopped run nothing starts, of a paused one nothing until it goes on, and what was skipped
//! or marked is never begun. Each test brings the two who meet to the point where one of them waits for the other, or lets many meet
//! at once and counts by the events what started after the answer.

mod killed;
mod repeated;

use futures_util::future::join_all;
use waterclock_core::command::Author;
use waterclock_core::command::cancel_run::{Force, cancel_run};
use waterclock_core::command::pause_run::{pause_run, resume_run};
use waterclock_core::command::steer_task_run::{Steer, steer_task_run};
use waterclock_core::error::CommandError;
use waterclock_core::id::{RunId, TaskRunId, TenantId};
use waterclock_core::run::Outcome;
use waterclock_core::store::Versions;
use waterclock_core::work::{Assignment, Lease, Report};
use waterclock_tests::script::{LEASE, Scripted};
use waterclock_tests::world::SUBJECT;
use waterclock_tests::{World, graph, succeed};

/// What somebody does to a run, or to a node of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    Cancel,
    Terminate,
    Pause,
    Skip,
    Mark,
    Retry,
}

impl Control {
    fn steer(self) -> Steer {
        match self {
            Self::Skip => Steer::Skip { reason: None },
            Self::Mark => Steer::MarkSucceeded {
                outputs: serde_json::Map::new(),
                reason: None,
            },
            _ => Steer::Retry,
        }
    }

    /// Does it to the run, or to its node `key`.
    async fn apply(self, world: &World, tenant: TenantId, run: RunId, key: &str) -> Result<(), CommandError> {
        let author = author(tenant);
        match self {
            Self::Cancel | Self::Terminate => {
                let force = if self == Self::Cancel {
                    Force::Cancel
                } else {
                    Force::Terminate
                };
                cancel_run(&world.api, &world.signals, &author, run, force, None).await
            }
            Self::Pause => pause_run(&world.api, &world.signals, &author, run).await,
            Self::Skip | Self::Mark | Self::Retry => {
                let (versions, steer) = (Versions::default(), self.steer());
                let id = task_run(world, run, key).await;
                steer_task_run(&world.api, &world.signals, &versions, &author, id, &steer).await
            }
        }
    }
}

fn author(tenant: TenantId) -> Author {
    Author {
        tenant,
        subject: SUBJECT.into(),
    }
}

async fn resume(world: &World, tenant: TenantId, run: RunId) {
    let versions = Versions::default();
    let resumed = resume_run(&world.api, &world.signals, &versions, &author(tenant), run).await;
    resumed.expect("the run goes on");
}

async fn task_run(world: &World, run: RunId, key: &str) -> TaskRunId {
    let id: String = world
        .value(
            "SELECT id::text FROM task_runs WHERE run_id = $1::text::uuid AND key = $2 AND item IS NULL",
            &[&run.to_string(), &key],
        )
        .await;
    id.parse().expect("an id")
}

/// How many attempts of the run have started, by its events.
async fn started(world: &World, run: RunId) -> i64 {
    world
        .value(
            "SELECT count(*) FROM events
            WHERE run_id = $1::text::uuid AND kind = 'TASK_RUN_STARTED' AND data ? 'attempt'",
            &[&run.to_string()],
        )
        .await
}

fn refused(done: &Result<(), CommandError>) -> bool {
    match done {
        Ok(()) => false,
        Err(CommandError::Refused(_)) => true,
        Err(error) => panic!("{error:?}"),
    }
}

fn report(lease: Lease, outcome: Outcome) -> Report {
    Report {
        lease,
        outcome,
        exit_code: None,
        http_status: None,
        message: None,
        output: None,
        retry_after: None,
    }
}

/// Stops what the executor is told to stop.
async fn heed(executor: &Scripted) {
    let told = executor.cancellations().await;
    let reports = told.into_iter().map(|lease| report(lease, Outcome::Cancelled));
    executor.exchange(reports.collect(), 0).await;
}

/// What became of a control that came while a transaction had written something and not committed yet.
struct Met {
    refused: bool,
    tree: String,
    /// What the executor could take after the answer.
    taken: Vec<Assignment>,
    executor: Scripted,
    tenant: TenantId,
    run: RunId,
}

/// Lets the control come while a transaction has assigned (`ASSIGNS`) or started (`STARTS`) the first node of a run.
async fn meet(world: &World, name: &str, by: &str, control: Control) -> Met {
    let key = format!("{name}-{control:?}").to_lowercase();
    let tenant = world.tenant_with(&key, &graph("a -> b")).await;
    let executor = world.executor(&key).only_for(&key).join().await;
    let run = world.start(tenant, &key).await;
    let mut other = world.connect().await;
    let half = other.transaction().await.unwrap();
    let written = half
        .execute(by, &[&executor.id.to_string(), &tenant.to_string()])
        .await;
    assert_eq!(written.unwrap(), 1);
    let (done, ()) = tokio::join!(control.apply(world, tenant, run, "a"), async {
        world.until_somebody_waits().await;
        half.commit().await.unwrap();
    });
    Met {
        refused: refused(&done),
        tree: world.tree(run).await,
        taken: executor.take(1).await,
        executor,
        tenant,
        run,
    }
}

const ASSIGNS: &str =
    "UPDATE dispatch SET state = 'ASSIGNED', executor_id = $1::text::uuid, assigned_at = present(),
        fence = fence + 1
    WHERE tenant_id = $2::text::uuid";

const STARTS: &str =
    "UPDATE dispatch SET state = 'RUNNING', executor_id = $1::text::uuid, assigned_at = present(),
        started_at = present(), fence = fence + 1
    WHERE tenant_id = $2::text::uuid";

#[tokio::test]
async fn a_stop_that_meets_an_assignment_takes_it_back() {
    let world = World::that_comes_to_rest().await;
    for control in [Control::Cancel, Control::Terminate] {
        let met = meet(&world, "assigned", ASSIGNS, control).await;
        assert!(
            !met.refused && met.taken.is_empty(),
            "{control:?}: {:?}",
            met.taken
        );
        assert!(met.tree.starts_with("run CANCELLED"), "{}", met.tree);
        assert_eq!(started(&world, met.run).await, 0);
    }
}

#[tokio::test]
async fn a_pause_that_meets_an_assignment_takes_it_back_until_the_run_goes_on() {
    let world = World::that_comes_to_rest().await;
    let met = meet(&world, "assigned", ASSIGNS, Control::Pause).await;
    assert!(!met.refused && met.taken.is_empty(), "{:?}", met.taken);
    assert!(met.tree.starts_with("run PAUSED\n  a READY"), "{}", met.tree);
    resume(&world, met.tenant, met.run).await;
    let again = met.executor.take_one().await;
    assert_eq!(again.fence, 1, "no attempt was spent on it");
    met.executor.report(&again, Outcome::Succeeded).await;
    let last = met.executor.take_one().await;
    met.executor.report(&last, Outcome::Succeeded).await;
}

#[tokio::test]
async fn what_an_executor_is_just_being_given_or_starting_is_not_steered() {
    let world = World::that_comes_to_rest().await;
    for control in [Control::Skip, Control::Mark, Control::Retry] {
        let met = meet(&world, "assigned", ASSIGNS, control).await;
        assert!(met.refused, "{control:?}: {}", met.tree);
        met.executor.report(&met.taken[0], Outcome::Succeeded).await;
        let last = met.executor.take_one().await;
        met.executor.report(&last, Outcome::Succeeded).await;

        let met = meet(&world, "started", STARTS, control).await;
        assert!(met.refused && met.taken.is_empty(), "{control:?}: {}", met.tree);
        let lease = Lease {
            tenant_id: met.tenant,
            run_id: met.run,
            task_run_id: task_run(&world, met.run, "a").await,
            fence: 1,
        };
        met.executor
            .exchange(vec![report(lease, Outcome::Succeeded)], 0)
            .await;
        let last = met.executor.take_one().await;
        met.executor.report(&last, Outcome::Succeeded).await;
        assert!(world.tree(met.run).await.starts_with("run SUCCEEDED"));
    }
}

#[tokio::test]
async fn a_control_that_meets_a_start_lets_it_run_or_stops_it() {
    let world = World::that_comes_to_rest().await;
    for control in [Control::Cancel, Control::Terminate, Control::Pause] {
        let met = meet(&world, "started", STARTS, control).await;
        assert!(
            !met.refused && met.taken.is_empty(),
            "{control:?}: {:?}",
            met.taken
        );
        assert!(met.tree.contains("a RUNNING"), "{}", met.tree);
        if control == Control::Pause {
            let told = met.executor.cancellations().await;
            assert!(told.is_empty(), "what runs may finish");
            world.cancel(met.tenant, met.run).await.unwrap();
        }
        heed(&met.executor).await;
        let tree = world.tree(met.run).await;
        assert!(tree.starts_with("run CANCELLED"), "{control:?}: {tree}");
    }
}

/// Executors of processes of their own, which take as fast as they can.
async fn crowd(world: &World, name: &str) -> Vec<Scripted> {
    let mut executors = Vec::new();
    for place in 0..5 {
        let executor = world.executor(&format!("{name}-{place}")).slots(12);
        let executor = executor.through(world.another_pool(), waterclock_core::signal::Signals::new());
        executors.push(executor.only_for(name).join().await);
    }
    executors
}

async fn take_all(executor: &Scripted) -> Vec<Assignment> {
    let mut held = Vec::new();
    for _ in 0..4 {
        let free = executor.slots - u32::try_from(held.len()).expect("a few");
        // One after the other, so that many transactions start something.
        held.extend(executor.take(free.min(3)).await);
    }
    held
}

/// A run of 60 nodes that wait for nobody.
fn wide() -> String {
    let nodes: Vec<String> = (0..60).map(|place| format!("n{place}")).collect();
    nodes.join(" ")
}

#[tokio::test]
async fn nothing_starts_after_the_answer_however_many_start_at_that_moment() {
    let world = World::that_comes_to_rest().await;
    for control in [Control::Cancel, Control::Terminate, Control::Pause] {
        for round in 0..3 {
            let key = format!("{control:?}-{round}").to_lowercase();
            let tenant = world.tenant_with(&key, &graph(&wide())).await;
            let executors = crowd(&world, &key).await;
            let run = world.start(tenant, &key).await;
            let some =
                format!("SELECT count(*) > 3 FROM dispatch WHERE run_id = '{run}' AND state = 'RUNNING'");
            let (held, answered) = tokio::join!(join_all(executors.iter().map(take_all)), async {
                world.until_seen(&some).await;
                control.apply(&world, tenant, run, "").await.unwrap();
                started(&world, run).await
            });
            for executor in &executors {
                assert!(executor.take(12).await.is_empty(), "{control:?}");
            }
            assert_eq!(started(&world, run).await, answered, "{control:?} was answered");
            let taken: usize = held.iter().map(Vec::len).sum();
            assert_eq!(i64::try_from(taken).unwrap(), answered, "{control:?}");
            if control == Control::Pause {
                world.cancel(tenant, run).await.unwrap();
            }
            for executor in &executors {
                heed(executor).await;
                executor.leave().await;
            }
            let attempts: i64 = world
                .value(
                    "SELECT count(*) FROM attempts AS a JOIN task_runs AS t ON t.id = a.task_run_id
                    WHERE t.run_id = $1::text::uuid AND a.started_at IS NOT NULL",
                    &[&run.to_string()],
                )
                .await;
            assert_eq!(attempts, answered, "{control:?}");
        }
    }
}

#[tokio::test]
async fn what_is_skipped_or_marked_amid_a_crowd_never_starts_and_what_started_is_refused() {
    let world = World::that_comes_to_rest().await;
    for control in [Control::Skip, Control::Mark] {
        let key = format!("{control:?}").to_lowercase();
        let tenant = world.tenant_with(&key, &graph(&wide())).await;
        let executors = crowd(&world, &key).await;
        let run = world.start(tenant, &key).await;
        let keys: Vec<String> = (0..60).map(|place| format!("n{place}")).collect();
        let steered = keys.iter().map(|key| control.apply(&world, tenant, run, key));
        let (held, done) = tokio::join!(join_all(executors.iter().map(take_all)), join_all(steered));
        let steered = done.iter().filter(|done| !refused(done)).count();
        for (executor, held) in executors.iter().zip(&held) {
            let mut reports: Vec<Report> = held.iter().map(succeed).collect();
            while !reports.is_empty() {
                let next = executor.exchange(reports, 12).await;
                reports = next.assignments.iter().map(succeed).collect();
            }
            executor.leave().await;
        }
        let never_started: i64 = world
            .value(
                "SELECT count(*) FROM task_runs AS t
                WHERE t.run_id = $1::text::uuid AND t.state_reason IS NOT NULL AND NOT EXISTS (
                    SELECT FROM events AS e WHERE e.task_run_id = t.id AND e.kind = 'TASK_RUN_STARTED')",
                &[&run.to_string()],
            )
            .await;
        assert_eq!(never_started, i64::try_from(steered).unwrap(), "{control:?}");
        assert_eq!(started(&world, run).await, 60 - never_started, "{control:?}");
        assert!(world.tree(run).await.starts_with("run SUCCEEDED"), "{control:?}");
    }
}

#[tokio::test]
async fn an_attempt_whose_executor_died_is_not_made_again_once_its_run_was_stopped() {
    let world = World::that_comes_to_rest().await;
    let scheduler = world.scheduler();
    for control in [Control::Cancel, Control::Terminate] {
        let key = format!("{control:?}").to_lowercase();
        let tenant = world.tenant_with(&key, &graph("a -> b")).await;
        let run = world.start(tenant, &key).await;
        let dead = world.executor(&format!("dead-{key}")).only_for(&key).join().await;
        let _lost = dead.wait_for_one().await;
        control.apply(&world, tenant, run, "a").await.unwrap();
        world.advance(LEASE + std::time::Duration::from_secs(1)).await;
        world.until_all_ended().await;
        let other = world
            .executor(&format!("other-{key}"))
            .only_for(&key)
            .join()
            .await;
        assert!(other.take(1).await.is_empty());
        assert_eq!(started(&world, run).await, 1);
        let tree = world.tree(run).await;
        assert!(tree.contains("a CANCELLED [FAULT]"), "{tree}");
        other.leave().await;
    }
    scheduler.stop().await;
}

#[tokio::test]
async fn an_attempt_whose_executor_died_waits_for_its_paused_run_to_go_on() {
    let world = World::that_comes_to_rest().await;
    let scheduler = world.scheduler();
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let run = world.start(tenant, "flow").await;
    let dead = world.executor("dead").join().await;
    let _lost = dead.wait_for_one().await;
    Control::Pause.apply(&world, tenant, run, "a").await.unwrap();
    world.advance(LEASE + std::time::Duration::from_secs(1)).await;
    world
        .until_true("SELECT EXISTS (SELECT FROM attempts WHERE outcome = 'FAULT')")
        .await;
    let other = world.executor("other").join().await;
    assert!(other.take(1).await.is_empty(), "the run is paused");
    resume(&world, tenant, run).await;
    let again = other.wait_for_one().await;
    assert_eq!(again.fence, 2);
    other.report(&again, Outcome::Succeeded).await;
    assert!(world.tree(run).await.starts_with("run SUCCEEDED"));
    scheduler.stop().await;
}
