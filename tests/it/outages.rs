//! Nobody schedules for six hours, and then everything is settled at once: a thousand schedules of each policy.

use waterclock_core::schedule::catch_up::CatchUp;
use waterclock_core::schedule::overlap::Overlap;
use waterclock_core::schedule::preset::Policies;
use waterclock_tests::World;
use waterclock_tests::clockwork::{Clockwork, HOUR};

/// How many schedules there are of each policy.
const EACH: i32 = 1_000;

/// Policies, and what becomes under each of six hourly occurrences that come due while nobody looks. The last of them was due 59 minutes
/// ago, and no run ends.
fn policies() -> [(&'static str, Policies, &'static str); 11] {
    let of = |catch_up, overlap| Policies {
        catch_up,
        overlap,
        ..Policies::default()
    };
    let all = |max_runs, hours: i64| CatchUp::All {
        max_runs,
        window_ms: hours * 3_600_000,
    };
    let within_two_hours = Policies {
        start_deadline_ms: Some(2 * 3_600_000),
        ..of(all(100, 24), Overlap::Allow)
    };
    [
        (
            "none",
            of(CatchUp::None, Overlap::Allow),
            "MISSED MISSED MISSED MISSED MISSED MISSED",
        ),
        (
            "latest",
            of(CatchUp::Latest, Overlap::Allow),
            "MISSED MISSED MISSED MISSED MISSED FIRED",
        ),
        (
            "default",
            Policies::default(),
            "MISSED MISSED MISSED MISSED MISSED FIRED",
        ),
        (
            "all",
            of(all(100, 24), Overlap::Allow),
            "FIRED FIRED FIRED FIRED FIRED FIRED",
        ),
        (
            "at-most-three",
            of(all(3, 24), Overlap::Allow),
            "MISSED MISSED MISSED FIRED FIRED FIRED",
        ),
        (
            "of-two-hours",
            of(all(100, 2), Overlap::Allow),
            "MISSED MISSED MISSED MISSED FIRED FIRED",
        ),
        (
            "skip",
            of(all(100, 24), Overlap::Skip),
            "FIRED SKIPPED_OVERLAP SKIPPED_OVERLAP SKIPPED_OVERLAP SKIPPED_OVERLAP SKIPPED_OVERLAP",
        ),
        (
            "queue-one",
            of(all(100, 24), Overlap::QueueOne),
            "FIRED WAITING COALESCED COALESCED COALESCED COALESCED",
        ),
        (
            "queue-three",
            of(all(100, 24), Overlap::QueueAll { max: 3 }),
            "FIRED WAITING WAITING WAITING SKIPPED_OVERLAP SKIPPED_OVERLAP",
        ),
        (
            "make-way",
            of(CatchUp::Latest, Overlap::CancelRunning),
            "MISSED MISSED MISSED MISSED MISSED FIRED",
        ),
        (
            "start-deadline",
            within_two_hours,
            "EXPIRED EXPIRED EXPIRED EXPIRED FIRED FIRED",
        ),
    ]
}

/// Makes as many like the schedule `key` that there are [`EACH`].
async fn multiply(world: &World, key: &str) {
    let copied = world
        .execute(
            "WITH copies AS (
                INSERT INTO schedules (tenant_id, id, key, workflow_id, calendars, spec)
                SELECT tenant_id, gen_random_uuid(), key || '-' || number, workflow_id, calendars, spec
                FROM schedules, generate_series(2, $2) AS number
                WHERE key = $1
                RETURNING tenant_id, id
            )
            INSERT INTO schedule_states (tenant_id, schedule_id, partition, state, changed_at, settled_until, follows, next_due)
            SELECT c.tenant_id, c.id, s.partition, s.state, s.changed_at, s.settled_until, s.follows, s.next_due
            FROM copies AS c, schedule_states AS s
            JOIN schedules AS o ON (o.tenant_id, o.id) = (s.tenant_id, s.schedule_id)
            WHERE o.key = $1",
            &[&key, &EACH],
        )
        .await;
    assert_eq!(copied, u64::from(EACH.unsigned_abs()) - 1);
}

#[tokio::test]
async fn a_thousand_schedules_of_each_policy_yield_what_it_says_after_six_hours_without_a_scheduler() {
    let clockwork = Clockwork::new().await;
    let world = &clockwork.world;
    let scheduler = world.scheduler();
    for (key, policies, _) in policies() {
        clockwork.schedule(key, clockwork.hourly(), policies).await;
        multiply(world, key).await;
    }
    clockwork.until_settled().await;
    scheduler.stop().await;
    world.advance(6 * HOUR).await;
    let _schedulers = [world.scheduler(), world.scheduler()];
    clockwork.until_settled().await;
    let mut told: Vec<String> = world
        .column(
            "SELECT format('%s of %s: %s', count(*), key, outcomes)
             FROM (
                SELECT regexp_replace(s.key, '-[0-9]+$', '') AS key, string_agg(o.outcome, ' ' ORDER BY o.nominal) AS outcomes
                FROM schedules AS s JOIN occurrences AS o ON o.schedule_id = s.id
                GROUP BY s.id, s.key
             ) AS schedule
             GROUP BY key, outcomes",
            &[],
        )
        .await;
    let mut expected: Vec<String> = policies()
        .iter()
        .map(|(key, _, outcomes)| format!("{EACH} of {key}: {outcomes}"))
        .collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    let runs: bool = world
        .value(
            "SELECT (SELECT count(*) FROM runs) = (SELECT count(DISTINCT run_id) FROM occurrences WHERE outcome = 'FIRED')
                AND (SELECT count(*) FROM runs) = (SELECT count(*) FROM occurrences WHERE outcome = 'FIRED')",
            &[],
        )
        .await;
    assert!(
        runs,
        "each that fired has a run of its own, and there are no others"
    );
}
