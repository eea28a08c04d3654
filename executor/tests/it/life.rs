//! Lives of an executor: slots, leases, draining, and a source that goes away.

use std::time::Duration;

use waterclock_core::run::Outcome;
use waterclock_core::work::HeartbeatReply;
use waterclock_core::workflow::Work;
use waterclock_executor::{ExecutorConfig, ExecutorError};

use crate::source::{Call, Source, World};
use crate::witness::{Barrier, Witness};
use crate::work::{assignment, script, with_node};

fn hasty(config: &mut ExecutorConfig) {
    config.heartbeat_interval = Duration::from_millis(20);
}

#[tokio::test]
async fn gates_are_passed_as_fast_as_they_are_given() {
    let world = World::with(|config| config.slots = 50);
    let leases: Vec<_> = (0..5_000)
        .map(|_| world.source.give(assignment(Work::NoOp)))
        .collect();
    for lease in leases {
        assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Succeeded);
    }
    let books = world.source.books();
    assert_eq!(books.reports.len(), 5_000);
    assert!(books.asked.iter().all(|&asked| asked <= 50));
}

#[tokio::test]
async fn an_executor_asks_for_no_more_than_its_free_slots() {
    let world = World::with(|config| config.slots = 5);
    let mut witnesses = [Witness::new(), Witness::new()];
    for witness in &mut witnesses {
        let given = with_node(script(&witness.stubborn()), |node| node.cost = 2);
        world.source.give(given);
        witness.sees_somebody().await;
    }
    let gate = world
        .source
        .give(with_node(assignment(Work::NoOp), |node| node.cost = 2));
    world.source.change(|books| books.asked.clear());
    let last = world.source.give(assignment(Work::NoOp));
    world
        .source
        .shows(|books| (!books.asked.is_empty()).then_some(()))
        .await;
    let books = world.source.books();
    assert!(books.asked.iter().all(|&asked| asked == 1), "{:?}", books.asked);
    assert!(books.reports.is_empty(), "{gate:?} and {last:?} wait for slots");
}

#[tokio::test]
async fn a_registration_says_what_the_executor_is() {
    let world = World::with(|config| config.labels = vec!["gpu".into()]);
    let registration = world
        .source
        .shows(|books| books.registrations.first().cloned())
        .await;
    assert_eq!((registration.key.as_str(), registration.slots), ("tester", 8));
    assert_eq!(registration.labels, ["gpu"]);
    assert!(["cgroup", "subreaper"].contains(&registration.containment.as_str()));
    assert!(!registration.hostname.is_empty());
}

#[tokio::test]
async fn heartbeats_tell_what_runs_and_how_busy_the_machine_is() {
    let world = World::with(hasty);
    let mut witness = Witness::new();
    world.source.give(script(&witness.stubborn()));
    witness.sees_somebody().await;
    let beat = world
        .source
        .shows(|books| books.heartbeats.iter().find(|beat| beat.running == 1).copied())
        .await;
    assert!(beat.memory > 0.0 && beat.memory < 1.0);
    assert!(!beat.overloaded && !beat.draining);
}

#[tokio::test]
async fn an_overloaded_executor_asks_for_nothing() {
    let world = World::with(|config| {
        hasty(config);
        config.load.memory = Some(0.0);
    });
    world
        .source
        .shows(|books| books.heartbeats.iter().any(|beat| beat.overloaded).then_some(()))
        .await;
    world.source.change(|books| books.asked.clear());
    world
        .source
        .shows(|books| books.asked.first().copied().filter(|&asked| asked == 0))
        .await;
}

#[tokio::test]
async fn reports_are_kept_while_the_source_is_away() {
    let world = World::new();
    let mut witness = Witness::new();
    let barrier = Barrier::new();
    let text = format!("echo up > {}; {}", witness.path().display(), barrier.wait());
    let lease = world.source.give(script(&text));
    witness.sees_somebody().await;
    world.source.change(|books| {
        books.asked.clear();
        books.deaf_to.insert(Call::Exchange);
    });
    barrier.open().await;
    world
        .source
        .shows(|books| (books.asked.len() > 2).then_some(()))
        .await;
    assert!(world.source.books().reports.is_empty());
    world.source.let_through(Call::Exchange);
    assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_lost_lease_ends_everything_unreported_and_a_new_life_begins() {
    let world = World::with(hasty);
    let mut witness = Witness::new();
    let lease = world.source.give(script(&witness.stubborn()));
    witness.sees_somebody().await;
    world
        .source
        .change(|books| books.reply = Some(HeartbeatReply::Lost));
    witness.sees_nobody().await;
    let lives = world
        .source
        .shows(|books| (books.registrations.len() == 2).then(|| books.registrations.clone()))
        .await;
    assert_ne!(lives[0].executor_id, lives[1].executor_id);
    let gate = world.source.give(assignment(Work::NoOp));
    world.source.report_of(gate).await;
    assert!(
        world
            .source
            .books()
            .reports
            .iter()
            .all(|(report, _)| report.lease != lease)
    );
}

#[tokio::test]
async fn an_executor_that_cannot_prolong_its_lease_ends_its_children_before_the_lease_does() {
    let world = World::with(|config| {
        hasty(config);
        config.lease = Duration::from_millis(600);
    });
    let mut witness = Witness::new();
    let lease = world.source.give(script(&witness.stubborn()));
    witness.sees_somebody().await;
    world.source.change(|books| {
        books.deaf_to.insert(Call::Heartbeat);
        books.deaf_to.insert(Call::Exchange);
    });
    witness.sees_nobody().await;
    world.source.change(|books| {
        books.deaf_to.remove(&Call::Heartbeat);
        books.deaf_to.remove(&Call::Exchange);
    });
    let report = world.source.report_of(lease).await;
    assert_eq!(report.outcome, Outcome::Fault);
    assert!(report.message.unwrap().contains("lease"));
    let gate = world.source.give(assignment(Work::NoOp));
    world.source.report_of(gate).await;
}

#[tokio::test]
async fn a_stopping_executor_lets_what_runs_finish() {
    let world = World::with(|config| {
        hasty(config);
        config.drain_grace = Duration::from_mins(10);
    });
    let barrier = Barrier::new();
    let mut witness = Witness::new();
    let text = format!("echo up > {}; {}", witness.path().display(), barrier.wait());
    let lease = world.source.give(script(&text));
    witness.sees_somebody().await;
    world.shutdown.cancel();
    world
        .source
        .shows(|books| books.heartbeats.last().filter(|beat| beat.draining).map(|_| ()))
        .await;
    let waiting = world.source.give(assignment(Work::NoOp));
    barrier.open().await;
    let source = std::sync::Arc::clone(&world.source);
    world.ended().await.unwrap();
    assert_eq!(source.report_of(lease).await.outcome, Outcome::Succeeded);
    let books = source.books();
    assert!(books.reports.iter().all(|(report, _)| report.lease != waiting));
    assert_eq!(books.left, [books.registrations[0].executor_id]);
}

#[tokio::test]
async fn a_stopping_executor_hands_back_what_does_not_finish() {
    let world = World::with(|config| config.drain_grace = Duration::from_millis(50));
    let mut witness = Witness::new();
    let lease = world.source.give(script(&witness.stubborn()));
    witness.sees_somebody().await;
    world.shutdown.cancel();
    let report = world.source.report_of(lease).await;
    assert_eq!(report.outcome, Outcome::Fault);
    assert_eq!(report.message.as_deref(), Some("the executor stopped"));
    witness.sees_nobody().await;
    world.ended().await.unwrap();
}

#[tokio::test]
async fn a_service_that_wants_an_executor_drained_sees_it_leave_when_idle() {
    let world = World::with(hasty);
    world
        .source
        .shows(|books| books.registrations.first().map(|_| ()))
        .await;
    world
        .source
        .change(|books| books.reply = Some(HeartbeatReply::Drain));
    let source = std::sync::Arc::clone(&world.source);
    world.ended().await.unwrap();
    assert_eq!(source.books().left.len(), 1);
}

#[tokio::test]
async fn a_key_that_stays_taken_stops_the_start() {
    let source = std::sync::Arc::new(Source::default());
    source.change(|books| books.key_taken = true);
    let world = World::begin(source, |config| config.lease = Duration::from_millis(10));
    assert!(matches!(world.ended().await, Err(ExecutorError::Refused(_))));
}

#[tokio::test]
async fn two_executors_do_not_share_a_folder() {
    let world = World::new();
    world
        .source
        .shows(|books| books.registrations.first().map(|_| ()))
        .await;
    let folder = world.folder().to_owned();
    let second = World::with(|config| config.data_dir = folder);
    assert!(matches!(second.ended().await, Err(ExecutorError::FolderTaken(_))));
}
