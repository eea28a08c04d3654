//! Schedulers are killed and started without pause while schedules tick, and the programs themselves tell what was run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use waterclock_core::check::Named;
use waterclock_core::command::Author;
use waterclock_core::command::register::New;
use waterclock_core::id::TenantId;
use waterclock_core::registered::Reference;
use waterclock_core::schedule::overlap::Overlap;
use waterclock_core::schedule::preset::Policies;
use waterclock_core::schedule::rule::Rule;
use waterclock_core::schedule::spec::ScheduleProposal;
use waterclock_core::schedule::timing::{Timing, Validity};
use waterclock_core::workflow::{Definition, Work};
use waterclock_tests::binary::RoleProcess;
use waterclock_tests::clockwork::Clockwork;
use waterclock_tests::story::graph;

/// How many schedulers there are, of which one is killed at each tick.
const SCHEDULERS: usize = 5;
/// Among how many tenants the schedules are dealt, so that several schedulers have something to do at once.
const TENANTS: usize = 10;

#[tokio::test]
async fn programs_write_each_tick_of_each_schedule_once_although_schedulers_are_killed() {
    tick(20, 50).await;
}

#[tokio::test]
#[ignore = "twenty thousand programs take minutes; `make show` runs it"]
async fn programs_write_each_of_a_hundred_ticks_of_two_hundred_schedules_once() {
    tick(200, 100).await;
}

/// Lets so many schedules tick so many times, each tick a second of the database's time, and reads what their programs wrote.
async fn tick(schedules: usize, ticks: usize) {
    let clockwork = Clockwork::new().await;
    let world = &clockwork.world;
    let folder = tempfile::tempdir().expect("a folder");
    let told = folder.path().join("told");
    let from = clockwork.now + TimeDelta::hours(1);
    let second = |number: usize| from + TimeDelta::seconds(i64::try_from(number).expect("a few"));
    let timing = Timing {
        validity: Validity {
            from: Some(from),
            until: Some(second(ticks)),
            count: None,
        },
        ..Timing::of(Rule::Interval {
            every_ms: 1_000,
            anchor: from,
        })
    };
    for tenant in 0..TENANTS {
        let tenant = world.tenant(&format!("tenant-{tenant}")).await;
        world.publish(tenant, "tell", &telling(&told)).await;
        for number in 0..schedules / TENANTS {
            schedule(&clockwork, tenant, number, &timing).await;
        }
    }
    world.advance(Duration::from_secs(3_599)).await;

    let mut processes: Vec<RoleProcess> = (0..SCHEDULERS).map(|_| world.role("scheduler", &[])).collect();
    for tick in 0..ticks {
        world.advance(Duration::from_secs(1)).await;
        // One is killed when the first have begun with this tick.
        let begun = format!(
            "SELECT EXISTS (SELECT FROM occurrences WHERE nominal = '{}')",
            second(tick)
        );
        world.until_seen(&begun).await;
        let successor = world.role("scheduler", &[]);
        std::mem::replace(&mut processes[tick % SCHEDULERS], successor)
            .kill()
            .await;
    }
    world.advance(Duration::from_secs(2)).await;
    // Leases last as long as the database's time says, so executors join once it stands still.
    let executors: Vec<RoleProcess> = ["one", "two"]
        .map(|key| world.role("executor", &["--key", key, "--slots", "16"]))
        .into();
    world
        .until_done("SELECT bool_and(state = 'FINISHED') FROM schedule_states")
        .await;
    world
        .until_done("SELECT NOT EXISTS (SELECT FROM runs WHERE finished_at IS NULL)")
        .await;
    drop((processes, executors));

    let written = fs::read_to_string(&told).expect("the programs wrote");
    let mut by_schedule: BTreeMap<&str, Vec<DateTime<Utc>>> = BTreeMap::new();
    for line in written.lines() {
        let (schedule, instant) = line.rsplit_once(' ').expect("a schedule and an instant");
        let instant = instant.parse().expect("an instant");
        by_schedule.entry(schedule).or_default().push(instant);
    }
    assert_eq!(by_schedule.len(), schedules);
    let expected: Vec<DateTime<Utc>> = (0..ticks).map(second).collect();
    for (schedule, mut instants) in by_schedule {
        instants.sort_unstable();
        assert_eq!(instants, expected, "of {schedule}");
    }
}

/// A workflow whose program writes down which occurrence of whom it is for.
fn telling(told: &Path) -> Definition {
    let program = serde_json::json!({
        "key": "tell", "runtime": "EXEC",
        "command": ["/bin/sh", "-c", format!("echo \"$1 $2 $3\" >> {}", told.display()), "tell"],
        "arguments": ["${tenant}", "${inputs.schedule}", "${inputs.instant}"],
    });
    let mut definition = graph("tell");
    definition.nodes[0].work = Work::Program(serde_json::from_value(program).expect("a program"));
    definition
}

async fn schedule(clockwork: &Clockwork, tenant: TenantId, number: usize, timing: &Timing) {
    let input = |name: &str, value: &str| Named {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let policies = Policies {
        overlap: Overlap::Allow,
        grace_ms: 3_600_000,
        ..Policies::default()
    };
    let proposal = ScheduleProposal {
        workflow: Reference::Key("tell".to_owned()),
        computed_inputs: vec![
            input("schedule", "occurrence.schedule"),
            input("instant", "string(occurrence.instant)"),
        ],
        ..Clockwork::proposal(timing.clone(), policies)
    };
    let new = New {
        key: format!("s{number}"),
        description: String::new(),
        proposal,
        idempotency_key: None,
    };
    let author = Author {
        tenant,
        ..clockwork.author()
    };
    let made = clockwork.editor.create(&author, &new, true).await;
    made.expect("the schedule is taken");
}
