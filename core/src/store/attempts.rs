//! Attempts, read: those that have ended, and the one under way.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{ExecutorId, TaskRunId, TenantId};
use crate::run::Outcome;

/// One numbered try of a task run.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// What is tried.
    pub task_run_id: TaskRunId,
    /// Its number, from 1.
    pub number: i32,
    /// Who has or had it.
    pub executor_id: ExecutorId,
    /// How it ended; absent while it is under way.
    pub outcome: Option<Outcome>,
    /// The program's exit code.
    pub exit_code: Option<i32>,
    /// The status of the endpoint's answer.
    pub http_status: Option<i32>,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// What it gave.
    pub output: Option<Value>,
    /// When its executor was chosen.
    pub assigned_at: DateTime<Utc>,
    /// When its executor started it, if it did.
    pub started_at: Option<DateTime<Utc>>,
    /// When its end was recorded; absent while it is under way.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A page of the attempts of a task run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptPage {
    /// Those after this number.
    pub after: Option<i32>,
    /// At most so many.
    pub limit: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    task_run_id: Uuid,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = SqlUuid)]
    executor_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    exit_code: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    http_status: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    output: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    assigned_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Attempt {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let outcome = row
            .outcome
            .map(|outcome| outcome.parse())
            .transpose()
            .map_err(|unknown| {
                let (number, task_run) = (row.number, row.task_run_id);
                StoreError::Unreadable(format!(
                    "the outcome of attempt {number} of the task run {task_run}: {unknown}"
                ))
            })?;
        Ok(Self {
            task_run_id: row.task_run_id.into(),
            number: row.number,
            executor_id: row.executor_id.into(),
            outcome,
            exit_code: row.exit_code,
            http_status: row.http_status,
            message: row.message,
            output: row.output,
            assigned_at: row.assigned_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

/// The same page of the attempts of each of the task runs; those of one task run in the order of their numbers.
pub async fn list_attempts(
    transaction: &mut Transaction,
    tenant: TenantId,
    task_runs: &[TaskRunId],
    page: AttemptPage,
) -> Result<Vec<Attempt>, StoreError> {
    let rows: Vec<Row> = Fixed(
        statement!("list_attempts")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(task_runs.iter().map(|task_run| task_run.0).collect::<Vec<_>>())
            .bind::<Integer, _>(page.after.unwrap_or(0))
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
