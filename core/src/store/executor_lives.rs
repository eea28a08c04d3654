//! Executors as tenants see them: their own, and those that the platform shares with all.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Float, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use std::collections::HashMap;
use uuid::Uuid;

use super::schema::{dispatch, executors};
use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::executor::ExecutorState;
use crate::id::{ExecutorId, TenantId};

/// One life of an executor.
#[derive(Clone, Debug, PartialEq)]
pub struct Executor {
    /// Names this life.
    pub id: ExecutorId,
    /// The only tenant it works for; the platform for a shared one.
    pub tenant_id: TenantId,
    /// Its name among people.
    pub key: String,
    /// Its machine.
    pub hostname: String,
    /// How it holds process trees.
    pub containment: String,
    /// What it offers.
    pub labels: Vec<String>,
    /// The cost it carries at once.
    pub slots: i32,
    /// The share of its machine's processors in use, by its last heartbeat.
    pub cpu: f32,
    /// The share of its machine's memory in use, by its last heartbeat.
    pub memory: f32,
    /// What it is.
    pub state: ExecutorState,
    /// When this life began.
    pub registered_at: DateTime<Utc>,
    /// When it last spoke.
    pub heartbeat_at: DateTime<Utc>,
    /// When this life ended.
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    hostname: String,
    #[diesel(sql_type = Text)]
    containment: String,
    #[diesel(sql_type = Array<Text>)]
    labels: Vec<String>,
    #[diesel(sql_type = Integer)]
    slots: i32,
    #[diesel(sql_type = Float)]
    cpu: f32,
    #[diesel(sql_type = Float)]
    memory: f32,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Timestamptz)]
    registered_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    heartbeat_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Executor {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let state = row.state.parse().map_err(|unknown| {
            StoreError::Unreadable(format!("the state of the executor {}: {unknown}", row.id))
        })?;
        Ok(Self {
            id: row.id.into(),
            tenant_id: row.tenant_id.into(),
            key: row.key,
            hostname: row.hostname,
            containment: row.containment,
            labels: row.labels,
            slots: row.slots,
            cpu: row.cpu,
            memory: row.memory,
            state,
            registered_at: row.registered_at,
            heartbeat_at: row.heartbeat_at,
            ended_at: row.ended_at,
        })
    }
}

/// A page of the executors that a tenant may see.
#[derive(Clone, Copy, Debug)]
pub struct ExecutorPage {
    /// Those older than this life.
    pub before: Option<ExecutorId>,
    /// Also lives that have ended.
    pub ended: bool,
    /// At most so many.
    pub limit: i64,
}

/// The youngest executors that the tenant may see.
pub async fn list_executors(
    transaction: &mut Transaction,
    tenant: TenantId,
    page: ExecutorPage,
) -> Result<Vec<Executor>, StoreError> {
    let rows: Vec<Row> = Fixed(
        statement!("list_executors")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<SqlUuid, _>(page.before.map_or(Uuid::max(), |executor| executor.0))
            .bind::<Bool, _>(page.ended)
            .bind::<BigInt, _>(page.limit),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The executors that `ids` name, as far as the tenant may see them.
pub async fn list_executors_by_id(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[ExecutorId],
) -> Result<Vec<Executor>, StoreError> {
    let rows: Vec<Row> = Fixed(
        statement!("list_executors_by_id")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The executor that `key` names among those that the tenant may see.
pub async fn find_executor(
    transaction: &mut Transaction,
    tenant: TenantId,
    key: &str,
) -> Result<Option<Executor>, StoreError> {
    let row: Option<Row> = Fixed(
        statement!("find_executor")
            .bind::<SqlUuid, _>(tenant.0)
            .bind::<Text, _>(key),
    )
    .get_result(&mut **transaction)
    .await
    .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// How many slots the tenant's attempts take now of each of the executors. What others' take is not the tenant's to see.
pub async fn count_used_slots(
    transaction: &mut Transaction,
    tenant: TenantId,
    ids: &[ExecutorId],
) -> Result<HashMap<ExecutorId, i64>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<(Option<Uuid>, Option<i64>)> = dispatch::table
        .filter(
            dispatch::tenant_id
                .eq(tenant.0)
                .and(dispatch::executor_id.eq_any(ids)),
        )
        // What was handed over to an endpoint takes no slot.
        .filter(dispatch::hold.is_null())
        .group_by(dispatch::executor_id)
        .select((dispatch::executor_id, diesel::dsl::sum(dispatch::cost)))
        .load(&mut **transaction)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, cost)| Some((id?.into(), cost?)))
        .collect())
}

/// Asks the owner's living executor to take nothing more; `false` when there is none with this id.
pub(crate) async fn request_drain(
    transaction: &mut Transaction,
    owner: TenantId,
    id: ExecutorId,
) -> Result<bool, StoreError> {
    let changed = diesel::update(executors::table)
        .filter(
            executors::tenant_id
                .eq(owner.0)
                .and(executors::id.eq(id.0))
                .and(executors::ended_at.is_null()),
        )
        .set(executors::drain_requested.eq(true))
        .execute(&mut **transaction)
        .await?;
    Ok(changed > 0)
}
