//! A line of a log as clients see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result};
use waterclock_core::id::TaskRunId;
use waterclock_core::store::log_lines::{LogPage, PrintedLine};
use waterclock_core::work;

use crate::graphql::connection::{Connection, Page};
use crate::graphql::event::encode;
use crate::graphql::journal::{PageOf, load};
use crate::graphql::scalar::DateTime;

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "work::LogStream")]
pub(crate) enum LogStream {
    /// The program's standard output.
    Stdout,
    /// The program's standard error.
    Stderr,
    /// A remark of the executor's: what it started, why it stopped it, where output was cut.
    System,
}

/// One line that an attempt printed.
pub(crate) struct LogLine(pub(crate) Arc<PrintedLine>);

/// One line that an attempt printed.
#[Object]
impl LogLine {
    /// The place of this line; given as `after`, a list or a subscription goes on behind it.
    async fn cursor(&self) -> String {
        encode(self.0.place)
    }

    /// The number of the attempt.
    async fn attempt(&self) -> i32 {
        self.0.place.attempt
    }

    /// The number of the line within the attempt, from 1.
    async fn number(&self) -> i32 {
        self.0.place.number
    }

    /// Where it came from.
    async fn stream(&self) -> LogStream {
        self.0.stream.into()
    }

    /// The line.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// When the executor read it, by the clock of its machine.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }
}

/// A page of a task run's log, or of one attempt's part of it.
pub(crate) async fn log(
    context: &Context<'_>,
    task_run: TaskRunId,
    page: Page,
    attempt: Option<i32>,
) -> Result<Connection<LogLine>> {
    let wanted = LogPage {
        after: page.after_as()?.unwrap_or_default(),
        attempt,
        limit: page.limit(),
    };
    let rows = load(
        context,
        PageOf {
            of: task_run,
            page: wanted,
        },
    )
    .await?
    .unwrap_or_default();
    Ok(page.connection(rows, |line| line.place.to_string(), LogLine))
}
