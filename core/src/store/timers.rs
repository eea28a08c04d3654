//! Timers: what a scheduler is to look at, and when.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{RunId, TaskRunId, TenantId};
use crate::run::TimerKind;

/// When a timer is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// So many milliseconds from now.
    AfterMs(i64),
    /// At this instant.
    At(DateTime<Utc>),
}

/// A timer that is to be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewTimer {
    pub(crate) tenant_id: TenantId,
    pub(crate) run_id: RunId,
    pub(crate) task_run_id: Option<TaskRunId>,
    pub(crate) fence: Option<i32>,
    pub(crate) kind: TimerKind,
    pub(crate) due: Due,
}

/// Sets timers.
pub(crate) async fn insert_timers(transaction: &Transaction, timers: &[NewTimer]) -> Result<(), StoreError> {
    if timers.is_empty() {
        return Ok(());
    }
    let after = |timer: &NewTimer| match timer.due {
        Due::AfterMs(ms) => Some(ms),
        Due::At(_) => None,
    };
    let at = |timer: &NewTimer| match timer.due {
        Due::AfterMs(_) => None,
        Due::At(at) => Some(at),
    };
    Fixed(
        statement!("insert_timers")
            .bind::<Array<SqlUuid>, _>(timers.iter().map(|t| t.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(timers.iter().map(|t| t.tenant_id.partition()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(timers.iter().map(|t| t.kind.as_str()).collect::<Vec<_>>())
            .bind::<Array<Nullable<BigInt>>, _>(timers.iter().map(after).collect::<Vec<_>>())
            .bind::<Array<Nullable<Timestamptz>>, _>(timers.iter().map(at).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(timers.iter().map(|t| t.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(
                timers
                    .iter()
                    .map(|t| t.task_run_id.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Integer>>, _>(timers.iter().map(|t| t.fence).collect::<Vec<_>>()),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}

/// A timer that is due.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct DueTimer {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) run_id: Uuid,
}

/// The first timers of the partition that are due.
pub(crate) async fn list_due_timers(
    transaction: &mut Transaction,
    partition: i16,
) -> Result<Vec<DueTimer>, StoreError> {
    Ok(
        Fixed(statement!("list_due_timers").bind::<SmallInt, _>(partition))
            .load(&mut **transaction)
            .await?,
    )
}

/// A timer that this transaction has taken away.
#[derive(Clone, Debug)]
pub(crate) struct TakenTimer {
    pub(crate) run_id: RunId,
    pub(crate) task_run_id: Option<TaskRunId>,
    pub(crate) fence: Option<i32>,
    pub(crate) kind: TimerKind,
}

/// Takes those of the timers away that are still there.
pub(crate) async fn take_timers(
    transaction: &mut Transaction,
    due: &[DueTimer],
) -> Result<Vec<TakenTimer>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        task_run_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<Integer>)]
        fence: Option<i32>,
        #[diesel(sql_type = Text)]
        kind: String,
    }
    let rows: Vec<Row> = Fixed(
        statement!("take_timers")
            .bind::<Array<SqlUuid>, _>(due.iter().map(|timer| timer.tenant_id).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(due.iter().map(|timer| timer.id).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = row
                .kind
                .parse()
                .map_err(|unknown| StoreError::Unreadable(format!("the kind of a timer: {unknown}")))?;
            Ok(TakenTimer {
                run_id: row.run_id.into(),
                task_run_id: row.task_run_id.map(Into::into),
                fence: row.fence,
                kind,
            })
        })
        .collect()
}

/// Takes away the timers of runs that have ended.
pub(crate) async fn forget_timers(
    transaction: &Transaction,
    tenant: TenantId,
    runs: &[RunId],
) -> Result<(), StoreError> {
    use super::schema::timers;
    use diesel::{ExpressionMethods, QueryDsl};

    diesel::delete(
        timers::table
            .filter(timers::tenant_id.eq(tenant.0))
            .filter(timers::run_id.eq_any(runs.iter().map(|run| run.0))),
    )
    .execute(&mut &**transaction)
    .await?;
    Ok(())
}
