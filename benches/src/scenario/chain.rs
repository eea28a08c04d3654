//! Graphs in which the time between one node and the next is all the time there is.

use std::iter;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::client::uuid_of;
use crate::definitions;
use crate::figures::Sample;
use crate::floor::Floor;
use crate::profile::Profile;
use crate::session::Session;
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

const LENGTH: usize = 40;
const WIDTH: usize = 1_000;
const WORKFLOW: &str = "graph";
/// Runs a round, one after the other; the round's figure is their median.
const RUNS: usize = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(super) async fn measure_chain(session: &Session) -> anyhow::Result<Vec<Row>> {
    let row = Row::new("chain-40", Unit::Millis)
        .with_aim(Aim::AtMost(150.0))
        .above("41 commits in a row");
    let commits: Vec<i32> = iter::repeat_n(1, LENGTH + 1).collect();
    measure(session, row, definitions::chain(WORKFLOW, LENGTH), &commits).await
}

pub(super) async fn measure_fan(session: &Session) -> anyhow::Result<Vec<Row>> {
    let row = Row::new("fan-1000", Unit::Millis)
        .with_aim(Aim::AtMost(300.0))
        .above("commits of 1, 1,000 and 1 rows");
    let commits = [1, i32::try_from(WIDTH)?, 1];
    measure(session, row, definitions::fan(WORKFLOW, WIDTH), &commits).await
}

async fn measure(
    session: &Session,
    mut row: Row,
    workflow: serde_json::Value,
    commits: &[i32],
) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start(session).await?;
    let floor = Floor::beneath(&stack).await?;
    stack.define(&[definitions::no_op(), workflow]).await?;
    run_once(&stack).await?;
    floor.commits_in_a_row(commits).await?;
    for _ in 0..session.rounds {
        let (mut runs, mut floors) = (Sample::default(), Sample::default());
        let profile = Profile::begin(&stack).await?;
        for _ in 0..RUNS {
            runs.add(run_once(&stack).await?);
        }
        row.remark(profile.tell(RUNS).await?);
        for _ in 0..RUNS {
            floors.add(floor.commits_in_a_row(commits).await?);
        }
        row.add(runs.median());
        row.add_floor(floors.median());
    }
    Ok(vec![row])
}

/// How long a run takes from its acceptance to its end, in milliseconds.
async fn run_once(stack: &Stack) -> anyhow::Result<f64> {
    let run = stack.api().start_run(WORKFLOW, json!({})).await?;
    finished(stack, &run, LOOK_AGAIN).await
}

/// How long the run of the id takes from its acceptance to its success, in milliseconds; looked at every `pause`.
pub(super) async fn finished(stack: &Stack, run: &str, pause: Duration) -> anyhow::Result<f64> {
    let database = stack.database().await?;
    let statement = database
        .prepare(
            "SELECT state, extract(epoch FROM finished_at - created_at)::float8 * 1000
            FROM runs WHERE id = $1::text::uuid",
        )
        .await?;
    let id = uuid_of(run)?;
    loop {
        let row = database.query_one(&statement, &[&id]).await?;
        let (state, taken): (String, Option<f64>) = (row.get(0), row.get(1));
        match taken {
            Some(taken) if state == "SUCCEEDED" => return Ok(taken),
            Some(_) => anyhow::bail!("a run ended as {state}"),
            None => sleep(pause).await,
        }
    }
}
