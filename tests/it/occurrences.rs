//! What becomes of occurrences, with time that the tests move.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use waterclock_core::command::Author;
use waterclock_core::command::edit_schedule::{ScheduleEditor, Steer};
use waterclock_core::command::register::New;
use waterclock_core::id::TenantId;
use waterclock_core::registered::Reference;
use waterclock_core::schedule::catch_up::CatchUp;
use waterclock_core::schedule::overlap::Overlap;
use waterclock_core::schedule::preset::Policies;
use waterclock_core::schedule::rule::Rule;
use waterclock_core::schedule::spec::{Schedule, ScheduleProposal};
use waterclock_core::schedule::timing::Timing;
use waterclock_tests::world::SUBJECT;
use waterclock_tests::{World, graph};

/// The present, by the database's clock.
async fn now(world: &World) -> DateTime<Utc> {
    let text: String = world
        .value(
            "SELECT to_char(present() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            &[],
        )
        .await;
    text.parse().expect("an instant")
}

const HOUR: Duration = Duration::from_hours(1);

struct Clockwork {
    world: World,
    tenant: TenantId,
    editor: ScheduleEditor,
    now: DateTime<Utc>,
}

impl Clockwork {
    /// A world with a workflow of one node that nobody runs.
    async fn new() -> Self {
        let world = World::new().await;
        let tenant = world.tenant("acme").await;
        world.publish(tenant, "report", &graph("only")).await;
        Self {
            editor: ScheduleEditor::new(world.api.clone(), world.signals.clone()),
            now: now(&world).await,
            tenant,
            world,
        }
    }

    fn author(&self) -> Author {
        Author {
            tenant: self.tenant,
            subject: SUBJECT.into(),
        }
    }

    /// Every hour from now on, a minute past it.
    fn hourly(&self) -> Timing {
        Timing::of(Rule::Interval {
            every_ms: 3_600_000,
            anchor: self.now + TimeDelta::minutes(1),
        })
    }

    async fn schedule(&self, key: &str, timing: Timing, policies: Policies) -> Schedule {
        let new = New {
            key: key.to_owned(),
            description: String::new(),
            proposal: ScheduleProposal {
                workflow: Reference::Key("report".to_owned()),
                timing,
                policies,
                inputs: Map::new(),
                computed_inputs: Vec::new(),
                priority: None,
                overlap_key: None,
                pause_after_failures: None,
            },
            idempotency_key: None,
        };
        self.editor
            .create(&self.author(), &new, true)
            .await
            .expect("the schedule is taken")
    }

    /// Waits until nothing of any schedule is due.
    async fn until_settled(&self) {
        self.world
            .until_seen("SELECT NOT EXISTS (SELECT FROM schedule_states WHERE next_due <= present())")
            .await;
    }

    /// What became of the occurrences, the oldest first.
    async fn outcomes(&self, schedule: &Schedule) -> Vec<String> {
        self.world
            .column(
                "SELECT outcome FROM occurrences WHERE schedule_id = $1::text::uuid ORDER BY nominal",
                &[&schedule.id.to_string()],
            )
            .await
    }
}

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
