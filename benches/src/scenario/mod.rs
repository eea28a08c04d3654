//! What is measured.

mod chain;
mod dags;
mod drain;
mod endpoint_calls;
mod graph;
mod idle;
mod latency;
mod schedules;
mod start_many;
mod start_one;
mod subscriptions;

use std::fmt;

use clap::ValueEnum;

use crate::session::Session;
use crate::table::Row;

/// A label that no executor offers: work that requires it waits, and nothing of it is done while something else is measured.
const NOBODY: &str = "nobody";

/// One part of the table, which can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// From the call to the start of the work, one run at a time
    Latency,
    /// Runs accepted, one a call
    StartOne,
    /// Runs accepted, a thousand a call
    StartMany,
    /// Runs done, with 20,000 waiting
    #[value(name = "drain-20k")]
    Drain20k,
    /// Runs done, with 200,000 waiting
    #[value(name = "drain-200k")]
    Drain200k,
    /// Forty nodes, one after the other
    #[value(name = "chain-40")]
    Chain40,
    /// A thousand nodes between a root and a join
    #[value(name = "fan-1000")]
    Fan1000,
    /// Real graphs of real runtimes
    Dags,
    /// The largest graph validated and saved, and paths of a wide one
    Graph,
    /// From the instant of a schedule to its run
    Schedules,
    /// From the commit to the subscriber
    Subscriptions,
    /// HTTP calls in flight in one executor
    EndpointCalls,
    /// What a service costs that has nothing to do
    Idle,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

impl Scenario {
    /// Measures it on a service of its own.
    pub(crate) async fn measure(self, session: &Session) -> anyhow::Result<Vec<Row>> {
        match self {
            Self::Latency => latency::measure(session).await,
            Self::StartOne => start_one::measure(session).await,
            Self::StartMany => start_many::measure(session).await,
            Self::Drain20k => drain::measure(session, "drain-20k", session.amount(20_000, 2_000)).await,
            Self::Drain200k => drain::measure(session, "drain-200k", session.amount(200_000, 5_000)).await,
            Self::Chain40 => chain::measure_chain(session).await,
            Self::Fan1000 => chain::measure_fan(session).await,
            Self::Dags => dags::measure(session).await,
            Self::Graph => graph::measure(session).await,
            Self::Schedules => schedules::measure(session).await,
            Self::Subscriptions => subscriptions::measure(session).await,
            Self::EndpointCalls => endpoint_calls::measure(session).await,
            Self::Idle => idle::measure(session).await,
        }
    }
}
