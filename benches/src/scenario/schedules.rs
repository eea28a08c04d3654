//! How late the runs of schedules are, how long many take that are due together, and what schedules cost that are not due.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use super::NOBODY;
use crate::definitions;
use crate::figures::{Sample, millis_of_micros, now_micros};
use crate::floor::Floor;
use crate::machine::ProcessorTime;
use crate::profile::Profile;
use crate::session::Session;
use crate::stack::{Stack, TENANT};
use crate::table::{Aim, Row, Unit};

const WORKFLOW: &str = "scheduled";
/// How far ahead the first instant lies, so that everything is there before it.
const AHEAD: Duration = Duration::from_secs(4);
/// How long after the last instant a run may come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Comes before every id.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Writes schedules of the tenant that are due once each, as many as $1, $2 microseconds apart from the instant $3 on.
const WRITE: &str = r#"
    WITH given AS (
        SELECT
            t.id AS tenant_id, gen_random_uuid() AS id, w.id AS workflow_id, n,
            to_timestamp($3::bigint / 1e6) + n * $2::bigint * interval '1 microsecond' AS due
        FROM generate_series(0, $1::bigint - 1) AS n, tenants AS t JOIN workflows AS w ON w.tenant_id = t.id
        WHERE t.key = $4 AND w.key = $5
    ),
    written AS (
        INSERT INTO schedules (tenant_id, id, key, workflow_id, calendars, spec)
        SELECT
            tenant_id, id, 's' || id, workflow_id, '{}',
            jsonb_build_object(
                'timing', jsonb_build_object('rule', jsonb_build_object(
                    'kind', 'AT',
                    'instants', jsonb_build_array(to_char(due AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))),
                'policies', '{"overlap": {"kind": "ALLOW"}}'::jsonb)
        FROM given
    )
    INSERT INTO schedule_states (tenant_id, schedule_id, partition, state, changed_at, settled_until, next_due)
    SELECT tenant_id, id, get_byte(uuid_send(tenant_id), 15) % 64, 'ACTIVE', present(), present(), due
    FROM given"#;

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start(session).await?;
    let floor = Floor::beneath(&stack).await?;
    stack
        .define(&[definitions::no_op(), definitions::single(WORKFLOW, Some(NOBODY))])
        .await?;
    let database = stack.database().await?;
    let mut half =
        Row::new("schedules, 1,000 a second, lateness p50", Unit::Millis).with_aim(Aim::AtMost(10.0));
    let mut most = Row::new("schedules, 1,000 a second, lateness p99", Unit::Millis)
        .with_aim(Aim::AtMost(50.0))
        .above("one-row commits, 1,000 a second, p99");
    let mut together =
        Row::new("schedules, 5,000 at once, all runs", Unit::Millis).with_aim(Aim::AtMost(2_000.0));
    let mut idle =
        Row::new("schedules, 100,000 not due, of a core", Unit::PercentOfACore).with_aim(Aim::AtMost(1.0));
    for _ in 0..session.rounds {
        let profile = Profile::begin(&stack).await?;
        let apart = session.amount(1_000, 200);
        let lateness = lateness(&database, apart, 1_000).await?;
        half.remark(profile.tell(apart).await?);
        half.add(lateness.median());
        most.add(lateness.percentile(99));
        most.add_floor(
            floor
                .paced_commits(1_000, session.amount(1_000, 200))
                .await?
                .percentile(99),
        );
        together.add(
            self::lateness(&database, session.amount(5_000, 500), 0)
                .await?
                .highest(),
        );
    }
    let far = now_micros() + 86_400_000_000;
    let many = session.amount(100_000, 5_000);
    write(&database, many, 1_000, far).await?;
    sleep(session.amount(Duration::from_secs(10), Duration::from_secs(1))).await;
    for _ in 0..session.rounds {
        let (before, begun) = (ProcessorTime::until_now(), Instant::now());
        sleep(session.amount(Duration::from_secs(20), Duration::from_secs(5))).await;
        let used = ProcessorTime::until_now().since(before).waterclock;
        idle.add(used / begun.elapsed().as_secs_f64() * 100.0);
    }
    Ok(vec![half, most, together, idle])
}

/// How long after their instants the runs of `count` schedules were there to be read, in milliseconds. A run counts as there when
/// another connection has seen it, so the figure holds the commit and one look too many.
///
/// Occurrences are looked for by their ids, which rise as they are recorded, so that looking costs the same however many there are.
async fn lateness(database: &Client, count: usize, apart: i64) -> anyhow::Result<Sample> {
    let begun = Instant::now();
    let first = now_micros() + i64::try_from(AHEAD.as_micros())?;
    write(database, count, apart, first).await?;
    ensure!(begun.elapsed() < AHEAD, "the schedules were not written in time");
    let seen = database
        .prepare(
            "SELECT id::text, (extract(epoch FROM due) * 1e6)::bigint
             FROM occurrences
             WHERE tenant_id = (SELECT id FROM tenants WHERE key = $1) AND id > $2::text::uuid AND outcome = 'FIRED'
             ORDER BY id",
        )
        .await?;
    let mut last: String = database
        .query_one("SELECT coalesce(max(id::text), $1) FROM occurrences", &[&NO_ID])
        .await?
        .get(0);
    let mut sample = Sample::default();
    let mut known = 0;
    while known < count {
        ensure!(
            begun.elapsed() < AHEAD + PATIENCE,
            "{known} of {count} runs were started"
        );
        let rows = database.query(&seen, &[&TENANT, &last]).await?;
        let now = now_micros();
        for row in &rows {
            sample.add(millis_of_micros(now - row.get::<_, i64>(1)));
        }
        known += rows.len();
        match rows.last() {
            Some(row) => last = row.get(0),
            None => sleep(Duration::from_millis(1)).await,
        }
    }
    Ok(sample)
}

async fn write(database: &Client, count: usize, apart: i64, first: i64) -> anyhow::Result<()> {
    let count = i64::try_from(count)?;
    database
        .execute(WRITE, &[&count, &apart, &first, &TENANT, &WORKFLOW])
        .await?;
    Ok(())
}
