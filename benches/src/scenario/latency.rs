//! One run at a time: how long after the call its work starts.
//!
//! The call's instant is the client's, before anything is sent. That of the start is the database's, in the transaction by
//! which the executor takes the work; the clock is the same one.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::definitions;
use crate::figures::{Sample, millis_of_micros, now_micros};
use crate::floor::Floor;
use crate::profile::Profile;
use crate::session::Session;
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

const CALLS_PER_SECOND: u32 = 50;
const WORKFLOW: &str = "single";

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start(session).await?;
    let floor = Floor::beneath(&stack).await?;
    stack
        .define(&[definitions::no_op(), definitions::single(WORKFLOW, None)])
        .await?;
    let calls = session.amount(500, 100);
    start_paced(&stack, "warming", 50).await?;
    let row = |name, aim| {
        Row::new(name, Unit::Millis)
            .with_aim(Aim::AtMost(aim))
            .above("one-row commit")
    };
    let (mut median, mut tail) = (row("latency p50", 3.0), row("latency p99", 10.0));
    let mut ended = Row::new("latency p50, to the recorded end", Unit::Millis);
    for round in 0..session.rounds {
        let profile = Profile::begin(&stack).await?;
        let delays = start_paced(&stack, &format!("round {round}"), calls).await?;
        median.remark(profile.tell(calls).await?);
        median.add(delays.started.median());
        tail.add(delays.started.percentile(99));
        ended.add(delays.ended.median());
        let commits = floor.paced_commits(CALLS_PER_SECOND, calls).await?;
        median.add_floor(commits.median());
        tail.add_floor(commits.percentile(99));
    }
    Ok(vec![median, tail, ended])
}

/// How long after the call, in milliseconds, the first attempt of each run started, and the run was recorded as ended.
struct Delays {
    started: Sample,
    ended: Sample,
}

async fn start_paced(stack: &Stack, round: &str, calls: usize) -> anyhow::Result<Delays> {
    let mut tasks = JoinSet::new();
    let mut ticks = interval(Duration::from_secs(1) / CALLS_PER_SECOND);
    for _ in 0..calls {
        ticks.tick().await;
        let (api, round) = (stack.api().clone(), round.to_owned());
        tasks.spawn(async move {
            let called = now_micros();
            api.start_run(WORKFLOW, json!({"round": round, "called": called}))
                .await
        });
    }
    while let Some(called) = tasks.join_next().await {
        called??;
    }
    stack.until_all_ended().await?;
    read_delays(stack, round, calls).await
}

async fn read_delays(stack: &Stack, round: &str, calls: usize) -> anyhow::Result<Delays> {
    let rows = stack
        .database()
        .await?
        .query(
            "SELECT
                (extract(epoch FROM started_at) * 1000000)::bigint - (inputs ->> 'called')::bigint,
                (extract(epoch FROM finished_at) * 1000000)::bigint - (inputs ->> 'called')::bigint
            FROM runs
            WHERE inputs ->> 'round' = $1 AND state = 'SUCCEEDED'",
            &[&round],
        )
        .await?;
    ensure!(rows.len() == calls, "{} of {calls} runs succeeded", rows.len());
    Ok(Delays {
        started: rows.iter().map(|row| millis_of_micros(row.get(0))).collect(),
        ended: rows.iter().map(|row| millis_of_micros(row.get(1))).collect(),
    })
}
