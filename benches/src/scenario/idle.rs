//! What `waterclock up` costs while nobody asks for anything, the database apart.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

use crate::machine::{self, ProcessorTime};
use crate::session::Session;
use crate::stack::Stack;
use crate::table::{Aim, Row, Unit};

/// How long the service has until it counts as idle.
const SETTLING: Duration = Duration::from_secs(10);

pub(super) async fn measure(session: &Session) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::start_with(session, &[]).await?;
    sleep(session.amount(SETTLING, Duration::from_secs(2))).await;
    let mut memory = Row::new("idle, resident", Unit::Megabytes).with_aim(Aim::AtMost(60.0));
    let mut processor = Row::new("idle, of a core", Unit::PercentOfACore).with_aim(Aim::AtMost(1.0));
    for _ in 0..session.rounds {
        let (before, begun) = (ProcessorTime::until_now(), Instant::now());
        sleep(session.amount(Duration::from_secs(20), Duration::from_secs(5))).await;
        let used = ProcessorTime::until_now().since(before).waterclock;
        processor.add(used / begun.elapsed().as_secs_f64() * 100.0);
        memory.add(machine::resident_megabytes(stack.pid()).context("the service has ended")?);
    }
    Ok(vec![memory, processor])
}
