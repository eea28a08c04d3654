//! Jobs that do something to many runs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::registry::sql::present;
use super::schema::bulk_jobs;
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::bulk::{BulkAction, BulkJob, BulkJobState, BulkRefusal, Matched};
use crate::id::{BulkJobId, RunId, TenantId};
use crate::store::runs::RunFilter;

#[derive(Queryable, Selectable)]
#[diesel(table_name = bulk_jobs)]
struct Row {
    id: Uuid,
    action: Value,
    filter: Value,
    state: String,
    state_reason: Option<String>,
    matched: i32,
    matches_more: bool,
    succeeded: i32,
    refused: i32,
    created_by: String,
    cancelled_by: Option<String>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for BulkJob {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = BulkJobId::from(row.id);
        let state = row
            .state
            .parse()
            .map_err(|unknown| StoreError::Unreadable(format!("the bulk job {id}: {unknown}")))?;
        Ok(Self {
            id,
            action: read(id, row.action)?,
            filter: read(id, row.filter)?,
            state,
            state_reason: row.state_reason,
            matched: Matched {
                count: row.matched,
                more: row.matches_more,
            },
            succeeded: row.succeeded,
            refused: row.refused,
            created_by: row.created_by,
            cancelled_by: row.cancelled_by,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

fn read<T: DeserializeOwned>(id: BulkJobId, value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value)
        .map_err(|error| StoreError::Unreadable(format!("the bulk job {id}: {error}")))
}

fn written(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("what is done to which runs is JSON")
}

/// A job that is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) id: BulkJobId,
    pub(crate) action: &'a BulkAction,
    pub(crate) filter: &'a RunFilter,
    pub(crate) matched: Matched,
    pub(crate) created_by: &'a str,
}

/// Records a job.
pub(crate) async fn insert_bulk_job(
    transaction: &mut Transaction,
    tenant: TenantId,
    new: &NewJob<'_>,
) -> Result<BulkJob, StoreError> {
    let row: Row = diesel::insert_into(bulk_jobs::table)
        .values((
            bulk_jobs::tenant_id.eq(tenant.0),
            bulk_jobs::id.eq(new.id.0),
            bulk_jobs::action.eq(written(new.action)),
            bulk_jobs::filter.eq(written(new.filter)),
            bulk_jobs::matched.eq(new.matched.count),
            bulk_jobs::matches_more.eq(new.matched.more),
            bulk_jobs::created_by.eq(new.created_by),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **transaction)
        .await?;
    row.try_into()
}

/// How many jobs of the tenant have not ended.
pub(crate) async fn count_open_bulk_jobs(
    transaction: &mut Transaction,
    tenant: TenantId,
) -> Result<i64, StoreError> {
    Ok(bulk_jobs::table
        .filter(
            bulk_jobs::tenant_id
                .eq(tenant.0)
                .and(bulk_jobs::finished_at.is_null()),
        )
        .count()
        .get_result(&mut **transaction)
        .await?)
}

/// The newest `limit` jobs that are older than `before`.
pub(crate) async fn list_bulk_jobs(
    transaction: &mut Transaction,
    tenant: TenantId,
    before: Option<BulkJobId>,
    limit: i64,
) -> Result<Vec<BulkJob>, StoreError> {
    let before = before.map_or(Uuid::max(), |job| job.0);
    let rows: Vec<Row> = bulk_jobs::table
        .filter(bulk_jobs::tenant_id.eq(tenant.0).and(bulk_jobs::id.lt(before)))
        .order(bulk_jobs::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The jobs that `ids` name, in no order.
pub(crate) async fn list_bulk_jobs_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[BulkJobId],
) -> Result<Vec<BulkJob>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = bulk_jobs::table
        .filter(bulk_jobs::tenant_id.eq(tenant.0).and(bulk_jobs::id.eq_any(ids)))
        .select(Row::as_select())
        .load(&mut **transaction)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The state of the job, which has no turn any more until the transaction ends.
pub(crate) async fn lock_bulk_job(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: BulkJobId,
) -> Result<Option<BulkJobState>, StoreError> {
    let state: Option<String> = bulk_jobs::table
        .find((tenant.0, id.0))
        .for_update()
        .select(bulk_jobs::state)
        .first(&mut **transaction)
        .await
        .optional()?;
    state
        .map(|state| state.parse())
        .transpose()
        .map_err(|unknown| StoreError::Unreadable(format!("the state of the bulk job {id}: {unknown}")))
}

/// How a job ends before every run was looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EarlyEnd<'a> {
    /// This subject cancelled it.
    CancelledBy(&'a str),
    /// The service could not go on with it, for this reason.
    Failed(&'a str),
}

/// Ends a job that has not ended; whether it had not.
pub(crate) async fn end_bulk_job(
    transaction: &mut Transaction,
    tenant: TenantId,
    id: BulkJobId,
    end: EarlyEnd<'_>,
) -> Result<bool, StoreError> {
    let (state, by, reason) = match end {
        EarlyEnd::CancelledBy(subject) => (BulkJobState::Cancelled, Some(subject), None),
        EarlyEnd::Failed(reason) => (BulkJobState::Failed, None, Some(reason)),
    };
    let open = bulk_jobs::table
        .find((tenant.0, id.0))
        .filter(bulk_jobs::finished_at.is_null());
    let ended = diesel::update(open)
        .set((
            bulk_jobs::state.eq(state.as_str()),
            bulk_jobs::state_reason.eq(reason),
            bulk_jobs::cancelled_by.eq(by),
            bulk_jobs::finished_at.eq(present().nullable()),
        ))
        .execute(&mut **transaction)
        .await?;
    Ok(ended > 0)
}

/// A job that has its turn.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct TakenJob {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb)]
    action: Value,
    #[diesel(sql_type = Jsonb)]
    filter: Value,
    #[diesel(sql_type = Integer)]
    pub(crate) refused: i32,
    #[diesel(sql_type = SqlUuid)]
    looked_until: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) created_by: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

impl TakenJob {
    pub(crate) fn tenant(&self) -> TenantId {
        self.tenant_id.into()
    }

    pub(crate) fn id(&self) -> BulkJobId {
        self.id.into()
    }

    pub(crate) fn looked_until(&self) -> RunId {
        self.looked_until.into()
    }

    /// What is done to each run. A job of a later release may not be readable.
    pub(crate) fn action(&self) -> Result<BulkAction, StoreError> {
        read(self.id(), self.action.clone())
    }

    /// Which runs are meant, of those that were accepted before the job was.
    pub(crate) fn filter(&self) -> Result<RunFilter, StoreError> {
        let filter: RunFilter = read(self.id(), self.filter.clone())?;
        let before = filter.created_before.unwrap_or(self.created_at);
        Ok(RunFilter {
            created_before: Some(before.min(self.created_at)),
            ..filter
        })
    }
}

/// The job whose turn it is, which nobody else takes or ends until the transaction does.
pub(crate) async fn take_bulk_job(transaction: &mut Transaction) -> Result<Option<TakenJob>, StoreError> {
    Ok(Fixed(statement!("take_bulk_job"))
        .get_result(&mut **transaction)
        .await
        .optional()?)
}

/// What a turn of a job came to.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    /// To how many more runs it was done.
    pub(crate) succeeded: i32,
    /// How many more refused it.
    pub(crate) refused: i32,
    /// Those of them that are to be told.
    pub(crate) told: Vec<BulkRefusal>,
    /// The last run that was looked at.
    pub(crate) looked_until: RunId,
    /// Every run was.
    pub(crate) is_last: bool,
}

/// Writes down what the turn of a job came to.
pub(crate) async fn record_bulk_turn(
    transaction: &mut Transaction,
    job: &TakenJob,
    turn: &Turn,
) -> Result<(), StoreError> {
    let told = &turn.told;
    Fixed(
        statement!("record_bulk_turn")
            .bind::<SqlUuid, _>(job.tenant_id)
            .bind::<SqlUuid, _>(job.id)
            .bind::<Integer, _>(turn.succeeded)
            .bind::<Integer, _>(turn.refused)
            .bind::<Array<SqlUuid>, _>(told.iter().map(|refusal| refusal.run_id.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(told.iter().map(|refusal| &refusal.code).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(told.iter().map(|refusal| &refusal.message).collect::<Vec<_>>())
            .bind::<SqlUuid, _>(turn.looked_until.0)
            .bind::<Bool, _>(turn.is_last),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A page of the refusals of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefusalPage {
    /// By runs after this one.
    pub after: Option<RunId>,
    /// At most so many.
    pub limit: i64,
}

/// The same page of the refusals of each of the jobs; those of one job in the order of the runs.
pub(crate) async fn list_bulk_refusals(
    transaction: &mut Transaction,
    tenant: TenantId,
    jobs: &[BulkJobId],
    page: RefusalPage,
) -> Result<Vec<BulkRefusal>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        job_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Text)]
        message: String,
    }
    let rows: Vec<Row> = Fixed(
        statement!("list_bulk_refusals")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.0).collect::<Vec<_>>())
            .bind::<SqlUuid, _>(page.after.map_or(Uuid::nil(), |run| run.0))
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    let refusal = |row: Row| BulkRefusal {
        job_id: row.job_id.into(),
        run_id: row.run_id.into(),
        code: row.code,
        message: row.message,
    };
    Ok(rows.into_iter().map(refusal).collect())
}
