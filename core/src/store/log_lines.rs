//! What attempts printed, read.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

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

/// One line that an attempt printed.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedLine {
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
            place,
            stream,
            text: row.text,
            at: row.at,
        })
    }
}

/// The lines of a page, in order.
pub async fn list_log_lines(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_run: TaskRunId,
    page: LogPage,
) -> Result<Vec<PrintedLine>, StoreError> {
    let rows: Vec<Row> = Fixed(
        statement!("list_log_lines")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(task_run.0)
            .bind::<Integer, _>(page.after.attempt)
            .bind::<Integer, _>(page.after.number)
            .bind::<BigInt, _>(page.limit)
            .bind::<Nullable<Integer>, _>(page.attempt),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
