//! What attempts printed, read.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{TaskRunId, TenantId};
use crate::work::LogStream;

/// A place in the log of a task run: the line that was read last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogPlace {
    /// The attempt, from 1; 0 before the first.
    pub attempt: i32,
    /// The line within the attempt, from 1; 0 before the first.
    pub number: i32,
}

impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.attempt, self.number)
    }
}

impl FromStr for LogPlace {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (attempt, number) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self {
            attempt: attempt.parse()?,
            number: number.parse()?,
        })
    }
}

/// One line that an attempt printed.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedLine {
    /// Whose attempt.
    pub task_run_id: TaskRunId,
    /// Where it stands.
    pub place: LogPlace,
    /// Where it came from.
    pub stream: LogStream,
    /// The line.
    pub text: String,
    /// When the executor read it.
    pub at: DateTime<Utc>,
}

/// A page of the log of a task run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPage {
    /// Lines after this place.
    pub after: LogPlace,
    /// Those of this attempt; of all when absent.
    pub attempt: Option<i32>,
    /// At most so many.
    pub limit: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    task_run_id: Uuid,
    #[diesel(sql_type = Integer)]
    attempt: i32,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    stream: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl TryFrom<Row> for PrintedLine {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let stream = match row.stream.as_str() {
            "STDOUT" => LogStream::Stdout,
            "STDERR" => LogStream::Stderr,
            "SYSTEM" => LogStream::System,
            unknown => {
                return Err(StoreError::Unreadable(format!(
                    "the origin {unknown:?} of a log line"
                )));
            }
        };
        let place = LogPlace {
            attempt: row.attempt,
            number: row.number,
        };
        Ok(Self {
            task_run_id: row.task_run_id.into(),
            place,
            stream,
            text: row.text,
            at: row.at,
        })
    }
}

/// The same page of the log of each of the task runs; the lines of one task run in their order.
pub async fn list_log_lines(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_runs: &[TaskRunId],
    page: LogPage,
) -> Result<Vec<PrintedLine>, StoreError> {
    let after = page.after.max(LogPlace {
        attempt: page.attempt.unwrap_or(0),
        number: 0,
    });
    let rows: Vec<Row> = Fixed(
        statement!("list_log_lines")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|task_run| task_run.0).collect::<Vec<_>>())
            .bind::<Integer, _>(after.attempt)
            .bind::<Integer, _>(after.number)
            .bind::<BigInt, _>(page.limit)
            .bind::<Integer, _>(page.attempt.unwrap_or(i32::MAX)),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_it_is_written() {
        let place = LogPlace {
            attempt: 3,
            number: 17,
        };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "3", "3.", ".17", "3.17.1", "a.b"] {
            assert!(text.parse::<LogPlace>().is_err(), "{text}");
        }
    }
}
