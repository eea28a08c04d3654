//! Processes die, and each task run still ends exactly once.

use std::sync::Arc;
use std::time::Duration;

use waterclock_core::signal::Signals;
use waterclock_core::workflow::{ProgramSpec, Work};
use waterclock_tests::script::LEASE;
use waterclock_tests::world::{Process, Running};
use waterclock_tests::{Scripted, World, graph, succeed};

/// What every end of many runs must look like, whatever happened on the way; one line for each thing that does not.
const WRONG: &str = "
    SELECT format('run %s is %s: %s', id, state, state_reason) FROM runs WHERE state <> 'SUCCEEDED'
    UNION ALL
    SELECT format('task run %s has %s successful attempts', t.id, count(a.*))
    FROM task_runs AS t
    LEFT JOIN attempts AS a ON a.tenant_id = t.tenant_id AND a.task_run_id = t.id AND a.outcome = 'SUCCEEDED'
    GROUP BY t.id
    HAVING count(a.*) <> 1
    UNION ALL
    SELECT format('attempt %s of task run %s ended %s', number, task_run_id, outcome)
    FROM attempts
    WHERE outcome NOT IN ('SUCCEEDED', 'FAULT')
    UNION ALL
    SELECT format('the attempts of task run %s are %s', task_run_id, array_agg(number ORDER BY number))
    FROM attempts
    GROUP BY task_run_id
    HAVING (min(number), max(number)) <> (1, count(*))
    UNION ALL
    SELECT format('%s was told %s times of %s', kind, count(*), coalesce(task_run_id, run_id))
    FROM events
    WHERE kind IN ('RUN_QUEUED', 'RUN_STARTED', 'RUN_SUCCEEDED', 'TASK_RUN_SUCCEEDED')
    GROUP BY kind, run_id, task_run_id
    HAVING count(*) <> 1";

#[tokio::test]
async fn every_task_run_ends_once_although_a_scheduler_and_an_executor_die() {
    let world = World::that_comes_to_rest().await;
    let tenant = world
        .tenant_with("flow", &graph("a -> b c d e f g h i -> j"))
        .await;
    let _hearing = world.relay();
    let doomed_process = world.process();
    let processes = [world.process(), world.process(), world.process()];

    let doomed_scheduler = doomed_process.scheduler();
    let _scheduler = processes[0].scheduler();
    let workers: Vec<Arc<Scripted>> = vec![
        Arc::new(worker(&world, "one", &processes[1]).await),
        Arc::new(worker(&world, "two", &processes[2]).await),
    ];
    let holding = worker(&world, "doomed", &doomed_process).await;
    let doomed_executor = Running::spawn(async move |_| {
        // It takes all that it may and never hands anything in.
        let mut held = 0;
        loop {
            let free = holding.slots - held;
            held += u32::try_from(holding.take(free).await.len()).expect("a few");
            tokio::task::yield_now().await;
        }
    });
    world.start_many(tenant, "flow", 50).await;
    world
        .until_true("SELECT count(*) = 10 FROM dispatch AS d JOIN executors AS e ON e.id = d.executor_id WHERE e.key = 'doomed'")
        .await;
    let working: Vec<Running> = workers
        .iter()
        .map(|worker| Arc::clone(worker).perform_beside(succeed))
        .collect();
    world
        .until_true("SELECT count(*) > 100 FROM attempts WHERE outcome = 'SUCCEEDED'")
        .await;
    doomed_scheduler.kill().await;
    doomed_executor.kill().await;
    drop(doomed_process);

    for _ in 0..2 {
        world.advance(LEASE / 2 + Duration::from_secs(1)).await;
        for worker in &workers {
            worker.beat().await;
        }
    }
    world.until_all_ended().await;
    let wrong: Vec<String> = world.column(WRONG, &[]).await;
    assert_eq!(wrong, [""; 0]);
    let faults: i64 = world
        .value("SELECT count(*) FROM attempts WHERE outcome = 'FAULT'", &[])
        .await;
    assert_eq!(faults, 10, "what the dead one held was taken back");
    for worker in working {
        worker.stop().await;
    }
}

async fn worker(world: &World, key: &str, process: &Process) -> Scripted {
    world
        .executor(key)
        .slots(10)
        .through(process.database.clone(), process.signals.clone())
        .join()
        .await
}

#[tokio::test]
async fn a_thousand_parents_that_end_at_once_release_their_join_once() {
    let world = World::that_comes_to_rest().await;
    let parents: Vec<String> = (0..1000).map(|n| format!("p{n}")).collect();
    let tenant = world
        .tenant_with("join", &graph(&format!("{} -> join", parents.join(" "))))
        .await;
    let run = world.start(tenant, "join").await;
    let mut executors = Vec::new();
    for key in ["one", "two", "three", "four", "five"] {
        let process = Signals::new();
        let executor = world
            .executor(key)
            .slots(200)
            .through(world.another_pool(), process);
        executors.push(executor.join().await);
    }
    let mut held = Vec::new();
    for executor in &executors {
        held.push(executor.take(200).await);
    }
    assert_eq!(held.iter().map(Vec::len).sum::<usize>(), 1000);
    // All of it is handed in while somebody holds the run, in forty transactions that are let go at one instant.
    let mut other = world.connect().await;
    let holding = other.transaction().await.unwrap();
    holding.execute("SELECT FROM runs FOR UPDATE", &[]).await.unwrap();
    let handing_in = executors.iter().zip(&held).flat_map(|(executor, held)| {
        let batches = held.chunks(25);
        batches.map(|batch| executor.exchange(batch.iter().map(succeed).collect(), 0))
    });
    tokio::join!(futures_util::future::join_all(handing_in), async {
        let all_wait = "SELECT count(*) = 40 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        world.until_seen(all_wait).await;
        holding.commit().await.unwrap();
    });
    let join = executors[0].take(5).await;
    assert_eq!(join.len(), 1);
    assert_eq!(join[0].node.key, "join");
    executors[0].exchange(vec![succeed(&join[0])], 0).await;
    let wrong: Vec<String> = world.column(WRONG, &[]).await;
    assert_eq!(wrong, [""; 0]);
    let released: i64 = world
        .value("SELECT count(*) FROM events WHERE kind = 'TASK_RUN_READY'", &[])
        .await;
    assert_eq!(released, 1);
    assert!(world.tree(run).await.starts_with("run SUCCEEDED"));
}

#[tokio::test]
async fn what_another_process_starts_is_heard_of() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a -> b")).await;
    let (scheduling, working) = (world.process(), world.process());
    let _scheduler = scheduling.scheduler();
    let _hearing = world.relay();
    let executor = worker(&world, "one", &working).await;
    let _executor = executor.perform(succeed);
    world.start(tenant, "flow").await;
    world.until_all_ended().await;
}

#[tokio::test]
async fn every_task_run_ends_once_although_real_processes_are_killed() {
    let world = World::that_comes_to_rest().await;
    let nap = ProgramSpec {
        key: "nap".to_owned(),
        command: vec!["/bin/sleep".to_owned(), "0.05".to_owned()],
        ..program()
    };
    let mut definition = graph("a -> b c d e f g h i -> j");
    for node in &mut definition.nodes {
        node.work = Work::Program(nap.clone());
    }
    let tenant = world.tenant_with("flow", &definition).await;
    let _hearing = world.relay();
    let executor = |key: &str| world.role("executor", &["--key", key, "--slots", "10"]);
    let (doomed_scheduler, doomed_executor) = (world.role("scheduler", &[]), executor("doomed"));
    let _scheduler = world.role("scheduler", &[]);
    let _executors = [executor("one"), executor("two")];
    world
        .until_true("SELECT count(*) = 3 FROM executors WHERE ended_at IS NULL")
        .await;
    world.start_many(tenant, "flow", 50).await;
    world
        .until_true(
            "SELECT (SELECT count(*) > 100 FROM attempts)
                AND EXISTS (SELECT FROM dispatch AS d JOIN executors AS e ON e.id = d.executor_id WHERE e.key = 'doomed')",
        )
        .await;
    doomed_executor.kill().await;
    doomed_scheduler.kill().await;
    // The living speak every few seconds, and the dead one does not; its lease ends first.
    while !world
        .value::<bool>(
            "SELECT ended_at IS NOT NULL FROM executors WHERE key = 'doomed'",
            &[],
        )
        .await
    {
        let now: String = world.value("SELECT present()::text", &[]).await;
        world.advance(Duration::from_secs(6)).await;
        let spoken = format!("SELECT bool_and(heartbeat_at > '{now}') FROM executors WHERE key <> 'doomed'");
        world.until_seen(&spoken).await;
    }
    world.until_all_ended().await;
    let wrong: Vec<String> = world.column(WRONG, &[]).await;
    assert_eq!(wrong, [""; 0]);
    let faults: i64 = world
        .value("SELECT count(*) FROM attempts WHERE outcome = 'FAULT'", &[])
        .await;
    assert!(faults > 0, "what the dead one held was taken back");
}

fn program() -> ProgramSpec {
    serde_json::from_value(serde_json::json!({ "key": "program", "runtime": "EXEC" })).expect("a program")
}
