//! A world with schedules, whose time a test moves.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Map;
use waterclock_core::command::Author;
use waterclock_core::command::edit_schedule::ScheduleEditor;
use waterclock_core::command::register::New;
use waterclock_core::id::TenantId;
use waterclock_core::registered::Reference;
use waterclock_core::schedule::preset::Policies;
use waterclock_core::schedule::rule::Rule;
use waterclock_core::schedule::spec::{Schedule, ScheduleProposal};
use waterclock_core::schedule::timing::Timing;

use crate::story::graph;
use crate::world::{SUBJECT, World};

/// An hour.
pub const HOUR: Duration = Duration::from_hours(1);

/// A tenant with the workflow `report` of one node, and somebody who keeps its schedules.
pub struct Clockwork {
    /// Where everything is.
    pub world: World,
    /// The tenant.
    pub tenant: TenantId,
    /// Keeps its schedules.
    pub editor: ScheduleEditor,
    /// The instant at which the test began.
    pub now: DateTime<Utc>,
}

impl Clockwork {
    /// A world whose workflow nobody runs.
    pub async fn new() -> Self {
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

    /// Whoever keeps the schedules.
    #[must_use]
    pub fn author(&self) -> Author {
        Author {
            tenant: self.tenant,
            subject: SUBJECT.into(),
        }
    }

    /// Every hour from now on, a minute past it.
    #[must_use]
    pub fn hourly(&self) -> Timing {
        Timing::of(Rule::Interval {
            every_ms: 3_600_000,
            anchor: self.now + TimeDelta::minutes(1),
        })
    }

    /// A schedule of `report` with nothing special about it.
    #[must_use]
    pub fn proposal(timing: Timing, policies: Policies) -> ScheduleProposal {
        ScheduleProposal {
            workflow: Reference::Key("report".to_owned()),
            timing,
            policies,
            inputs: Map::new(),
            computed_inputs: Vec::new(),
            priority: None,
            overlap_key: None,
            pause_after_failures: None,
        }
    }

    /// Makes and starts one.
    pub async fn schedule(&self, key: &str, timing: Timing, policies: Policies) -> Schedule {
        self.create(key, Self::proposal(timing, policies)).await
    }

    /// Makes and starts a schedule.
    pub async fn create(&self, key: &str, proposal: ScheduleProposal) -> Schedule {
        let new = New {
            key: key.to_owned(),
            description: String::new(),
            proposal,
            idempotency_key: None,
        };
        self.editor
            .create(&self.author(), &new, true)
            .await
            .expect("the schedule is taken")
    }

    /// Moves time and waits until what is due then is settled.
    pub async fn pass(&self, step: Duration) {
        self.world.advance(step).await;
        self.until_settled().await;
    }

    /// Waits until nothing of any schedule is due.
    pub async fn until_settled(&self) {
        self.world
            .until_seen("SELECT NOT EXISTS (SELECT FROM schedule_states WHERE next_due <= present())")
            .await;
    }

    /// Cancels the only run that has not ended.
    pub async fn cancel_the_run(&self) {
        let run: String = self
            .world
            .value("SELECT id::text FROM runs WHERE finished_at IS NULL", &[])
            .await;
        self.world
            .cancel(self.tenant, run.parse().expect("an id"))
            .await
            .expect("it is cancelled");
    }

    /// What became of the occurrences, the oldest first.
    pub async fn outcomes(&self, schedule: &Schedule) -> Vec<String> {
        self.world
            .column(
                "SELECT outcome FROM occurrences WHERE schedule_id = $1::text::uuid ORDER BY nominal",
                &[&schedule.id.to_string()],
            )
            .await
    }
}

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
