//! Runs accepted when a call starts a thousand.

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::NOBODY;
use crate::client::Api;
use crate::definitions;
use crate::figures::number;
use crate::floor::Floor;
use crate::profile::Profile;
use crate::session::Session;
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

/// While one call is in the database, the next can be read and parsed.
const CLIENTS: usize = 2;
const WORKFLOW: &str = "waiting";

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start(session).await?;
    let floor = Floor::beneath(&stack).await?;
    stack
        .define(&[definitions::no_op(), definitions::single(WORKFLOW, Some(NOBODY))])
        .await?;
    let clients: Vec<Api> = (0..CLIENTS)
        .map(|_| stack.api().another())
        .collect::<Result<_, _>>()?;
    stack.api().start_runs(WORKFLOW, 1_000).await?;
    let mut row = Row::new("start-many, 1,000 a call", Unit::PerSecond)
        .with_aim(Aim::AtLeast(40_000.0))
        .above("rows, 1,000 a commit");
    let runs = session.amount(40_000, 4_000);
    for _ in 0..session.rounds {
        let profile = Profile::begin(&stack).await?;
        let begun = Instant::now();
        try_join_all(clients.iter().map(|api| api.start_runs(WORKFLOW, runs / CLIENTS))).await?;
        row.add(number(runs) / begun.elapsed().as_secs_f64());
        row.remark(profile.tell(runs).await?);
        row.add_floor(
            floor
                .rows_per_second(session.amount(1_000_000, 100_000), 1_000)
                .await?,
        );
    }
    Ok(vec![row])
}
