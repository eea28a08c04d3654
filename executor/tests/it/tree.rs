//! Stopped means gone: grandchildren, orphans, whoever ignores TERM.

use std::collections::BTreeMap;

use waterclock_core::run::Outcome;
use waterclock_core::work::{LogLine, LogStream};
use waterclock_core::workflow::Runtime;

use crate::source::World;
use crate::witness::Witness;
use crate::work::{script, with_node, with_program};

/// Both ways of holding a tree. Where no cgroup may be made, both are the subreaper.
fn worlds() -> [World; 2] {
    [true, false].map(|use_cgroups| World::with(|config| config.use_cgroups = use_cgroups))
}

#[tokio::test]
async fn cancelling_asks_first_and_a_program_may_end_in_its_own_way() {
    for world in worlds() {
        let mut witness = Witness::new();
        // A shell would do but for the moment after a fork, in which its child still has the trap.
        let text = format!(
            "import os, signal, sys, time\n\
             def caught(*_): print('caught'); sys.exit(5)\n\
             signal.signal(signal.SIGTERM, caught)\n\
             os.write(os.open('{}', os.O_WRONLY), b'up\\n')\n\
             while True: time.sleep(1000)\n",
            witness.path().display()
        );
        let given = with_program(script(""), |program| {
            program.runtime = Runtime::Python;
            program.entry_point = Some("main.py".into());
            program.files = BTreeMap::from([("main.py".into(), text)]);
        });
        let lease = world.source.give(given);
        witness.sees_somebody().await;
        world.source.cancel(lease);
        let report = world.source.report_of(lease).await;
        assert_eq!((report.outcome, report.exit_code), (Outcome::Cancelled, Some(5)));
        assert_eq!(world.source.printed(lease, LogStream::Stdout), ["caught"]);
        let remarks = world.source.printed(lease, LogStream::System);
        assert!(
            remarks
                .last()
                .unwrap()
                .starts_with("sent TERM: stopped because its run was cancelled")
        );
    }
}

#[tokio::test]
async fn cancelling_kills_the_whole_tree_once_the_grace_is_over() {
    for world in worlds() {
        let (mut witness, mut orphan) = (Witness::new(), Witness::new());
        let text = format!("{}; {}", orphan.stubborn_orphan(), witness.stubborn());
        let lease = world
            .source
            .give(with_node(script(&text), |node| node.grace_ms = 50));
        witness.sees_somebody().await;
        orphan.sees_somebody().await;
        world.source.cancel(lease);
        let report = world.source.report_of(lease).await;
        assert_eq!(report.outcome, Outcome::Cancelled);
        witness.sees_nobody().await;
        orphan.sees_nobody().await;
        let remarks = world.source.printed(lease, LogStream::System);
        assert!(remarks.last().unwrap().starts_with("sent KILL"), "{remarks:?}");
    }
}

#[tokio::test]
async fn terminating_kills_the_whole_tree_without_asking_first() {
    for world in worlds() {
        let (mut witness, mut orphan) = (Witness::new(), Witness::new());
        let text = format!("{}; {}", orphan.stubborn_orphan(), witness.stubborn());
        let lease = world.source.give(script(&text));
        witness.sees_somebody().await;
        orphan.sees_somebody().await;
        world.source.terminate(lease);
        let report = world.source.report_of(lease).await;
        assert_eq!(report.outcome, Outcome::Cancelled);
        witness.sees_nobody().await;
        orphan.sees_nobody().await;
        let remarks = world.source.printed(lease, LogStream::System);
        assert_eq!(remarks[1..], ["sent KILL: its run was terminated"]);
    }
}

#[tokio::test]
async fn terminating_ends_the_grace_of_a_cancel() {
    for world in worlds() {
        let mut witness = Witness::new();
        let lease = world.source.give(script(&witness.stubborn()));
        witness.sees_somebody().await;
        world.source.cancel(lease);
        let asked = |line: &LogLine| line.text.starts_with("sent TERM");
        world
            .source
            .shows(|books| books.log.iter().any(asked).then_some(()))
            .await;
        world.source.terminate(lease);
        assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Cancelled);
        witness.sees_nobody().await;
        let remarks = world.source.printed(lease, LogStream::System);
        assert_eq!(remarks[2..], ["sent KILL: its run was terminated"]);
    }
}

#[tokio::test]
async fn a_timeout_kills_the_whole_tree() {
    for world in worlds() {
        let orphan = Witness::new();
        let text = format!("{}; sleep 1000", orphan.stubborn_orphan());
        let given = with_node(script(&text), |node| {
            node.timeout_ms = Some(300);
            node.grace_ms = 20;
        });
        let report = world.perform(given).await;
        assert_eq!(report.outcome, Outcome::TimedOut);
        assert!(report.message.unwrap().contains("300ms"));
        orphan.sees_nobody().await;
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_killed_after_it() {
    for world in worlds() {
        let mut orphan = Witness::new();
        // It holds the program's output open, too.
        let text = format!(
            "( setsid sh -c 'trap \"\" TERM; echo up > {0}; exec 9> {0}; while :; do sleep 1000; done' & )",
            orphan.path().display()
        );
        let lease = world.source.give(script(&text));
        orphan.sees_somebody().await;
        let report = world.source.report_of(lease).await;
        assert_eq!((report.outcome, report.exit_code), (Outcome::Succeeded, Some(0)));
        orphan.sees_nobody().await;
    }
}

#[tokio::test]
async fn a_tree_that_keeps_forking_is_killed_too() {
    for world in worlds() {
        let mut witness = Witness::new();
        let text = format!(
            "exec > {}; echo up; f() {{ trap '' TERM; ( setsid sh -c 'sleep 1000' & ); }}; \
             trap '' TERM; i=0; while :; do i=$((i+1)); [ $i -lt 200 ] && f; done",
            witness.path().display()
        );
        let lease = world
            .source
            .give(with_node(script(&text), |node| node.grace_ms = 0));
        witness.sees_somebody().await;
        world.source.cancel(lease);
        assert_eq!(world.source.report_of(lease).await.outcome, Outcome::Cancelled);
        witness.sees_nobody().await;
    }
}

#[tokio::test]
async fn killing_the_keeper_kills_the_program_and_is_a_fault() {
    for world in worlds() {
        let mut witness = Witness::new();
        let text = format!(
            "exec > {}; echo up; kill -9 $PPID; sleep 1000",
            witness.path().display()
        );
        let lease = world.source.give(script(&text));
        witness.sees_somebody().await;
        let report = world.source.report_of(lease).await;
        assert_eq!(report.outcome, Outcome::Fault);
        witness.sees_nobody().await;
    }
}
