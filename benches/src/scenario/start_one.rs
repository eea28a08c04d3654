//! Runs accepted when each is a call of its own, from ten clients at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
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

const CLIENTS: u32 = 10;
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
    start_one_by_one(&clients, 500).await?;
    let mut row = Row::new("start-one, 10 clients", Unit::PerSecond)
        .with_aim(Aim::AtLeast(4_000.0))
        .above("one-row commits, 10 connections");
    for _ in 0..session.rounds {
        let profile = Profile::begin(&stack).await?;
        let runs = session.amount(20_000, 2_000);
        let taken = start_one_by_one(&clients, runs).await?;
        row.add(number(runs) / taken.as_secs_f64());
        row.remark(profile.tell(runs).await?);
        row.add_floor(
            floor
                .commits_per_second(
                    CLIENTS,
                    session.amount(Duration::from_secs(5), Duration::from_secs(1)),
                )
                .await?,
        );
    }
    Ok(vec![row])
}

/// How long the clients take for `runs` calls, of which each does the next when it has done one.
async fn start_one_by_one(clients: &[Api], runs: usize) -> anyhow::Result<Duration> {
    let made = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for api in clients {
        let (api, made) = (api.clone(), Arc::clone(&made));
        tasks.spawn(async move {
            while made.fetch_add(1, Ordering::Relaxed) < runs {
                api.start_run(WORKFLOW, json!({})).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(begun.elapsed())
}
