//! Random graphs, random outcomes, kills and controls: whatever happens, what is promised of runs holds.
//!
//! From a seed come a workflow of any rules and kinds, and a story: who takes what and how it ends, which executor is lost, what
//! people do to the runs and when. The commands, the scheduler's pass and the database are the real ones; time is the test's.
//! After every single thing that happens the [`ledger`] reads the events and rows and compares them with what a
//! [`model`] says that knows nothing of how the product counts: no node begins before its rule holds, and none waits once it does;
//! each task run ends once; nothing starts in a run that was stopped or is paused; a run comes to what its nodes say;
//! and a rerun from failed runs nothing that had succeeded.
//!
//! `WATERCLOCK_SEED=7` plays that one seed, `WATERCLOCK_SEEDS=500` so many of them.

mod graphs;
mod ledger;
mod model;
mod people;
mod play;

use play::Play;
use waterclock_tests::World;

/// How many stories are told when nobody says otherwise.
const SEEDS: u64 = 24;

fn wanted(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test]
async fn whatever_happens_to_a_run_it_keeps_its_rules() {
    let world = World::that_comes_to_rest().await;
    let seeds = match (wanted("WATERCLOCK_SEED"), wanted("WATERCLOCK_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    for seed in seeds {
        Play::new(&world, seed).await.perform().await;
    }
}
