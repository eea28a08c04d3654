//! The addresses by which endpoints finish attempts later.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Binary, Bool, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::statement::{Fixed, statement};
use super::{StoreError, Transaction};
use crate::id::{ExecutorId, RunId, TaskRunId, TenantId};
use crate::work::Lease;

/// An address for one attempt.
#[derive(Clone, Debug)]
pub(crate) struct NewCallback {
    pub(crate) lease: Lease,
    pub(crate) token_hash: Vec<u8>,
}

/// Records addresses. An attempt that has one already, because it is delivered again, gets the new one.
pub(crate) async fn insert_callbacks(
    transaction: &mut Transaction,
    callbacks: &[NewCallback],
) -> Result<(), StoreError> {
    Fixed(
        statement!("insert_callbacks")
            .bind::<Array<SqlUuid>, _>(callbacks.iter().map(|c| c.lease.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<Binary>, _>(
                callbacks
                    .iter()
                    .map(|c| c.token_hash.as_slice())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<SqlUuid>, _>(callbacks.iter().map(|c| c.lease.run_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(
                callbacks
                    .iter()
                    .map(|c| c.lease.task_run_id.0)
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<Integer>, _>(callbacks.iter().map(|c| c.lease.fence).collect::<Vec<_>>()),
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// What an endpoint says by calling back.
#[derive(Clone, Debug)]
pub(crate) struct CallbackAnswer {
    pub(crate) succeeded: bool,
    pub(crate) message: Option<String>,
    pub(crate) output: Option<Value>,
}

/// The attempt that an address is for, unless it was called before.
pub(crate) async fn find_callback(
    transaction: &mut Transaction,
    tenant: TenantId,
    token_hash: &[u8],
) -> Result<Option<Lease>, StoreError> {
    use super::schema::callbacks;
    use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl};

    let row: Option<(Uuid, Uuid, i32)> = callbacks::table
        .filter(
            callbacks::tenant_id
                .eq(tenant.0)
                .and(callbacks::token_hash.eq(token_hash)),
        )
        .filter(callbacks::answered_at.is_null())
        .select((callbacks::run_id, callbacks::task_run_id, callbacks::fence))
        .first(&mut **transaction)
        .await
        .optional()?;
    Ok(row.map(|(run, task_run, fence)| Lease {
        tenant_id: tenant,
        run_id: run.into(),
        task_run_id: task_run.into(),
        fence,
    }))
}

/// How an attempt stands whose endpoint calls back.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct Answered {
    /// It was given to this executor.
    #[diesel(sql_type = SqlUuid)]
    pub(crate) executor_id: Uuid,
    /// The executor has handed it over.
    #[diesel(sql_type = Bool)]
    pub(crate) deferred: bool,
}

/// Writes the answer down, once. Gives how the attempt stands, whose run is held; nothing when it has ended, or was answered.
pub(crate) async fn answer_callback(
    transaction: &mut Transaction,
    lease: &Lease,
    answer: &CallbackAnswer,
) -> Result<Option<Answered>, StoreError> {
    let rows: Vec<Answered> = Fixed(
        statement!("answer_callback")
            .bind::<SqlUuid, _>(lease.tenant_id.0)
            .bind::<SqlUuid, _>(lease.task_run_id.0)
            .bind::<Integer, _>(lease.fence)
            .bind::<Bool, _>(answer.succeeded)
            .bind::<Nullable<Text>, _>(answer.message.as_deref())
            .bind::<Nullable<Jsonb>, _>(answer.output.clone()),
    )
    .load(&mut **transaction)
    .await?;
    Ok(rows.into_iter().next())
}

/// An attempt that its executor has handed over.
#[derive(Clone, Debug)]
pub(crate) struct Deferred {
    pub(crate) lease: Lease,
    pub(crate) version_id: Uuid,
    pub(crate) node: i32,
    /// The run was told to stop what runs.
    pub(crate) stopping: bool,
    /// What the endpoint has said already.
    pub(crate) answer: Option<CallbackAnswer>,
}

/// Takes attempts over from `executor`, as far as it still has them, and keeps their runs still.
pub(crate) async fn defer_attempts(
    transaction: &mut Transaction,
    executor: ExecutorId,
    leases: &[Lease],
) -> Result<Vec<Deferred>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        run_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        task_run_id: Uuid,
        #[diesel(sql_type = Integer)]
        fence: i32,
        #[diesel(sql_type = SqlUuid)]
        version_id: Uuid,
        #[diesel(sql_type = Integer)]
        node: i32,
        #[diesel(sql_type = Bool)]
        stopping: bool,
        #[diesel(sql_type = Nullable<Bool>)]
        succeeded: Option<bool>,
        #[diesel(sql_type = Nullable<Text>)]
        message: Option<String>,
        #[diesel(sql_type = Nullable<Jsonb>)]
        output: Option<Value>,
    }
    let rows: Vec<Row> = Fixed(
        statement!("defer_attempts")
            .bind::<SqlUuid, _>(executor.0)
            .bind::<Array<SqlUuid>, _>(leases.iter().map(|lease| lease.tenant_id.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(leases.iter().map(|lease| lease.task_run_id.0).collect::<Vec<_>>())
            .bind::<Array<Integer>, _>(leases.iter().map(|lease| lease.fence).collect::<Vec<_>>()),
    )
    .load(&mut **transaction)
    .await?;
    let deferred = |row: Row| Deferred {
        lease: Lease {
            tenant_id: row.tenant_id.into(),
            run_id: RunId::from(row.run_id),
            task_run_id: TaskRunId::from(row.task_run_id),
            fence: row.fence,
        },
        version_id: row.version_id,
        node: row.node,
        stopping: row.stopping,
        answer: row.succeeded.map(|succeeded| CallbackAnswer {
            succeeded,
            message: row.message,
            output: row.output,
        }),
    };
    Ok(rows.into_iter().map(deferred).collect())
}
