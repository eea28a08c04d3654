//! Nothing is stranded when somebody stops half-way, or while another is just giving it something.

use std::pin::pin;
use std::time::Duration;

use waterclock_core::id::TenantId;
use waterclock_core::run::Outcome;
use waterclock_core::store::{Actor, tenants};
use waterclock_tests::script::LEASE;
use waterclock_tests::{World, graph};

#[tokio::test]
async fn a_transaction_that_is_given_up_lets_go_of_its_locks_at_once() {
    let world = World::new().await;
    let mut transaction = world.api.begin(Actor::Nobody).await.unwrap();
    tenants::insert_tenant(&mut transaction, TenantId::generate(), "somebody")
        .await
        .unwrap();
    drop(transaction);
    // Whoever inserts the same key waits for a transaction that has inserted it and not ended.
    world
        .sql
        .batch_execute(
            "SET lock_timeout = '5s';
            INSERT INTO tenants (id, key, partition) VALUES (gen_random_uuid(), 'somebody', 0)",
        )
        .await
        .expect("nobody holds the key any more");
}

/// What a scheduler does between choosing an executor and committing.
const ASSIGN: &str = "
    SELECT pg_advisory_xact_lock(7340035, hashtext(id::text)) FROM executors WHERE key = 'leaving';
    UPDATE dispatch SET state = 'ASSIGNED', assigned_at = present(), fence = fence + 1,
        executor_id = (SELECT id FROM executors WHERE key = 'leaving')";

#[tokio::test]
async fn what_is_given_to_an_executor_that_is_just_leaving_goes_to_another() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let run = world.start(tenant, "flow").await;
    let leaving = world.executor("leaving").join().await;
    let mut scheduler = world.connect().await;
    let pass = scheduler.transaction().await.unwrap();
    pass.batch_execute(ASSIGN).await.unwrap();
    let mut left = pin!(leaving.leave());
    // It leaves without having seen what is being given to it, or it waits for it; both are fine.
    let gone = tokio::select! {
        () = &mut left => true,
        () = world.until_somebody_waits() => false,
    };
    pass.commit().await.unwrap();
    if !gone {
        left.await;
    }
    let other = world.executor("other").join().await;
    let _scheduler = world.scheduler();
    other
        .report(&other.wait_for_one().await, Outcome::Succeeded)
        .await;
    assert!(world.tree(run).await.starts_with("run SUCCEEDED"));
}

#[tokio::test]
async fn what_is_given_to_an_executor_whose_life_is_just_being_ended_goes_to_another() {
    let world = World::that_comes_to_rest().await;
    let tenant = world.tenant_with("flow", &graph("a")).await;
    let run = world.start(tenant, "flow").await;
    let _silent = world.executor("leaving").join().await;
    let mut scheduler = world.connect().await;
    let pass = scheduler.transaction().await.unwrap();
    pass.batch_execute(ASSIGN).await.unwrap();
    world.advance(LEASE + Duration::from_secs(1)).await;
    let _scheduler = world.scheduler();
    let ended = world.until_true("SELECT ended_at IS NOT NULL FROM executors WHERE key = 'leaving'");
    tokio::select! {
        () = ended => {}
        () = world.until_somebody_waits() => {}
    }
    pass.commit().await.unwrap();
    let other = world.executor("other").join().await;
    other
        .report(&other.wait_for_one().await, Outcome::Succeeded)
        .await;
    assert!(world.tree(run).await.starts_with("run SUCCEEDED"));
}
