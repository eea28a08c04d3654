//! Waiting runs of one no-op node each, done by one executor that arrives when all of them wait.

use futures_util::future::try_join_all;

use crate::definitions;
use crate::figures::number;
use crate::floor::Floor;
use crate::profile::Profile;
use crate::session::Session;
use crate::stack::{SLOTS, Stack};
use crate::table::{Aim, Row, Unit};

const LABEL: &str = "drain";
const WORKFLOW: &str = "drained";
/// Callers that fill the queue.
const CLIENTS: usize = 2;

pub(super) async fn measure(session: &Session, name: &str, runs: usize) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start(session).await?;
    let floor = Floor::beneath(&stack).await?;
    stack
        .define(&[definitions::no_op(), definitions::single(WORKFLOW, Some(LABEL))])
        .await?;
    let mut row = Row::new(name, Unit::PerSecond)
        .with_aim(Aim::AtLeast(12_000.0))
        .above("rows claimed 500 a commit, then marked as done");
    for _ in 0..session.rounds {
        try_join_all((0..CLIENTS).map(|_| stack.api().start_runs(WORKFLOW, runs / CLIENTS))).await?;
        let profile = Profile::begin(&stack).await?;
        let executor = stack.executor(LABEL, SLOTS, &[])?;
        stack.until_all_ended().await?;
        row.remark(profile.tell(runs).await?);
        drop(executor);
        row.add(number(runs) / seconds_of_last(&stack, runs).await?);
        row.add_floor(floor.claims_per_second(i32::try_from(runs)?).await?);
    }
    Ok(vec![row])
}

/// How long it was from the first start to the last end, of the latest `runs` runs.
async fn seconds_of_last(stack: &Stack, runs: usize) -> anyhow::Result<f64> {
    let row = stack
        .database()
        .await?
        .query_one(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8
            FROM (SELECT finished_at, started_at FROM runs ORDER BY id DESC LIMIT $1) AS latest",
            &[&i64::try_from(runs)?],
        )
        .await?;
    Ok(row.get(0))
}
