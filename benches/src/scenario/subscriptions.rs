//! Two thousand subscribers, each to a run of its own, and a hundred events a second among them.
//!
//! An event bears the instant at which its transaction began. That stands for the commit here, so a figure includes the
//! transaction itself; the floor, a NOTIFY that is heard by one listener, is measured in the same way.

use std::time::Duration;

use anyhow::ensure;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use super::NOBODY;
use crate::client::Api;
use crate::definitions;
use crate::figures::{Sample, millis_of_micros, now_micros, number};
use crate::floor::Floor;
use crate::profile::Profile;
use crate::session::Session;
use crate::socket::{Arrival, RunEvents};
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

const WORKFLOW: &str = "waiting";
const EVENTS_PER_SECOND: u32 = 100;
/// A run that is cancelled while it waits: it was asked to stop, its task run was stopped, it was stopped.
const EVENTS_PER_CANCELLATION: u32 = 3;
/// Sockets that are opened at once.
const OPENED_AT_ONCE: usize = 64;
/// How long after the last cancellation its events may arrive.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start(session).await?;
    let floor = Floor::beneath(&stack).await?;
    stack
        .define(&[definitions::no_op(), definitions::single(WORKFLOW, Some(NOBODY))])
        .await?;
    let subscriptions = session.amount(2_000, 200);
    let cancelled = session.amount(500, 100);
    let row = |percentile| {
        Row::new(
            format!("subscriptions, {subscriptions} sockets, {percentile}"),
            Unit::Millis,
        )
    };
    let mut median = row("p50").above("NOTIFY to one listener");
    let mut tail = row("p99")
        .with_aim(Aim::AtMost(100.0))
        .above("NOTIFY to one listener");
    for _ in 0..session.rounds {
        let runs = stack.api().start_runs(WORKFLOW, subscriptions).await?;
        let listeners = subscribe(stack.api(), runs.clone()).await?;
        let profile = Profile::begin(&stack).await?;
        let heard = cancel_paced(stack.api(), listeners, &runs[..cancelled]).await?;
        let mut told = vec![format!("{:.0} events/s", heard.events_per_second)];
        told.extend(profile.tell(heard.events).await?);
        tail.remark(told);
        median.add(heard.delays.median());
        tail.add(heard.delays.percentile(99));
        let notified = floor
            .paced_notifications(EVENTS_PER_SECOND, session.amount(1_000, 200))
            .await?;
        median.add_floor(notified.median());
        tail.add_floor(notified.percentile(99));
    }
    Ok(vec![median, tail])
}

/// Subscribes to each of `runs`, and returns once each subscription has given its first event: from then on it is live.
async fn subscribe(api: &Api, runs: Vec<String>) -> anyhow::Result<Vec<RunEvents>> {
    stream::iter(runs)
        .map(async |run| {
            let mut events = RunEvents::open(api, &run).await?;
            ensure!(
                events.next().await?.is_some(),
                "the subscription to a live run ended"
            );
            Ok(events)
        })
        // In the order of the runs.
        .buffered(OPENED_AT_ONCE)
        .try_collect()
        .await
}

/// What subscribers heard.
struct Heard {
    delays: Sample,
    events: usize,
    events_per_second: f64,
}

/// Cancels `runs`, to which the first of `listeners` are subscribed, at the pace of the events.
async fn cancel_paced(api: &Api, mut listeners: Vec<RunEvents>, runs: &[String]) -> anyhow::Result<Heard> {
    let idle = listeners.split_off(runs.len());
    // The others stay open, and are read, so that the service's pings are answered.
    let mut others = JoinSet::new();
    for events in idle {
        others.spawn(arrivals_of(events));
    }
    let mut concerned = JoinSet::new();
    for events in listeners {
        concerned.spawn(arrivals_of(events));
    }
    let (begun, began_at) = (Instant::now(), now_micros());
    let mut ticks = interval(Duration::from_secs(1) * EVENTS_PER_CANCELLATION / EVENTS_PER_SECOND);
    let mut calls = JoinSet::new();
    for run in runs {
        ticks.tick().await;
        let (api, run) = (api.clone(), run.clone());
        calls.spawn(async move { api.cancel_run(&run).await });
    }
    let length = begun.elapsed();
    while let Some(called) = calls.join_next().await {
        called??;
    }
    let mut delays = Sample::default();
    let mut events = 0;
    while let Some(arrivals) = timeout(PATIENCE, concerned.join_next()).await? {
        for arrival in arrivals??
            .into_iter()
            .filter(|arrival| arrival.happened >= began_at)
        {
            delays.add(millis_of_micros(arrival.received - arrival.happened));
            events += 1;
        }
    }
    Ok(Heard {
        delays,
        events,
        events_per_second: number(events) / length.as_secs_f64(),
    })
}

/// Everything that a subscription gives until its run has ended.
async fn arrivals_of(mut events: RunEvents) -> anyhow::Result<Vec<Arrival>> {
    let mut arrivals = Vec::new();
    while let Some(arrival) = events.next().await? {
        arrivals.push(arrival);
    }
    Ok(arrivals)
}
