//! Task runs start when all that they wait for has succeeded, and not before.

use std::collections::HashMap;

use insta::assert_snapshot;
use waterclock_core::id::RunId;
use waterclock_tests::{World, graph, succeed};

/// The order in which the nodes of a run ended.
async fn ended_in_order(world: &World, run: RunId) -> Vec<String> {
    world
        .column(
            "SELECT t.key FROM events AS e JOIN task_runs AS t ON t.id = e.task_run_id
            WHERE e.run_id = $1::text::uuid AND e.kind = 'TASK_RUN_SUCCEEDED' ORDER BY e.seq",
            &[&run.to_string()],
        )
        .await
}

#[tokio::test]
async fn a_chain_runs_one_node_after_the_other() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("etl", &graph("extract -> clean -> load")).await;
    let run = world.start(tenant, "etl").await;
    let executor = world.executor("one").slots(8).join().await;
    for expected in ["extract", "clean", "load"] {
        let taken = executor.take(8).await;
        assert_eq!(taken.len(), 1, "only one node is ready at a time");
        assert_eq!(taken[0].node.key, expected);
        executor
            .report(&taken[0], waterclock_core::run::Outcome::Succeeded)
            .await;
    }
    assert_snapshot!(world.tree(run).await, @r"
    run SUCCEEDED
      extract SUCCEEDED
        clean SUCCEEDED
          load SUCCEEDED
    ");
}

#[tokio::test]
async fn a_diamond_joins_when_both_sides_have_ended() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("diamond", &graph("a -> b c -> d")).await;
    let run = world.start(tenant, "diamond").await;
    let _scheduler = world.scheduler();
    let _executor = world.executor("one").slots(2).join().await.perform(succeed);
    world.until_all_ended().await;
    assert_snapshot!(world.tree(run).await, @r"
    run SUCCEEDED
      a SUCCEEDED
        b SUCCEEDED
          d (and after c) SUCCEEDED
        c SUCCEEDED
    ");
    let order = ended_in_order(&world, run).await;
    assert_eq!((order[0].as_str(), order[3].as_str()), ("a", "d"));
}

#[tokio::test]
async fn a_fan_out_of_a_hundred_comes_back_together() {
    let world = World::that_comes_to_rest().await;
    let middle: Vec<String> = (0..100).map(|n| format!("m{n}")).collect();
    let definition = graph(&format!("start -> {} -> end", middle.join(" ")));
    let tenant = world.tenant_with("fan", &definition).await;
    let run = world.start(tenant, "fan").await;
    let _scheduler = world.scheduler();
    let _executors = [
        world.executor("one").slots(7).join().await.perform(succeed),
        world.executor("two").slots(7).join().await.perform(succeed),
    ];
    world.until_all_ended().await;
    let place: HashMap<String, usize> = ended_in_order(&world, run).await.into_iter().zip(0..).collect();
    assert_eq!(place.len(), 102);
    assert_eq!((place["start"], place["end"]), (0, 101));
}
