//! What becomes of occurrences, with time that the tests move.

use std::time::Duration;

use chrono::{TimeDelta, Weekday};
use serde_json::{Map, Value, json};
use waterclock_core::check::Named;
use waterclock_core::command::edit_schedule::Steer;
use waterclock_core::command::register::New;
use waterclock_core::command::revise::Edit;
use waterclock_core::command::trigger_now::TriggerNow;
use waterclock_core::metrics::Metrics;
use waterclock_core::run::Outcome;
use waterclock_core::schedule::calendar::{CalendarDefinition, Selection};
use waterclock_core::schedule::catch_up::CatchUp;
use waterclock_core::schedule::overlap::Overlap;
use waterclock_core::schedule::preset::Policies;
use waterclock_core::schedule::rule::Rule;
use waterclock_core::schedule::spec::ScheduleProposal;
use waterclock_core::schedule::timing::{Timing, Validity};
use waterclock_tests::clockwork::{Clockwork, HOUR};
use waterclock_tests::world::{Process, Running};

#[tokio::test]
async fn an_occurrence_becomes_a_row_and_a_run_at_its_instant() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let schedule = clockwork
        .schedule("hourly", clockwork.hourly(), Policies::default())
        .await;
    clockwork.until_settled().await;
    assert_eq!(clockwork.outcomes(&schedule).await, [""; 0]);
    clockwork.world.advance(Duration::from_mins(1)).await;
    clockwork.until_settled().await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED"]);
    let told: String = clockwork
        .world
        .value(
            "SELECT jsonb_build_object('trigger', r.trigger, 'by', r.started_by, 'same', r.id = o.run_id,
                'instant', r.occurrence ->> 'instant' IS NOT NULL, 'early', r.created_at < o.due)::text
             FROM runs AS r JOIN occurrences AS o ON o.tenant_id = r.tenant_id",
            &[],
        )
        .await;
    assert_eq!(
        told.parse::<Value>().expect("JSON"),
        json!({"trigger": "SCHEDULE", "by": "schedule:hourly", "same": true, "instant": true, "early": false})
    );
}

#[tokio::test]
async fn after_six_hours_without_a_scheduler_each_policy_yields_what_it_says() {
    let clockwork = Clockwork::new().await;
    let scheduler = clockwork.world.scheduler();
    let policies = |catch_up, overlap| Policies {
        catch_up,
        overlap,
        ..Policies::default()
    };
    let all = CatchUp::All {
        max_runs: 3,
        window_ms: 86_400_000,
    };
    let mut hourly = Vec::new();
    for (key, policy) in [
        ("none", policies(CatchUp::None, Overlap::Allow)),
        ("latest", policies(CatchUp::Latest, Overlap::Allow)),
        ("all", policies(all, Overlap::Allow)),
        ("all-skip", policies(all, Overlap::Skip)),
        ("all-queue", policies(all, Overlap::QueueOne)),
    ] {
        hourly.push(clockwork.schedule(key, clockwork.hourly(), policy).await);
    }
    clockwork.until_settled().await;
    scheduler.stop().await;
    clockwork.world.advance(6 * HOUR).await;
    let _scheduler = clockwork.world.scheduler();
    clockwork.until_settled().await;
    let mut told = Vec::new();
    for schedule in &hourly {
        told.push(format!(
            "{}: {}",
            schedule.key,
            clockwork.outcomes(schedule).await.join(" ")
        ));
    }
    assert_eq!(
        told,
        [
            "none: MISSED MISSED MISSED MISSED MISSED MISSED",
            "latest: MISSED MISSED MISSED MISSED MISSED FIRED",
            "all: MISSED MISSED MISSED FIRED FIRED FIRED",
            "all-skip: MISSED MISSED MISSED FIRED SKIPPED_OVERLAP SKIPPED_OVERLAP",
            "all-queue: MISSED MISSED MISSED FIRED WAITING COALESCED",
        ]
    );
}

#[tokio::test]
async fn what_waits_starts_when_the_run_before_it_has_ended() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let schedule = clockwork
        .schedule("hourly", clockwork.hourly(), Policies::default())
        .await;
    clockwork.world.advance(Duration::from_mins(1)).await;
    clockwork.until_settled().await;
    clockwork.world.advance(HOUR).await;
    clockwork.until_settled().await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "WAITING"]);
    let run: String = clockwork
        .world
        .value(
            "SELECT run_id::text FROM occurrences WHERE run_id IS NOT NULL",
            &[],
        )
        .await;
    clockwork
        .world
        .cancel(clockwork.tenant, run.parse().expect("an id"))
        .await
        .expect("it is cancelled");
    clockwork
        .world
        .until_true("SELECT count(*) = 2 FROM runs WHERE trigger = 'SCHEDULE'")
        .await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "FIRED"]);
}

#[tokio::test]
async fn a_paused_schedule_records_and_starts_nothing_and_catches_nothing_up_when_it_goes_on() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let schedule = clockwork
        .schedule("hourly", clockwork.hourly(), Policies::default())
        .await;
    let steer = async |steer| {
        clockwork
            .editor
            .steer(&clockwork.author(), schedule.id, steer, None)
            .await
            .expect("it is steered");
    };
    steer(Steer::Pause).await;
    clockwork.world.advance(3 * HOUR).await;
    clockwork.until_settled().await;
    steer(Steer::Resume).await;
    clockwork.until_settled().await;
    assert_eq!(
        clockwork.outcomes(&schedule).await,
        ["PAUSED", "PAUSED", "PAUSED"]
    );
    clockwork.world.advance(HOUR).await;
    clockwork.until_settled().await;
    assert_eq!(
        clockwork.outcomes(&schedule).await,
        ["PAUSED", "PAUSED", "PAUSED", "FIRED"]
    );
}

#[tokio::test]
async fn an_edit_settles_by_the_old_rule_and_fires_nothing_of_the_past() {
    let clockwork = Clockwork::new().await;
    let scheduler = clockwork.world.scheduler();
    let schedule = clockwork
        .schedule("hourly", clockwork.hourly(), Policies::default())
        .await;
    clockwork.until_settled().await;
    scheduler.stop().await;
    clockwork.world.advance(2 * HOUR).await;
    // By the old rule, two occurrences are due; the new one has had sixty times as many.
    let every_minute = Timing::of(Rule::Interval {
        every_ms: 60_000,
        anchor: clockwork.now + TimeDelta::seconds(30),
    });
    let edit = Edit {
        id: schedule.id,
        expected_revision: 1,
        description: String::new(),
        proposal: Clockwork::proposal(every_minute, Policies::default()),
    };
    let edited = clockwork.editor.update(&clockwork.author(), &edit).await;
    assert_eq!(edited.expect("the edit is taken").revision, 2);
    assert_eq!(clockwork.outcomes(&schedule).await, ["MISSED", "FIRED"]);
    let _scheduler = clockwork.world.scheduler();
    clockwork.until_settled().await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["MISSED", "FIRED"]);
    clockwork.pass(Duration::from_mins(1)).await;
    assert_eq!(
        clockwork.outcomes(&schedule).await,
        ["MISSED", "FIRED", "WAITING"]
    );
}

#[tokio::test]
async fn a_run_that_is_to_make_way_is_stopped_before_the_next_starts() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let replacing = Policies {
        overlap: Overlap::CancelRunning,
        ..Policies::default()
    };
    let schedule = clockwork.schedule("hourly", clockwork.hourly(), replacing).await;
    clockwork.pass(Duration::from_mins(1)).await;
    clockwork.world.advance(HOUR).await;
    clockwork
        .world
        .until_seen("SELECT count(*) = 2 FROM runs WHERE trigger = 'SCHEDULE'")
        .await;
    let states: Vec<String> = clockwork
        .world
        .column(
            "SELECT state || coalesce(': ' || state_reason, '') FROM runs ORDER BY id",
            &[],
        )
        .await;
    assert_eq!(
        states,
        [
            "CANCELLED: cancelled by schedule:hourly: the next occurrence is due",
            "QUEUED"
        ]
    );
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "FIRED"]);
}

#[tokio::test]
async fn what_waits_longer_than_its_start_deadline_expires() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let impatient = Policies {
        start_deadline_ms: Some(600_000),
        ..Policies::default()
    };
    let schedule = clockwork.schedule("hourly", clockwork.hourly(), impatient).await;
    clockwork.pass(Duration::from_mins(1)).await;
    clockwork.pass(HOUR).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "WAITING"]);
    clockwork.pass(Duration::from_mins(11)).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "EXPIRED"]);
}

#[tokio::test]
async fn a_fixed_delay_is_counted_from_the_end_of_the_run_before() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let delay = Timing::of(Rule::FixedDelay { delay_ms: 600_000 });
    let schedule = clockwork.schedule("after", delay, Policies::default()).await;
    clockwork.until_settled().await;
    clockwork.pass(Duration::from_mins(10)).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED"]);
    clockwork.pass(HOUR).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED"]);
    clockwork.cancel_the_run().await;
    clockwork
        .world
        .until_seen("SELECT coalesce(next_due = follows + interval '10 minutes', false) FROM schedule_states")
        .await;
    clockwork.pass(Duration::from_mins(10)).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "FIRED"]);
}

#[tokio::test]
async fn a_schedule_whose_runs_fail_in_a_row_pauses_and_says_why() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let fragile = ScheduleProposal {
        pause_after_failures: Some(2),
        ..Clockwork::proposal(clockwork.hourly(), Policies::default())
    };
    clockwork.create("hourly", fragile).await;
    for (step, key) in [(Duration::from_mins(1), "one"), (HOUR, "two")] {
        clockwork.pass(step).await;
        // Whoever was here before has lost its lease on the way, and keeps its key until somebody notices.
        let executor = clockwork.world.executor(key).join().await;
        let work = executor.wait_for_one().await;
        executor.report(&work, Outcome::Failed).await;
        clockwork.world.until_all_ended().await;
    }
    clockwork
        .world
        .until_seen("SELECT state = 'PAUSED' FROM schedule_states")
        .await;
    let reason: String = clockwork
        .world
        .value("SELECT state_reason FROM schedule_states", &[])
        .await;
    assert_eq!(reason, "2 runs in a row ended without success");
}

#[tokio::test]
async fn an_occurrence_that_somebody_asks_for_is_one_of_its_own() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let computing = ScheduleProposal {
        inputs: Map::from_iter([("region".to_owned(), json!("north"))]),
        computed_inputs: vec![Named {
            name: "day".to_owned(),
            value: "occurrence.date".to_owned(),
        }],
        ..Clockwork::proposal(clockwork.hourly(), Policies::default())
    };
    let schedule = clockwork.create("hourly", computing).await;
    clockwork.until_settled().await;
    let now = TriggerNow {
        schedule: schedule.id,
        inputs: Map::from_iter([("region".to_owned(), json!("south"))]),
        idempotency_key: Some("once".to_owned()),
    };
    let (editor, author) = (&clockwork.editor, clockwork.author());
    let started = editor.trigger(&author, &now).await.expect("it is started");
    let again = editor.trigger(&author, &now).await.expect("it was started");
    assert_eq!(again, started, "a call that is made again starts nothing");
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED"]);
    let same: bool = clockwork
        .world
        .value(
            "SELECT inputs = jsonb_build_object('region', 'south', 'day', (present() AT TIME ZONE 'UTC')::date::text) FROM runs",
            &[],
        )
        .await;
    assert!(
        same,
        "the run is given what was computed, and what the caller said"
    );
    // The rule's own occurrence meets it like any other run of the schedule.
    clockwork.pass(Duration::from_mins(1)).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "WAITING"]);
}

#[tokio::test]
async fn a_calendar_that_is_edited_holds_for_what_is_due_from_then_on() {
    let clockwork = Clockwork::new().await;
    let _scheduler = clockwork.world.scheduler();
    let every_day = CalendarDefinition {
        working_weekdays: vec![
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ],
        ..CalendarDefinition::default()
    };
    let new = New {
        key: "office".to_owned(),
        description: String::new(),
        proposal: every_day.clone(),
        idempotency_key: None,
    };
    let calendar = clockwork
        .editor
        .create_calendar(&clockwork.author(), &new)
        .await
        .expect("a calendar");
    let timing = Timing {
        calendar: Some(Selection::Named("office".to_owned())),
        ..clockwork.hourly()
    };
    let policies = Policies {
        overlap: Overlap::Allow,
        ..Policies::default()
    };
    let schedule = clockwork.schedule("hourly", timing, policies).await;
    clockwork.pass(Duration::from_mins(1)).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED"]);
    let edit = Edit {
        id: calendar.id,
        expected_revision: 1,
        description: String::new(),
        proposal: CalendarDefinition {
            working_weekdays: Vec::new(),
            ..every_day
        },
    };
    clockwork
        .editor
        .update_calendar(&clockwork.author(), &edit)
        .await
        .expect("the edit is taken");
    clockwork.pass(HOUR).await;
    assert_eq!(clockwork.outcomes(&schedule).await, ["FIRED", "SKIPPED_CALENDAR"]);
    let refused = clockwork
        .editor
        .delete_calendar(&clockwork.author(), calendar.id, 2)
        .await;
    assert!(refused.is_err(), "a schedule keeps to it");
}

#[tokio::test]
async fn of_five_schedulers_that_die_and_come_back_none_misses_or_doubles_an_occurrence() {
    const SCHEDULES: usize = 20;
    const TICKS: usize = 30;
    let clockwork = Clockwork::new().await;
    let every_second = Timing::of(Rule::Interval {
        every_ms: 1_000,
        anchor: clockwork.now + TimeDelta::hours(1),
    });
    let together = Policies {
        overlap: Overlap::Allow,
        grace_ms: 3_600_000,
        ..Policies::default()
    };
    let from = clockwork.now + TimeDelta::hours(1);
    let timing = Timing {
        validity: Validity {
            from: Some(from),
            until: Some(from + TimeDelta::seconds(i64::try_from(TICKS).expect("a few"))),
            count: None,
        },
        ..every_second
    };
    for number in 0..SCHEDULES {
        clockwork
            .schedule(&format!("s{number}"), timing.clone(), together)
            .await;
    }
    let processes: Vec<Process> = (0..5).map(|_| clockwork.world.process()).collect();
    let mut running: Vec<Running> = processes.iter().map(Process::scheduler).collect();
    clockwork.world.advance(Duration::from_secs(3_599)).await;
    for tick in 0..TICKS {
        clockwork.world.advance(Duration::from_secs(1)).await;
        let place = tick % processes.len();
        let successor = processes[place].scheduler();
        std::mem::replace(&mut running[place], successor).kill().await;
    }
    clockwork.world.advance(Duration::from_secs(10)).await;
    clockwork
        .world
        .until_seen("SELECT bool_and(state = 'FINISHED') FROM schedule_states")
        .await;
    let told: String = clockwork
        .world
        .value(
            "SELECT format('%s occurrences, %s fired, %s runs, %s of them named', count(*),
                count(*) FILTER (WHERE outcome = 'FIRED'), (SELECT count(*) FROM runs), count(DISTINCT run_id))
             FROM occurrences",
            &[],
        )
        .await;
    let all = SCHEDULES * TICKS;
    assert_eq!(
        told,
        format!("{all} occurrences, {all} fired, {all} runs, {all} of them named")
    );
}

/// Asked of partitions in which nothing waits, `greatest` and its like would answer that something is due now, and a scheduler
/// would never sleep.
#[tokio::test]
async fn partitions_in_which_no_schedule_waits_are_not_looked_at_again() {
    const SURVEY: &str = include_str!("../../core/src/store/sql/survey_partitions.sql");
    let clockwork = Clockwork::new().await;
    let partitions: Vec<i16> = (0..64).collect();
    let due = async || {
        let rows = clockwork
            .world
            .sql
            .query(SURVEY, &[&partitions])
            .await
            .expect("rows");
        let due = rows
            .iter()
            .filter_map(|row| row.get::<_, Option<i64>>("schedule_in"));
        due.collect::<Vec<_>>()
    };
    assert_eq!(due().await, [0; 0]);
    let schedule = clockwork
        .schedule("hourly", clockwork.hourly(), Policies::default())
        .await;
    assert_eq!(due().await, [0], "a new schedule is looked at at once");
    let scheduler = clockwork.world.scheduler();
    clockwork.until_settled().await;
    scheduler.stop().await;
    let waits = due().await;
    assert!(matches!(waits[..], [1..=60_000_000]), "{waits:?} µs");
    clockwork
        .editor
        .steer(&clockwork.author(), schedule.id, Steer::Stop, None)
        .await
        .expect("it is stopped");
    assert_eq!(due().await, [0; 0]);
}

#[tokio::test]
async fn how_late_occurrences_are_started_is_measured() {
    let clockwork = Clockwork::new().await;
    let metrics = Metrics::new();
    let _scheduler = clockwork.world.measured_scheduler(metrics.clone());
    clockwork
        .schedule("hourly", clockwork.hourly(), Policies::default())
        .await;
    clockwork.until_settled().await;
    // Two minutes after its instant, and some time that the test takes.
    clockwork.pass(Duration::from_mins(3)).await;
    clockwork
        .world
        .until("it is measured", async || {
            metrics.lateness.get_sample_count() == 1
        })
        .await;
    let late = metrics.lateness.get_sample_sum();
    assert!((120.0..180.0).contains(&late), "{late} s");
}
